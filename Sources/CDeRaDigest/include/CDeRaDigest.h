// The compression function of SHA-256 (FIPS 180-4, section 6.2.2), in C because it uses the processors' own instructions.
#ifndef CDERADIGEST_H
#define CDERADIGEST_H

#include <stddef.h>
#include <stdint.h>

/// Takes `count` blocks of 64 bytes into the eight words of `state`.
typedef void cd_sha256_compress(uint32_t state[8], const uint8_t *blocks, size_t count);

/// The function by its instruction set ("portable"; "sha-ni"; "armv8"), or NULL when this machine or build lacks it.
cd_sha256_compress *cd_sha256_named(const char *name);

/// The fastest one of this machine.
cd_sha256_compress *cd_sha256_fastest(void);

#endif
