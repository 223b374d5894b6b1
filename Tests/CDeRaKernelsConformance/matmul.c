// Matrix products: every codec, row and column tails, many numbers of activation columns, random shapes.
#include <stdlib.h>
#include <string.h>

#include "suite.h"

typedef enum { F16, INT8, INT6, INT4, INT2, TERNARY, INT1 } codec;
/// The facts of each codec: row scales of a tile, halves in a block, bytes of codes in a block. Told by hand, not by the kernels' rows.
static const struct { size_t row_scales, block_halves, code_bytes; const char *name; ck_format format; } formats[] = {
    {0, 512, 0, "f16", CK_FORMAT_f16},    {0, 16, 512, "int8", CK_FORMAT_int8},
    {0, 16, 384, "int6", CK_FORMAT_int6}, {0, 16, 256, "int4", CK_FORMAT_int4},
    {16, 0, 128, "int2", CK_FORMAT_int2}, {16, 0, 128, "ternary", CK_FORMAT_ternary},
    {16, 0, 64, "int1", CK_FORMAT_int1}};

/// How a case fills its codes or activations.
typedef enum { RANDOM, ALL_LARGEST, ALL_SMALLEST, ZERO, ALTERNATING, FILLS } fill;

static int8_t activation(suite *s, fill how, size_t index) {
  switch (how) {
    case ALL_LARGEST: return 127;
    case ALL_SMALLEST: return -127;
    case ZERO: return 0;
    case ALTERNATING: return index % 2 ? 127 : -127;
    default: return (int8_t)((int)(random_bits(s) % 255) - 127);
  }
}

static uint8_t code(suite *s, fill how, size_t index) {
  switch (how) {
    case ALL_LARGEST: return 0xff;
    case ALL_SMALLEST: return 0x80;
    case ZERO: return 0;
    case ALTERNATING: return index % 2 ? 0x7f : 0x81;
    default: return (uint8_t)random_bits(s);
  }
}

/// A finite half of moderate size.
static uint16_t half(suite *s) { return (uint16_t)((random_bits(s) & 0x83ff) | (10 + random_bits(s) % 8) << 10); }

static uint8_t *put_halves(suite *s, uint8_t *p, size_t count) {
  for (; count > 0; count--, p += sizeof(uint16_t)) {
    uint16_t value = half(s);
    memcpy(p, &value, sizeof value);
  }
  return p;
}

static uint8_t *make_matrix(suite *s, codec kind, size_t tiles, size_t blocks, fill how) {
  const size_t row_scales = formats[kind].row_scales, block_halves = formats[kind].block_halves;
  const size_t block_bytes = 2 * block_halves + formats[kind].code_bytes;
  uint8_t *bytes = malloc(tiles * (4 * row_scales + blocks * block_bytes)), *p = bytes;
  for (size_t t = 0; t < tiles; t++) {
    for (size_t i = 0; i < row_scales; i++, p += sizeof(float)) {
      float scale = random_float(s, 1e-3f);
      memcpy(p, &scale, sizeof scale);
    }
    for (size_t b = 0; b < blocks; b++) {
      p = put_halves(s, p, block_halves);
      for (size_t i = 0; i < formats[kind].code_bytes; i++) *p++ = code(s, how, i);
    }
  }
  return bytes;
}

typedef struct {
  int8_t *codes;
  float *scales;
  int32_t *sums;
  float *values;
} activations;

static activations make_activations(suite *s, size_t columns, size_t blocks, fill how) {
  size_t count = columns * blocks;
  activations x = {malloc(count * 32), malloc(count * sizeof(float)), malloc(count * sizeof(int32_t)),
                   malloc(count * 32 * sizeof(float))};
  for (size_t b = 0; b < count; b++) {
    x.scales[b] = random_float(s, 0.01f);
    x.sums[b] = 0;
    for (size_t i = b * 32; i < b * 32 + 32; i++) {
      x.codes[i] = activation(s, how, i);
      x.sums[b] += x.codes[i];
      x.values[i] = random_float(s, 3);
    }
  }
  return x;
}

static void multiply(const ck_kernels *kernels, codec kind, const ck_matrix *matrix, ck_tiles tiles,
                     const activations *x, size_t columns, ck_output out) {
  if (kind == F16) {
    kernels->matmul_f16(matrix, tiles, (ck_f32_panel){x->values, matrix->blocks * 32, columns}, out);
  } else {
    ck_matmul(kernels, formats[kind].format)(matrix, tiles, (ck_int8_panel){x->codes, x->scales, x->sums, columns}, out);
  }
}

static void check_product(suite *s, codec kind, size_t tiles, size_t width, size_t columns, const int8_t *table,
                          fill weights, fill inputs) {
  const size_t blocks = (width + 31) / 32, stride = tiles * 16 + 5, count = columns * stride;
  uint8_t *bytes = make_matrix(s, kind, tiles, blocks, weights);
  activations x = make_activations(s, columns, blocks, inputs);
  float *expected = malloc(count * sizeof(float)), *found = malloc(count * sizeof(float));
  // What lies between the tiles asked for must stay as it is.
  for (size_t i = 0; i < count; i++) expected[i] = found[i] = (float)i;
  ck_matrix matrix = {bytes, blocks, width, table};
  ck_tiles range = {tiles > 2, tiles - (tiles > 2)};
  for (int accumulate = 0; accumulate <= 1; accumulate++) {
    multiply(s->scalar, kind, &matrix, range, &x, columns, (ck_output){expected, stride, accumulate});
    multiply(s->tested, kind, &matrix, range, &x, columns, (ck_output){found, stride, accumulate});
    expect_equal(s, expected, found, count * sizeof(float),
                 "%s %zu x %zu, %zu columns, table %d, fills %d %d, accumulate %d", formats[kind].name, tiles * 16,
                 width, columns, table != NULL, weights, inputs, accumulate);
  }
  free(bytes), free(x.codes), free(x.scales), free(x.sums), free(x.values), free(expected), free(found);
}

void check_matmul(suite *s) {
  _Static_assert(sizeof formats / sizeof *formats == CK_FORMAT_COUNT, "a codec for every format");
  // Wide enough for more than one strip, and more columns than a panel: see matmul.h.
  static const size_t widths[] = {1, 31, 32, 65, 545};
  static const size_t column_counts[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 64, 66};
  static const int8_t linear[16] = {-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7};
  int8_t random_table[16] = {-32, 31, -31, 0};
  for (int i = 4; i < 16; i++) random_table[i] = (int8_t)(random_bits(s) % 64 - 32);
  const struct { codec kind; const int8_t *table; } kinds[] = {
      {F16, NULL},  {INT8, NULL}, {INT6, NULL},    {INT4, NULL}, {INT4, linear}, {INT4, random_table},
      {INT2, NULL}, {TERNARY, NULL}, {INT1, NULL}};
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    const codec kind = kinds[k].kind;
    const int8_t *its_table = kinds[k].table;
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
      for (size_t c = 0; c < sizeof column_counts / sizeof *column_counts; c++)
        check_product(s, kind, 3, widths[w], column_counts[c], its_table, RANDOM, RANDOM);
    for (int i = 0; i < 60; i++)
      check_product(s, kind, 1 + random_bits(s) % 7, 1 + random_bits(s) % 300, 1 + random_bits(s) % 20, its_table,
                    RANDOM, RANDOM);
    // Few columns and many go different ways.
    for (fill weights = RANDOM; weights < FILLS; weights++)
      for (fill inputs = RANDOM; inputs < FILLS; inputs++)
        for (size_t columns = 5; columns <= 9; columns += 4)
          check_product(s, kind, 2, 128, columns, its_table, weights, inputs);
  }
}
