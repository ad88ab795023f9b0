// Programs that work for this process: from files in memory, into files in memory, not for longer
// than it lives.
#ifndef MNEMO_CHILD_PROCESS_H
#define MNEMO_CHILD_PROCESS_H

#include <stdint.h>

// A new, empty file that no folder knows, closed in children; -1, and errno says why.
int child_file(void);

// Starts a program, looked for as the shell does, whose standard input, output and errors are open
// files. It leads a process group of its own, so that Ctrl-C is for this process to pass on; the
// system kills it when the calling thread ends; a file may grow to `most_bytes`. Returns 0 and
// writes the process's number, or returns the system's number of what went wrong.
int child_start(char *const arguments[], int input, int output, int errors, uint64_t most_bytes,
                int32_t *process);

#endif
