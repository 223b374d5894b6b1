// f16 products over tiles of 16 rows: the same loops for every instruction set.
#include "output.h"

/// Bytes ahead of the weights in use.
#define F16_PREFETCH 2048

/// `tiles` consecutive tiles (for more independent sums) times `n` columns.
INLINE void tile_f16(const uint8_t *tile, size_t tile_bytes, const int tiles, size_t depth, const float *x,
                     size_t x_stride, const int n, const ck_output out) {
  f32x16 acc[4];
  for (int t = 0; t < tiles; t++)
    for (int c = 0; c < n; c++) acc[t * n + c] = start_sum(output_at(out, (size_t)t, 0), (size_t)c);
  for (size_t k = 0; k < depth; k++) {
    for (int t = 0; t < tiles; t++) {
      if (n > 1) __builtin_prefetch(tile + (size_t)t * tile_bytes + k * 2 * LANES + F16_PREFETCH);
      f32x16 weights = load_f16(tile + (size_t)t * tile_bytes + k * 2 * LANES);
      for (int c = 0; c < n; c++)
        acc[t * n + c] = fma16(weights, splat(x[(size_t)c * x_stride + k]), acc[t * n + c]);
    }
  }
  for (int t = 0; t < tiles; t++)
    for (int c = 0; c < n; c++) store(output_at(out, (size_t)t, (size_t)c).values, acc[t * n + c]);
}

static void matmul_f16(const ck_matrix *matrix, ck_tiles tiles, ck_f32_panel x, ck_output out) {
  const size_t tile_bytes = matrix->columns * 2 * LANES, depth = matrix->columns;
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
