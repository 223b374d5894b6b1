// 64-bit ARM with the Advanced SIMD of ARMv8.0.
#if defined(__aarch64__)

#define HARDWARE_F16
#define MAX_GROUP 2
#include "neon.h"

/// The activations of 4 consecutive columns, twice.
INLINE int8x8_t broadcast4(const int8_t *x) {
  int32_t four;
  memcpy(&four, x, sizeof four);
  return vreinterpret_s8_s32(vdup_n_s32(four));
}

/// Sums of a column over 16 rows; lanes 4r ... 4r + 3 of the eight registers belong to row r.
typedef struct {
  int16x8_t pairs[8];
} column_sums;

/// sums (+)= weights · x for 4 rows × 4 columns.
INLINE void add_quarter(column_sums *sums, int quarter, int8x16_t weights, int8x8_t x) {
  sums->pairs[2 * quarter] = vmlal_s8(sums->pairs[2 * quarter], vget_low_s8(weights), x);
  sums->pairs[2 * quarter + 1] = vmlal_s8(sums->pairs[2 * quarter + 1], vget_high_s8(weights), x);
}

INLINE void sum_quarters(const column_sums *sums, const int n, i32x16 *dots) {
  for (int c = 0; c < n; c++) {
    int32x4_t rows[4];
    for (int q = 0; q < 4; q++)
      rows[q] = vpaddq_s32(vpaddlq_s16(sums[c].pairs[2 * q]), vpaddlq_s16(sums[c].pairs[2 * q + 1]));
    dots[c] = join(rows[0], rows[1], rows[2], rows[3]);
  }
}

/// A 16-bit lane takes 8 products: at most 8 · 15 · 127 = 15240.
INLINE void dot_nibbles(const uint8_t *codes, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  column_sums sums[MAX_GROUP] = {};
  for (int g = 0; g < 4; g++) {
    for (int quarter = 0; quarter < 4; quarter++) {
      uint8x16_t pairs = vld1q_u8(codes + 64 * g + 16 * quarter);
      for (int high = 0; high < 2; high++) {
        int8x16_t weights = vreinterpretq_s8_u8(nibbles(pairs, high));
        for (int c = 0; c < n; c++)
          add_quarter(&sums[c], quarter, weights, broadcast4(x + (size_t)c * stride + 8 * g + 4 * high));
      }
    }
  }
  sum_quarters(sums, n, dots);
}

/// A 16-bit lane takes 8 products: at most 8 · 3 · 127.
INLINE void dot_int2(const uint8_t *codes, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  column_sums sums[MAX_GROUP] = {};
  for (int h = 0; h < 2; h++) {
    for (int quarter = 0; quarter < 4; quarter++) {
      uint8x16_t bytes = vld1q_u8(codes + 64 * h + 16 * quarter);
      UNROLLED for (int i = 0; i < 4; i++) {
        int8x16_t weights = vreinterpretq_s8_u8(bit_pairs(bytes, i));
        for (int c = 0; c < n; c++)
          add_quarter(&sums[c], quarter, weights, broadcast4(x + (size_t)c * stride + 16 * h + 4 * i));
      }
    }
  }
  sum_quarters(sums, n, dots);
}

/// Neighbouring activations whose bit is set are added into the 16-bit lanes of four rows.
INLINE void dot_int1(const uint8_t *codes, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  int16x8_t sums[MAX_GROUP][4] = {};
  UNROLLED for (int i = 0; i < 8; i++) {
    for (int quarter = 0; quarter < 4; quarter++) {
      uint8x16_t mask = vtstq_u8(vld1q_u8(codes + 16 * quarter), vdupq_n_u8((uint8_t)(1 << i)));
      for (int c = 0; c < n; c++) {
        int8x8_t four = broadcast4(x + (size_t)c * stride + 4 * i);
        int8x16_t chosen = vandq_s8(vcombine_s8(four, four), vreinterpretq_s8_u8(mask));
        sums[c][quarter] = vpadalq_s8(sums[c][quarter], chosen);
      }
    }
  }
  for (int c = 0; c < n; c++)
    dots[c] = join(vpaddlq_s16(sums[c][0]), vpaddlq_s16(sums[c][1]), vpaddlq_s16(sums[c][2]), vpaddlq_s16(sums[c][3]));
}

/// Rows r and r + 1 of 8 columns, two products a 16-bit lane: at most 2 · 128 · 127.
INLINE int32x4_t add_pair(int32x4_t sum, int8x8_t first, int8x8_t x, int8x8_t second, int8x8_t y) {
  return vpadalq_s16(sum, vmlal_s8(vmull_s8(first, x), second, y));
}

/// sums += weights · x for 4 rows of 8 columns, of which `first` has the lower four.
INLINE void add_signed(int32x4_t *sums, int8x16_t first, int8x16_t second, const int8_t *x) {
  int8x8_t low = broadcast4(x), high = broadcast4(x + 4);
  sums[0] = add_pair(sums[0], vget_low_s8(first), low, vget_low_s8(second), high);
  sums[1] = add_pair(sums[1], vget_high_s8(first), low, vget_high_s8(second), high);
}

INLINE void sum_signed(int32x4_t sums[][8], const int n, i32x16 *dots) {
  for (int c = 0; c < n; c++)
    dots[c] = join(vpaddq_s32(sums[c][0], sums[c][1]), vpaddq_s32(sums[c][2], sums[c][3]),
                   vpaddq_s32(sums[c][4], sums[c][5]), vpaddq_s32(sums[c][6], sums[c][7]));
}

INLINE void dot_int8(const uint8_t *codes, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  int32x4_t sums[MAX_GROUP][8] = {};
  for (int g = 0; g < 8; g += 2) {
    for (int quarter = 0; quarter < 4; quarter++) {
      const int8_t *weights = (const int8_t *)codes + 64 * g + 16 * quarter;
      int8x16_t first = vld1q_s8(weights), second = vld1q_s8(weights + 64);
      for (int c = 0; c < n; c++)
        add_signed(&sums[c][2 * quarter], first, second, x + (size_t)c * stride + 4 * g);
    }
  }
  sum_signed(sums, n, dots);
}

INLINE void dot_int6(const uint8_t *codes, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  int32x4_t sums[MAX_GROUP][8] = {};
  UNROLLED for (int g = 0; g < 8; g += 2) {
    for (int quarter = 0; quarter < 4; quarter++) {
      int8x16_t first = six_bits(codes, g, quarter), second = six_bits(codes, g + 1, quarter);
      for (int c = 0; c < n; c++)
        add_signed(&sums[c][2 * quarter], first, second, x + (size_t)c * stride + 4 * g);
    }
  }
  sum_signed(sums, n, dots);
}

INLINE void dot_table(const uint8_t *codes, const int8_t *table, const int8_t *x, size_t stride, const int n,
                      i32x16 *dots) {
  const int8x16_t values = vld1q_s8(table);
  int32x4_t sums[MAX_GROUP][8] = {};
  for (int g = 0; g < 4; g++) {
    for (int quarter = 0; quarter < 4; quarter++) {
      uint8x16_t pairs = vld1q_u8(codes + 64 * g + 16 * quarter);
      int8x16_t first = vqtbl1q_s8(values, nibbles(pairs, 0)), second = vqtbl1q_s8(values, nibbles(pairs, 1));
      for (int c = 0; c < n; c++)
        add_signed(&sums[c][2 * quarter], first, second, x + (size_t)c * stride + 8 * g);
    }
  }
  sum_signed(sums, n, dots);
}

#include "attention.h"
#include "elementwise.h"
#include "matmul.h"
#include "table.h"

KERNELS(ck_neon, "neon");

#endif
