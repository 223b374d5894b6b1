// Single rows of packed matrices, for embedding tables.
#include "lanes.h"

static float half(const uint8_t *p) {
  u16x16 lanes = {};
  memcpy(&lanes, p, sizeof(uint16_t));
  return widen(lanes)[0];
}

void ck_unpack_f16(const ck_matrix *matrix, size_t row, float *out) {
  const uint8_t *tile = matrix->bytes + row / 16 * matrix->blocks * 1024;
  for (size_t k = 0; k < matrix->columns; k++) out[k] = half(tile + k * 32 + row % 16 * 2);
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

void ck_unpack_int4(const ck_matrix *matrix, size_t row, float *out) {
  const uint8_t *tile = matrix->bytes + row / 16 * matrix->blocks * 288;
  const size_t lane = row % 16;
  for (size_t k = 0; k < matrix->columns; k++) {
    const uint8_t *block = tile + k / 32 * 288;
    uint8_t pair = block[32 + k % 32 / 8 * 64 + lane * 4 + k % 4];
    uint8_t code = k % 8 < 4 ? pair & 15 : pair >> 4;
    out[k] = half(block + lane * 2) * (float)(matrix->table ? matrix->table[code] : code - 8);
  }
}
