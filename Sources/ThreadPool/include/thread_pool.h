// A few threads that work on what a caller hands out, and one that prepares in the background.
//
// Threads are started when they are first wanted, and nothing waits for one to come: where none is
// to be had (a limit on processes, no memory) the caller does all the work itself. A child after
// fork has none of its parent's threads and starts its own.
#ifndef MNEMO_THREAD_POOL_H
#define MNEMO_THREAD_POOL_H

#include "thread_value.h"

#include <stdbool.h>
#include <stdint.h>

/// Runs body(context, lane) on the calling thread, as lane 0, and on at most lanes - 1 others, each
/// with a lane of its own below `lanes`; returns when all who have begun are done.
///
/// The bodies share the work out among themselves: a thread that comes too late for any is not
/// waited for, so body may run on fewer lanes than were asked for. No more threads are used than
/// there are processors. Any number of threads may call at a time.
void thread_pool_run(int lanes, void (*body)(void *context, int lane), void *context);

/// Runs body(context) on a thread in the background, after what was given to it before.
/// @return Whether there is such a thread; if not, body will not run.
bool thread_pool_background(void (*body)(void *context), void *context);

/// Counts the forks between this process and the one that first used the pool: what was running in
/// the background before a fork never ends in the child.
uint64_t thread_pool_generation(void);

/// The processors that the scheduler may put the calling thread on, at least 1.
int thread_pool_processors(void);

#endif
