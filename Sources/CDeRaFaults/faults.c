#define _GNU_SOURCE
#include "CDeRaFaults.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define FILES 64
#define LONGEST_PATH 1024

typedef struct {
  atomic_int is_taken;
  atomic_uintptr_t start, end;
  char path[LONGEST_PATH];
} watched_file;

static watched_file files[FILES];
static char program_name[64];
static int code;
static _Atomic(const struct termios *) terminal;

int cf_watch(const void *start, size_t bytes, const char *path) {
  for (int i = 0; i < FILES; i++) {
    int is_free = 0;
    if (!atomic_compare_exchange_strong(&files[i].is_taken, &is_free, 1)) continue;
    strncpy(files[i].path, path, LONGEST_PATH - 1);
    atomic_store(&files[i].start, (uintptr_t)start);
    atomic_store(&files[i].end, (uintptr_t)start + bytes);
    return i;
  }
  return -1;
}

void cf_forget(int number) {
  if (number < 0) return;
  atomic_store(&files[number].end, 0);
  atomic_store(&files[number].is_taken, 0);
}

static void say(const char *text) {
  // A path may hold anything; what a terminal would obey is shown as a question mark.
  char clean[LONGEST_PATH];
  size_t count = 0;
  for (; text[count] && count < sizeof clean; count++) {
    unsigned char c = (unsigned char)text[count];
    clean[count] = c < 32 || c == 127 ? '?' : (char)c;
  }
  if (write(STDERR_FILENO, clean, count) < 0) return;
}

static void handle(int number, siginfo_t *info, void *context) {
  (void)context;
  uintptr_t address = (uintptr_t)info->si_addr;
  for (int i = 0; i < FILES; i++) {
    if (address < atomic_load(&files[i].start) || address >= atomic_load(&files[i].end)) continue;
    const struct termios *settings = atomic_load(&terminal);
    if (settings) tcsetattr(STDIN_FILENO, TCSANOW, settings);
    if (write(STDERR_FILENO, "\n", 1) < 0) _exit(code);
    say(program_name);
    say(": ");
    say(files[i].path);
    say(" can no longer be read: it was shortened while in use, or its disk fails; copy it anew, under another name "
        "first, and start again");
    if (write(STDERR_FILENO, "\n", 1) < 0) _exit(code);
    _exit(code);
  }
  // Not ours: the access is tried again and ends the process as it would have.
  signal(number, SIG_DFL);
}

void cf_end_on_unreadable_file(const char *program, int exit_code) {
  // On a stack of the process's own, the thread's may be where the fault is.
  static char stack[64 << 10];
  stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
  strncpy(program_name, program, sizeof program_name - 1);
  code = exit_code;
  struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigemptyset(&action.sa_mask);
  if (sigaltstack(&alternative, NULL) == 0) sigaction(SIGBUS, &action, NULL);
}

void cf_restore_terminal(const void *settings) { atomic_store(&terminal, settings); }
