// Dots by the int8 dot product of ARMv8.2, which multiplies by a lane.
#define PASS_PARTS(n) ((n) > 2 ? 2 : PARTS)
#include "neon.h"

/// sum + 4 rows × 4 inputs of weights · lane `lane` of x, a constant.
INLINE int32x4_t add_lane(int32x4_t sum, int8x16_t weights, int8x16_t x, const int lane) {
  switch (lane) {
    case 0: return vdotq_laneq_s32(sum, weights, x, 0);
    case 1: return vdotq_laneq_s32(sum, weights, x, 1);
    case 2: return vdotq_laneq_s32(sum, weights, x, 2);
    default: return vdotq_laneq_s32(sum, weights, x, 3);
  }
}

/// The dots of one block with `n` columns by `sdot`.
INLINE void dot_lanes(const weights w, const int8_t *x, size_t stride, const int n, i32_part dots[][PARTS]) {
  int8x16_t activations[MAX_GROUP];
  for (int c = 0; c < n; c++) memset(&dots[c][w.part], 0, (size_t)w.parts * sizeof dots[c][0]);
  UNROLLED for (int g = 0; g < GROUPS; g++) {
    // With four columns nothing may be loaded ahead: all registers are in use.
    if (n == 4 && g % 4 == 0) __asm__ volatile("" ::: "memory");
    for (int c = 0; c < n && g % 4 == 0; c++) activations[c] = vld1q_s8(x + (size_t)c * stride + 4 * g);
    for (int p = w.part; p < w.part + w.parts; p++) {
      int8x16_t rows = vreinterpretq_s8_u8((uint8x16_t)group_codes(w, g, p));
      for (int c = 0; c < n; c++) dots[c][p] = (i32_part)add_lane((int32x4_t)dots[c][p], rows, activations[c], g % 4);
    }
  }
}
