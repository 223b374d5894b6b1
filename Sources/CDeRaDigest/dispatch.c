// Which of the functions this machine has.
#include <string.h>

#include "sha256.h"

#if defined(__x86_64__)
#include <cpuid.h>

static cd_sha256_compress *accelerated(const char **name) {
  *name = "sha-ni";
  unsigned eax, ebx, ecx, edx;
  int has = __get_cpuid(1, &eax, &ebx, &ecx, &edx) && ecx & bit_SSE4_1 && ecx & bit_SSSE3;
  has = has && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && ebx & 1u << 29;
  return has ? cd_sha256_x86 : NULL;
}
#elif defined(__aarch64__)
#include <sys/auxv.h>

static cd_sha256_compress *accelerated(const char **name) {
  *name = "armv8";
  // HWCAP_SHA2
  return getauxval(AT_HWCAP) & 1UL << 6 ? cd_sha256_armv8 : NULL;
}
#else
static cd_sha256_compress *accelerated(const char **name) {
  *name = "";
  return NULL;
}
#endif

cd_sha256_compress *cd_sha256_named(const char *name) {
  if (strcmp(name, "portable") == 0) return cd_sha256_portable;
  const char *own;
  cd_sha256_compress *compress = accelerated(&own);
  return strcmp(name, own) == 0 ? compress : NULL;
}

cd_sha256_compress *cd_sha256_fastest(void) {
  const char *own;
  cd_sha256_compress *compress = accelerated(&own);
  return compress ? compress : cd_sha256_portable;
}
