// Attention over a cache of f16 keys and values: the same source for every instruction set.
#include "lanes.h"

/// Dots of the query with `count` (a constant) keys.
INLINE void score_group(const float *query, size_t n, const uint16_t *keys, size_t stride, const int count,
                        float factor, float *scores) {
  f32x16 sums[4] = {};
  size_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    f32x16 q = load(query + i);
    for (int k = 0; k < count; k++) sums[k] = fma16(q, load_f16(keys + (size_t)k * stride + i), sums[k]);
  }
  if (i < n) {
    f32x16 q = load_tail(query + i, n - i);
    for (int k = 0; k < count; k++) sums[k] = fma16(q, load_f16_tail(keys + (size_t)k * stride + i, n - i), sums[k]);
  }
  for (int k = 0; k < count; k++) scores[k] = factor * sum16(sums[k]);
}

static void scores(const float *query, size_t n, const uint16_t *keys, size_t stride, size_t count, float factor,
                   float *scores) {
  size_t t = 0;
  for (; t + 4 <= count; t += 4) score_group(query, n, keys + t * stride, stride, 4, factor, scores + t);
  for (; t < count; t++) score_group(query, n, keys + t * stride, stride, 1, factor, scores + t);
}

/// `groups` (a constant) times 16 elements of the weighted sum.
INLINE void mix_group(const float *weights, const uint16_t *values, size_t stride, size_t count, const int groups,
                      float *out) {
  f32x16 sums[4] = {};
  for (size_t t = 0; t < count; t++, values += stride) {
    f32x16 weight = splat(weights[t]);
    for (int g = 0; g < groups; g++) sums[g] = fma16(weight, load_f16(values + g * LANES), sums[g]);
  }
  for (int g = 0; g < groups; g++) store(out + g * LANES, sums[g]);
}

static void mix(const float *weights, const uint16_t *values, size_t stride, size_t count, size_t n, float *out) {
  size_t i = 0;
  for (; i + 4 * LANES <= n; i += 4 * LANES) mix_group(weights, values + i, stride, count, 4, out + i);
  for (; i + LANES <= n; i += LANES) mix_group(weights, values + i, stride, count, 1, out + i);
  if (i == n) return;
  f32x16 sum = {};
  for (size_t t = 0; t < count; t++)
    sum = fma16(splat(weights[t]), load_f16_tail(values + t * stride + i, n - i), sum);
  store_tail(out + i, sum, n - i);
}
