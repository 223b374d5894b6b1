// x86-64 with AVX2, FMA and F16C.
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "CKernels.h"
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define HARDWARE_F16
#define MAX_GROUP 4
#include "lanes.h"

/// Sums of rows 0...7 and 8...15.
INLINE i32x16 join(__m256i low, __m256i high) {
  i32x16 v;
  memcpy(&v, &low, sizeof low);
  memcpy((char *)&v + sizeof low, &high, sizeof high);
  return v;
}

/// The activations of 4 consecutive columns, repeated for 8 rows.
INLINE __m256i broadcast4(const int8_t *x) {
  int32_t four;
  memcpy(&four, x, sizeof four);
  return _mm256_set1_epi32(four);
}

INLINE __m256i load_codes(const uint8_t *p) { return _mm256_loadu_si256((const __m256i_u *)p); }

/// Adds 8 rows × 4 columns of signed weights: |w| · (x with w's sign), at most 2 · 128 · 127 in 16 bits.
INLINE __m256i add_signed(__m256i sums, __m256i magnitudes, __m256i weights, __m256i x) {
  __m256i pairs = _mm256_maddubs_epi16(magnitudes, _mm256_sign_epi8(x, weights));
  return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

INLINE void dot_int8(const uint8_t *codes, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  __m256i sums[4][2] = {};
  ROLLED for (int g = 0; g < 8; g++) {
    for (int half = 0; half < 2; half++) {
      __m256i weights = load_codes(codes + 64 * g + 32 * half), magnitudes = _mm256_abs_epi8(weights);
      for (int c = 0; c < n; c++)
        sums[c][half] = add_signed(sums[c][half], magnitudes, weights, broadcast4(x + (size_t)c * stride + 4 * g));
    }
  }
  for (int c = 0; c < n; c++) dots[c] = join(sums[c][0], sums[c][1]);
}

INLINE void dot_table(const uint8_t *codes, const int8_t *table, const int8_t *x, size_t stride, const int n,
                      i32x16 *dots) {
  const __m256i values = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i_u *)table));
  const __m256i nibble = _mm256_set1_epi8(15);
  __m256i sums[4][2] = {};
  ROLLED for (int g = 0; g < 4; g++) {
    for (int half = 0; half < 2; half++) {
      __m256i pairs = load_codes(codes + 64 * g + 32 * half);
      for (int high = 0; high < 2; high++) {
        __m256i selectors = _mm256_and_si256(high ? _mm256_srli_epi16(pairs, 4) : pairs, nibble);
        __m256i weights = _mm256_shuffle_epi8(values, selectors), magnitudes = _mm256_abs_epi8(weights);
        for (int c = 0; c < n; c++) {
          __m256i activations = broadcast4(x + (size_t)c * stride + 8 * g + 4 * high);
          sums[c][half] = add_signed(sums[c][half], magnitudes, weights, activations);
        }
      }
    }
  }
  for (int c = 0; c < n; c++) dots[c] = join(sums[c][0], sums[c][1]);
}

/// A row's 32 products are summed in two 16-bit lanes: at most 16 · 15 · 127 = 30480 in each.
INLINE void dot_nibbles(const uint8_t *codes, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  const __m256i nibble = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
  __m256i sums[4][2] = {};
  ROLLED for (int g = 0; g < 4; g++) {
    for (int half = 0; half < 2; half++) {
      __m256i pairs = load_codes(codes + 64 * g + 32 * half);
      __m256i low = _mm256_and_si256(pairs, nibble), high = _mm256_and_si256(_mm256_srli_epi16(pairs, 4), nibble);
      for (int c = 0; c < n; c++) {
        const int8_t *four = x + (size_t)c * stride + 8 * g;
        __m256i products = _mm256_add_epi16(
            _mm256_maddubs_epi16(low, broadcast4(four)), _mm256_maddubs_epi16(high, broadcast4(four + 4)));
        sums[c][half] = _mm256_add_epi16(sums[c][half], products);
      }
    }
  }
  for (int c = 0; c < n; c++)
    dots[c] = join(_mm256_madd_epi16(sums[c][0], ones), _mm256_madd_epi16(sums[c][1], ones));
}

/// Low nibble, high pair of bits: a pair of columns' products is at most 2 · 63 · 127, and two such fit in 16 bits.
INLINE void dot_int6(const uint8_t *codes, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  const __m256i nibble = _mm256_set1_epi8(15), pair = _mm256_set1_epi8(0x30), ones = _mm256_set1_epi16(1);
  __m256i sums[4][2] = {};
  ROLLED for (int h = 0; h < 2; h++) {
    for (int half = 0; half < 2; half++) {
      __m256i pairs = load_codes(codes + 256 + 64 * h + 32 * half);
      for (int upper = 0; upper < 2; upper++) {
        __m256i bytes = load_codes(codes + 128 * h + 64 * upper + 32 * half);
        __m256i low = _mm256_and_si256(bytes, nibble), high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
        __m256i top_low = upper ? pairs : _mm256_slli_epi16(pairs, 4);
        __m256i top_high = upper ? _mm256_srli_epi16(pairs, 2) : _mm256_slli_epi16(pairs, 2);
        low = _mm256_or_si256(low, _mm256_and_si256(top_low, pair));
        high = _mm256_or_si256(high, _mm256_and_si256(top_high, pair));
        for (int c = 0; c < n; c++) {
          const int8_t *four = x + (size_t)c * stride + 16 * h + 8 * upper;
          __m256i products = _mm256_add_epi16(
              _mm256_maddubs_epi16(low, broadcast4(four)), _mm256_maddubs_epi16(high, broadcast4(four + 4)));
          sums[c][half] = _mm256_add_epi32(sums[c][half], _mm256_madd_epi16(products, ones));
        }
      }
    }
  }
  for (int c = 0; c < n; c++) dots[c] = join(sums[c][0], sums[c][1]);
}

/// Adds to `sums`, in 16-bit lanes, 8 rows of the codes of `bits` bits in the bytes, 8 / bits groups of 4 columns.
INLINE void add_planes(__m256i sums[][2], int half, __m256i bytes, const int bits, const int8_t *x, size_t stride,
                       const int n) {
  const __m256i mask = _mm256_set1_epi8((char)((1 << bits) - 1));
  UNROLLED for (int i = 0; i < 8 / bits; i++) {
    __m256i plane = _mm256_and_si256(_mm256_srli_epi16(bytes, bits * i), mask);
    for (int c = 0; c < n; c++) {
      __m256i products = _mm256_maddubs_epi16(plane, broadcast4(x + (size_t)c * stride + 4 * i));
      sums[c][half] = _mm256_add_epi16(sums[c][half], products);
    }
  }
}

/// A row's 32 products are summed in two 16-bit lanes: at most 16 · 3 · 127 in each.
INLINE void dot_int2(const uint8_t *codes, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i sums[4][2] = {};
  ROLLED for (int h = 0; h < 2; h++)
    for (int half = 0; half < 2; half++)
      add_planes(sums, half, load_codes(codes + 64 * h + 32 * half), 2, x + 16 * h, stride, n);
  for (int c = 0; c < n; c++)
    dots[c] = join(_mm256_madd_epi16(sums[c][0], ones), _mm256_madd_epi16(sums[c][1], ones));
}

INLINE void dot_int1(const uint8_t *codes, const int8_t *x, size_t stride, const int n, i32x16 *dots) {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i sums[4][2] = {};
  for (int half = 0; half < 2; half++) add_planes(sums, half, load_codes(codes + 32 * half), 1, x, stride, n);
  for (int c = 0; c < n; c++)
    dots[c] = join(_mm256_madd_epi16(sums[c][0], ones), _mm256_madd_epi16(sums[c][1], ones));
}

#include "attention.h"
#include "elementwise.h"
#include "matmul.h"
#include "table.h"

KERNELS(ck_avx2, "avx2");

#pragma clang attribute pop

#endif
