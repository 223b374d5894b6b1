// Element-wise work on f32 vectors and rows of activations: the same source for every instruction set.
#include "lanes.h"

/// `body_full` for every 16 elements, at `i`; then `body_tail` for the `rest` < 16 elements at `i`, if any.
#define FOR_LANES(count, body_full, body_tail)            \
  do {                                                    \
    size_t i = 0;                                         \
    for (; i + LANES <= (count); i += LANES) { body_full; } \
    size_t rest = (count)-i;                              \
    if (rest > 0) { body_tail; }                          \
  } while (0)

/// e^x with x clamped to -87...88: 2^k · p(r) where x = k ln 2 + r, |r| <= ln 2 / 2, p the Taylor polynomial of degree
/// 7, whose remainder there is below 1e-8 of the result.
INLINE f32x16 exp16(f32x16 x) {
  x = (f32x16)select16(x < splat(-87), (u32x16)splat(-87), (u32x16)x);
  x = (f32x16)select16(x > splat(88), (u32x16)splat(88), (u32x16)x);
  const f32x16 magic = splat(0x1.8p23f);
  f32x16 shifted = fma16(x, splat(0x1.715476p+0f), magic);
  f32x16 k = shifted - magic;
  f32x16 r = fma16(k, splat(-0x1.62e43p-1f), x);
  r = fma16(k, splat(0x1.05c61p-29f), r);
  f32x16 p = splat(1.0f / 5040);
  p = fma16(p, r, splat(1.0f / 720));
  p = fma16(p, r, splat(1.0f / 120));
  p = fma16(p, r, splat(1.0f / 24));
  p = fma16(p, r, splat(1.0f / 6));
  p = fma16(p, r, splat(0.5f));
  p = fma16(p, r, splat(1));
  p = fma16(p, r, splat(1));
  // The low bits of `shifted` are k in two's complement; adding them to p's exponent multiplies by 2^k.
  return (f32x16)((u32x16)p + ((u32x16)shifted << 23));
}

static void rms_norm(const float *x, const float *weight, size_t n, float epsilon, float *out) {
  f32x16 squares = {};
  FOR_LANES(n, f32x16 v = load(x + i); squares = fma16(v, v, squares),
            f32x16 v = load_tail(x + i, rest); squares = fma16(v, v, squares));
  f32x16 factor = splat(1 / __builtin_elementwise_sqrt(sum16(squares) / (float)n + epsilon));
  FOR_LANES(n, store(out + i, load(x + i) * factor * load(weight + i)),
            store_tail(out + i, load_tail(x + i, rest) * factor * load_tail(weight + i, rest), rest));
}

static void add_scaled(float a, const float *x, size_t n, float *y) {
  f32x16 factor = splat(a);
  FOR_LANES(n, store(y + i, fma16(factor, load(x + i), load(y + i))),
            store_tail(y + i, fma16(factor, load_tail(x + i, rest), load_tail(y + i, rest)), rest));
}

static void scale(float a, const float *x, size_t n, float *out) {
  f32x16 factor = splat(a);
  FOR_LANES(n, store(out + i, factor * load(x + i)), store_tail(out + i, factor * load_tail(x + i, rest), rest));
}

static void rope(float *x, size_t half, const float *cosines, const float *sines) {
  for (size_t i = 0; i < half; i += LANES) {
    size_t n = half - i < LANES ? half - i : LANES;
    f32x16 a = load_tail(x + i, n), b = load_tail(x + half + i, n);
    f32x16 c = load_tail(cosines + i, n), s = load_tail(sines + i, n);
    store_tail(x + i, fma16(a, c, -(b * s)), n);
    store_tail(x + half + i, fma16(b, c, a * s), n);
  }
}

/// x · sigmoid(s)
INLINE f32x16 gated(f32x16 x, f32x16 s) { return x / (splat(1) + exp16(-s)); }

/// x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2 = x · sigmoid(2 √(2/π) (x + 0.044715 x³))
INLINE f32x16 gelu16(f32x16 x) {
  f32x16 inner = fma16(splat(0.044715f) * x * x, x, x);
  return gated(x, splat(1.5957691216057308f) * inner);
}

static void silu_mul(const float *gate, const float *up, size_t n, float *out) {
  FOR_LANES(n, f32x16 g = load(gate + i); store(out + i, gated(g, g) * load(up + i)),
            f32x16 g = load_tail(gate + i, rest); store_tail(out + i, gated(g, g) * load_tail(up + i, rest), rest));
}

static void gelu_mul(const float *gate, const float *up, size_t n, float *out) {
  FOR_LANES(n, store(out + i, gelu16(load(gate + i)) * load(up + i)),
            store_tail(out + i, gelu16(load_tail(gate + i, rest)) * load_tail(up + i, rest), rest));
}

static void softmax(float *x, size_t n) {
  f32x16 largest = splat(x[0]);
  f32x16 sums = {};
  FOR_LANES(n, f32x16 v = load(x + i); largest = (f32x16)select16(v > largest, (u32x16)v, (u32x16)largest),
            f32x16 v = splat(x[0]); memcpy(&v, x + i, rest * sizeof *x);
            largest = (f32x16)select16(v > largest, (u32x16)v, (u32x16)largest));
  float top = largest[0];
  for (int lane = 1; lane < LANES; lane++) top = largest[lane] > top ? largest[lane] : top;
  f32x16 shift = splat(top);
  FOR_LANES(n, f32x16 e = exp16(load(x + i) - shift); store(x + i, e); sums += e,
            store_tail(x + i, exp16(load_tail(x + i, rest) - shift), rest); sums += load_tail(x + i, rest));
  f32x16 factor = splat(1 / sum16(sums));
  FOR_LANES(n, store(x + i, load(x + i) * factor), store_tail(x + i, load_tail(x + i, rest) * factor, rest));
}

static void f32_to_f16(const float *x, size_t n, uint16_t *out) {
  FOR_LANES(n, u16x16 h = narrow(load(x + i)); memcpy(out + i, &h, sizeof h),
            u16x16 h = narrow(load_tail(x + i, rest)); memcpy(out + i, &h, rest * sizeof *out));
}

static void f16_to_f32(const uint16_t *x, size_t n, float *out) {
  FOR_LANES(n, store(out + i, load_f16(x + i)), store_tail(out + i, load_f16_tail(x + i, rest), rest));
}

/// A block whose largest magnitude is below this is coded as zeros: 1 / scale would overflow.
#define SMALLEST_AMAX 0x1p-100f

static void quantize(const float *x, size_t n, int8_t *codes, float *scales, int32_t *sums) {
  for (size_t block = 0; block * 32 < n; block++, x += 32, codes += 32) {
    float padded[32] = {};
    size_t rest = n - block * 32;
    if (rest < 32) memcpy(padded, x, rest * sizeof *x);
    const float *values = rest < 32 ? padded : x;
    f32x16 low = load(values), high = load(values + LANES);
    // Magnitudes compare as integers, NaN above infinity above everything finite.
    u32x16 magnitudes = __builtin_elementwise_max((u32x16)low & 0x7fffffff, (u32x16)high & 0x7fffffff);
    uint32_t bits = __builtin_reduce_max(magnitudes);
    float amax;
    memcpy(&amax, &bits, sizeof amax);
    int usable = bits < 0x7f800000 && amax >= SMALLEST_AMAX;
    scales[block] = usable ? amax / 127 : bits >= 0x7f800000 ? __builtin_nanf("") : 0;
    sums[block] = 0;
    memset(codes, 0, 32);
    if (!usable) continue;
    // Adding 1.5 · 2^23 rounds to nearest even and leaves the integer in the low bits.
    f32x16 factor = splat(1 / scales[block]), magic = splat(0x1.8p23f);
    i32x16 first = (i32x16)(low * factor + magic) - (i32x16)magic;
    i32x16 second = (i32x16)(high * factor + magic) - (i32x16)magic;
    sums[block] = __builtin_reduce_add(first + second);
    i8x16 narrow_first = __builtin_convertvector(first, i8x16), narrow_second = __builtin_convertvector(second, i8x16);
    memcpy(codes, &narrow_first, LANES);
    memcpy(codes + LANES, &narrow_second, LANES);
  }
}
