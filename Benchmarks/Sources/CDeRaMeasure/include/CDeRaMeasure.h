// What the benchmarks measure with and Swift has no words for.
#ifndef CMEASURE_H
#define CMEASURE_H

#include <stddef.h>
#include <stdint.h>

/// The exclusive or of all 64-bit words, so that every byte has to be read. `count` is a multiple of 128.
/// `prefetch`: bytes to fetch ahead, 0 leaves it to the hardware, whose prefetching stops at the end of every page.
uint64_t cm_read_all(const void *bytes, size_t count, size_t prefetch);

/// Heap allocations of this process since it started, by all threads: malloc, calloc, realloc and the aligned ones.
///
/// Linking this library replaces the C library's functions by ones that count (glibc only; elsewhere it stays 0).
uint64_t cm_allocations(void);

#endif
