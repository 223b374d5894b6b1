// Micro-kernels of the decoder: pointers in, results out; no threads, no allocation, no I/O, no state.
//
// Every instruction set gives bit-identical results: integer dot products are exact, floating-point sums have one
// fixed order, and every multiply-add is one fused operation. Pointers need no alignment beyond their element's.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/// The packed formats of integer codes, one row each; `PackedCodec` has the same facts for Swift.
///
///   bits      of a code in its first plane and in its second, 0 where there is none. A plane of b bits is 64 b bytes of a
///             block of 16 rows × 32 inputs; codes of 8 bits are signed.
///   value     a weight is (factor * code + offset) times its scale.
///   rows      1: a row has one f32 scale, 16 of them before the blocks of a tile; 0: it has an f16 scale a block, 16 of
///             them before the block's codes.
///   table     1: a matrix may have a table of 16 values that its codes select instead, as `ck_matrix` says.
#define CK_FORMATS(FORMAT)                           \
  /*     name     bits  factor offset  rows  table */ \
  FORMAT(int8,    8, 0, 1,     0,      0,    0)       \
  FORMAT(int6,    4, 2, 1,     -32,    0,    0)       \
  FORMAT(int4,    4, 0, 1,     -8,     0,    1)       \
  FORMAT(int2,    2, 0, 2,     -3,     1,    0)       \
  FORMAT(ternary, 2, 0, 1,     -1,     1,    0)       \
  FORMAT(int1,    1, 0, 2,     -1,     1,    0)

/// CK_FORMAT_f16, then the rows' names.
#define CK_FORMAT_NAME(name, ...) CK_FORMAT_##name,
typedef enum { CK_FORMAT_f16, CK_FORMATS(CK_FORMAT_NAME) CK_FORMAT_COUNT } ck_format;
#undef CK_FORMAT_NAME

/// A row of `CK_FORMATS`.
typedef struct {
  const char *name;
  int bits[2];
  int factor, offset;
  int scales_rows;
  int takes_table;
} ck_format_row;

/// Constant where `format` is. Of f16 the name only.
static inline __attribute__((always_inline)) ck_format_row ck_row(ck_format format) {
  switch (format) {
#define CK_CASE(name, low, high, factor, offset, rows, table) \
  case CK_FORMAT_##name: return (ck_format_row){#name, {low, high}, factor, offset, rows, table};
    CK_FORMATS(CK_CASE)
#undef CK_CASE
    default: return (ck_format_row){.name = "f16"};
  }
}

/// Bytes of a block of integer codes, its scales included.
static inline __attribute__((always_inline)) size_t ck_block_bytes(ck_format_row row) {
  return (row.scales_rows ? 0 : 32) + 64 * (size_t)(row.bits[0] + row.bits[1]);
}

/// Bytes before the blocks of a tile.
static inline __attribute__((always_inline)) size_t ck_tile_start(ck_format_row row) { return row.scales_rows ? 64 : 0; }

/// A packed matrix in the byte order of `PackedLayout`: tiles of 16 rows, blocks of 32 inputs.
typedef struct {
  const uint8_t *bytes;
  /// Blocks of 32 inputs in a row.
  size_t blocks;
  /// Inputs without padding, `32 * (blocks - 1) < columns <= 32 * blocks`.
  size_t columns;
  /// The table of a format that takes one: the 16 values of the codes, -32 ... 31; NULL: as the format's row says.
  const int8_t *table;
} ck_matrix;

/// f32 activations `[columns, stride]`.
typedef struct {
  const float *values;
  size_t stride;
  size_t columns;
} ck_f32_panel;

/// int8 activations `[columns, 32 * blocks]` with a scale and the sum of the codes for every 32 of them.
typedef struct {
  const int8_t *codes;
  /// `[columns, blocks]`
  const float *scales;
  /// `[columns, blocks]`
  const int32_t *sums;
  size_t columns;
} ck_int8_panel;

/// 16-row tiles `first ..< first + count` of a matrix.
typedef struct {
  size_t first;
  size_t count;
} ck_tiles;

/// Where products go: `values[column * stride + row]`, rows counted from the matrix's first.
typedef struct {
  float *values;
  size_t stride;
  /// Whether sums start from what is there instead of 0.
  int accumulate;
} ck_output;

/// Keys or values of one head, one position after another without gaps.
typedef struct {
  /// f16, or int8 codes.
  const void *elements;
  /// int8: the codes' scale at every position; NULL: the elements are f16.
  const float *scales;
} ck_cached;

/// out = matrix x panel for the tiles. Under block scales, per block acc = fma(integer dot, weight scale * activation
/// scale, acc); under row scales acc = fma(integer dot, activation scale, acc), at the end times the row's scale.
typedef void (*ck_product)(const ck_matrix *matrix, ck_tiles tiles, ck_int8_panel x, ck_output out);

/// The kernels of one instruction set. `n` counts elements; no argument may overlap an output unless said.
typedef struct {
  /// The name that `DERA_ISA` takes.
  const char *name;

  /// out = matrix x panel for the tiles, in f32: acc = fma(w, x, acc), column after column.
  void (*matmul_f16)(const ck_matrix *matrix, ck_tiles tiles, ck_f32_panel x, ck_output out);
  /// The product of every format but f16, at its place in `ck_format`.
  ck_product matmul[CK_FORMAT_COUNT];

  /// `n` values to codes -127...127 per 32, scale = amax / 127, rounded to nearest even; the last block padded with
  /// zeros. A block with a NaN or infinity gets a NaN scale and zero codes, so that it is seen in the product.
  void (*quantize)(const float *x, size_t n, int8_t *codes, float *scales, int32_t *sums);

  /// Rounds to nearest even; overflow gives infinity.
  void (*f32_to_f16)(const float *x, size_t n, uint16_t *out);
  void (*f16_to_f32)(const uint16_t *x, size_t n, float *out);

  /// out = x / sqrt(mean(x^2) + epsilon) * weight; `out` may be `x`.
  void (*rms_norm)(const float *x, const float *weight, size_t n, float epsilon, float *out);
  /// y = fma(a, x, y)
  void (*add_scaled)(float a, const float *x, size_t n, float *y);
  /// out = a * x; `out` may be `x`.
  void (*scale)(float a, const float *x, size_t n, float *out);
  /// Turns the pairs (x[i], x[i + half]) by the angles whose cosines and sines `[half]` are given.
  void (*rope)(float *x, size_t half, const float *cosines, const float *sines);
  /// out = gate / (1 + exp(-gate)) * up; `out` may be `gate` or `up`.
  void (*silu_mul)(const float *gate, const float *up, size_t n, float *out);
  /// out = gelu(gate) * up with the tanh approximation of GELU; `out` may be `gate` or `up`.
  void (*gelu_mul)(const float *gate, const float *up, size_t n, float *out);

  /// scores[h * stride + t] = factor * (queries[h * n ...] . key t) for `heads` queries that share `count` keys of `n`
  /// elements; int8 keys: factor * scale of t * (query . codes).
  void (*scores)(const float *queries, size_t heads, size_t n, ck_cached keys, size_t count, float factor,
                 float *scores, size_t stride);
  /// scores[h * stride + t] += factor * (queries[h * n ...] . row t) for `count` rows of `n` numbers.
  void (*add_scores)(const float *queries, size_t heads, size_t n, const float *rows, size_t count, float factor,
                     float *scores, size_t stride);
  /// x = exp(x - max) / sum, `n` > 0.
  void (*softmax)(float *x, size_t n);
  /// out[h * n + d] += weights[h * stride + t] * value t [d] for `count` values, t ascending; int8 values: the weight
  /// is multiplied by the scale of t first.
  void (*mix)(const float *weights, size_t stride, size_t heads, ck_cached values, size_t count, size_t n, float *out);
  /// How a key or a value enters an int8 cache: codes -127...127 of `n` values, scale = amax / 127, rounded to nearest
  /// even. With a NaN or infinity among them the scale is NaN and the codes are zero.
  void (*quantize_head)(const float *x, size_t n, int8_t *codes, float *scale);
} ck_kernels;

/// The kernels called `name` ("scalar"; "avx2", "avxvnni", "avx512vnni"; "neon", "dotprod", "i8mm"), or NULL when this
/// machine or build lacks them.
const ck_kernels *ck_kernels_named(const char *name);

/// The product with a matrix of integer codes; NULL for f16.
static inline ck_product ck_matmul(const ck_kernels *kernels, ck_format format) { return kernels->matmul[format]; }

/// One row of a packed matrix in f32, `columns` values.
void ck_unpack(const ck_matrix *matrix, ck_format format, size_t row, float *out);

/// Reads all bytes; the sum of their words, so that they have to be.
uint64_t ck_read(const uint8_t *bytes, size_t count);

/// Tells the core that the caller spins.
static inline void ck_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  // `yield` does nothing on most cores; this takes some ten nanoseconds.
  __asm__ volatile("isb");
#endif
}

#endif
