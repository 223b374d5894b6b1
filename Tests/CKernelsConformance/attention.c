// Scores and weighted sums for every kind of head width, with and without gaps between positions.
#include <string.h>

#include "suite.h"

#define MOST_WIDTH 160
#define MOST_KEYS 40

static void check_head(suite *s, size_t width, size_t gap, size_t count) {
  uint16_t cache[MOST_KEYS * (MOST_WIDTH + 8)];
  float query[MOST_WIDTH], scores[2][MOST_KEYS], mixed[2][MOST_WIDTH];
  const size_t stride = width + gap;
  for (size_t i = 0; i < count * stride; i++)
    cache[i] = (uint16_t)((random_bits(s) & 0x83ff) | (8 + random_bits(s) % 9) << 10);
  for (size_t i = 0; i < width; i++) query[i] = random_float(s, 2);
  memset(scores, 0, sizeof scores), memset(mixed, 0, sizeof mixed);
  s->scalar->scores(query, width, cache, stride, count, 0.125f, scores[0]);
  s->tested->scores(query, width, cache, stride, count, 0.125f, scores[1]);
  expect_equal(s, scores[0], scores[1], sizeof scores[0], "scores: width %zu, gap %zu, %zu keys", width, gap, count);
  s->scalar->mix(scores[0], cache, stride, count, width, mixed[0]);
  s->tested->mix(scores[0], cache, stride, count, width, mixed[1]);
  expect_equal(s, mixed[0], mixed[1], sizeof mixed[0], "mix: width %zu, gap %zu, %zu values", width, gap, count);
}

void check_attention(suite *s) {
  static const size_t widths[] = {1, 2, 7, 8, 12, 15, 16, 17, 24, 32, 40, 48, 63, 64, 72, 80, 96, 112, 128, 160};
  for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
    for (size_t gap = 0; gap <= 8; gap += 8)
      for (size_t count = 1; count <= MOST_KEYS; count += count < 9 ? 1 : 31) check_head(s, widths[w], gap, count);
}
