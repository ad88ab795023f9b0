#define _GNU_SOURCE
#include "child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int child_file(void) {
  int file = memfd_create("mnemo", MFD_CLOEXEC);
  if (file < 0 || file > STDERR_FILENO) return file;
  // Where a standard stream is closed, the file must not become it.
  int higher = fcntl(file, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  close(file);
  return higher;
}

// The child's part: it shares the memory of its parent, which waits, so it only calls the system.
static void become(char *const arguments[], const int files[3], rlim_t most_bytes, pid_t parent) {
  struct sigaction usual = {.sa_handler = SIG_DFL};
  for (int signal = 1; signal < NSIG; signal++) sigaction(signal, &usual, NULL);
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  struct rlimit size;
  if (getrlimit(RLIMIT_FSIZE, &size) == 0 && size.rlim_cur > most_bytes) {
    size.rlim_cur = most_bytes;
    setrlimit(RLIMIT_FSIZE, &size);
  }
  for (int i = 0; i < 3; i++) dup2(files[i], i);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execvp(arguments[0], arguments);
}

int child_start(char *const arguments[], int input, int output, int errors, uint64_t most_bytes,
                int32_t *process) {
  const int files[3] = {input, output, errors};
  sigset_t all, before;
  sigfillset(&all);
  // A handler must not run in the child, in this process's memory.
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t parent = getpid();
  volatile int problem = 0;
  // Not fork, for which a process of many gigabytes may find no memory.
  pid_t child = vfork();
  if (child == 0) {
    become(arguments, files, most_bytes, parent);
    problem = errno;
    _exit(127);
  }
  if (child < 0) {
    problem = errno;
  } else if (problem != 0) {
    waitpid(child, NULL, 0);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  *process = child;
  return problem;
}
