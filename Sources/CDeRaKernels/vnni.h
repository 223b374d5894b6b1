// Helpers of the kernels for x86-64 with VNNI, whose dot product multiplies unsigned bytes by signed ones. The including
// file defines `dpbusd(sums, codes, x)`: a 32-bit lane of `sums` plus four products.
#define UNSIGNED_BYTES 1
#include "codes.h"

typedef int32_t lanes32 __attribute__((vector_size(REGISTER_BYTES)));

/// The activations of 4 consecutive inputs, for every row.
INLINE lanes32 broadcast4(const int8_t *x) {
  int32_t four;
  memcpy(&four, x, sizeof four);
  return four - (lanes32){};
}

INLINE void dot(const weights w, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  lanes32 sums[MAX_GROUP][PARTS] = {};
  UNROLLED for (int g = 0; g < GROUPS; g++) {
    codes rows[PARTS];
    for (int p = 0; p < PARTS; p++) rows[p] = group_codes(w, g, p);
    for (int c = 0; c < n; c++) {
      lanes32 four = broadcast4(x + (size_t)c * stride + 4 * g);
      for (int p = 0; p < PARTS; p++) sums[c][p] = dpbusd(sums[c][p], rows[p], four);
    }
  }
  for (int c = 0; c < n; c++) memcpy(&dots[c], sums[c], sizeof dots[c]);
}
