// 64-bit ARM with the int8 dot product of ARMv8.2.
#if defined(__aarch64__)

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#include "CDeRaKernels.h"
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#define HARDWARE_F16
#define MAX_GROUP 4
#include "neon_sdot.h"

INLINE void dot(const weights w, const int8_t *x, size_t stride, const int n, i32_part dots[][PARTS]) {
  dot_lanes(w, x, stride, n, dots);
}

#include "attention.h"
#include "elementwise.h"
#include "matmul.h"
#include "matmul_f16.h"
#include "table.h"

KERNELS(ck_dotprod, "dotprod");

#pragma clang attribute pop

#endif
