// Single rows of packed matrices, for embedding tables.
#include "lanes.h"

static float half(const uint8_t *p) {
  u16x16 lanes = {};
  memcpy(&lanes, p, sizeof(uint16_t));
  return widen(lanes)[0];
}

void ck_unpack_f16(const ck_matrix *matrix, size_t row, float *out) {
  const uint8_t *tile = matrix->bytes + row / 16 * matrix->columns * 32;
  for (size_t k = 0; k < matrix->columns; k++) out[k] = half(tile + k * 32 + row % 16 * 2);
}

/// The low half of byte `4 lane + k % 4` of group k / 8, or for the upper four of 8 columns the high half.
static uint8_t nibble(const uint8_t *groups, size_t lane, size_t k) {
  uint8_t pair = groups[k % 32 / 8 * 64 + lane * 4 + k % 4];
  return k % 8 < 4 ? pair & 15 : pair >> 4;
}

void ck_unpack_int8(const ck_matrix *matrix, size_t row, float *out) {
  const uint8_t *tile = matrix->bytes + row / 16 * matrix->blocks * 544;
  const size_t lane = row % 16;
  for (size_t k = 0; k < matrix->columns; k++) {
    const uint8_t *block = tile + k / 32 * 544;
    int8_t code = (int8_t)block[32 + k % 32 / 4 * 64 + lane * 4 + k % 4];
    out[k] = half(block + lane * 2) * (float)code;
  }
}

/// Bits `2i`, `2i + 1` of byte `4 lane + k % 4` of group k / 16, where i = k % 16 / 4.
static uint8_t bit_pair(const uint8_t *groups, size_t lane, size_t k) {
  return groups[k % 32 / 16 * 64 + lane * 4 + k % 4] >> k % 16 / 4 * 2 & 3;
}

void ck_unpack_int6(const ck_matrix *matrix, size_t row, float *out) {
  const uint8_t *tile = matrix->bytes + row / 16 * matrix->blocks * 416;
  const size_t lane = row % 16;
  for (size_t k = 0; k < matrix->columns; k++) {
    const uint8_t *block = tile + k / 32 * 416;
    uint8_t low = nibble(block + 32, lane, k), high = bit_pair(block + 32 + 256, lane, k);
    out[k] = half(block + lane * 2) * (float)((low | high << 4) - 32);
  }
}

void ck_unpack_int4(const ck_matrix *matrix, size_t row, float *out) {
  const uint8_t *tile = matrix->bytes + row / 16 * matrix->blocks * 288;
  const size_t lane = row % 16;
  for (size_t k = 0; k < matrix->columns; k++) {
    const uint8_t *block = tile + k / 32 * 288;
    uint8_t code = nibble(block + 32, lane, k);
    out[k] = half(block + lane * 2) * (float)(matrix->table ? matrix->table[code] : code - 8);
  }
}

static float row_scale(const uint8_t *tile, size_t row) {
  float scale;
  memcpy(&scale, tile + row % 16 * sizeof scale, sizeof scale);
  return scale;
}

/// Pairs of bits after the tile's row scales, which stand for factor * pair + offset.
static void unpack_pairs(const ck_matrix *matrix, size_t row, int factor, int offset, float *out) {
  const uint8_t *tile = matrix->bytes + row / 16 * (64 + matrix->blocks * 128);
  const float scale = row_scale(tile, row);
  for (size_t k = 0; k < matrix->columns; k++)
    out[k] = scale * (float)(factor * bit_pair(tile + 64 + k / 32 * 128, row % 16, k) + offset);
}

void ck_unpack_int2(const ck_matrix *matrix, size_t row, float *out) { unpack_pairs(matrix, row, 2, -3, out); }

void ck_unpack_ternary(const ck_matrix *matrix, size_t row, float *out) { unpack_pairs(matrix, row, 1, -1, out); }

void ck_unpack_int1(const ck_matrix *matrix, size_t row, float *out) {
  const uint8_t *tile = matrix->bytes + row / 16 * (64 + matrix->blocks * 64);
  const float scale = row_scale(tile, row);
  for (size_t k = 0; k < matrix->columns; k++) {
    uint8_t bits = tile[64 + k / 32 * 64 + row % 16 * 4 + k % 4];
    out[k] = bits >> k % 32 / 4 & 1 ? scale : -scale;
  }
}
