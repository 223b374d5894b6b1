// Sixteen f32 lanes: the unit in which every instruction set computes, so that the order of every sum is the same.
// The compiler splits the lanes into whatever registers the including file's target has.
#ifndef CKERNELS_LANES_H
#define CKERNELS_LANES_H

#include <stdint.h>
#include <string.h>

#include "CDeRaKernels.h"

// Nothing is contracted behind our back: a fused multiply-add is written as one.
#pragma STDC FP_CONTRACT OFF
// Wide vectors are passed only between functions that are inlined, so their calling convention does not matter.
#pragma clang diagnostic ignored "-Wpsabi"

#define INLINE static inline __attribute__((always_inline))
#define LANES 16
/// Before a loop that loses its sums to memory when the compiler unrolls it.
#define ROLLED _Pragma("clang loop unroll(disable)")
/// Before a loop whose counter must be known at compile time.
#define UNROLLED _Pragma("clang loop unroll(full)")

typedef float f32x16 __attribute__((vector_size(64)));
typedef int32_t i32x16 __attribute__((vector_size(64)));
typedef uint32_t u32x16 __attribute__((vector_size(64)));
typedef uint16_t u16x16 __attribute__((vector_size(32)));
typedef int8_t i8x16 __attribute__((vector_size(16)));

INLINE f32x16 splat(float value) { return value - (f32x16){}; }

INLINE f32x16 load(const float *p) {
  f32x16 v;
  memcpy(&v, p, sizeof v);
  return v;
}

INLINE void store(float *p, f32x16 v) { memcpy(p, &v, sizeof v); }

/// The first `n` < 16 lanes from memory, the others zero.
INLINE f32x16 load_tail(const float *p, size_t n) {
  f32x16 v = {};
  memcpy(&v, p, n * sizeof *p);
  return v;
}

INLINE void store_tail(float *p, f32x16 v, size_t n) { memcpy(p, &v, n * sizeof *p); }

/// a * b + c, rounded once
INLINE f32x16 fma16(f32x16 a, f32x16 b, f32x16 c) { return __builtin_elementwise_fma(a, b, c); }

/// Lanes of `a` where the mask is all ones, of `b` where it is zero.
INLINE u32x16 select16(i32x16 mask, u32x16 a, u32x16 b) { return ((u32x16)mask & a) | (~(u32x16)mask & b); }

#define HALF(v, ...) __builtin_shufflevector(v, v, __VA_ARGS__)

/// Sum of the lanes by halving: i + (i + 8), then 4, 2, 1.
INLINE float sum16(f32x16 v) {
  typedef float f32x8 __attribute__((vector_size(32)));
  typedef float f32x4 __attribute__((vector_size(16)));
  typedef float f32x2 __attribute__((vector_size(8)));
  f32x8 a = HALF(v, 0, 1, 2, 3, 4, 5, 6, 7) + HALF(v, 8, 9, 10, 11, 12, 13, 14, 15);
  f32x4 b = HALF(a, 0, 1, 2, 3) + HALF(a, 4, 5, 6, 7);
  f32x2 c = HALF(b, 0, 1) + HALF(b, 2, 3);
  return c[0] + c[1];
}

#ifdef HARDWARE_F16

typedef _Float16 f16x16 __attribute__((vector_size(32)));

INLINE f32x16 widen(u16x16 h) { return __builtin_convertvector((f16x16)h, f32x16); }
INLINE u16x16 narrow(f32x16 x) { return (u16x16)__builtin_convertvector(x, f16x16); }

#else

/// f16 bits to f32. The 15 low bits, moved to f32's place, are a number 2^112 too small, subnormals included.
INLINE f32x16 widen(u16x16 h) {
  u32x16 bits = __builtin_convertvector(h, u32x16);
  u32x16 magnitude = (bits & 0x7fff) << 13;
  u32x16 finite = (u32x16)((f32x16)magnitude * splat(0x1p112f));
  u32x16 quiet = ((magnitude > 0x0f800000) & 0x00400000);
  u32x16 special = magnitude | 0x7f800000 | quiet;
  return (f32x16)(select16(magnitude >= 0x0f800000, special, finite) | (bits & 0x8000) << 16);
}

/// f32 to f16 bits, rounded to nearest even.
INLINE u16x16 narrow(f32x16 x) {
  u32x16 bits = (u32x16)x;
  u32x16 magnitude = bits & 0x7fffffff;
  u32x16 normal = (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13;
  // Adding 0.5 leaves a subnormal half's bits, rounded, at the bottom of the sum.
  u32x16 subnormal = (u32x16)((f32x16)magnitude + splat(0.5f)) - 0x3f000000;
  u32x16 nan = 0x7e00 | (magnitude >> 13 & 0x3ff);
  u32x16 half = select16(magnitude < 0x38800000, subnormal, normal);
  half = select16(magnitude >= 0x477ff000, 0x7c00 - (u32x16){}, half);
  half = select16(magnitude > 0x7f800000, nan, half);
  return __builtin_convertvector(half | (bits >> 16 & 0x8000), u16x16);
}

#endif

INLINE f32x16 load_f16(const void *p) {
  u16x16 h;
  memcpy(&h, p, sizeof h);
  return widen(h);
}

INLINE f32x16 load_f16_tail(const void *p, size_t n) {
  u16x16 h = {};
  memcpy(&h, p, n * sizeof(uint16_t));
  return widen(h);
}

#endif
