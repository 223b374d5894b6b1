// With ARMv8's SHA-2 instructions: one does four rounds for half of the state.
#if defined(__aarch64__)
#include <arm_neon.h>

#include "sha256.h"

__attribute__((target("sha2")))
void cd_sha256_armv8(uint32_t state[8], const uint8_t *blocks, size_t count) {
  uint32x4_t abcd = vld1q_u32(state), efgh = vld1q_u32(state + 4);
  for (; count > 0; count--, blocks += 64) {
    const uint32x4_t abcd_before = abcd, efgh_before = efgh;
    // The last 16 words of the message schedule, four a register.
    uint32x4_t w[4];
    for (int i = 0; i < 4; i++) w[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(blocks + 16 * i)));
    for (int group = 0; group < 16; group++) {
      uint32x4_t *now = &w[group % 4];
      if (group >= 4)
        *now = vsha256su1q_u32(vsha256su0q_u32(*now, w[(group + 1) % 4]), w[(group + 2) % 4], w[(group + 3) % 4]);
      uint32x4_t input = vaddq_u32(*now, vld1q_u32(cd_sha256_constants + 4 * group));
      uint32x4_t abcd_now = abcd;
      abcd = vsha256hq_u32(abcd, efgh, input);
      efgh = vsha256h2q_u32(efgh, abcd_now, input);
    }
    abcd = vaddq_u32(abcd, abcd_before);
    efgh = vaddq_u32(efgh, efgh_before);
  }
  vst1q_u32(state, abcd);
  vst1q_u32(state + 4, efgh);
}
#endif
