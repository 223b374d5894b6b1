// What the system's scheduler offers that Swift's C library modules leave out.
#ifndef CSCHEDULING_H
#define CSCHEDULING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Sets the bits of the processors the calling thread may run on in `words` words; 0, or -1 when that is not known.
int cs_allowed(uint64_t *mask, size_t words);

/// Lets the calling thread run on the processors whose bits are set only; 0, or -1 when the system refuses.
int cs_confine(const uint64_t *mask, size_t words);

/// Starts a program in a process group of its own, and in it a process that ends the whole group when the calling thread's
/// process ends, however it does. `group` is that process: it ends as the program does and is what to wait for; it minds no
/// signal but SIGKILL and SIGHUP. The program gets `descriptors` as 0, 1 and 2 (−1 leaves the caller's) and may run on the
/// processors whose bits are set. 0, or the error's number when it cannot start.
int cs_spawn(pid_t *group, const char *path, char *const arguments[], char *const environment[],
             const int descriptors[3], const uint64_t *mask, size_t words);

#endif
