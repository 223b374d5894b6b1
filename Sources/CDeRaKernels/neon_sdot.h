// Dots by the int8 dot product of ARMv8.2, which multiplies by a lane.
#include "neon.h"

/// sums[quarter] += 4 rows × 4 inputs of weights · lane `lane` of x, for the four quarters of a group.
#define ADD_LANE(sums, weights, x, lane)                                            \
  do {                                                                              \
    (sums)[0] = vdotq_laneq_s32((sums)[0], (weights)[0], x, lane);                  \
    (sums)[1] = vdotq_laneq_s32((sums)[1], (weights)[1], x, lane);                  \
    (sums)[2] = vdotq_laneq_s32((sums)[2], (weights)[2], x, lane);                  \
    (sums)[3] = vdotq_laneq_s32((sums)[3], (weights)[3], x, lane);                  \
  } while (0)

/// Adds group `g` of 4 inputs for all `n` columns; `x` has the 16 inputs it is among.
INLINE void add_group(int32x4_t sums[][4], const int8x16_t *weights, const int8x16_t *x, const int g, const int n) {
  for (int c = 0; c < n; c++) {
    switch (g % 4) {
      case 0: ADD_LANE(sums[c], weights, x[c], 0); break;
      case 1: ADD_LANE(sums[c], weights, x[c], 1); break;
      case 2: ADD_LANE(sums[c], weights, x[c], 2); break;
      case 3: ADD_LANE(sums[c], weights, x[c], 3); break;
    }
  }
}

/// The dots of one block with `n` columns by `sdot`.
INLINE void dot_lanes(const weights w, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  int32x4_t sums[MAX_GROUP][PARTS] = {};
  int8x16_t activations[MAX_GROUP], rows[PARTS];
  UNROLLED for (int g = 0; g < GROUPS; g++) {
    for (int c = 0; c < n && g % 4 == 0; c++) activations[c] = vld1q_s8(x + (size_t)c * stride + 4 * g);
    for (int part = 0; part < PARTS; part++) rows[part] = vreinterpretq_s8_u8((uint8x16_t)group_codes(w, g, part));
    add_group(sums, rows, activations, g, n);
  }
  for (int c = 0; c < n; c++) dots[c] = join(sums[c][0], sums[c][1], sums[c][2], sums[c][3]);
}
