// Matrix products over tiles of 16 rows, for groups of columns whose sums stay in registers: the same loops for every
// instruction set. The including file supplies the integer dots of one block of 16 rows with `n` columns,
//
//   dot_int8(codes, x, stride, n, dots)            codes: signed bytes
//   dot_nibbles(codes, x, stride, n, dots)         codes: unsigned nibbles 0...15
//   dot_table(codes, table, x, stride, n, dots)    codes: nibbles that select a value of the table
//
// where `n` is a constant <= MAX_GROUP (4, or 2 where registers are few) and column c's 32 activations are at
// x + c * stride.
#include "lanes.h"

#define BLOCK 32
#define PREFETCH_DISTANCE 2048
#define BLOCK_BYTES_F16 1024
#define BLOCK_BYTES_INT8 (32 + 512)
#define BLOCK_BYTES_INT4 (32 + 256)

typedef enum { KIND_INT8, KIND_NIBBLES, KIND_TABLE } block_kind;

/// The output of tile `tile` and column `column`.
INLINE ck_output output_at(ck_output out, size_t tile, size_t column) {
  out.values += column * out.stride + tile * LANES;
  return out;
}

/// What the sums of a column's 16 rows start from.
INLINE f32x16 start_sum(ck_output out, size_t column) {
  return out.accumulate ? load(out.values + column * out.stride) : (f32x16){};
}

/// One tile times `n` columns from `first` on.
INLINE void tile_int(const uint8_t *tile, const ck_matrix *matrix, const ck_int8_panel *x, size_t first, const int n,
                     const block_kind kind, const ck_output out) {
  const size_t blocks = matrix->blocks, stride = blocks * BLOCK;
  const size_t block_bytes = kind == KIND_INT8 ? BLOCK_BYTES_INT8 : BLOCK_BYTES_INT4;
  const int8_t *codes = x->codes + first * stride;
  const float *scales = x->scales + first * blocks;
  const int32_t *sums = x->sums + first * blocks;
  f32x16 acc[MAX_GROUP];
  for (int c = 0; c < n; c++) acc[c] = start_sum(out, (size_t)c);
  for (size_t b = 0; b < blocks; b++, tile += block_bytes, codes += BLOCK) {
    // The hardware's own prefetching stops at the end of every page.
    for (size_t line = 0; line < block_bytes; line += 64) __builtin_prefetch(tile + PREFETCH_DISTANCE + line);
    i32x16 dots[MAX_GROUP];
    switch (kind) {
      case KIND_INT8: dot_int8(tile + 32, codes, stride, n, dots); break;
      case KIND_NIBBLES: dot_nibbles(tile + 32, codes, stride, n, dots); break;
      case KIND_TABLE: dot_table(tile + 32, matrix->table, codes, stride, n, dots); break;
    }
    f32x16 weight_scales = load_f16(tile);
    for (int c = 0; c < n; c++) {
      // A linear nibble stands for itself minus 8.
      if (kind == KIND_NIBBLES) dots[c] -= 8 * sums[(size_t)c * blocks + b];
      f32x16 factor = weight_scales * splat(scales[(size_t)c * blocks + b]);
      acc[c] = fma16(__builtin_convertvector(dots[c], f32x16), factor, acc[c]);
    }
  }
  for (int c = 0; c < n; c++) store(out.values + (size_t)c * out.stride, acc[c]);
}

INLINE void matmul_int(const ck_matrix *matrix, ck_tiles tiles, ck_int8_panel x, ck_output out,
                       const block_kind kind) {
  const size_t tile_bytes = matrix->blocks * (kind == KIND_INT8 ? BLOCK_BYTES_INT8 : BLOCK_BYTES_INT4);
  for (size_t t = tiles.first; t < tiles.first + tiles.count; t++) {
    const uint8_t *tile = matrix->bytes + t * tile_bytes;
    size_t c = 0;
#define COLUMNS(n) tile_int(tile, matrix, &x, c, n, kind, output_at(out, t, c))
    for (; c + MAX_GROUP <= x.columns; c += MAX_GROUP) COLUMNS(MAX_GROUP);
    switch (x.columns - c) {
#if MAX_GROUP > 2
      case 3: COLUMNS(3); break;
      case 2: COLUMNS(2); break;
#endif
      case 1: COLUMNS(1); break;
    }
#undef COLUMNS
  }
}

static void matmul_int8(const ck_matrix *matrix, ck_tiles tiles, ck_int8_panel x, ck_output out) {
  matmul_int(matrix, tiles, x, out, KIND_INT8);
}

static void matmul_int4(const ck_matrix *matrix, ck_tiles tiles, ck_int8_panel x, ck_output out) {
  if (matrix->table) {
    matmul_int(matrix, tiles, x, out, KIND_TABLE);
  } else {
    matmul_int(matrix, tiles, x, out, KIND_NIBBLES);
  }
}

/// `tiles` consecutive tiles (for more independent sums) times `n` columns.
INLINE void tile_f16(const uint8_t *tile, size_t tile_bytes, const int tiles, size_t depth, const float *x,
                     size_t x_stride, const int n, const ck_output out) {
  f32x16 acc[4];
  for (int t = 0; t < tiles; t++)
    for (int c = 0; c < n; c++) acc[t * n + c] = start_sum(output_at(out, (size_t)t, 0), (size_t)c);
  for (size_t k = 0; k < depth; k++) {
    for (int t = 0; t < tiles; t++) {
      if (n > 1) __builtin_prefetch(tile + (size_t)t * tile_bytes + k * 2 * LANES + PREFETCH_DISTANCE);
      f32x16 weights = load_f16(tile + (size_t)t * tile_bytes + k * 2 * LANES);
      for (int c = 0; c < n; c++)
        acc[t * n + c] = fma16(weights, splat(x[(size_t)c * x_stride + k]), acc[t * n + c]);
    }
  }
  for (int t = 0; t < tiles; t++)
    for (int c = 0; c < n; c++) store(output_at(out, (size_t)t, (size_t)c).values, acc[t * n + c]);
}

static void matmul_f16(const ck_matrix *matrix, ck_tiles tiles, ck_f32_panel x, ck_output out) {
  const size_t tile_bytes = matrix->blocks * BLOCK_BYTES_F16, depth = matrix->columns;
  size_t t = tiles.first, end = tiles.first + tiles.count, c = 0;
#define COLUMNS(tiles, n)                                                                                 \
  tile_f16(matrix->bytes + t * tile_bytes, tile_bytes, tiles, depth, x.values + c * x.stride, x.stride, n, \
           output_at(out, t, c))
  // One or two columns have too few sums to overlap, so they take several tiles at once.
  if (x.columns == 1)
    for (; t + 4 <= end; t += 4) COLUMNS(4, 1);
  if (x.columns == 2)
    for (; t + 2 <= end; t += 2) COLUMNS(2, 2);
  for (; t < end; t++) {
    for (c = 0; c + 4 <= x.columns; c += 4) COLUMNS(1, 4);
    switch (x.columns - c) {
      case 3: COLUMNS(1, 3); break;
      case 2: COLUMNS(1, 2); break;
      case 1: COLUMNS(1, 1); break;
    }
  }
#undef COLUMNS
}
