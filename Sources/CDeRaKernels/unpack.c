// Single rows of packed matrices, for embedding tables.
#include "lanes.h"

static float half(const uint8_t *p) {
  u16x16 lanes = {};
  memcpy(&lanes, p, sizeof(uint16_t));
  return widen(lanes)[0];
}

static void unpack_f16(const ck_matrix *matrix, size_t row, float *out) {
  const uint8_t *tile = matrix->bytes + row / 16 * matrix->columns * 32;
  for (size_t k = 0; k < matrix->columns; k++) out[k] = half(tile + k * 32 + row % 16 * 2);
}

/// The bits that a plane of a block has of input `k`'s code.
INLINE int plane_code(const uint8_t *plane, const int bits, size_t lane, size_t k) {
  const size_t group = k / 4, bit = group * (size_t)bits;
  return plane[bit / 8 * 64 + lane * 4 + k % 4] >> bit % 8 & ((1 << bits) - 1);
}

/// The code of a block's input `k`; `codes` is after the block's scales.
INLINE int block_code(const uint8_t *codes, const ck_format_row its, size_t lane, size_t k) {
  const int low = plane_code(codes, its.bits[0], lane, k);
  if (its.bits[0] == 8) return (int8_t)low;
  if (its.bits[1] == 0) return low;
  return low | plane_code(codes + 64 * its.bits[0], its.bits[1], lane, k) << its.bits[0];
}

INLINE void unpack_int(const ck_matrix *matrix, const ck_format_row its, size_t row, float *out) {
  const size_t lane = row % 16, start = ck_tile_start(its), block_bytes = ck_block_bytes(its);
  const uint8_t *tile = matrix->bytes + row / 16 * (start + matrix->blocks * block_bytes);
  float scale = 0;
  if (its.scales_rows) memcpy(&scale, tile + lane * sizeof scale, sizeof scale);
  for (size_t k = 0; k < matrix->columns; k++) {
    const uint8_t *block = tile + start + k / 32 * block_bytes;
    if (!its.scales_rows && k % 32 == 0) scale = half(block + lane * 2);
    const int code = block_code(block + (its.scales_rows ? 0 : 32), its, lane, k % 32);
    const int value = its.takes_table && matrix->table ? matrix->table[code] : its.factor * code + its.offset;
    out[k] = scale * (float)value;
  }
}

void ck_unpack(const ck_matrix *matrix, ck_format format, size_t row, float *out) {
  switch (format) {
#define UNPACK(name, ...) \
  case CK_FORMAT_##name: unpack_int(matrix, ck_row(CK_FORMAT_##name), row, out); break;
    CK_FORMATS(UNPACK)
#undef UNPACK
    default: unpack_f16(matrix, row, out);
  }
}
