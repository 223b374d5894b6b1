// Where products go: the same source for every instruction set.
#ifndef CKERNELS_OUTPUT_H
#define CKERNELS_OUTPUT_H

#include "lanes.h"

/// The output from tile `tile` and column `column` on.
INLINE ck_output output_at(ck_output out, size_t tile, size_t column) {
  out.values += column * out.stride + tile * LANES;
  return out;
}

/// The start values of a column's 16 row sums.
INLINE f32x16 start_sum(ck_output out, size_t column) {
  return out.accumulate ? load(out.values + column * out.stride) : (f32x16){};
}

#endif
