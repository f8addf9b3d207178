/*
 * The floor with AVX-512: the work of floor.c, on one core with sixteen lanes.
 *
 * There a register is one row of the batch; here it is one unit of sixteen rows. So h·U is 64 multiply-adds whose factor from U is the same in
 * all lanes, and no lane is ever needed in another, neither there nor for dU. What it costs is a transpose of the table's rows when they are
 * picked, and of dz before it is scattered.
 *
 * In come token ids (N,T), the order of the rows, table = E·Wx + b (V,8), U = Wh (8,8) and dh (B,8), the gradient on the last state.
 * Out go, for every batch, the states (B/16,T+1,8,16), dtable (V,8) and dU (8,8).
 *
 * What was tried, on a Zen 5 core (gcc 12, ms of CPU time for one epoch of N=20,000, T=100, ids spread as the seed's; floor.c: 15.3, and 14.0
 * with 32 registers; `python -m benchmarks.floor` shows the last line):
 *     32 rows at a time, as two sets; all of backward, then all of dU, then the scatter       11.7
 *     ... backward, dU and scatter after every 20 steps, while they are in the nearest cache  11.4
 *     ... one set of 16 rows                                                                  10.2
 *     ... every array starts at a multiple of 64 bytes, or every second access is two          9.5
 * Of the last, forward takes 4.1 (tanh 2, transpose 1), backward 1.4, dU 1.5, scatter 3.
 * Small gain: masked broadcasts where rows are picked (0.2 of 11.9); places of their own for the commonest ids (0.4 of 12.3), since each
 * addition to one place waits for the one before. No gain: two rows in a register, as in floor.c, and a permutation for each factor (forward
 * 3.9 with 16 rows at a time, 4.3 with 32, 5.9 with 8); the division as an estimate with a Newton step, for all units or for some; the
 * states kept in registers from step to step; 10 or 34 steps instead of 20.
 */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "floor_clear.h"

#define LANES 16
#define STEPS 20 /* of backward, before dU and the scatter */
#define COMMON 4 /* ids 0..3, padding, start, unknown and the next, are most of all tokens */
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")
#define FMA _mm512_fmadd_ps

/* One where the processor can run the rest of this file. */
int floor_supported(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

INLINE __m512 set(float value) { return _mm512_set1_ps(value); }

/* As in floor.c: degree 13 over 6. */
INLINE __m512 tanh16(__m512 x) {
    x = _mm512_min_ps(_mm512_max_ps(x, set(-7.9053111f)), set(7.9053111f));
    const __m512 square = _mm512_mul_ps(x, x);
    __m512 p = set(-2.76076847742355e-16f);
    p = FMA(p, square, set(2.00018790482477e-13f));
    p = FMA(p, square, set(-8.60467152213735e-11f));
    p = FMA(p, square, set(5.12229709037114e-08f));
    p = FMA(p, square, set(1.48572235717979e-05f));
    p = FMA(p, square, set(6.37261928875436e-04f));
    p = FMA(p, square, set(4.89352455891786e-03f));
    __m512 q = set(1.19825839466702e-06f);
    q = FMA(q, square, set(1.18534705686654e-04f));
    q = FMA(q, square, set(2.26843463243900e-03f));
    q = FMA(q, square, set(4.89352518554385e-03f));
    return _mm512_div_ps(_mm512_mul_ps(x, p), q);
}

INLINE __m512 pairs(__m512d (*unpack)(__m512d, __m512d), __m512 a, __m512 b) {
    return _mm512_castpd_ps(unpack(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}

INLINE __m512d low_pairs(__m512d a, __m512d b) { return _mm512_unpacklo_pd(a, b); }
INLINE __m512d high_pairs(__m512d a, __m512d b) { return _mm512_unpackhi_pd(a, b); }

/* Transposes the 4x4 numbers that four registers have in each quarter. */
INLINE void transpose(__m512 v[4]) {
    const __m512 a = _mm512_unpacklo_ps(v[0], v[1]), b = _mm512_unpackhi_ps(v[0], v[1]);
    const __m512 c = _mm512_unpacklo_ps(v[2], v[3]), d = _mm512_unpackhi_ps(v[2], v[3]);
    v[0] = pairs(low_pairs, a, c);
    v[1] = pairs(high_pairs, a, c);
    v[2] = pairs(low_pairs, b, d);
    v[3] = pairs(high_pairs, b, d);
}

/* Eight units of sixteen rows, each of which lies somewhere else: a register a unit. */
INLINE void load_rows(const float *const *row, __m512 unit[H]) {
    UNROLL for (int k = 0; k < H; k += 4) {
        UNROLL for (int i = 0; i < 4; i++) {
            __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(row[i] + k));
            v = _mm512_mask_broadcast_f32x4(v, 0x00f0, _mm_loadu_ps(row[4 + i] + k));
            v = _mm512_mask_broadcast_f32x4(v, 0x0f00, _mm_loadu_ps(row[8 + i] + k));
            unit[k + i] = _mm512_mask_broadcast_f32x4(v, 0xf000, _mm_loadu_ps(row[12 + i] + k));
        }
        transpose(unit + k);
    }
}

/* sum += v·M for sixteen rows. */
INLINE void add_product(const __m512 v[H], const float *matrix, __m512 sum[H]) {
    UNROLL for (int k = 0; k < H; k++) {
        UNROLL for (int j = 0; j < H; j++) sum[j] = FMA(v[k], set(matrix[H * k + j]), sum[j]);
    }
}

/* The states of sixteen rows, hs (T+1,8,16), slot 0 (the initial state) already there. */
INLINE void forward(const int32_t *const *ids, long T, const float *table, const float *U, float *hs) {
    for (long t = 0; t < T; t++) {
        float *h_prev = hs + t * H * LANES, *h_t = h_prev + H * LANES;
        const float *row[LANES];
        __m512 z[H], h[H];
        UNROLL for (int i = 0; i < LANES; i++) row[i] = table + H * (long)ids[i][t];
        load_rows(row, z);
        UNROLL for (int k = 0; k < H; k++) h[k] = _mm512_load_ps(h_prev + k * LANES);
        add_product(h, U, z);
        UNROLL for (int k = 0; k < H; k++) _mm512_store_ps(h_t + k * LANES, tanh16(z[k]));
    }
}

/* So many steps back through time, from hs at the first of them: dzs (steps,8,16), and dh one step before the first. */
INLINE void backward(long steps, const float *UT, const float *hs, __m512 dh[H], float *dzs) {
    for (long t = steps - 1; t >= 0; t--) {
        const float *h_t = hs + (t + 1) * H * LANES;
        __m512 dz[H];
        UNROLL for (int k = 0; k < H; k++) {
            const __m512 h = _mm512_load_ps(h_t + k * LANES);
            dz[k] = _mm512_mul_ps(dh[k], _mm512_fnmadd_ps(h, h, set(1.0f)));
            _mm512_store_ps(dzs + (t * H + k) * LANES, dz[k]);
            dh[k] = _mm512_setzero_ps();
        }
        add_product(dz, UT, dh);
    }
}

/* dU[k][j] += h_prev[k] dz[j], the sixteen rows apart, in blocks that fit the registers. */
INLINE void recurrent_gradient(long steps, const float *hs, const float *dzs, __m512 dU[H][H]) {
    UNROLL for (int block = 0; block < 4; block++) {
        const int k0 = block / 2 * 4, j0 = block % 2 * 4;
        __m512 sum[4][4];
        UNROLL for (int k = 0; k < 4; k++) UNROLL for (int j = 0; j < 4; j++) sum[k][j] = dU[k0 + k][j0 + j];
        for (long t = 0; t < steps; t++) {
            const float *h = hs + (t * H + k0) * LANES, *dz = dzs + (t * H + j0) * LANES;
            UNROLL for (int k = 0; k < 4; k++) {
                const __m512 h_k = _mm512_load_ps(h + k * LANES);
                UNROLL for (int j = 0; j < 4; j++) sum[k][j] = FMA(h_k, _mm512_load_ps(dz + j * LANES), sum[k][j]);
            }
        }
        UNROLL for (int k = 0; k < 4; k++) UNROLL for (int j = 0; j < 4; j++) dU[k0 + k][j0 + j] = sum[k][j];
    }
}

INLINE void add_row(float *place, __m256 row) { _mm256_storeu_ps(place, _mm256_add_ps(_mm256_loadu_ps(place), row)); }

/* The scatter into dtable, and for common ids into a place that each lane has for itself. */
INLINE void scatter(const int32_t *const *ids, long first, long steps, const float *dzs, float *dtable, float common[LANES][COMMON * H]) {
    const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), high = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    for (long t = 0; t < steps; t++) {
        __m512 v[H];
        float *place[LANES];
        UNROLL for (int k = 0; k < H; k++) v[k] = _mm512_load_ps(dzs + (t * H + k) * LANES);
        transpose(v);
        transpose(v + 4);
        UNROLL for (int i = 0; i < LANES; i++) {
            const long id = ids[i][first + t];
            place[i] = (id < COMMON ? common[i] : dtable) + H * id;
        }
        UNROLL for (int i = 0; i < 4; i++) {
            const __m512d a = _mm512_castps_pd(v[i]), b = _mm512_castps_pd(v[4 + i]);
            const __m512 first_rows = _mm512_castpd_ps(_mm512_permutex2var_pd(a, low, b));
            const __m512 last_rows = _mm512_castpd_ps(_mm512_permutex2var_pd(a, high, b));
            add_row(place[i], _mm512_castps512_ps256(first_rows));
            add_row(place[4 + i], _mm512_extractf32x8_ps(first_rows, 1));
            add_row(place[8 + i], _mm512_castps512_ps256(last_rows));
            add_row(place[12 + i], _mm512_extractf32x8_ps(last_rows, 1));
        }
    }
}

static void batch(const int32_t *ids, const int64_t *rows, long B, long T, long V, const float *table, const float *U, const float *UT,
                  const float *dh_last, float *hs, float *dzs, float *dtable, float *dU_rows) {
    __m512 dU[H][H];
    float common[LANES][COMMON * H] __attribute__((aligned(64)));
    memset(dU, 0, sizeof dU);
    memset(common, 0, sizeof common);
    for (long s = 0; s < B; s += LANES) {
        const int32_t *row[LANES];
        const float *dh_row[LANES];
        float *h = hs + s * (T + 1) * H;
        __m512 dh[H];
        for (int i = 0; i < LANES; i++) row[i] = ids + rows[s + i] * T;
        for (int i = 0; i < LANES; i++) dh_row[i] = dh_last + H * (s + i);
        forward(row, T, table, U, h);
        load_rows(dh_row, dh);
        for (long end = T; end > 0; end -= STEPS) {
            const long first = end > STEPS ? end - STEPS : 0;
            const float *h_first = h + first * H * LANES;
            backward(end - first, UT, h_first, dh, dzs);
            recurrent_gradient(end - first, h_first, dzs, dU);
            scatter(row, first, end - first, dzs, dtable, common);
        }
    }
    for (int k = 0; k < H; k++) {
        for (int j = 0; j < H; j++) dU_rows[H * k + j] = _mm512_reduce_add_ps(dU[k][j]);
    }
    for (int i = 0; i < LANES; i++) {
        for (int id = 0; id < COMMON && id < V; id++) add_row(dtable + H * id, _mm256_load_ps(common[i] + H * id));
    }
}

/*
 * Every batch of one epoch, the last, short one kept; N and B are multiples of 16. Arguments as in floor.c, but
 * hs (B/16,T+1,8,16) and dzs, at least (min(T,20),8,16), which start at multiples of 64 bytes.
 */
void floor_epoch(const int32_t *ids, const int64_t *rows, long N, long B, long T, long V, const float *table, const float *U,
                 const float *UT, const float *dh_last, float *hs, float *dzs, float *dtable, float *dU) {
    const long last = (N - 1) / B * B;
    for (long s = 0; s < N; s += B) {
        const long before = s ? s - B : last;
        clear(ids, rows + before, N - before < B ? N - before : B, T, V, dtable);
        batch(ids, rows + s, N - s < B ? N - s : B, T, V, table, U, UT, dh_last, hs, dzs, dtable, dU);
    }
}
