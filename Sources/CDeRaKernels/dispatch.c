// Which instruction sets this machine has, and the kernels that need no speed.
#include <string.h>

#include "CDeRaKernels.h"
#include "table.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#define HWCAP_DOTPROD (1UL << 20)
#define HWCAP2_I8MM_BIT (1UL << 13)
#endif

const ck_kernels *ck_kernels_named(const char *name) {
  if (strcmp(name, "scalar") == 0) return &ck_scalar;
#if defined(__x86_64__)
  // The builtins also ask whether the operating system saves the wide registers.
  __builtin_cpu_init();
  int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  int avxvnni = avx2 && __builtin_cpu_supports("avxvnni");
  int avx512vnni = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
  if (strcmp(name, "avx2") == 0 && avx2) return &ck_avx2;
  if (strcmp(name, "avxvnni") == 0 && avxvnni) return &ck_avxvnni;
  if (strcmp(name, "avx512vnni") == 0 && avx512vnni) return &ck_avx512vnni;
#elif defined(__aarch64__)
  int dotprod = (getauxval(AT_HWCAP) & HWCAP_DOTPROD) != 0;
  int i8mm = dotprod && getauxval(AT_HWCAP2) & HWCAP2_I8MM_BIT;
  if (strcmp(name, "neon") == 0) return &ck_neon;
  if (strcmp(name, "dotprod") == 0 && dotprod) return &ck_dotprod;
  if (strcmp(name, "i8mm") == 0 && i8mm) return &ck_i8mm;
#endif
  return NULL;
}
