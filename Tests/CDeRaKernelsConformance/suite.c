#include "suite.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint64_t random_bits(suite *s) {
  uint64_t z = s->random_state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

float random_float(suite *s, float magnitude) {
  return ((float)(random_bits(s) >> 40) * 0x1p-23f - 1) * magnitude;
}

void expect_equal(suite *s, const void *expected, const void *found, size_t bytes, const char *format, ...) {
  s->report.checks++;
  const unsigned char *p = found;
  for (size_t i = 0; i < bytes; i++) s->report.digest = (s->report.digest ^ p[i]) * 0x100000001b3u;
  if (memcmp(expected, found, bytes) == 0) return;
  if (s->report.failures++ > 0) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(s->report.first_failure, sizeof s->report.first_failure, format, arguments);
  va_end(arguments);
}

conformance_report ck_conformance(const char *instruction_set) {
  suite s = {.scalar = ck_kernels_named("scalar"),
             .tested = ck_kernels_named(instruction_set),
             .random_state = 2402,
             .report = {.digest = 0xcbf29ce484222325u}};
  if (!s.tested) return s.report;
  check_halves(&s);
  check_vectors(&s);
  check_attention(&s);
  check_matmul(&s);
  return s.report;
}
