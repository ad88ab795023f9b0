#define _GNU_SOURCE
#include "thread_pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// One call of thread_pool_run, on its caller's stack; guarded by the lock.
struct job {
  void (*body)(void *context, int lane);
  void *context;
  int next_lane;
  int lanes;
  atomic_int active;
  struct job *next;
};

// Work in the background, in the order in which it came.
struct errand {
  void (*body)(void *context);
  void *context;
  struct errand *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wanted = PTHREAD_COND_INITIALIZER;
static pthread_cond_t finished = PTHREAD_COND_INITIALIZER;
static pthread_cond_t has_errand = PTHREAD_COND_INITIALIZER;

// Jobs with lanes that nobody has taken, and whether there are any, to be read without the lock.
static struct job *jobs;
static atomic_bool has_jobs;
static int workers;
// Calls to go before threads are asked for again, after there was none to be had.
static int patience;

static struct errand *first_errand;
static struct errand **last_errand = &first_errand;
static bool has_messenger;

static _Atomic uint64_t generation;

// Long enough to catch the next loop of one operation, short enough to cost nothing: some 10 µs.
static const int most_looks = 150;

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void before_fork(void) { pthread_mutex_lock(&lock); }

static void after_fork_in_parent(void) { pthread_mutex_unlock(&lock); }

static void after_fork_in_child(void) {
  pthread_mutex_init(&lock, NULL);
  pthread_cond_init(&wanted, NULL);
  pthread_cond_init(&finished, NULL);
  pthread_cond_init(&has_errand, NULL);
  jobs = NULL;
  has_jobs = false;
  workers = 0;
  patience = 0;
  first_errand = NULL;
  last_errand = &first_errand;
  has_messenger = false;
  generation++;
}

static void prepare(void) {
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static void prepare_once(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, prepare);
}

// Starts a thread that hears no signals: those belong to the program.
static bool start(void *(*body)(void *)) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes)) return false;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 4 << 20);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  int status = pthread_create(&thread, &attributes, body, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return status == 0;
}

// Whether this new thread has room for an arena, in which malloc keeps the small blocks of a thread
// (glibc takes up to 128 MB of addresses for one). Without, each block takes a page of its own, and
// the last megabytes are gone at once: Swift ends the process where an object cannot be had.
static bool take_arena(void) {
  const size_t size = (size_t)128 << 20;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void *room = mmap(NULL, size, PROT_NONE, flags, -1, 0);
  if (room == MAP_FAILED) return false;
  munmap(room, size);
  void *volatile first = malloc(1);
  free(first);
  return true;
}

static void withdraw(struct job *job) {
  for (struct job **place = &jobs; *place; place = &(*place)->next) {
    if (*place == job) {
      *place = job->next;
      break;
    }
  }
  has_jobs = jobs != NULL;
}

static void *work(void *unused) {
  bool has_arena = take_arena();
  pthread_mutex_lock(&lock);
  if (!has_arena) {
    workers--;
    patience = 1000;
  }
  while (has_arena) {
    struct job *job = jobs;
    if (!job) {
      pthread_mutex_unlock(&lock);
      for (int i = 0; i < most_looks && !has_jobs; i++) relax();
      pthread_mutex_lock(&lock);
      while (!jobs) pthread_cond_wait(&wanted, &lock);
      continue;
    }
    int lane = job->next_lane++;
    if (job->next_lane == job->lanes) withdraw(job);
    job->active++;
    pthread_mutex_unlock(&lock);
    job->body(job->context, lane);
    pthread_mutex_lock(&lock);
    if (--job->active == 0) pthread_cond_broadcast(&finished);
  }
  pthread_mutex_unlock(&lock);
  return unused;
}

// Starts the workers that are missing, as far as there are threads; under the lock.
static void hire(int most) {
  if (workers >= most || patience-- > 0) return;
  patience = 0;
  while (workers < most) {
    if (!start(work)) {
      patience = 1000;
      return;
    }
    workers++;
  }
}

void thread_pool_run(int lanes, void (*body)(void *context, int lane), void *context) {
  static atomic_int processors;
  if (!processors) {
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    processors = count < 1 ? 1 : (int)count;
  }
  int helpers = (lanes < processors ? lanes : processors) - 1;
  if (helpers < 1) {
    body(context, 0);
    return;
  }
  prepare_once();
  struct job job = {.body = body, .context = context, .next_lane = 1, .lanes = helpers + 1};
  pthread_mutex_lock(&lock);
  hire(helpers);
  if (helpers > workers) helpers = workers;
  job.next = jobs;
  jobs = &job;
  has_jobs = true;
  pthread_mutex_unlock(&lock);
  for (int i = 0; i < helpers; i++) pthread_cond_signal(&wanted);

  body(context, 0);

  pthread_mutex_lock(&lock);
  withdraw(&job);
  if (job.active) {
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < most_looks && job.active; i++) relax();
    pthread_mutex_lock(&lock);
    while (job.active) pthread_cond_wait(&finished, &lock);
  }
  pthread_mutex_unlock(&lock);
}

static void *run_errands(void *unused) {
  bool has_arena = take_arena();
  pthread_mutex_lock(&lock);
  // Its errands are run by who waits for them.
  if (!has_arena) has_messenger = false;
  while (has_arena) {
    struct errand *errand = first_errand;
    if (!errand) {
      pthread_cond_wait(&has_errand, &lock);
      continue;
    }
    first_errand = errand->next;
    if (!first_errand) last_errand = &first_errand;
    pthread_mutex_unlock(&lock);
    errand->body(errand->context);
    free(errand);
    pthread_mutex_lock(&lock);
  }
  pthread_mutex_unlock(&lock);
  return unused;
}

bool thread_pool_background(void (*body)(void *context), void *context) {
  prepare_once();
  struct errand *errand = malloc(sizeof *errand);
  if (!errand) return false;
  *errand = (struct errand){.body = body, .context = context};
  pthread_mutex_lock(&lock);
  if (!has_messenger) has_messenger = start(run_errands);
  bool is_taken = has_messenger;
  if (is_taken) {
    *last_errand = errand;
    last_errand = &errand->next;
  }
  pthread_mutex_unlock(&lock);
  if (is_taken) {
    pthread_cond_signal(&has_errand);
  } else {
    free(errand);
  }
  return is_taken;
}

uint64_t thread_pool_generation(void) { return generation; }

int thread_pool_processors(void) {
  // The kernel refuses a set too small for all processors it could have.
  for (int most = 1024; most <= 1 << 16; most *= 2) {
    cpu_set_t *set = CPU_ALLOC(most);
    if (!set) break;
    size_t size = CPU_ALLOC_SIZE(most);
    int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
  }
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online < 1 ? 1 : (int)online;
}
