// Plain C for any machine, and the reference that every other instruction set must equal bit for bit.
#define MAX_GROUP 4
#include "lanes.h"

/// Row r's 4 codes of a group of 4 columns start at codes[4 r].
INLINE void add_group(const int8_t *weights, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  for (int c = 0; c < n; c++)
    for (int row = 0; row < 16; row++)
      for (int j = 0; j < 4; j++) dots[c][row] += weights[4 * row + j] * x[(size_t)c * stride + j];
}

INLINE void dot_int8(const uint8_t *codes, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  memset(dots, 0, (size_t)n * sizeof *dots);
  for (int g = 0; g < 8; g++) add_group((const int8_t *)codes + 64 * g, x + 4 * g, stride, n, dots);
}

INLINE void dot_table(const uint8_t *codes, const int8_t *table, const int8_t *x, size_t stride, const int n,
                      i32x16 *dots) {
  memset(dots, 0, (size_t)n * sizeof *dots);
  for (int g = 0; g < 4; g++) {
    int8_t low[64], high[64];
    for (int i = 0; i < 64; i++) {
      low[i] = table[codes[64 * g + i] & 15];
      high[i] = table[codes[64 * g + i] >> 4];
    }
    add_group(low, x + 8 * g, stride, n, dots);
    add_group(high, x + 8 * g + 4, stride, n, dots);
  }
}

INLINE void dot_nibbles(const uint8_t *codes, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  static const int8_t identity[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  dot_table(codes, identity, x, stride, n, dots);
}

INLINE void dot_int6(const uint8_t *codes, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  memset(dots, 0, (size_t)n * sizeof *dots);
  for (int g = 0; g < 8; g++) {
    int8_t weights[64];
    for (int i = 0; i < 64; i++) {
      int low = codes[64 * (g / 2) + i] >> 4 * (g % 2) & 15, high = codes[256 + 64 * (g / 4) + i] >> 2 * (g % 4) & 3;
      weights[i] = (int8_t)(low | high << 4);
    }
    add_group(weights, x + 4 * g, stride, n, dots);
  }
}

/// Codes of `bits` bits, whose groups of 4 columns follow each other in the bits of 64 bytes.
INLINE void dot_bits(const uint8_t *codes, int bits, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  const int groups = 8 / bits;
  memset(dots, 0, (size_t)n * sizeof *dots);
  for (int g = 0; g < 8; g++) {
    int8_t weights[64];
    for (int i = 0; i < 64; i++)
      weights[i] = (int8_t)(codes[64 * (g / groups) + i] >> bits * (g % groups) & ((1 << bits) - 1));
    add_group(weights, x + 4 * g, stride, n, dots);
  }
}

INLINE void dot_int2(const uint8_t *codes, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  dot_bits(codes, 2, x, stride, n, dots);
}

INLINE void dot_int1(const uint8_t *codes, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  dot_bits(codes, 1, x, stride, n, dots);
}

#include "attention.h"
#include "elementwise.h"
#include "matmul.h"
#include "table.h"

KERNELS(ck_scalar, "scalar");
