// Matrix products over tiles of 16 rows: the same loops for every instruction set. The including file supplies what
// codes.h asks for and the integer dots of one block of 16 rows with `n` columns,
//
//   dot(w, x, stride, n, dots)
//
// where `n` is a constant <= MAX_GROUP, as many columns as keep their sums in registers, and column c's 32 activations
// are at x + c * stride. Where the order of `unpack_groups` does not suit its `dot`, it defines another `unpack`.
// An instruction set with too few registers for that defines PASS_PARTS(n), and its `dot` does what passes.h says.
#include "codes.h"
#include "output.h"

#ifndef unpack
#define unpack unpack_groups
#endif
/// Whether many columns are quicker when a kind's codes are unpacked once for all of them.
#ifndef UNPACKING_PAYS
#define UNPACKING_PAYS(kind) 1
#endif

#define PREFETCH_DISTANCE 2048
/// Columns from which on a tile is unpacked before it is used.
#define MANY_COLUMNS 8
/// Columns whose activations stay in the second-level cache while the tiles go by.
#define PANEL_COLUMNS 64
/// Blocks that are unpacked at a time, to stay in the first-level cache.
#define STRIP_BLOCKS 16

/// The bytes of 16 f16 scales.
#define BLOCK_SCALE_BYTES (2 * LANES)

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

INLINE activations activations_at(activations x, size_t column, size_t block) {
  size_t at = column * x.stride + block;
  return (activations){x.codes + at * BLOCK, x.scales + at, x.sums + at, x.stride};
}

/// The hardware's own prefetching stops at the end of every page.
INLINE void prefetch_block(const uint8_t *block, size_t bytes) {
  for (size_t line = 0; line < bytes; line += 64) __builtin_prefetch(block + PREFETCH_DISTANCE + line);
}

#ifdef PASS_PARTS
#include "passes.h"
#else

/// acc[c] += `blocks` blocks of a tile times column c of `n`, a constant. `w` has all but the place of the codes.
INLINE void add_blocks(weights w, const uint8_t *block, size_t blocks, activations x, const int n, f32x16 *acc) {
  const kind_traits its = traits(w.kind);
  const size_t bytes = w.unpacked ? sizeof(unpacked_block) : ck_block_bytes(its.row);
  f32x16 sums[MAX_GROUP];
  for (int c = 0; c < n; c++) sums[c] = acc[c];
  for (size_t b = 0; b < blocks; b++, block += bytes) {
    if (!w.unpacked) prefetch_block(block, bytes);
    w.bytes = block + (w.unpacked ? offsetof(unpacked_block, codes) : its.row.scales_rows ? 0 : BLOCK_SCALE_BYTES);
    i32x16 dots[MAX_GROUP];
    dot(w, x.codes + b * BLOCK, x.stride * BLOCK, n, dots);
    f32x16 scales = its.row.scales_rows ? splat(1) : w.unpacked ? load((const float *)block) : load_f16(block);
    for (int c = 0; c < n; c++) {
      const size_t at = (size_t)c * x.stride + b;
      i32x16 products = its.factor * dots[c];
      if (its.offset != 0) products += its.offset * x.sums[at];
      sums[c] = fma16(__builtin_convertvector(products, f32x16), scales * splat(x.scales[at]), sums[c]);
    }
  }
  for (int c = 0; c < n; c++) acc[c] = sums[c];
}

#endif

/// The same for any `n` <= MAX_GROUP.
INLINE void add_columns(const weights w, const uint8_t *block, size_t blocks, activations x, size_t n, f32x16 *acc) {
#define CASE(count)                                                     \
  case count:                                                           \
    if (count <= MAX_GROUP) add_blocks(w, block, blocks, x, count, acc); \
    break
  switch (n) {
    CASE(1);
    CASE(2);
    CASE(3);
    CASE(4);
    CASE(5);
    CASE(6);
    CASE(7);
    CASE(8);
  }
  _Static_assert(MAX_GROUP <= 8, "a case for each");
#undef CASE
}

INLINE size_t tile_bytes(const block_kind kind, size_t blocks) {
  const ck_format_row row = ck_row(kind.format);
  return ck_tile_start(row) + blocks * ck_block_bytes(row);
}

/// The values that `n` sums start from. Row scales multiply them at the end, so a value to add to has to wait for them.
INLINE void start_sums(const block_kind kind, ck_output out, size_t n, f32x16 *acc) {
  for (size_t c = 0; c < n; c++) acc[c] = ck_row(kind.format).scales_rows ? (f32x16){} : start_sum(out, c);
}

INLINE void finish_sums(const block_kind kind, const uint8_t *tile, ck_output out, size_t n, const f32x16 *acc) {
  for (size_t c = 0; c < n; c++) {
    f32x16 sum = acc[c];
    if (ck_row(kind.format).scales_rows) sum = fma16(sum, load((const float *)tile), start_sum(out, c));
    store(output_at(out, 0, c).values, sum);
  }
}

/// Adds all blocks of a tile, as it is read, to at most MAX_GROUP columns.
INLINE void tile_few(const uint8_t *tile, size_t blocks, activations x, size_t n, ck_output out, const weights w) {
  f32x16 acc[MAX_GROUP];
  start_sums(w.kind, out, n, acc);
  add_columns(w, tile + tile_bytes(w.kind, 0), blocks, x, n, acc);
  finish_sums(w.kind, tile, out, n, acc);
}

INLINE void unpack_blocks(weights w, const uint8_t *block, size_t blocks, unpacked_block *out) {
  const ck_format_row row = ck_row(w.kind.format);
  for (size_t b = 0; b < blocks; b++, block += ck_block_bytes(row)) {
    prefetch_block(block, ck_block_bytes(row));
    if (!row.scales_rows) store(out[b].scales, load_f16(block));
    w.bytes = block + (row.scales_rows ? 0 : BLOCK_SCALE_BYTES);
    unpack(w, out[b].codes);
  }
}

/// The same for at most PANEL_COLUMNS columns: a strip of the tile is unpacked once for all of them.
INLINE void tile_many(const uint8_t *tile, size_t blocks, activations x, size_t n, ck_output out, const weights w) {
  unpacked_block strip[STRIP_BLOCKS];
  weights unpacked = w;
  unpacked.unpacked = 1;
  f32x16 acc[PANEL_COLUMNS];
  start_sums(w.kind, out, n, acc);
  for (size_t b = 0; b < blocks; b += STRIP_BLOCKS) {
    const size_t count = smaller(blocks - b, STRIP_BLOCKS);
    unpack_blocks(w, tile + tile_bytes(w.kind, b), count, strip);
    for (size_t c = 0; c < n; c += MAX_GROUP)
      add_columns(unpacked, (const uint8_t *)strip, count, activations_at(x, c, b), smaller(n - c, MAX_GROUP), acc + c);
  }
  finish_sums(w.kind, tile, out, n, acc);
}

INLINE void matmul_int(const ck_matrix *matrix, ck_tiles tiles, ck_int8_panel panel, ck_output out,
                       const block_kind kind) {
  const weights w = {.kind = kind, .table = load_table(kind.has_table ? matrix->table : NULL)};
  const size_t blocks = matrix->blocks;
  const activations x = {panel.codes, panel.scales, panel.sums, blocks};
  const int many = panel.columns >= MANY_COLUMNS && UNPACKING_PAYS(kind);
  for (size_t c = 0; c < panel.columns; c += PANEL_COLUMNS) {
    const size_t n = smaller(panel.columns - c, PANEL_COLUMNS);
    for (size_t t = tiles.first; t < tiles.first + tiles.count; t++) {
      const uint8_t *tile = matrix->bytes + t * tile_bytes(kind, blocks);
      if (many) {
        tile_many(tile, blocks, activations_at(x, c, 0), n, output_at(out, t, c), w);
      } else {
        for (size_t i = 0; i < n; i += MAX_GROUP)
          tile_few(tile, blocks, activations_at(x, c + i, 0), smaller(n - i, MAX_GROUP), output_at(out, t, c + i), w);
      }
    }
  }
}

/// matmul_NAME of every format.
#define MATMUL(name, low, high, factor, offset, rows, takes_table)                                     \
  static void matmul_##name(const ck_matrix *matrix, ck_tiles tiles, ck_int8_panel x, ck_output out) { \
    if (takes_table && matrix->table) {                                                                \
      matmul_int(matrix, tiles, x, out, (block_kind){CK_FORMAT_##name, takes_table});                  \
    } else {                                                                                           \
      matmul_int(matrix, tiles, x, out, (block_kind){CK_FORMAT_##name, 0});                            \
    }                                                                                                  \
  }
CK_FORMATS(MATMUL)
#undef MATMUL
