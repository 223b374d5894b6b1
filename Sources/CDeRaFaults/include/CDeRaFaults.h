// Mapped files that can no longer be read. The system then sends SIGBUS, whose handler may do next to nothing: it is in C
// because Swift promises of no function that a handler may call it.
#ifndef CDERAFAULTS_H
#define CDERAFAULTS_H

#include <stddef.h>

/// Remembers that `bytes` from `start` on are the file `path`; the number to forget it by, or -1 when there is no room.
int cf_watch(const void *start, size_t bytes, const char *path);
void cf_forget(int number);

/// Makes the process end with a line on standard error that names the file, and with the exit code, when a watched file
/// cannot be read. Faults elsewhere stay what they are.
void cf_end_on_unreadable_file(const char *program, int exit_code);

/// Terminal settings, a `struct termios`, that are restored first; NULL for none. They must stay where they are.
void cf_restore_terminal(const void *settings);

#endif
