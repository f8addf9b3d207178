#include <stdint.h>
#include <string.h>

#define H 8

/* Zero in dtable what a batch has written: its own rows where the vocabulary is larger than the batch. */
static void clear(const int32_t *ids, const int64_t *rows, long B, long T, long V, float *dtable) {
    if (B * T >= V) {
        memset(dtable, 0, sizeof(float) * V * H);
        return;
    }
    for (long s = 0; s < B; s++) {
        for (long t = 0; t < T; t++) memset(dtable + H * (long)ids[rows[s] * T + t], 0, sizeof(float) * H);
    }
}
