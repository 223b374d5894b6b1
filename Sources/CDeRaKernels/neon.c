// 64-bit ARM with the Advanced SIMD of ARMv8.0.
#if defined(__aarch64__)

#define HARDWARE_F16
#define MAX_GROUP 2
#define PASS_PARTS(n) ((n) > 1 ? 2 : PARTS)
#include "neon.h"

/// The activations of 4 consecutive inputs, four times.
INLINE int8x16_t broadcast4(const int8_t *x) {
  int32_t four;
  memcpy(&four, x, sizeof four);
  int8x16_t repeated = vreinterpretq_s8_s32(vdupq_n_s32(four));
  // The compiler would halve the register, and then has to move the upper half of every register of codes.
  __asm__("" : "+w"(repeated));
  return repeated;
}

/// Adds what a row's lanes of 16 bits hold to its sums of 32 bits, or starts the sums.
INLINE void add_products(const weights w, const int n, const int first, int16x8_t products[][PARTS][2],
                         int32x4_t sums[][PARTS][2]) {
  for (int c = 0; c < n; c++) {
    for (int p = w.part; p < w.part + w.parts; p++) {
      for (int half = 0; half < 2; half++) {
        int32x4_t *sum = &sums[c][p][half];
        *sum = first ? vpaddlq_s16(products[c][p][half]) : vpadalq_s16(*sum, products[c][p][half]);
        // The compiler would put these additions off to the end of the block and spill the products.
        __asm__ volatile("" : "+w"(*sum));
      }
    }
  }
}

INLINE void dot(const weights w, const int8_t *x, size_t stride, const int n, i32_part dots[][PARTS]) {
  // Groups whose products can be added in 16 bits.
  const int span = (int)smaller(GROUPS, (size_t)(INT16_MAX / (127 * traits(w.kind).largest)));
  // Lanes 2 r and 2 r + 1 of a register's two belong to row r.
  int16x8_t products[MAX_GROUP][PARTS][2];
  int32x4_t sums[MAX_GROUP][PARTS][2];
  UNROLLED for (int g = 0; g < GROUPS; g++) {
    const int first = g % span == 0, last = g % span == span - 1 || g == GROUPS - 1;
    int8x16_t fours[MAX_GROUP];
    for (int c = 0; c < n; c++) fours[c] = broadcast4(x + (size_t)c * stride + 4 * g);
    for (int p = w.part; p < w.part + w.parts; p++) {
      int8x16_t rows = vreinterpretq_s8_u8((uint8x16_t)group_codes(w, g, p));
      for (int c = 0; c < n; c++) {
        int16x8_t *sum = products[c][p];
        int8x8_t low = vget_low_s8(rows), four = vget_low_s8(fours[c]);
        sum[0] = first ? vmull_s8(low, four) : vmlal_s8(sum[0], low, four);
        sum[1] = first ? vmull_high_s8(rows, fours[c]) : vmlal_high_s8(sum[1], rows, fours[c]);
      }
    }
    if (last) add_products(w, n, g < span, products, sums);
  }
  for (int c = 0; c < n; c++)
    for (int p = w.part; p < w.part + w.parts; p++) dots[c][p] = (i32_part)vpaddq_s32(sums[c][p][0], sums[c][p][1]);
}

#include "attention.h"
#include "elementwise.h"
#include "matmul.h"
#include "matmul_f16.h"
#include "table.h"

KERNELS(ck_neon, "neon");

#endif
