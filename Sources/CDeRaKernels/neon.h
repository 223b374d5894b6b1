// Helpers of the kernels for 64-bit ARM.
#include <arm_neon.h>

#define REGISTER_BYTES 16
#define UNSIGNED_BYTES 0
#define BITS_AS_MASKS 1
#define lookup(values, selectors) (codes) vqtbl1q_u8((uint8x16_t)(values), (uint8x16_t)(selectors))
#include "codes.h"

/// Sums of rows 0...3, 4...7, 8...11 and 12...15.
INLINE i32x16 join(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d) {
  i32x16 v;
  memcpy(&v, &a, sizeof a);
  memcpy((char *)&v + 16, &b, sizeof b);
  memcpy((char *)&v + 32, &c, sizeof c);
  memcpy((char *)&v + 48, &d, sizeof d);
  return v;
}
