// conformance NAME: exit code 0 and the digest of all outputs when instruction set NAME exists and equals scalar.
#include <stdio.h>

#include "CDeRaKernelsConformance.h"

int main(int count, char **arguments) {
  if (count != 2) return fprintf(stderr, "usage: %s INSTRUCTION-SET\n", arguments[0]), 2;
  conformance_report report = ck_conformance(arguments[1]);
  if (report.checks == 0) return fprintf(stderr, "%s: not on this machine\n", arguments[1]), 1;
  if (report.failures > 0) {
    fprintf(stderr, "%s: %ld of %ld checks failed, first: %s\n", arguments[1], report.failures, report.checks,
            report.first_failure);
    return 1;
  }
  printf("%ld checks, digest %016llx\n", report.checks, (unsigned long long)report.digest);
  return 0;
}
