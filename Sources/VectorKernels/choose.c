#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "sets.h"

static const struct vector_kernels *chosen = &portable_kernels;
static char failure[160];

// All sets, from the narrowest to the widest; what can do one can do those before it.
static const struct vector_kernels *const sets[] = {
  &portable_kernels,
#ifdef __x86_64__
  &avx2_kernels,
  &avx512_kernels,
#endif
};

#ifdef __x86_64__
// Whether it converts numbers of 16 bits, as all with AVX2 do so far.
static bool has_halves(void) {
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C;
}
#endif

// How many of them this processor has all features for.
static size_t count_of_usable(void) {
#ifdef __x86_64__
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !has_halves()) return 1;
  const bool is_wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
                       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                       __builtin_cpu_supports("avx512vl");
  return is_wide ? 3 : 2;
#else
  return 1;
#endif
}

const struct vector_kernels *vector_kernels_widest(void) { return sets[count_of_usable() - 1]; }

const struct vector_kernels *vector_kernels_named(const char *name) {
  const size_t count = count_of_usable();
  for (size_t i = 0; i < count; i++) {
    if (strcmp(name, sets[i]->name) == 0) return sets[i];
  }
  return NULL;
}

// Before anything else runs, so that nobody has to ask whether it was done.
__attribute__((constructor)) static void choose_kernels(void) {
#ifdef NEEDS_X86_64_V3
  // Told here, because the first instruction of Swift code that is missing ends the process.
  if (!__builtin_cpu_supports("x86-64-v3")) {
    fputs(
      "mnemo: this program is built for processors with AVX2 (x86-64-v3), which this one has not; "
      "for others it is built with MNEMO_MARCH=x86-64\n",
      stderr);
    _exit(1);
  }
#endif
  chosen = vector_kernels_widest();
  const char *wish = getenv("MNEMO_KERNELS");
  if (!wish || !*wish) return;
  const struct vector_kernels *named = vector_kernels_named(wish);
  if (named) {
    chosen = named;
    return;
  }
  const size_t count = count_of_usable();
  char names[64] = "";
  for (size_t i = 0; i < count; i++) {
    const size_t length = strlen(names);
    snprintf(names + length, sizeof names - length, "%s%s", length ? ", " : "", sets[i]->name);
  }
  snprintf(
    failure, sizeof failure, "MNEMO_KERNELS is \"%.60s\"; this processor can do %s", wish, names);
}

const struct vector_kernels *vector_kernels_chosen(void) { return chosen; }

const char *vector_kernels_failure(void) { return *failure ? failure : NULL; }
