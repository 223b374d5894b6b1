// x86-64 with AVX2 and the dot products of AVX-VNNI.
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "CDeRaKernels.h"
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avxvnni"))), apply_to = function)
#define HARDWARE_F16
#define MAX_GROUP 4
#define REGISTER_BYTES 32
#define lookup(values, selectors) (codes) _mm256_shuffle_epi8((__m256i)(values), (__m256i)(selectors))
#define dpbusd(sums, codes, x) (lanes32) _mm256_dpbusd_avx_epi32((__m256i)(sums), (__m256i)(codes), (__m256i)(x))
#include "vnni.h"

#include "attention.h"
#include "elementwise.h"
#include "matmul.h"
#include "matmul_f16.h"
#include "table.h"

KERNELS(ck_avxvnni, "avxvnni");

#pragma clang attribute pop

#endif
