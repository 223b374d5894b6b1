// Included before every source by tools/check-x86-kernels: the instructions of AVX-VNNI and AVX-512 computed by SIMDe, so
// that their kernels run on any machine with AVX2. Everything else of those files is compiled for AVX2.
#include <immintrin.h>
#include <simde/x86/avx512/dpbusd.h>
#include <simde/x86/avx512/shuffle.h>

#define target(features) target("avx2,fma,f16c")
#define __builtin_cpu_supports(feature) 1

#define __m512i simde__m512i
#define _mm256_dpbusd_avx_epi32 simde_mm256_dpbusd_epi32
#define _mm512_dpbusd_epi32 simde_mm512_dpbusd_epi32
#define _mm512_shuffle_epi8 simde_mm512_shuffle_epi8
