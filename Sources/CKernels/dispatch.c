// Which instruction sets this machine has, and the kernels that need no speed.
#include <string.h>

#include "CKernels.h"
#include "table.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#define HWCAP_DOTPROD (1UL << 20)
#endif

const ck_kernels *ck_kernels_named(const char *name) {
  if (strcmp(name, "scalar") == 0) return &ck_scalar;
#if defined(__x86_64__)
  // The builtins also ask whether the operating system saves the wide registers.
  __builtin_cpu_init();
  int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  if (strcmp(name, "avx2") == 0 && avx2) return &ck_avx2;
#elif defined(__aarch64__)
  if (strcmp(name, "neon") == 0) return &ck_neon;
  if (strcmp(name, "dotprod") == 0 && getauxval(AT_HWCAP) & HWCAP_DOTPROD) return &ck_dotprod;
#endif
  return NULL;
}
