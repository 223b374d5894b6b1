#include "CDeRaMeasure.h"

typedef uint64_t u64x4 __attribute__((vector_size(32), aligned(8), may_alias));

uint64_t cm_read_all(const void *bytes, size_t count, size_t prefetch) {
  const char *at = bytes, *end = at + count;
  u64x4 a = {}, b = {}, c = {}, d = {};
  for (; at < end; at += 128) {
    if (prefetch) {
      __builtin_prefetch(at + prefetch);
      __builtin_prefetch(at + prefetch + 64);
    }
    const u64x4 *words = (const u64x4 *)at;
    a ^= words[0];
    b ^= words[1];
    c ^= words[2];
    d ^= words[3];
  }
  a ^= b ^ c ^ d;
  return a[0] ^ a[1] ^ a[2] ^ a[3];
}
