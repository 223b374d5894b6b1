// 64-bit ARM with the Advanced SIMD of ARMv8.0.
#if defined(__aarch64__)

#define HARDWARE_F16
#define MAX_GROUP 2
#include "neon.h"

/// The activations of 4 consecutive inputs, twice.
INLINE int8x8_t broadcast4(const int8_t *x) {
  int32_t four;
  memcpy(&four, x, sizeof four);
  return vreinterpret_s8_s32(vdup_n_s32(four));
}

INLINE void dot(const weights w, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  // Groups whose products can be added in 16 bits.
  const int span = (int)smaller(GROUPS, (size_t)(INT16_MAX / (127 * traits(w.kind).largest)));
  // Lanes 2 r and 2 r + 1 of the eight registers together belong to row r.
  int32x4_t sums[MAX_GROUP][2 * PARTS];
  UNROLLED for (int g = 0; g < GROUPS; g += span) {
    UNROLLED for (int part = 0; part < PARTS; part++) {
      int16x8_t products[MAX_GROUP][2];
      UNROLLED for (int j = 0; j < span; j++) {
        int8x16_t codes = vreinterpretq_s8_u8((uint8x16_t)group_codes(w, g + j, part));
        for (int c = 0; c < n; c++) {
          int8x8_t four = broadcast4(x + (size_t)c * stride + 4 * (g + j));
          int8x8_t low = vget_low_s8(codes), high = vget_high_s8(codes);
          products[c][0] = j == 0 ? vmull_s8(low, four) : vmlal_s8(products[c][0], low, four);
          products[c][1] = j == 0 ? vmull_s8(high, four) : vmlal_s8(products[c][1], high, four);
        }
      }
      for (int c = 0; c < n; c++) {
        for (int half = 0; half < 2; half++) {
          int32x4_t *sum = &sums[c][2 * part + half];
          *sum = g == 0 ? vpaddlq_s16(products[c][half]) : vpadalq_s16(*sum, products[c][half]);
        }
      }
    }
  }
  for (int c = 0; c < n; c++)
    dots[c] = join(vpaddq_s32(sums[c][0], sums[c][1]), vpaddq_s32(sums[c][2], sums[c][3]),
                   vpaddq_s32(sums[c][4], sums[c][5]), vpaddq_s32(sums[c][6], sums[c][7]));
}

#include "attention.h"
#include "elementwise.h"
#include "matmul.h"
#include "matmul_f16.h"
#include "table.h"

KERNELS(ck_neon, "neon");

#endif
