/*
 * The floor: the least time one AVX2 core needs for the recurrent part of a training epoch, or of a prediction, at H = 8 in float32.
 *
 * In come token ids (N,T), the order of the rows, table = E·Wx + b (V,8), U = Wh (8,8) and dh (B,8), the gradient on the last state.
 * Out go, for every batch, the states, dtable (V,8) and dU (8,8). Only this work is done: no head, no loss, no optimizer.
 *
 *     forward     h_t = tanh(table[ids_t] + h_prev·U)
 *     backward    dz_t = dh_t (1 - h_t²),   dh_prev = dz_t·Uᵀ,   dtable[ids_t] += dz_t,   dU = Σ h_prevᵀ·dz_t
 *
 * What was tried, on a Zen 5 core (gcc 12, one epoch of N=20,000, T=100; `python -m benchmarks.floor` shows the last line):
 *     4 rows interleaved, one chain of 8 multiply-adds, dtable in the first pass    22 ms
 *     8 rows, the chain split in two                                               16 ms
 *     16 rows, the chain split in two, dtable in the second pass                   15 ms
 *     16 rows forward, 32 rows backward                                            14 ms
 *     ... with the 32 registers that AVX-512VL adds (8 lanes still)                13 ms
 * With sixteen lanes: floor_avx512.c, 9 ms.
 * No gain: Estrin's order in the polynomials once 16 rows hide the latency; backward at once after each group's forward; units outermost.
 */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "floor_clear.h"

#ifndef BACKWARD_ROWS /* batches that are no multiple of it are built with fewer: -DBACKWARD_ROWS=1 for one row */
#define BACKWARD_ROWS 32
#endif
#define FORWARD_ROWS (BACKWARD_ROWS < 16 ? BACKWARD_ROWS : 16)
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 32")
#define FMA _mm256_fmadd_ps

/* One where the processor can run the rest of this file. */
int floor_supported(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

INLINE __m256 set(float value) { return _mm256_set1_ps(value); }

/* tanh as a ratio of polynomials, degree 13 over 6, for |x| clamped to where float32 tanh is one. Coefficients: Eigen's ptanh_float. */
INLINE __m256 tanh8(__m256 x) {
    x = _mm256_min_ps(_mm256_max_ps(x, set(-7.9053111f)), set(7.9053111f));
    const __m256 square = _mm256_mul_ps(x, x);
    __m256 p = set(-2.76076847742355e-16f);
    p = FMA(p, square, set(2.00018790482477e-13f));
    p = FMA(p, square, set(-8.60467152213735e-11f));
    p = FMA(p, square, set(5.12229709037114e-08f));
    p = FMA(p, square, set(1.48572235717979e-05f));
    p = FMA(p, square, set(6.37261928875436e-04f));
    p = FMA(p, square, set(4.89352455891786e-03f));
    __m256 q = set(1.19825839466702e-06f);
    q = FMA(q, square, set(1.18534705686654e-04f));
    q = FMA(q, square, set(2.26843463243900e-03f));
    q = FMA(q, square, set(4.89352518554385e-03f));
    return _mm256_div_ps(_mm256_mul_ps(x, p), q);
}

/* start + v·M for one row: two chains of four multiply-adds, since one chain of eight is twice the latency. */
INLINE __m256 row_times_matrix(const float *v, const __m256 *matrix, __m256 start) {
    __m256 even = FMA(_mm256_broadcast_ss(v), matrix[0], start);
    __m256 odd = _mm256_mul_ps(_mm256_broadcast_ss(v + 1), matrix[1]);
    UNROLL for (int k = 2; k < H; k += 2) {
        even = FMA(_mm256_broadcast_ss(v + k), matrix[k], even);
        odd = FMA(_mm256_broadcast_ss(v + k + 1), matrix[k + 1], odd);
    }
    return _mm256_add_ps(even, odd);
}

/* The states of FORWARD_ROWS rows, slot 0 (the initial state) already there. */
INLINE void forward(const int32_t *const *ids, long T, const float *table, const __m256 *U, float *hs) {
    const long stride = (T + 1) * H;
    for (long t = 0; t < T; t++) {
        float *h_prev = hs + t * H;
        __m256 z[FORWARD_ROWS];
        UNROLL for (int s = 0; s < FORWARD_ROWS; s++) z[s] = _mm256_loadu_ps(table + H * (long)ids[s][t]);
        UNROLL for (int s = 0; s < FORWARD_ROWS; s++) z[s] = row_times_matrix(h_prev + s * stride, U, z[s]);
        UNROLL for (int s = 0; s < FORWARD_ROWS; s++) _mm256_storeu_ps(h_prev + s * stride + H, tanh8(z[s]));
    }
}

/* First pass back through time for BACKWARD_ROWS rows: dzs, slot t holding dz of step t. */
INLINE void backward(long T, const __m256 *U_transposed, const float *hs, const float *dh_last, float *dzs) {
    const long stride = (T + 1) * H;
    __m256 dh[BACKWARD_ROWS];
    UNROLL for (int s = 0; s < BACKWARD_ROWS; s++) dh[s] = _mm256_loadu_ps(dh_last + H * s);
    for (long t = T - 1; t >= 0; t--) {
        const float *h_t = hs + (t + 1) * H;
        float *dz_t = dzs + t * H;
        UNROLL for (int s = 0; s < BACKWARD_ROWS; s++) {
            const __m256 h = _mm256_loadu_ps(h_t + s * stride);
            _mm256_storeu_ps(dz_t + s * stride, _mm256_mul_ps(dh[s], _mm256_fnmadd_ps(h, h, set(1.0f))));
        }
        UNROLL for (int s = 0; s < BACKWARD_ROWS; s++) {
            dh[s] = row_times_matrix(dz_t + s * stride, U_transposed, _mm256_setzero_ps());
        }
    }
}

/* Second pass over one row's stored dz: the scatter into dtable, and dU in eight registers. */
INLINE void gather_gradients(const int32_t *ids, long T, const float *hs, const float *dzs, float *dtable, __m256 *dU) {
    for (long t = 0; t < T; t++) {
        const __m256 dz = _mm256_loadu_ps(dzs + H * t);
        float *place = dtable + H * (long)ids[t];
        _mm256_storeu_ps(place, _mm256_add_ps(_mm256_loadu_ps(place), dz));
        UNROLL for (int k = 0; k < H; k++) dU[k] = FMA(_mm256_broadcast_ss(hs + H * t + k), dz, dU[k]);
    }
}

static void batch(const int32_t *ids, const int64_t *rows, long B, long T, const float *table, const float *U_rows, const float *UT_rows,
                  const float *dh_last, float *hs, float *dzs, float *dtable, float *dU_rows) {
    const long stride = (T + 1) * H;
    __m256 U[H], UT[H], dU[H];
    UNROLL for (int k = 0; k < H; k++) {
        U[k] = _mm256_loadu_ps(U_rows + H * k);
        UT[k] = _mm256_loadu_ps(UT_rows + H * k);
        dU[k] = _mm256_setzero_ps();
    }
    for (long s = 0; s < B; s += FORWARD_ROWS) {
        const int32_t *row[FORWARD_ROWS];
        for (int i = 0; i < FORWARD_ROWS; i++) row[i] = ids + rows[s + i] * T;
        forward(row, T, table, U, hs + s * stride);
    }
    for (long s = 0; s < B; s += BACKWARD_ROWS) {
        backward(T, UT, hs + s * stride, dh_last + s * H, dzs);
        for (int i = 0; i < BACKWARD_ROWS; i++) {
            gather_gradients(ids + rows[s + i] * T, T, hs + (s + i) * stride, dzs + i * stride, dtable, dU);
        }
    }
    UNROLL for (int k = 0; k < H; k++) _mm256_storeu_ps(dU_rows + H * k, dU[k]);
}

/*
 * Every batch of one epoch, the last, short one kept; N and B are multiples of BACKWARD_ROWS.
 *
 * ids (N,T), rows (N) 0..N-1, table (V,8), U and its transpose UT (8,8), dh_last (B,8), hs (B,T+1,8) with slot 0 set,
 * dzs (BACKWARD_ROWS,T+1,8) workspace, dtable (V,8), zero but for the last batch of the epoch before, and dU (8,8) overwritten by each batch.
 */
void floor_epoch(const int32_t *ids, const int64_t *rows, long N, long B, long T, long V, const float *table, const float *U,
                 const float *UT, const float *dh_last, float *hs, float *dzs, float *dtable, float *dU) {
    const long last = (N - 1) / B * B;
    for (long s = 0; s < N; s += B) {
        const long before = s ? s - B : last;
        clear(ids, rows + before, N - before < B ? N - before : B, T, V, dtable);
        batch(ids, rows + s, N - s < B ? N - s : B, T, table, U, UT, dh_last, hs, dzs, dtable, dU);
    }
}

/* The last states h_last (N,8) of N rows, a multiple of FORWARD_ROWS; hs (FORWARD_ROWS,T+1,8) workspace with slot 0 set. */
void floor_predict(const int32_t *ids, long N, long T, const float *table, const float *U_rows, float *hs, float *h_last) {
    __m256 U[H];
    UNROLL for (int k = 0; k < H; k++) U[k] = _mm256_loadu_ps(U_rows + H * k);
    for (long s = 0; s < N; s += FORWARD_ROWS) {
        const int32_t *row[FORWARD_ROWS];
        for (int i = 0; i < FORWARD_ROWS; i++) row[i] = ids + (s + i) * T;
        forward(row, T, table, U, hs);
        for (int i = 0; i < FORWARD_ROWS; i++) memcpy(h_last + (s + i) * H, hs + (i * (T + 1) + T) * H, sizeof(float) * H);
    }
}
