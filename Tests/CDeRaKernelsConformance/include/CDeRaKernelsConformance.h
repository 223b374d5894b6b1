// Every kernel of one instruction set against the scalar one, bit for bit.
#ifndef CKERNELS_CONFORMANCE_H
#define CKERNELS_CONFORMANCE_H

#include <stdint.h>

/// The result of a run.
typedef struct {
  /// Comparisons made; 0 when the machine lacks the instruction set.
  long checks;
  long failures;
  /// Where the first failure was.
  char first_failure[256];
  /// Hash of all outputs: the same on every machine and for every instruction set.
  uint64_t digest;
} conformance_report;

conformance_report ck_conformance(const char *instruction_set);

#endif
