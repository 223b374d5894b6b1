// Attention over cached keys and values of one key-value head: the same source for every instruction set.
//
// The query heads of a group share every key and value that is loaded and converted. Neither the group nor the blocks
// of positions are seen in the results: a score is always sum16 of one chain of fused multiply-adds a lane, and an
// output always one chain over the positions in ascending order.
#include "lanes.h"

typedef float f32x8 __attribute__((vector_size(32)));

/// CACHED_F32 are no keys but rows whose scores are added to what is there.
typedef enum { CACHED_F16, CACHED_INT8, CACHED_F32 } cached_kind;

/// Keys whose sums are reduced together.
#define KEYS 8
/// Most query heads that share a loaded key or value: as many sums as stay in registers.
#define HEADS 4
/// Positions that stay in the innermost cache while larger groups of heads take turns, and while elements do.
#define POSITIONS 64

/// A function of its own, so that what it holds in registers does not depend on its callers.
#define SEPARATE static __attribute__((noinline))

/// Heads of a group with `left` to go that are done together. Widths that are no multiple of 16 are rare: they go one
/// by one, and only that code has tails.
INLINE size_t heads_together(size_t left, size_t n) { return n % LANES ? 1 : left < HEADS ? left : HEADS; }

/// Elements `i ..< i + 16`.
INLINE f32x16 load_cached(const void *elements, size_t i, const cached_kind kind) {
  if (kind == CACHED_F16) return load_f16((const uint16_t *)elements + i);
  if (kind == CACHED_F32) return load((const float *)elements + i);
  i8x16 codes;
  memcpy(&codes, (const int8_t *)elements + i, sizeof codes);
  return __builtin_convertvector(codes, f32x16);
}

/// Elements `i ..< i + n` for n < 16, then zeros.
INLINE f32x16 load_cached_tail(const void *elements, size_t i, size_t n, const cached_kind kind) {
  if (kind == CACHED_F16) return load_f16_tail((const uint16_t *)elements + i, n);
  if (kind == CACHED_F32) return load_tail((const float *)elements + i, n);
  i8x16 codes = {};
  memcpy(&codes, (const int8_t *)elements + i, n);
  return __builtin_convertvector(codes, f32x16);
}

#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)

/// The first step of sum16.
INLINE f32x8 sum16_first(f32x16 v) {
  return HALF(v, 0, 1, 2, 3, 4, 5, 6, 7) + HALF(v, 8, 9, 10, 11, 12, 13, 14, 15);
}

/// The other steps of sum16 for eight vectors together.
INLINE f32x8 sum16_rest(const f32x8 *v) {
  f32x8 fours[4], twos[2];
  for (int i = 0; i < 4; i++)
    fours[i] = SHUFFLE(v[i], v[i + 4], 0, 1, 2, 3, 8, 9, 10, 11) + SHUFFLE(v[i], v[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  for (int i = 0; i < 2; i++)
    twos[i] = SHUFFLE(fours[2 * i], fours[2 * i + 1], 0, 1, 8, 9, 4, 5, 12, 13) +
              SHUFFLE(fours[2 * i], fours[2 * i + 1], 2, 3, 10, 11, 6, 7, 14, 15);
  return SHUFFLE(twos[0], twos[1], 0, 2, 8, 10, 4, 6, 12, 14) + SHUFFLE(twos[0], twos[1], 1, 3, 9, 11, 5, 7, 13, 15);
}

/// Sums of `heads` queries with `count` keys (both constants): sums[head * KEYS + key].
INLINE void dots(const float *queries, size_t n, const void *keys, size_t at, const int heads, const int count,
                 const cached_kind kind, f32x8 *sums) {
  f32x16 acc[HEADS] = {}, key[HEADS];
  size_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    for (int k = 0; k < count; k++) key[k] = load_cached(keys, at + (size_t)k * n + i, kind);
    for (int h = 0; h < heads; h++) {
      f32x16 query = load(queries + (size_t)h * n + i);
      for (int k = 0; k < count; k++) acc[h * count + k] = fma16(query, key[k], acc[h * count + k]);
    }
  }
  if (heads == 1 && i < n) {
    f32x16 query = load_tail(queries + i, n - i);
    for (int k = 0; k < count; k++)
      acc[k] = fma16(query, load_cached_tail(keys, at + (size_t)k * n + i, n - i, kind), acc[k]);
  }
  for (int h = 0; h < heads; h++)
    for (int k = 0; k < count; k++) sums[h * KEYS + k] = sum16_first(acc[h * count + k]);
}

/// `count` scores, a constant or less than KEYS, of `heads` (a constant) queries.
INLINE void score_keys(const float *queries, size_t n, ck_cached keys, size_t first, size_t count, float factor,
                       const int heads, const cached_kind kind, float *scores, size_t stride) {
  const int together = HEADS / heads;
  f32x8 sums[HEADS * KEYS], factors = factor - (f32x8){};
  size_t k = 0;
  if (count < KEYS) memset(sums, 0, sizeof sums);
  for (; k + together <= count; k += together)
    dots(queries, n, keys.elements, (first + k) * n, heads, together, kind, sums + k);
  for (; k < count; k++) dots(queries, n, keys.elements, (first + k) * n, heads, 1, kind, sums + k);
  if (kind == CACHED_INT8) {
    f32x8 scales = {};
    memcpy(&scales, keys.scales + first, count * sizeof(float));
    factors *= scales;
  }
  for (int h = 0; h < heads; h++) {
    f32x8 result = factors * sum16_rest(sums + h * KEYS), before = {};
    if (kind == CACHED_F32) {
      memcpy(&before, scores + h * stride + first, count * sizeof(float));
      result += before;
    }
    memcpy(scores + h * stride + first, &result, count * sizeof(float));
  }
}

INLINE void score_positions(const float *queries, size_t n, ck_cached keys, size_t first, size_t end, float factor,
                            const int heads, const cached_kind kind, float *scores, size_t stride) {
  for (; first + KEYS <= end; first += KEYS)
    score_keys(queries, n, keys, first, KEYS, factor, heads, kind, scores, stride);
  if (first < end) score_keys(queries, n, keys, first, end - first, factor, heads, kind, scores, stride);
}

#define SCORES_OF(heads)                                                                                          \
  SEPARATE void scores_##heads(const float *queries, size_t n, ck_cached keys, size_t first, size_t end,          \
                               float factor, float *scores, size_t stride) {                                      \
    if (keys.scales)                                                                                              \
      score_positions(queries, n, keys, first, end, factor, heads, CACHED_INT8, scores, stride);                  \
    else                                                                                                          \
      score_positions(queries, n, keys, first, end, factor, heads, CACHED_F16, scores, stride);                   \
  }
SCORES_OF(1)
SCORES_OF(2)
SCORES_OF(3)
SCORES_OF(4)

#define ADD_SCORES_OF(heads)                                                                                      \
  SEPARATE void add_scores_##heads(const float *queries, size_t n, ck_cached keys, size_t first, size_t end,      \
                                   float factor, float *scores, size_t stride) {                                  \
    score_positions(queries, n, keys, first, end, factor, heads, CACHED_F32, scores, stride);                     \
  }
ADD_SCORES_OF(1)
ADD_SCORES_OF(2)
ADD_SCORES_OF(3)
ADD_SCORES_OF(4)

/// A function of 1 to 4 heads.
typedef void (*scores_of)(const float *queries, size_t n, ck_cached keys, size_t first, size_t end, float factor,
                          float *scores, size_t stride);

INLINE void score_heads(const scores_of *of, const float *queries, size_t heads, size_t n, ck_cached keys,
                        size_t count, float factor, float *scores, size_t stride) {
  for (size_t t = 0; t < count; t += POSITIONS) {
    const size_t end = t + POSITIONS < count ? t + POSITIONS : count;
    for (size_t h = 0, together; h < heads; h += together) {
      together = heads_together(heads - h, n);
      of[together - 1](queries + h * n, n, keys, t, end, factor, scores + h * stride, stride);
    }
  }
}

static void scores(const float *queries, size_t heads, size_t n, ck_cached keys, size_t count, float factor,
                   float *scores, size_t stride) {
  static const scores_of of[HEADS] = {scores_1, scores_2, scores_3, scores_4};
  score_heads(of, queries, heads, n, keys, count, factor, scores, stride);
}

static void add_scores(const float *queries, size_t heads, size_t n, const float *rows, size_t count, float factor,
                       float *scores, size_t stride) {
  static const scores_of of[HEADS] = {add_scores_1, add_scores_2, add_scores_3, add_scores_4};
  score_heads(of, queries, heads, n, (ck_cached){rows, NULL}, count, factor, scores, stride);
}

/// Adds `chunks` times 16 elements of the weighted sums of `heads` heads (both constants).
INLINE void mix_tile(const float *weights, size_t stride, const void *values, size_t at, size_t count, size_t n,
                     const int heads, const int chunks, const cached_kind kind, float *out) {
  f32x16 acc[HEADS];
  for (int h = 0; h < heads; h++)
    for (int c = 0; c < chunks; c++) acc[h * chunks + c] = load(out + (size_t)h * n + c * LANES);
  for (size_t t = 0; t < count; t++, at += n) {
    for (int c = 0; c < chunks; c++) {
      f32x16 value = load_cached(values, at + c * LANES, kind);
      for (int h = 0; h < heads; h++)
        acc[h * chunks + c] = fma16(splat(weights[h * stride + t]), value, acc[h * chunks + c]);
    }
  }
  for (int h = 0; h < heads; h++)
    for (int c = 0; c < chunks; c++) store(out + (size_t)h * n + c * LANES, acc[h * chunks + c]);
}

INLINE void mix_tail(const float *weights, const void *values, size_t at, size_t count, size_t n, size_t rest,
                     const cached_kind kind, float *out) {
  f32x16 acc = load_tail(out, rest);
  for (size_t t = 0; t < count; t++)
    acc = fma16(splat(weights[t]), load_cached_tail(values, at + t * n, rest, kind), acc);
  store_tail(out, acc, rest);
}

/// `heads` (a constant) heads over positions `first ..< first + count`, count <= POSITIONS.
INLINE void mix_positions(const float *weights, size_t stride, ck_cached values, size_t first, size_t count, size_t n,
                          const int heads, const cached_kind kind, float *out) {
  const int chunks = HEADS / heads;
  float scaled[HEADS * POSITIONS];
  weights += first;
  if (kind == CACHED_INT8) {
    for (int h = 0; h < heads; h++)
      for (size_t t = 0; t < count; t++)
        scaled[h * POSITIONS + t] = weights[h * stride + t] * values.scales[first + t];
    weights = scaled, stride = POSITIONS;
  }
  size_t i = 0, at = first * n;
  for (; i + chunks * LANES <= n; i += chunks * LANES)
    mix_tile(weights, stride, values.elements, at + i, count, n, heads, chunks, kind, out + i);
  for (; i + LANES <= n; i += LANES)
    mix_tile(weights, stride, values.elements, at + i, count, n, heads, 1, kind, out + i);
  if (heads == 1 && i < n) mix_tail(weights, values.elements, at + i, count, n, n - i, kind, out + i);
}

#define MIX_OF(heads)                                                                                            \
  SEPARATE void mix_##heads(const float *weights, size_t stride, ck_cached values, size_t first, size_t count,   \
                            size_t n, float *out) {                                                              \
    if (values.scales)                                                                                           \
      mix_positions(weights, stride, values, first, count, n, heads, CACHED_INT8, out);                          \
    else                                                                                                         \
      mix_positions(weights, stride, values, first, count, n, heads, CACHED_F16, out);                           \
  }
MIX_OF(1)
MIX_OF(2)
MIX_OF(3)
MIX_OF(4)

static void mix(const float *weights, size_t stride, size_t heads, ck_cached values, size_t count, size_t n,
                float *out) {
  for (size_t t = 0; t < count; t += POSITIONS) {
    const size_t left = count - t < POSITIONS ? count - t : POSITIONS;
    for (size_t h = 0, together; h < heads; h += together) {
      together = heads_together(heads - h, n);
      switch (together) {
        case 1: mix_1(weights + h * stride, stride, values, t, left, n, out + h * n); break;
        case 2: mix_2(weights + h * stride, stride, values, t, left, n, out + h * n); break;
        case 3: mix_3(weights + h * stride, stride, values, t, left, n, out + h * n); break;
        default: mix_4(weights + h * stride, stride, values, t, left, n, out + h * n);
      }
    }
  }
}

static void quantize_head(const float *x, size_t n, int8_t *codes, float *scale) {
  u32x16 magnitudes = {};
  size_t i = 0;
  // Magnitudes compare as integers, NaN above infinity above everything finite.
  for (; i + LANES <= n; i += LANES)
    magnitudes = __builtin_elementwise_max(magnitudes, (u32x16)load(x + i) & 0x7fffffff);
  if (i < n) magnitudes = __builtin_elementwise_max(magnitudes, (u32x16)load_tail(x + i, n - i) & 0x7fffffff);
  uint32_t bits = __builtin_reduce_max(magnitudes);
  float amax;
  memcpy(&amax, &bits, sizeof amax);
  // Below 2^-100 the inverse of the scale would overflow.
  int usable = bits < 0x7f800000 && amax >= 0x1p-100f;
  *scale = usable ? amax / 127 : bits >= 0x7f800000 ? __builtin_nanf("") : 0;
  if (!usable) {
    memset(codes, 0, n);
    return;
  }
  // Adding 1.5 · 2^23 rounds to nearest even and leaves the integer in the low bits.
  f32x16 factor = splat(1 / *scale), magic = splat(0x1.8p23f);
  for (i = 0; i < n; i += LANES) {
    size_t rest = n - i < LANES ? n - i : LANES;
    i32x16 rounded = (i32x16)(load_tail(x + i, rest) * factor + magic) - (i32x16)magic;
    i8x16 narrow_codes = __builtin_convertvector(rounded, i8x16);
    memcpy(codes + i, &narrow_codes, rest);
  }
}
