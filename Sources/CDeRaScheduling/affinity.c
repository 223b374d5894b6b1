#define _GNU_SOURCE
#include "CDeRaScheduling.h"

#include <sched.h>

int cs_allowed(uint64_t *mask, size_t words) {
  return sched_getaffinity(0, words * sizeof *mask, (cpu_set_t *)mask);
}

int cs_confine(const uint64_t *mask, size_t words) {
  return sched_setaffinity(0, words * sizeof *mask, (const cpu_set_t *)mask);
}
