#define _GNU_SOURCE
#include "CDeRaScheduling.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Between fork and exec only async-signal-safe functions are called: other threads may have held any lock.

static void close_from(int first) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
#endif
  long limit = sysconf(_SC_OPEN_MAX);
  if (limit < 0 || limit > 65536) limit = 65536;
  for (int descriptor = first; descriptor < limit; descriptor++) close(descriptor);
}

static void end_group(int number) {
  (void)number;
  kill(0, SIGKILL);
}

/// Becomes the program; what fails is written to `report`.
static _Noreturn void become(const char *path, char *const arguments[], char *const environment[],
                             const int descriptors[3], const uint64_t *mask, size_t words, int report) {
  for (int number = 0; number < 3; number++) {
    if (descriptors[number] >= 0 && dup2(descriptors[number], number) < 0) goto failed;
  }
  if (words) sched_setaffinity(0, words * sizeof *mask, (const cpu_set_t *)mask);
  signal(SIGPIPE, SIG_DFL);
  execve(path, arguments, environment);
failed:;
  int code = errno;
  if (write(report, &code, sizeof code) < 0) _exit(127);
  _exit(127);
}

/// Waits for the program and ends as it ends; when the process that started it goes, ends the whole group.
static _Noreturn void guard(pid_t program, pid_t parent) {
  close_from(0);
  for (int number = 1; number < NSIG; number++) {
    if (number != SIGCHLD && number != SIGHUP) signal(number, SIG_IGN);
  }
  signal(SIGHUP, end_group);
  prctl(PR_SET_PDEATHSIG, SIGHUP);
  if (getppid() != parent) end_group(0);
  int status = 0;
  while (waitpid(program, &status, 0) < 0 && errno == EINTR) {}
  if (WIFEXITED(status)) _exit(WEXITSTATUS(status));
  signal(WTERMSIG(status), SIG_DFL);
  kill(getpid(), WTERMSIG(status));
  _exit(128 + WTERMSIG(status));
}

int cs_spawn(pid_t *group, const char *path, char *const arguments[], char *const environment[],
             const int descriptors[3], const uint64_t *mask, size_t words) {
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return errno;
  pid_t parent = getpid();
  pid_t guardian = fork();
  if (guardian < 0) {
    int code = errno;
    close(report[0]);
    close(report[1]);
    return code;
  }
  if (guardian == 0) {
    setpgid(0, 0);
    pid_t program = fork();
    if (program == 0) become(path, arguments, environment, descriptors, mask, words, report[1]);
    if (program < 0) {
      int code = errno;
      _exit(write(report[1], &code, sizeof code) < 0 ? 126 : 127);
    }
    guard(program, parent);
  }
  close(report[1]);
  int code = 0;
  ssize_t count;
  // Ends when the program has begun, which closes the pipe.
  while ((count = read(report[0], &code, sizeof code)) < 0 && errno == EINTR) {}
  close(report[0]);
  if (count == sizeof code) {
    while (waitpid(guardian, NULL, 0) < 0 && errno == EINTR) {}
    return code;
  }
  *group = guardian;
  return 0;
}
