// What the system's scheduler offers that Swift's C library modules leave out.
#ifndef CSCHEDULING_H
#define CSCHEDULING_H

#include <stddef.h>
#include <stdint.h>

/// Sets the bits of the processors the calling thread may run on in `words` words; 0, or -1 when that is not known.
int cs_allowed(uint64_t *mask, size_t words);

/// Lets the calling thread run on the processors whose bits are set only; 0, or -1 when the system refuses.
int cs_confine(const uint64_t *mask, size_t words);

#endif
