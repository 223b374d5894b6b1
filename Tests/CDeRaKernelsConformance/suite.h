// What the parts of the suite share.
#ifndef CKERNELS_CONFORMANCE_SUITE_H
#define CKERNELS_CONFORMANCE_SUITE_H

#include <stddef.h>

#include "CDeRaKernels.h"
#include "CDeRaKernelsConformance.h"

typedef struct {
  const ck_kernels *scalar;
  const ck_kernels *tested;
  conformance_report report;
  uint64_t random_state;
} suite;

/// SplitMix64: 64 uniform bits.
uint64_t random_bits(suite *s);
/// Uniform in -1 ..< 1, times `magnitude`.
float random_float(suite *s, float magnitude);
/// Counts a comparison of `bytes` bytes; a difference is a failure described like printf.
void expect_equal(suite *s, const void *expected, const void *found, size_t bytes, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

void check_matmul(suite *s);
void check_vectors(suite *s);
void check_attention(suite *s);
void check_halves(suite *s);

#endif
