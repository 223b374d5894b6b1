// Matrix products over tiles of 16 rows: the same loops for every instruction set. The including file supplies what
// codes.h asks for and the integer dots of one block of 16 rows with `n` columns,
//
//   dot(w, x, stride, n, dots)
//
// where `n` is a constant <= MAX_GROUP, as many columns as keep their sums in registers, and column c's 32 activations
// are at x + c * stride.
#include "codes.h"

#define PREFETCH_DISTANCE 2048
/// Columns from which on a tile is unpacked before it is used.
#define MANY_COLUMNS 8
/// Columns whose activations stay in the second-level cache while the tiles go by.
#define PANEL_COLUMNS 64
/// Blocks that are unpacked at a time, to stay in the first-level cache.
#define STRIP_BLOCKS 16

/// A block with a byte for each code.
typedef struct {
  float scales[LANES];
  uint8_t codes[BLOCK_CODES];
} unpacked_block;

/// The activations of consecutive columns from one block on.
typedef struct {
  const int8_t *codes;
  const float *scales;
  const int32_t *sums;
  /// Blocks from one column to the next.
  size_t stride;
} activations;

INLINE activations activations_at(const ck_int8_panel *x, size_t stride, size_t column, size_t block) {
  size_t at = column * stride + block;
  return (activations){x->codes + at * BLOCK, x->scales + at, x->sums + at, stride};
}

/// The hardware's own prefetching stops at the end of every page.
INLINE void prefetch_block(const uint8_t *block, size_t bytes) {
  for (size_t line = 0; line < bytes; line += 64) __builtin_prefetch(block + PREFETCH_DISTANCE + line);
}

/// acc[c] += `blocks` blocks of a tile times column c of `n`, a constant. `w` has all but the place of the codes.
INLINE void add_blocks(weights w, const uint8_t *block, size_t blocks, activations x, const int n, f32x16 *acc) {
  const size_t bytes = w.unpacked ? sizeof(unpacked_block) : block_bytes(w.kind);
  f32x16 sums[MAX_GROUP];
  for (int c = 0; c < n; c++) sums[c] = acc[c];
  for (size_t b = 0; b < blocks; b++, block += bytes) {
    if (!w.unpacked) prefetch_block(block, bytes);
    w.bytes = block + (w.unpacked ? offsetof(unpacked_block, codes) : 32);
    i32x16 dots[MAX_GROUP];
    dot(w, x.codes + b * BLOCK, x.stride * BLOCK, n, dots);
    f32x16 weight_scales = w.unpacked ? load((const float *)block) : load_f16(block);
    for (int c = 0; c < n; c++) {
      const size_t at = (size_t)c * x.stride + b;
      if (zero_code(w.kind) != 0) dots[c] -= zero_code(w.kind) * x.sums[at];
      sums[c] = fma16(__builtin_convertvector(dots[c], f32x16), weight_scales * splat(x.scales[at]), sums[c]);
    }
  }
  for (int c = 0; c < n; c++) acc[c] = sums[c];
}

/// The same for any `n` <= MAX_GROUP.
INLINE void add_columns(const weights w, const uint8_t *block, size_t blocks, activations x, size_t n, f32x16 *acc) {
#define CASE(n)                                                        \
  case n:                                                              \
    if (n <= MAX_GROUP) add_blocks(w, block, blocks, x, n, acc);       \
    break
  switch (n) {
    CASE(1);
    CASE(2);
    CASE(3);
    CASE(4);
  }
  _Static_assert(MAX_GROUP <= 4, "a case for each");
#undef CASE
}

/// A few columns: every tile is used as it is read.
INLINE void matmul_few(const ck_matrix *matrix, ck_tiles tiles, ck_int8_panel x, ck_output out, const weights w) {
  const size_t blocks = matrix->blocks, tile_bytes = blocks * block_bytes(w.kind);
  for (size_t t = tiles.first; t < tiles.first + tiles.count; t++) {
    for (size_t c = 0; c < x.columns; c += MAX_GROUP) {
      const size_t n = smaller(x.columns - c, MAX_GROUP);
      f32x16 acc[MAX_GROUP] = {};
      add_columns(w, matrix->bytes + t * tile_bytes, blocks, activations_at(&x, blocks, c, 0), n, acc);
      for (size_t i = 0; i < n; i++) store(out.values + (c + i) * out.stride + t * LANES, acc[i]);
    }
  }
}

INLINE void unpack_blocks(weights w, const uint8_t *block, size_t blocks, unpacked_block *out) {
  for (size_t b = 0; b < blocks; b++, block += block_bytes(w.kind)) {
    prefetch_block(block, block_bytes(w.kind));
    store(out[b].scales, load_f16(block));
    w.bytes = block + 32;
    UNROLLED for (int g = 0; g < GROUPS; g++) {
      for (int p = 0; p < PARTS; p++) {
        codes v = group_codes(w, g, p);
        memcpy(out[b].codes + g * GROUP_CODES + p * REGISTER_BYTES, &v, sizeof v);
      }
    }
  }
}

/// At most PANEL_COLUMNS columns, `x` and `out` counted from the first of them, times one tile.
INLINE void tile_many(const uint8_t *tile, size_t blocks, ck_int8_panel x, ck_output out, const weights w) {
  unpacked_block strip[STRIP_BLOCKS];
  weights unpacked = w;
  unpacked.unpacked = 1;
  f32x16 acc[PANEL_COLUMNS] = {};
  for (size_t b = 0; b < blocks; b += STRIP_BLOCKS) {
    const size_t count = smaller(blocks - b, STRIP_BLOCKS);
    unpack_blocks(w, tile + b * block_bytes(w.kind), count, strip);
    for (size_t c = 0; c < x.columns; c += MAX_GROUP)
      add_columns(unpacked, (const uint8_t *)strip, count, activations_at(&x, blocks, c, b),
                  smaller(x.columns - c, MAX_GROUP), acc + c);
  }
  for (size_t c = 0; c < x.columns; c++) store(out.values + c * out.stride, acc[c]);
}

INLINE void matmul_many(const ck_matrix *matrix, ck_tiles tiles, ck_int8_panel x, ck_output out, const weights w) {
  const size_t blocks = matrix->blocks, tile_bytes = blocks * block_bytes(w.kind);
  for (size_t c = 0; c < x.columns; c += PANEL_COLUMNS) {
    const activations at = activations_at(&x, blocks, c, 0);
    const ck_int8_panel part = {at.codes, at.scales, at.sums, smaller(x.columns - c, PANEL_COLUMNS)};
    for (size_t t = tiles.first; t < tiles.first + tiles.count; t++) {
      ck_output rows = out;
      rows.values += c * out.stride + t * LANES;
      tile_many(matrix->bytes + t * tile_bytes, blocks, part, rows, w);
    }
  }
}

INLINE void matmul_int(const ck_matrix *matrix, ck_tiles tiles, ck_int8_panel x, ck_output out,
                       const block_kind kind) {
  const weights w = {.kind = kind, .table = load_table(kind == KIND_TABLE ? matrix->table : NULL)};
  if (x.columns < MANY_COLUMNS) {
    matmul_few(matrix, tiles, x, out, w);
  } else {
    matmul_many(matrix, tiles, x, out, w);
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
