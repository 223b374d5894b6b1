// x86-64 with AVX-512 and its VNNI.
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "CDeRaKernels.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"))), apply_to = function)
#define HARDWARE_F16
#define MAX_GROUP 8
#define REGISTER_BYTES 64
#define lookup(values, selectors) (codes) _mm512_shuffle_epi8((__m512i)(values), (__m512i)(selectors))
#define dpbusd(sums, codes, x) (lanes32) _mm512_dpbusd_epi32((__m512i)(sums), (__m512i)(codes), (__m512i)(x))
#include "vnni.h"

#include "attention.h"
#include "elementwise.h"
#include "matmul.h"
#include "matmul_f16.h"
#include "table.h"

KERNELS(ck_avx512vnni, "avx512vnni");

#pragma clang attribute pop

#endif
