// x86-64 with AVX2, FMA and F16C.
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "CDeRaKernels.h"
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define HARDWARE_F16
#define MAX_GROUP 4
#define REGISTER_BYTES 32
#define UNSIGNED_BYTES 0
// The other codes cost less to unpack again than to write and to read.
#define UNPACKING_PAYS(kind) adds_pairs(kind)
#define lookup(values, selectors) (codes) _mm256_shuffle_epi8((__m256i)(values), (__m256i)(selectors))
#include "codes.h"

/// Sums of rows 0...7 and 8...15.
INLINE i32x16 join(__m256i low, __m256i high) {
  i32x16 v;
  memcpy(&v, &low, sizeof low);
  memcpy((char *)&v + sizeof low, &high, sizeof high);
  return v;
}

/// The activations of 4 consecutive inputs, repeated for 8 rows.
INLINE __m256i broadcast4(const int8_t *x) {
  int32_t four;
  memcpy(&four, x, sizeof four);
  return _mm256_set1_epi32(four);
}

/// Codes that take all 8 bits, or nearly: |w| is multiplied.
INLINE int is_wide(const block_kind kind) { return traits(kind).largest > 64; }

/// Codes of which two groups' products can be added in 16 bits, but not all of a row's.
INLINE int adds_pairs(const block_kind kind) { return traits(kind).largest > 16 && !is_wide(kind); }

/// Adds the products of a group, in pairs: of wide codes |w| · (x with w's sign), at most 2 · 128 · 127 in 16 bits; of
/// nibbles, all a row has, in two lanes of 16 bits: at most 16 · 15 · 127 = 30480 in each.
INLINE __m256i add_products(__m256i sums, const int wide, __m256i codes, __m256i magnitudes, __m256i x) {
  if (!wide) return _mm256_add_epi16(sums, _mm256_maddubs_epi16(codes, x));
  __m256i pairs = _mm256_maddubs_epi16(magnitudes, _mm256_sign_epi8(x, codes));
  return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

/// Adds group `group` of 4 inputs.
INLINE void add_group(const weights w, const int group, const int8_t *x, size_t stride, const int n,
                      __m256i sums[][PARTS]) {
  const int wide = is_wide(w.kind);
  __m256i first = (__m256i)group_codes(w, group, 0), second = (__m256i)group_codes(w, group, 1);
  __m256i first_magnitudes = _mm256_abs_epi8(first), second_magnitudes = _mm256_abs_epi8(second);
  for (int c = 0; c < n; c++) {
    __m256i four = broadcast4(x + (size_t)c * stride + 4 * group);
    sums[c][0] = add_products(sums[c][0], wide, first, first_magnitudes, four);
    sums[c][1] = add_products(sums[c][1], wide, second, second_magnitudes, four);
  }
}

/// Adds two groups of codes of six bits, a row's products in two lanes of 16 bits: at most 4 · 63 · 127 = 32004 in each.
INLINE void add_two_groups(const weights w, const int group, const int8_t *x, size_t stride, const int n,
                           __m256i sums[][PARTS]) {
  codes first[PARTS], second[PARTS];
  for (int p = 0; p < PARTS; p++) first[p] = group_codes(w, group, p), second[p] = group_codes(w, group + 1, p);
  for (int c = 0; c < n; c++) {
    __m256i four = broadcast4(x + (size_t)c * stride + 4 * group);
    __m256i next = broadcast4(x + (size_t)c * stride + 4 * group + 4);
    for (int p = 0; p < PARTS; p++) {
      __m256i products = _mm256_add_epi16(
          _mm256_maddubs_epi16((__m256i)first[p], four), _mm256_maddubs_epi16((__m256i)second[p], next));
      sums[c][p] = _mm256_add_epi32(sums[c][p], _mm256_madd_epi16(products, _mm256_set1_epi16(1)));
    }
  }
}

INLINE void dot(const weights w, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  __m256i sums[MAX_GROUP][PARTS] = {};
  const int pairs = adds_pairs(w.kind), step = pairs && w.unpacked ? 2 : groups_a_byte(w);
  ROLLED for (int g = 0; g < GROUPS; g += step) {
    UNROLLED for (int i = 0; i < step; i += 1 + pairs) {
      if (pairs) add_two_groups(w, g + i, x, stride, n, sums);
      else add_group(w, g + i, x, stride, n, sums);
    }
  }
  const __m256i ones = _mm256_set1_epi16(1);
  for (int c = 0; c < n; c++)
    dots[c] = pairs || is_wide(w.kind) ? join(sums[c][0], sums[c][1])
                                       : join(_mm256_madd_epi16(sums[c][0], ones), _mm256_madd_epi16(sums[c][1], ones));
}

#include "attention.h"
#include "elementwise.h"
#include "matmul.h"
#include "matmul_f16.h"
#include "table.h"

KERNELS(ck_avx2, "avx2");

#pragma clang attribute pop

#endif
