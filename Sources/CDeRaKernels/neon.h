// Helpers of the kernels for 64-bit ARM.
#include <arm_neon.h>

#define REGISTER_BYTES 16
#define UNSIGNED_BYTES 0
#define BITS_AS_MASKS 1
#define SIGNED_TABLES 1
#define lookup(values, selectors) (codes) vqtbl1q_u8((uint8x16_t)(values), (uint8x16_t)(selectors))
#include "codes.h"
