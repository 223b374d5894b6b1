// With x86's SHA extensions: an instruction does two rounds, on the state's words in the order A B E F and C D G H.
#if defined(__x86_64__)
#include <immintrin.h>

#include "sha256.h"

__attribute__((target("sha,sse4.1,ssse3")))
void cd_sha256_x86(uint32_t state[8], const uint8_t *blocks, size_t count) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xb1);
  __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1b);
  __m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
  __m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
  for (; count > 0; count--, blocks += 64) {
    const __m128i abef_before = abef, cdgh_before = cdgh;
    // The last 16 words of the message schedule, four a register.
    __m128i w[4];
#pragma clang loop unroll(full)
    for (int group = 0; group < 16; group++) {
      __m128i *now = &w[group % 4], last = w[(group + 3) % 4];
      if (group < 4) {
        *now = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(blocks + 16 * group)), big_endian);
      } else {
        __m128i seven_ago = _mm_alignr_epi8(last, w[(group + 2) % 4], 4);
        __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(*now, w[(group + 1) % 4]), seven_ago);
        *now = _mm_sha256msg2_epu32(sum, last);
      }
      __m128i input = _mm_add_epi32(*now, _mm_loadu_si128((const __m128i *)(cd_sha256_constants + 4 * group)));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, input);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(input, 0x0e));
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
  __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}
#endif
