// Plain C for any machine, and the reference that every other instruction set must equal bit for bit.
#include <stdint.h>

#define MAX_GROUP 4
#define REGISTER_BYTES 64
#define UNSIGNED_BYTES 0

typedef uint8_t u8x64 __attribute__((vector_size(64)));

static inline __attribute__((always_inline)) u8x64 lookup(u8x64 values, u8x64 selectors) {
  for (int i = 0; i < 64; i++) selectors[i] = values[selectors[i]];
  return selectors;
}

#include "codes.h"

INLINE void dot(const weights w, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  memset(dots, 0, (size_t)n * sizeof *dots);
  for (int g = 0; g < GROUPS; g++) {
    codes group = group_codes(w, g, 0);
    for (int c = 0; c < n; c++)
      for (int row = 0; row < LANES; row++)
        for (int j = 0; j < 4; j++) dots[c][row] += (int8_t)group[4 * row + j] * x[(size_t)c * stride + 4 * g + j];
  }
}

#include "attention.h"
#include "elementwise.h"
#include "matmul.h"
#include "matmul_f16.h"
#include "table.h"

KERNELS(ck_scalar, "scalar");
