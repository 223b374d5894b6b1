// Scores and weighted sums for every kind of head width and group of heads, over f16 and int8 caches.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

#define MOST_WIDTH 160
#define MOST_KEYS 140
#define MOST_HEADS 9
#define GAP 3

typedef struct {
  uint16_t halves[MOST_KEYS * MOST_WIDTH];
  int8_t codes[MOST_KEYS * MOST_WIDTH];
  float rows[MOST_KEYS * MOST_WIDTH];
  float scales[MOST_KEYS];
  float queries[MOST_HEADS * MOST_WIDTH];
  /// Scores with a gap after every head's, which must stay as it is.
  float scores[2][MOST_HEADS * (MOST_KEYS + GAP)];
  float mixed[2][MOST_HEADS * MOST_WIDTH];
} buffers;

static void check_group(suite *s, buffers *b, int is_int8, size_t width, size_t heads, size_t count) {
  const ck_cached cached = {is_int8 ? (void *)b->codes : b->halves, is_int8 ? b->scales : NULL};
  const size_t stride = count + GAP;
  for (int i = 0; i < 2; i++) {
    const ck_kernels *kernels = i ? s->tested : s->scalar;
    memset(b->scores[i], 0, sizeof b->scores[i]);
    memcpy(b->mixed[i], b->queries, sizeof b->mixed[i]);
    kernels->scores(b->queries, heads, width, cached, count, 0.125f, b->scores[i], stride);
    kernels->mix(b->scores[0], stride, heads, cached, count, width, b->mixed[i]);
  }
  expect_equal(s, b->scores[0], b->scores[1], sizeof b->scores[0], "scores: int8 %d, width %zu, %zu heads, %zu keys",
               is_int8, width, heads, count);
  expect_equal(s, b->mixed[0], b->mixed[1], sizeof b->mixed[0], "mix: int8 %d, width %zu, %zu heads, %zu values",
               is_int8, width, heads, count);
}

/// Checks that a head's result depends neither on the heads it is computed with, nor on where the positions are cut.
static void check_alone(suite *s, buffers *b, int is_int8, size_t width, size_t heads, size_t count) {
  const size_t cut = count / 3, size = is_int8 ? 1 : sizeof(uint16_t);
  const char *elements = is_int8 ? (char *)b->codes : (char *)b->halves;
  const ck_cached first = {elements, is_int8 ? b->scales : NULL};
  const ck_cached second = {elements + cut * width * size, is_int8 ? b->scales + cut : NULL};
  const size_t stride = count + GAP;
  memset(b->scores, 0, sizeof b->scores), memset(b->mixed, 0, sizeof b->mixed);
  s->tested->scores(b->queries, heads, width, first, count, 0.3f, b->scores[0], stride);
  s->tested->mix(b->scores[0], stride, heads, first, count, width, b->mixed[0]);
  for (size_t h = 0; h < heads; h++) {
    float *scores = b->scores[1] + h * stride, *mixed = b->mixed[1] + h * width;
    s->tested->scores(b->queries + h * width, 1, width, first, cut, 0.3f, scores, stride);
    s->tested->scores(b->queries + h * width, 1, width, second, count - cut, 0.3f, scores + cut, stride);
    s->tested->mix(scores, stride, 1, first, cut, width, mixed);
    s->tested->mix(scores + cut, stride, 1, second, count - cut, width, mixed);
  }
  expect_equal(s, b->scores[0], b->scores[1], sizeof b->scores[0], "scores alone: int8 %d, width %zu, %zu of %zu",
               is_int8, width, heads, count);
  expect_equal(s, b->mixed[0], b->mixed[1], sizeof b->mixed[0], "mix alone: int8 %d, width %zu, %zu of %zu", is_int8,
               width, heads, count);
}

/// Checks `add_scores`, and that a head's result depends on neither the others nor on where the rows are cut.
static void check_added(suite *s, buffers *b, size_t width, size_t heads, size_t count) {
  const size_t stride = count + GAP, cut = count / 3;
  memcpy(b->scores[0], b->queries, sizeof b->scores[0]);
  memcpy(b->scores[1], b->queries, sizeof b->scores[1]);
  s->scalar->add_scores(b->queries, heads, width, b->rows, count, 0.3f, b->scores[0], stride);
  for (size_t h = 0; h < heads; h++) {
    float *scores = b->scores[1] + h * stride;
    s->tested->add_scores(b->queries + h * width, 1, width, b->rows, cut, 0.3f, scores, stride);
    s->tested->add_scores(b->queries + h * width, 1, width, b->rows + cut * width, count - cut, 0.3f, scores + cut,
                          stride);
  }
  expect_equal(s, b->scores[0], b->scores[1], sizeof b->scores[0], "add_scores alone: width %zu, %zu of %zu", width,
               heads, count);
  memcpy(b->scores[1], b->queries, sizeof b->scores[1]);
  s->tested->add_scores(b->queries, heads, width, b->rows, count, 0.3f, b->scores[1], stride);
  expect_equal(s, b->scores[0], b->scores[1], sizeof b->scores[0], "add_scores: width %zu, %zu heads, %zu rows", width,
               heads, count);
}

static void check_coding(suite *s, size_t width, float magnitude, float odd) {
  float x[MOST_WIDTH], scales[2];
  int8_t codes[2][MOST_WIDTH];
  for (size_t i = 0; i < width; i++) x[i] = random_float(s, magnitude);
  x[random_bits(s) % width] += odd;
  memset(codes, 99, sizeof codes);
  s->scalar->quantize_head(x, width, codes[0], &scales[0]);
  s->tested->quantize_head(x, width, codes[1], &scales[1]);
  // Which NaN it is does not matter.
  if (isnan(scales[0]) && isnan(scales[1])) scales[0] = scales[1] = 0;
  expect_equal(s, scales, scales + 1, sizeof *scales, "quantize_head %zu, magnitude %g: scale", width, magnitude);
  expect_equal(s, codes[0], codes[1], sizeof codes[0], "quantize_head %zu, magnitude %g: codes", width, magnitude);
}

void check_attention(suite *s) {
  static const size_t widths[] = {1, 2, 7, 8, 12, 15, 16, 17, 24, 32, 40, 48, 63, 64, 72, 80, 96, 112, 128, 160};
  static const size_t counts[] = {1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 63, 64, 65, 140};
  buffers *b = malloc(sizeof *b);
  for (size_t i = 0; i < MOST_KEYS * MOST_WIDTH; i++) {
    b->halves[i] = (uint16_t)((random_bits(s) & 0x83ff) | (8 + random_bits(s) % 9) << 10);
    b->codes[i] = (int8_t)random_bits(s);
  }
  for (size_t i = 0; i < MOST_KEYS; i++) b->scales[i] = random_float(s, 0.1f);
  for (size_t i = 0; i < MOST_HEADS * MOST_WIDTH; i++) b->queries[i] = random_float(s, 2);
  for (int is_int8 = 0; is_int8 < 2; is_int8++)
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
      for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (size_t heads = 1; heads <= MOST_HEADS; heads += heads < 5 ? 1 : 4) {
          check_group(s, b, is_int8, widths[w], heads, counts[c]);
          check_alone(s, b, is_int8, widths[w], heads, counts[c]);
        }
  static const float magnitudes[] = {1, 1e-3f, 200, 1e30f, 1e-33f, 0};
  for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
    for (size_t m = 0; m < sizeof magnitudes / sizeof *magnitudes; m++) check_coding(s, widths[w], magnitudes[m], 0);
    check_coding(s, widths[w], 1, INFINITY);
    check_coding(s, widths[w], 1, NAN);
  }
  for (size_t i = 0; i < MOST_KEYS * MOST_WIDTH; i++) b->rows[i] = random_float(s, 1);
  for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
      for (size_t heads = 1; heads <= MOST_HEADS; heads += heads < 5 ? 1 : 4)
        check_added(s, b, widths[w], heads, counts[c]);
  free(b);
}
