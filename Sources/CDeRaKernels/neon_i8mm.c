// 64-bit ARM with the int8 matrix product of ARMv8.6.
#if defined(__aarch64__)

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#include "CDeRaKernels.h"
#pragma clang attribute push(__attribute__((target("dotprod,i8mm"))), apply_to = function)
#define HARDWARE_F16
#define MAX_GROUP 4
#define unpack unpack_pairs
#include "neon_sdot.h"

/// Columns are taken in pairs.
#define PAIRS (MAX_GROUP / 2)

/// 8 inputs of rows 4 part, 4 part + 1 and of the two rows after, from groups `g` and g + 1.
INLINE void load_rows(const weights w, const int g, const int part, int8x16_t rows[2]) {
  if (w.unpacked) {
    rows[0] = vld1q_s8((const int8_t *)w.bytes + g * GROUP_CODES + 2 * part * REGISTER_BYTES);
    rows[1] = vld1q_s8((const int8_t *)w.bytes + g * GROUP_CODES + (2 * part + 1) * REGISTER_BYTES);
  } else {
    int32x4_t low = (int32x4_t)group_codes(w, g, part), high = (int32x4_t)group_codes(w, g + 1, part);
    rows[0] = vreinterpretq_s8_s32(vzip1q_s32(low, high));
    rows[1] = vreinterpretq_s8_s32(vzip2q_s32(low, high));
  }
}

/// A block in the order `load_rows` wants.
INLINE void unpack_pairs(const weights w, uint8_t *out) {
  UNROLLED for (int g = 0; g < GROUPS; g += 2) {
    for (int part = 0; part < PARTS; part++) {
      int8x16_t rows[2];
      load_rows(w, g, part, rows);
      memcpy(out + g * GROUP_CODES + 2 * part * REGISTER_BYTES, rows, sizeof rows);
    }
  }
}

/// 8 activations of column `c` of `n` and of the next, if there is one.
INLINE int8x16_t load_pair(const int8_t *x, size_t stride, int c, const int n) {
  int8x8_t first = vld1_s8(x + (size_t)c * stride);
  return vcombine_s8(first, c + 1 < n ? vld1_s8(x + (size_t)(c + 1) * stride) : first);
}

/// One instruction multiplies 2 rows by 2 columns of activations, 8 products each.
INLINE void dot_pairs(const weights w, const int8_t *x, size_t stride, const int n, i32_part dots[][PARTS]) {
  int32x4_t sums[PAIRS][PARTS][2] = {};
  UNROLLED for (int g = 0; g < GROUPS; g += 2) {
    int8x16_t activations[PAIRS], rows[2];
    for (int c = 0; c < n; c += 2) activations[c / 2] = load_pair(x + 4 * g, stride, c, n);
    for (int p = w.part; p < w.part + w.parts; p++) {
      load_rows(w, g, p, rows);
      for (int c = 0; c < n; c += 2)
        for (int half = 0; half < 2; half++)
          sums[c / 2][p][half] = vmmlaq_s32(sums[c / 2][p][half], rows[half], activations[c / 2]);
    }
  }
  for (int c = 0; c < n; c++) {
    for (int p = w.part; p < w.part + w.parts; p++) {
      int32x4_t low = sums[c / 2][p][0], high = sums[c / 2][p][1];
      dots[c][p] = (i32_part)(c % 2 ? vuzp2q_s32(low, high) : vuzp1q_s32(low, high));
    }
  }
}

/// Packed codes have to be brought into pairs of rows first, which takes four columns to pay; unpacked ones are.
INLINE void dot(const weights w, const int8_t *x, size_t stride, const int n, i32_part dots[][PARTS]) {
  if (n < 4 && !w.unpacked) {
    dot_lanes(w, x, stride, n, dots);
  } else {
    dot_pairs(w, x, stride, n, dots);
  }
}

#include "attention.h"
#include "elementwise.h"
#include "matmul.h"
#include "matmul_f16.h"
#include "table.h"

KERNELS(ck_i8mm, "i8mm");

#pragma clang attribute pop

#endif
