// Micro-kernels of the decoder: pointers in, results out; no threads, no allocation, no I/O, no state.
//
// Every instruction set gives bit-identical results: integer dot products are exact, floating-point sums have one
// fixed order, and every multiply-add is one fused operation. Pointers need no alignment beyond their element's.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/// A packed matrix in the byte order of `PackedLayout`: 16-row tiles of 32-column blocks.
typedef struct {
  const uint8_t *bytes;
  /// 32-column blocks in a row.
  size_t blocks;
  /// Columns without padding, `32 * (blocks - 1) < columns <= 32 * blocks`.
  size_t columns;
  /// int4: the 16 values of the codes, -32 ... 31; NULL: code - 8.
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

/// The kernels of one instruction set. `n` counts elements; no argument may overlap an output unless said.
typedef struct {
  /// The name that `DERA_ISA` takes.
  const char *name;

  /// out = matrix x panel for the tiles, in f32: acc = fma(w, x, acc), column after column.
  void (*matmul_f16)(const ck_matrix *matrix, ck_tiles tiles, ck_f32_panel x, ck_output out);
  /// out = matrix x panel for the tiles: per block acc = fma(integer dot, weight scale * activation scale, acc).
  void (*matmul_int8)(const ck_matrix *matrix, ck_tiles tiles, ck_int8_panel x, ck_output out);
  void (*matmul_int6)(const ck_matrix *matrix, ck_tiles tiles, ck_int8_panel x, ck_output out);
  void (*matmul_int4)(const ck_matrix *matrix, ck_tiles tiles, ck_int8_panel x, ck_output out);
  /// The same with an f32 scale a row: acc = fma(integer dot, activation scale, acc), at the end times the row's scale.
  void (*matmul_int2)(const ck_matrix *matrix, ck_tiles tiles, ck_int8_panel x, ck_output out);
  void (*matmul_ternary)(const ck_matrix *matrix, ck_tiles tiles, ck_int8_panel x, ck_output out);
  void (*matmul_int1)(const ck_matrix *matrix, ck_tiles tiles, ck_int8_panel x, ck_output out);

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

/// One row of a packed matrix in f32, `columns` values: code times scale.
void ck_unpack_f16(const ck_matrix *matrix, size_t row, float *out);
void ck_unpack_int8(const ck_matrix *matrix, size_t row, float *out);
void ck_unpack_int6(const ck_matrix *matrix, size_t row, float *out);
void ck_unpack_int4(const ck_matrix *matrix, size_t row, float *out);
void ck_unpack_int2(const ck_matrix *matrix, size_t row, float *out);
void ck_unpack_ternary(const ck_matrix *matrix, size_t row, float *out);
void ck_unpack_int1(const ck_matrix *matrix, size_t row, float *out);

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
