// Element-wise kernels at every tail length, and f16 conversions over all of their small domain.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

#define MOST 600

static const size_t lengths[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,  16, 17,
                                 18, 19, 24, 31, 32, 33, 47, 48, 49, 63, 64, 65, 80, 100, 255, 576};
#define LENGTHS (sizeof lengths / sizeof *lengths)

static void fill_random(suite *s, float *x, float magnitude) {
  for (size_t i = 0; i < MOST; i++) x[i] = random_float(s, magnitude);
}

static void check_quantize(suite *s, const float *x, size_t n) {
  int8_t codes[2][MOST + 32];
  float scales[2][MOST / 32 + 1];
  int32_t sums[2][MOST / 32 + 1];
  memset(codes, 99, sizeof codes), memset(scales, 99, sizeof scales), memset(sums, 99, sizeof sums);
  s->scalar->quantize(x, n, codes[0], scales[0], sums[0]);
  s->tested->quantize(x, n, codes[1], scales[1], sums[1]);
  expect_equal(s, codes[0], codes[1], sizeof codes[0], "quantize %zu: codes", n);
  expect_equal(s, scales[0], scales[1], sizeof scales[0], "quantize %zu: scales", n);
  expect_equal(s, sums[0], sums[1], sizeof sums[0], "quantize %zu: sums", n);
}

static void check_length(suite *s, size_t n, float magnitude) {
  float x[MOST], y[MOST], weights[MOST], out[2][MOST];
  uint16_t halves[2][MOST];
  fill_random(s, x, magnitude), fill_random(s, y, magnitude), fill_random(s, weights, 2);
  // Runs `call` for both, on outputs that start as y.
#define CHECK(name, call)                                                                       \
  do {                                                                                          \
    for (int i = 0; i < 2; i++) {                                                               \
      const ck_kernels *k = i ? s->tested : s->scalar;                                          \
      float *o = out[i];                                                                        \
      memcpy(o, y, sizeof y);                                                                   \
      call;                                                                                     \
    }                                                                                           \
    expect_equal(s, out[0], out[1], sizeof y, name " %zu, magnitude %g", n, (double)magnitude); \
  } while (0)
  CHECK("rms_norm", k->rms_norm(x, weights, n, 1e-5f, o));
  CHECK("rms_norm in place", k->rms_norm(o, weights, n, 1e-6f, o));
  CHECK("add_scaled", k->add_scaled(0.37f, x, n, o));
  CHECK("scale", k->scale(-1.7f, x, n, o));
  CHECK("scale in place", k->scale(3.1f, o, n, o));
  CHECK("rope", k->rope(o, n / 2, x, weights));
  CHECK("silu_mul", k->silu_mul(x, weights, n, o));
  CHECK("silu_mul in place", k->silu_mul(o, weights, n, o));
  CHECK("gelu_mul", k->gelu_mul(x, weights, n, o));
  CHECK("softmax", k->softmax(o, n));
#undef CHECK
  memset(halves, 99, sizeof halves);
  s->scalar->f32_to_f16(x, n, halves[0]);
  s->tested->f32_to_f16(x, n, halves[1]);
  expect_equal(s, halves[0], halves[1], sizeof halves[0], "f32_to_f16 %zu", n);
  check_quantize(s, x, n);
}

void check_vectors(suite *s) {
  static const float magnitudes[] = {1, 30, 1e-3f, 200, 1e30f, 1e-33f};
  for (size_t i = 0; i < LENGTHS; i++)
    for (size_t m = 0; m < sizeof magnitudes / sizeof *magnitudes; m++) check_length(s, lengths[i], magnitudes[m]);

  float special[64] = {0};
  check_quantize(s, special, 64);
  for (int i = 0; i < 64; i++) special[i] = (float)(i % 5) - 2.5f;
  check_quantize(s, special, 64);
  special[3] = NAN, special[40] = -INFINITY;
  check_quantize(s, special, 64);
}

/// Narrows `x`, 3 x 65536 values, with both.
static void check_narrowing(suite *s, const float *x, const char *what) {
  const size_t count = 3 * 65536;
  uint16_t *expected = malloc(2 * count), *found = malloc(2 * count);
  s->scalar->f32_to_f16(x, count, expected);
  s->tested->f32_to_f16(x, count, found);
  expect_equal(s, expected, found, 2 * count, "f32_to_f16 %s", what);
  free(expected), free(found);
}

void check_halves(suite *s) {
  uint16_t *halves = malloc(65536 * sizeof *halves);
  float *expected = malloc(65536 * sizeof *expected), *found = malloc(65536 * sizeof *found);
  float *x = malloc(3 * 65536 * sizeof *x);
  for (int i = 0; i < 65536; i++) halves[i] = (uint16_t)i;
  s->scalar->f16_to_f32(halves, 65536, expected);
  s->tested->f16_to_f32(halves, 65536, found);
  expect_equal(s, expected, found, 65536 * sizeof *found, "f16_to_f32 of all halves");
  // Every half, and the numbers halfway to the next and just beside: all cases of rounding.
  for (int i = 0; i < 65536; i++) {
    uint32_t bits;
    memcpy(&bits, expected + i, sizeof bits);
    uint32_t near[3] = {bits, bits + 0x1000, bits + 0x1001 - 2 * (uint32_t)(random_bits(s) & 1)};
    memcpy(x + 3 * i, near, sizeof near);
  }
  check_narrowing(s, x, "around all halves");
  for (int i = 0; i < 3 * 65536; i++) {
    uint32_t bits = (uint32_t)random_bits(s);
    memcpy(x + i, &bits, sizeof bits);
  }
  check_narrowing(s, x, "of random bits");
  free(halves), free(expected), free(found), free(x);
}
