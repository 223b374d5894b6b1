// Matrix products over tiles of 16 rows, for groups of columns whose sums stay in registers: the same loops for every
// instruction set. The including file supplies the integer dots of one block of 16 rows with `n` columns,
//
//   dot_int8(codes, x, stride, n, dots)            codes: signed bytes
//   dot_int6(codes, x, stride, n, dots)            codes: 0...63
//   dot_nibbles(codes, x, stride, n, dots)         codes: 0...15
//   dot_table(codes, table, x, stride, n, dots)    codes: 0...15 that select a value of the table
//   dot_int2(codes, x, stride, n, dots)            codes: 0...3
//   dot_int1(codes, x, stride, n, dots)            codes: 0 or 1
//
// where `n` is a constant <= MAX_GROUP (4, or 2 where registers are few) and column c's 32 activations are at
// x + c * stride.
#include "lanes.h"

#define BLOCK 32
#define PREFETCH_DISTANCE 2048
/// Of 16 scales: f16 in every block, or f32 once a tile.
#define BLOCK_SCALE_BYTES (2 * LANES)
#define ROW_SCALE_BYTES (4 * LANES)

typedef enum { KIND_INT8, KIND_INT6, KIND_NIBBLES, KIND_TABLE, KIND_INT2, KIND_TERNARY, KIND_INT1 } block_kind;

/// What the integer weights of a kind are: factor * dotted code + offset.
typedef struct {
  /// Of a block, scales included.
  size_t block_bytes;
  /// The scales stand once before the blocks of a tile, not in each of them.
  int scales_rows;
  int factor, offset;
} kind_traits;

INLINE kind_traits traits(const block_kind kind) {
  switch (kind) {
    case KIND_INT8: return (kind_traits){BLOCK_SCALE_BYTES + 512, 0, 1, 0};
    case KIND_INT6: return (kind_traits){BLOCK_SCALE_BYTES + 384, 0, 1, -32};
    case KIND_NIBBLES: return (kind_traits){BLOCK_SCALE_BYTES + 256, 0, 1, -8};
    case KIND_TABLE: return (kind_traits){BLOCK_SCALE_BYTES + 256, 0, 1, 0};
    case KIND_INT2: return (kind_traits){128, 1, 2, -3};
    case KIND_TERNARY: return (kind_traits){128, 1, 1, -1};
    case KIND_INT1: return (kind_traits){64, 1, 2, -1};
  }
}

/// One tile times `n` columns from `first` on.
INLINE void tile_int(const uint8_t *tile, const ck_matrix *matrix, const ck_int8_panel *x, size_t first, const int n,
                     const block_kind kind, float *out, size_t out_stride) {
  const size_t blocks = matrix->blocks, stride = blocks * BLOCK;
  const kind_traits its = traits(kind);
  const int8_t *codes = x->codes + first * stride;
  const float *scales = x->scales + first * blocks;
  const int32_t *sums = x->sums + first * blocks;
  f32x16 acc[MAX_GROUP] = {}, row_scales = its.scales_rows ? load((const float *)tile) : splat(1);
  if (its.scales_rows) tile += ROW_SCALE_BYTES;
  for (size_t b = 0; b < blocks; b++, tile += its.block_bytes, codes += BLOCK) {
    // The hardware's own prefetching stops at the end of every page.
    for (size_t line = 0; line < its.block_bytes; line += 64) __builtin_prefetch(tile + PREFETCH_DISTANCE + line);
    const uint8_t *block_codes = tile + (its.scales_rows ? 0 : BLOCK_SCALE_BYTES);
    i32x16 dots[MAX_GROUP];
    switch (kind) {
      case KIND_INT8: dot_int8(block_codes, codes, stride, n, dots); break;
      case KIND_INT6: dot_int6(block_codes, codes, stride, n, dots); break;
      case KIND_NIBBLES: dot_nibbles(block_codes, codes, stride, n, dots); break;
      case KIND_TABLE: dot_table(block_codes, matrix->table, codes, stride, n, dots); break;
      case KIND_INT2:
      case KIND_TERNARY: dot_int2(block_codes, codes, stride, n, dots); break;
      case KIND_INT1: dot_int1(block_codes, codes, stride, n, dots); break;
    }
    f32x16 weight_scales = its.scales_rows ? splat(1) : load_f16(tile);
    for (int c = 0; c < n; c++) {
      dots[c] = its.factor * dots[c] + its.offset * sums[(size_t)c * blocks + b];
      f32x16 factor = weight_scales * splat(scales[(size_t)c * blocks + b]);
      acc[c] = fma16(__builtin_convertvector(dots[c], f32x16), factor, acc[c]);
    }
  }
  for (int c = 0; c < n && its.scales_rows; c++) acc[c] *= row_scales;
  for (int c = 0; c < n; c++) store(out + (size_t)c * out_stride, acc[c]);
}

INLINE void matmul_int(const ck_matrix *matrix, ck_tiles tiles, ck_int8_panel x, ck_output out,
                       const block_kind kind) {
  const kind_traits its = traits(kind);
  const size_t tile_bytes = matrix->blocks * its.block_bytes + (its.scales_rows ? ROW_SCALE_BYTES : 0);
  for (size_t t = tiles.first; t < tiles.first + tiles.count; t++) {
    const uint8_t *tile = matrix->bytes + t * tile_bytes;
    float *rows = out.values + t * LANES;
    size_t c = 0;
#define COLUMNS(n) tile_int(tile, matrix, &x, c, n, kind, rows + c * out.stride, out.stride)
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

#define MATMUL_INT(name, kind)                                                                \
  static void name(const ck_matrix *matrix, ck_tiles tiles, ck_int8_panel x, ck_output out) { \
    matmul_int(matrix, tiles, x, out, kind);                                                  \
  }
MATMUL_INT(matmul_int8, KIND_INT8)
MATMUL_INT(matmul_int6, KIND_INT6)
MATMUL_INT(matmul_int2, KIND_INT2)
MATMUL_INT(matmul_ternary, KIND_TERNARY)
MATMUL_INT(matmul_int1, KIND_INT1)
#undef MATMUL_INT

static void matmul_int4(const ck_matrix *matrix, ck_tiles tiles, ck_int8_panel x, ck_output out) {
  if (matrix->table) {
    matmul_int(matrix, tiles, x, out, KIND_TABLE);
  } else {
    matmul_int(matrix, tiles, x, out, KIND_NIBBLES);
  }
}

/// `tiles` consecutive tiles (for more independent sums) times `n` columns.
INLINE void tile_f16(const uint8_t *tile, size_t tile_bytes, const int tiles, size_t depth, const float *x,
                     size_t x_stride, const int n, float *out, size_t out_stride) {
  f32x16 acc[4] = {};
  for (size_t k = 0; k < depth; k++) {
    for (int t = 0; t < tiles; t++) {
      if (n > 1) __builtin_prefetch(tile + (size_t)t * tile_bytes + k * 2 * LANES + PREFETCH_DISTANCE);
      f32x16 weights = load_f16(tile + (size_t)t * tile_bytes + k * 2 * LANES);
      for (int c = 0; c < n; c++)
        acc[t * n + c] = fma16(weights, splat(x[(size_t)c * x_stride + k]), acc[t * n + c]);
    }
  }
  for (int t = 0; t < tiles; t++)
    for (int c = 0; c < n; c++) store(out + (size_t)c * out_stride + t * LANES, acc[t * n + c]);
}

static void matmul_f16(const ck_matrix *matrix, ck_tiles tiles, ck_f32_panel x, ck_output out) {
  const size_t tile_bytes = matrix->columns * 2 * LANES, depth = matrix->columns;
  size_t t = tiles.first, end = tiles.first + tiles.count, c = 0;
#define COLUMNS(tiles, n)                                                                                 \
  tile_f16(matrix->bytes + t * tile_bytes, tile_bytes, tiles, depth, x.values + c * x.stride, x.stride, n, \
           out.values + c * out.stride + t * LANES, out.stride)
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
