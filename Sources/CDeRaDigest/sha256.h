// The rounds' constants: the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
#ifndef SHA256_H
#define SHA256_H

#include "CDeRaDigest.h"

extern const uint32_t cd_sha256_constants[64];

cd_sha256_compress cd_sha256_portable;
#if defined(__x86_64__)
cd_sha256_compress cd_sha256_x86;
#elif defined(__aarch64__)
cd_sha256_compress cd_sha256_armv8;
#endif

#endif
