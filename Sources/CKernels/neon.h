// Helpers of the kernels for 64-bit ARM.
#include <arm_neon.h>

#include "lanes.h"

/// Sums of rows 0...3, 4...7, 8...11 and 12...15.
INLINE i32x16 join(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d) {
  i32x16 v;
  memcpy(&v, &a, sizeof a);
  memcpy((char *)&v + 16, &b, sizeof b);
  memcpy((char *)&v + 32, &c, sizeof c);
  memcpy((char *)&v + 48, &d, sizeof d);
  return v;
}

/// Low nibbles of 16 bytes, or high ones.
INLINE uint8x16_t nibbles(uint8x16_t pairs, int high) {
  return high ? vshrq_n_u8(pairs, 4) : vandq_u8(pairs, vdupq_n_u8(15));
}

/// Bits 2i and 2i + 1 of 16 bytes.
INLINE uint8x16_t bit_pairs(uint8x16_t bytes, int i) { return (bytes >> (uint8_t)(2 * i)) & vdupq_n_u8(3); }

/// int6 codes 0...63 of group `g` of 4 columns, rows 4 quarter ... 4 quarter + 3.
INLINE int8x16_t six_bits(const uint8_t *codes, int g, int quarter) {
  uint8x16_t low = nibbles(vld1q_u8(codes + 64 * (g / 2) + 16 * quarter), g % 2);
  uint8x16_t high = bit_pairs(vld1q_u8(codes + 256 + 64 * (g / 4) + 16 * quarter), g % 4);
  return vreinterpretq_s8_u8(vsliq_n_u8(low, high, 4));
}
