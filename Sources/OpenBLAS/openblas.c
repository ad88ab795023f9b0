#define _GNU_SOURCE
#include "openblas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

extern char **environ;

struct openblas_routines openblas_routines;

static const char library_name[] = "libopenblas.so.0";

// The oldest kernels that use all the vector units of this processor, by the name OpenBLAS has for
// them; NULL leaves the choice to OpenBLAS, which knows all processors without AVX2.
static const char *kernels_by_features(void) {
#ifdef __x86_64__
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    return __builtin_cpu_supports("avx512bf16") ? "Cooperlake" : "SkylakeX";
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return __builtin_cpu_is("amd") ? "Zen" : "Haswell";
  }
#endif
  return NULL;
}

// Loads the library while the environment has two settings more, if they are not set: the kernels,
// and that OpenBLAS starts no threads, which could fail and which nobody needs.
//
// OpenBLAS reads its settings from the environment and nowhere else. setenv may free the array that
// another thread's getenv reads; an array that is never freed is safe for those.
static void *load_with_settings(void) {
  char kernels[64];
  const char *name = kernels_by_features();
  char *settings[2];
  size_t added = 0;
  if (name && !getenv("OPENBLAS_CORETYPE")) {
    snprintf(kernels, sizeof kernels, "OPENBLAS_CORETYPE=%s", name);
    settings[added++] = strdup(kernels);
  }
  if (!getenv("OPENBLAS_NUM_THREADS")) settings[added++] = strdup("OPENBLAS_NUM_THREADS=1");

  char **before = environ;
  size_t count = 0;
  while (before && before[count]) count++;
  char **during = malloc((added + count + 1) * sizeof *during);
  for (size_t i = 0; i < added; i++) {
    if (!settings[i]) during = NULL;
  }
  if (!during) return dlopen(library_name, RTLD_LAZY | RTLD_LOCAL);
  memcpy(during, settings, added * sizeof *during);
  if (count) memcpy(during + added, before, count * sizeof *during);
  during[added + count] = NULL;

  environ = during;
  void *library = dlopen(library_name, RTLD_LAZY | RTLD_LOCAL);
  if (__atomic_load_n(&environ, __ATOMIC_SEQ_CST) == during) {
    environ = before;
  } else {
    // Another thread has set a variable meanwhile, in a copy of its own.
    for (size_t i = 0; i < added; i++) {
      *strchr(settings[i], '=') = '\0';
      unsetenv(settings[i]);
    }
  }
  return library;
}

// Finds the library and its routines.
static const char *find(void **found) {
  static char failure[512];
  void *library = dlopen(library_name, RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);
  if (!library) library = load_with_settings();
  if (!library) {
    const char *reason = dlerror();
    const bool has_no_room = strstr(reason, "failed to map") || strstr(reason, "annot allocate");
    snprintf(
      failure, sizeof failure, "%s (%s)",
      has_no_room ? "there is not enough memory to load OpenBLAS"
                  : "OpenBLAS is missing, on Debian the package libopenblas0",
      reason);
    return failure;
  }
  const struct {
    const char *name;
    void *place;
  } routines[] = {
    {"openblas_get_corename", &openblas_routines.corename},
    {"openblas_get_config", &openblas_routines.config},
    {"openblas_set_num_threads", &openblas_routines.set_num_threads},
    {"sgesdd_", &openblas_routines.sgesdd},
    {"sgeqrf_", &openblas_routines.sgeqrf},
    {"sorgqr_", &openblas_routines.sorgqr},
    {"ssyevd_", &openblas_routines.ssyevd},
    {"sgesv_", &openblas_routines.sgesv},
    {"sgetrf_", &openblas_routines.sgetrf},
    {"spotrf_", &openblas_routines.spotrf},
  };
  for (size_t i = 0; i < sizeof routines / sizeof *routines; i++) {
    void *routine = dlsym(library, routines[i].name);
    if (!routine) {
      snprintf(
        failure, sizeof failure, "the %s that was found has no %s, another BLAS?", library_name,
        routines[i].name);
      return failure;
    }
    memcpy(routines[i].place, &routine, sizeof routine);
  }
  *found = library;
  return NULL;
}

// Lets the library take its buffers, one for each thread, and keep them for later calls. It takes
// 128 MiB of addresses for one, and tries again without end where there are none.
static const char *reserve(void *library, int threads) {
  enum { most_threads = 64 };
  const size_t room = (size_t)256 << 20;
  void *(*take)(int position) = (void *(*)(int))dlsym(library, "blas_memory_alloc");
  void (*give_back)(void *buffer) = (void (*)(void *))dlsym(library, "blas_memory_free");
  if (!take || !give_back) return NULL;
  void *buffers[most_threads];
  int count = 0;
  while (count < most_threads && count < (threads > 1 ? threads : 1)) {
    void *place = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) break;
    munmap(place, room);
    buffers[count++] = take(0);
  }
  for (int i = 0; i < count; i++) give_back(buffers[i]);
  return count ? NULL : "there is not enough memory for OpenBLAS";
}

const char *openblas_load(int threads) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static void *library;
  static atomic_bool is_ready;
  if (atomic_load_explicit(&is_ready, memory_order_acquire)) return NULL;
  pthread_mutex_lock(&lock);
  const char *failure = NULL;
  if (!is_ready) {
    if (!library) failure = find(&library);
    if (!failure) failure = reserve(library, threads);
    if (!failure) {
      openblas_routines.set_num_threads(1);
      is_ready = true;
    }
  }
  pthread_mutex_unlock(&lock);
  return failure;
}
