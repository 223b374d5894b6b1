// 64-bit ARM with the int8 dot product of ARMv8.2.
#if defined(__aarch64__)

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#include "CKernels.h"
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#define HARDWARE_F16
#define MAX_GROUP 4
#include "neon.h"

/// sums[quarter] += 4 rows × 4 columns of weights · lane `lane` of x, for the four quarters of a group.
#define ADD_GROUP(sums, weights, x, lane)                                           \
  do {                                                                              \
    (sums)[0] = vdotq_laneq_s32((sums)[0], (weights)[0], x, lane);                  \
    (sums)[1] = vdotq_laneq_s32((sums)[1], (weights)[1], x, lane);                  \
    (sums)[2] = vdotq_laneq_s32((sums)[2], (weights)[2], x, lane);                  \
    (sums)[3] = vdotq_laneq_s32((sums)[3], (weights)[3], x, lane);                  \
  } while (0)

/// Adds group `g` of 4 columns for all `n` activation columns; `x` has the 16 columns it is among.
INLINE void add_group(int32x4_t sums[][4], const int8x16_t *weights, const int8x16_t *x, const int g, const int n) {
  for (int c = 0; c < n; c++) {
    switch (g % 4) {
      case 0: ADD_GROUP(sums[c], weights, x[c], 0); break;
      case 1: ADD_GROUP(sums[c], weights, x[c], 1); break;
      case 2: ADD_GROUP(sums[c], weights, x[c], 2); break;
      case 3: ADD_GROUP(sums[c], weights, x[c], 3); break;
    }
  }
}

INLINE void dot_int8(const uint8_t *codes, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  int32x4_t sums[MAX_GROUP][4] = {};
  int8x16_t activations[MAX_GROUP], weights[4];
  UNROLLED for (int g = 0; g < 8; g++) {
    for (int c = 0; c < n && g % 4 == 0; c++) activations[c] = vld1q_s8(x + (size_t)c * stride + 4 * g);
    for (int q = 0; q < 4; q++) weights[q] = vld1q_s8((const int8_t *)codes + 64 * g + 16 * q);
    add_group(sums, weights, activations, g, n);
  }
  for (int c = 0; c < n; c++) dots[c] = join(sums[c][0], sums[c][1], sums[c][2], sums[c][3]);
}

/// int4 codes, through a table unless `values` is NULL.
INLINE void dot_int4(const uint8_t *codes, const int8x16_t *values, const int8_t *x, size_t stride, const int n,
                     i32x16 *dots) {
  int32x4_t sums[MAX_GROUP][4] = {};
  int8x16_t activations[MAX_GROUP], weights[4];
  UNROLLED for (int g = 0; g < 8; g++) {
    for (int c = 0; c < n && g % 4 == 0; c++) activations[c] = vld1q_s8(x + (size_t)c * stride + 4 * g);
    for (int q = 0; q < 4; q++) {
      uint8x16_t selectors = nibbles(vld1q_u8(codes + 64 * (g / 2) + 16 * q), g % 2);
      weights[q] = values ? vqtbl1q_s8(*values, selectors) : vreinterpretq_s8_u8(selectors);
    }
    add_group(sums, weights, activations, g, n);
  }
  for (int c = 0; c < n; c++) dots[c] = join(sums[c][0], sums[c][1], sums[c][2], sums[c][3]);
}

INLINE void dot_nibbles(const uint8_t *codes, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  dot_int4(codes, NULL, x, stride, n, dots);
}

INLINE void dot_table(const uint8_t *codes, const int8_t *table, const int8_t *x, size_t stride, const int n,
                      i32x16 *dots) {
  const int8x16_t values = vld1q_s8(table);
  dot_int4(codes, &values, x, stride, n, dots);
}

INLINE void dot_int6(const uint8_t *codes, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  int32x4_t sums[MAX_GROUP][4] = {};
  int8x16_t activations[MAX_GROUP], weights[4];
  UNROLLED for (int g = 0; g < 8; g++) {
    for (int c = 0; c < n && g % 4 == 0; c++) activations[c] = vld1q_s8(x + (size_t)c * stride + 4 * g);
    for (int q = 0; q < 4; q++) weights[q] = six_bits(codes, g, q);
    add_group(sums, weights, activations, g, n);
  }
  for (int c = 0; c < n; c++) dots[c] = join(sums[c][0], sums[c][1], sums[c][2], sums[c][3]);
}

INLINE void dot_int2(const uint8_t *codes, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  int32x4_t sums[MAX_GROUP][4] = {};
  int8x16_t activations[MAX_GROUP], weights[4];
  UNROLLED for (int g = 0; g < 8; g++) {
    for (int c = 0; c < n && g % 4 == 0; c++) activations[c] = vld1q_s8(x + (size_t)c * stride + 4 * g);
    for (int q = 0; q < 4; q++) weights[q] = vreinterpretq_s8_u8(bit_pairs(vld1q_u8(codes + 64 * (g / 4) + 16 * q), g % 4));
    add_group(sums, weights, activations, g, n);
  }
  for (int c = 0; c < n; c++) dots[c] = join(sums[c][0], sums[c][1], sums[c][2], sums[c][3]);
}

/// A bit that is set gives a byte of -1, so the sums have the wrong sign.
INLINE void dot_int1(const uint8_t *codes, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  int32x4_t sums[MAX_GROUP][4] = {};
  int8x16_t activations[MAX_GROUP], weights[4];
  UNROLLED for (int g = 0; g < 8; g++) {
    for (int c = 0; c < n && g % 4 == 0; c++) activations[c] = vld1q_s8(x + (size_t)c * stride + 4 * g);
    for (int q = 0; q < 4; q++)
      weights[q] = vreinterpretq_s8_u8(vtstq_u8(vld1q_u8(codes + 16 * q), vdupq_n_u8((uint8_t)(1 << g))));
    add_group(sums, weights, activations, g, n);
  }
  for (int c = 0; c < n; c++) dots[c] = -join(sums[c][0], sums[c][1], sums[c][2], sums[c][3]);
}

#include "attention.h"
#include "elementwise.h"
#include "matmul.h"
#include "table.h"

KERNELS(ck_dotprod, "dotprod");

#pragma clang attribute pop

#endif
