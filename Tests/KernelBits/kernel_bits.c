// Prints a checksum of every kernel's results on the same numbers. Sets that multiply and add in
// one rounding print the same, on whatever processor: `make test-arm` compares.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "vector_kernels.h"

static uint32_t state;

// Fractions between −1 and 1, the same everywhere.
static float fraction(void) {
  state = state * 1664525u + 1013904223u;
  return (float)(int32_t)(state & 0xffffff00u) * 0x1p-31f;
}

enum { most = 1 << 15 };
static float a[most], b[most], c[most], d[most];

static void draw(void) {
  for (int i = 0; i < most; i++) {
    (a[i] = fraction(), b[i] = fraction());
    (c[i] = fraction(), d[i] = fraction());
  }
}

// Numbers of 16 bits, none of them infinite as either type.
static const uint16_t *random_halves(void) {
  static uint16_t halves[most];
  for (int i = 0; i < most; i++) halves[i] = (uint16_t)((int)(b[i] * 16384) & 0xbbff);
  return halves;
}

static uint64_t sum = 1469598103934665603u;

// Adds the bits of n numbers.
static void add(long n, const float *x) {
  for (long i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    sum = (sum ^ bits) * 1099511628211u;
  }
}

static void tell(const char *what) {
  printf("%-14s %016llx\n", what, (unsigned long long)sum);
  sum = 1469598103934665603u;
}

static const long lengths[] = {1, 2, 15, 16, 17, 31, 33, 70, 1000};
#define FOR_LENGTHS(n, ...)                                                                        \
  for (unsigned l = 0; l < sizeof lengths / sizeof *lengths; l++) {                                \
    const long n = lengths[l];                                                                     \
    draw();                                                                                        \
    __VA_ARGS__                                                                                    \
  }

static void products(const struct vector_kernels *set) {
  for (int turned = 0; turned < 4; turned++) {
    for (long m = 1; m <= 37; m += 3) {
      for (long n = 1; n <= 70; n += 3) {
        for (long k = 0; k <= 33; k += 3) {
          const long lda = turned & 1 ? m + 1 : k + 2, ldb = turned & 2 ? k + 1 : n + 3;
          set->product(m, n, k, 0.5f, a, lda, turned & 1, b, ldb, turned & 2, m % 2, c, n + 1);
          add(m * (n + 1), c);
        }
      }
    }
  }
  set->product(20, 40, 700, 1, a, 700, false, b, 40, false, 0, c, 40);
  add(800, c);
  tell("product");
}

static void vectors_by_matrices(const struct vector_kernels *set) {
  FOR_LENGTHS(n, {
    for (int type = stored_float32; type <= stored_bfloat16; type++) {
      const void *matrix = type == stored_float32 ? (const void *)b : (const void *)random_halves();
      set->dots(13, n, a, matrix, n + 2, type, c);
      set->weighted_sum(13, n, a, matrix, n + 2, type, d);
      (add(13, c), add(n, d));
    }
  })
  tell("vector");
}

static void lanes(const struct vector_kernels *set) {
  int32_t last[16], tokens[64];
  float logs[16];
  FOR_LENGTHS(n, {
    for (int i = 0; i < 16; i++) last[i] = (int32_t)((i * 7 + 3) % n);
    for (int i = 0; i < 64; i++) tokens[i] = (i * 5) % 11;
    set->to_lanes(a, n, 13, n, c, 32);
    add(n * 16, c);
    for (int i = 0; i < n * 16; i++) d[i] *= 20;
    set->softmax_in_lanes(n, last, d, 16, logs);
    (add(n * 16, d), add(16, logs));
    set->softmax_slope_in_lanes(n, 0.25f, d, b, 16);
    add(n * 16, b);
    set->softmax_again(n, last, a, 16, logs);
    add(n * 16, a);
    const long keys = n < 40 ? n : 40;
    set->table_scores(keys - 1, 1, keys, 11, tokens, b, 64, a, c, 16);
    add(keys * 16, c);
    set->add_table_slopes(keys - 1, 1, keys, 11, tokens, c, 16, a, d, 64);
    add(64 * 64, d);
  })
  tell("lanes");
}

static void rows(const struct vector_kernels *set) {
  const struct adamw_step step = {0.9f, 0.1f, 0.99f, 0.01f, 0.999f, 0.01f, 0.5f, 1e-8f};
  float top;
  float sums[2];
  FOR_LENGTHS(n, {
    sums[0] = set->sum(n, a);
    sums[1] = set->log_sum_exp(n, b);
    add(2, sums);
    set->exponentials(n, a, c);
    add(n, c);
    set->exponentials_less(n, a, 0.3f, 2, c);
    add(n, c);
    set->sigmoids(n, a, c);
    add(n, c);
    sums[0] = set->exponentiate(n, a, a, &top);
    (add(n, a), add(1, sums), add(1, &top));
    set->softmax_slope(n, a, b, b);
    add(n, b);
    (set->scale(n, 1.5f, a), set->add(n, a, b), set->add_pair(n, a, b, c));
    (add(n, b), add(n, c));
    (set->relu(n, d, c), add(n, c));
    (set->relu_slope(n, d, b, c), add(n, c));
    draw();
    set->layer_norm(3, n, a, b, c, 1e-5f, d, d + 3 * n);
    add(3 * n + 6, d);
    set->layer_norm_slope(3, n, a, b, d + 3 * n, c, d + 8000, d + 16000, d + 24000);
    (add(3 * n, d + 8000), add(n, d + 16000), add(n, d + 24000));
    for (int i = 0; i < n; i++) d[i] = fabsf(d[i]);
    set->adamw(n, &step, a, b, c, d);
    (add(n, a), add(n, c), add(n, d));
  })
  tell("rows");
}

static void functions(const struct vector_kernels *set) {
  void (*const all[])(long, const float *, float *) = {
    set->exponentials_less_one, set->logarithms,      set->binary_logarithms,
    set->decimal_logarithms,    set->sines,           set->logarithms_of_one_more,
    set->cosines,               set->tangents,        set->error_functions,
    set->soft_pluses,           set->sigmoid_linears, set->gaussian_linears,
    set->gaussian_linear_slopes, set->square_roots, set->inverse_roots,
    set->floors, set->ceilings, set->roundings};
  FOR_LENGTHS(n, {
    for (int i = 0; i < n; i++) a[i] *= i % 8 ? 12 : 1e8f;
    for (unsigned f = 0; f < sizeof all / sizeof *all; f++) {
      all[f](n, a, c);
      // Logarithms of what is negative are NaN, of whatever bits.
      for (int i = 0; i < n; i++) c[i] = isnan(c[i]) ? 7 : c[i];
      add(n, c);
    }
  })
  FOR_LENGTHS(n, {
    for (int i = 0; i < n; i++) b[i] = i % 5 ? b[i] : b[i] * 1e-9f;
    (set->remainders(n, a, false, b, n % 2, c), add(n, c));
    (set->floor_quotients(n, a, n % 2, b, false, c), add(n, c));
  })
  tell("functions");
}

static void columns(const struct vector_kernels *set) {
  FOR_LENGTHS(n, {
    const int count = n < 64 ? (int)n : 64;
    set->softmax_down(20, n, count, a, c);
    add(20 * n, c);
    set->softmax_slope_down(20, n, count, a, b, d);
    add(20 * n, d);
    set->log_sum_exp_down(20, n, count, b, c);
    add(count, c);
    float place = (float)set->first_beyond(n, a, 0.5f, n % 2);
    add(1, &place);
  })
  tell("columns");
}

static void random_numbers(const struct vector_kernels *set) {
  const uint32_t counter[4] = {0xfffffff0u, 1, 2, 3};
  FOR_LENGTHS(n, {
    set->random_words(0x123456789abcdefu, counter, n, (uint32_t *)a);
    memcpy(b, a, (size_t)n * 16);
    (set->uniforms(4 * n, -1, 2, a), add(4 * n, a));
    (set->normals(4 * n, 1, 3, b), add(4 * n, b));
  })
  tell("random");
}

int main(void) {
  const struct vector_kernels *set = vector_kernels_chosen();
  draw();
  (products(set), vectors_by_matrices(set), lanes(set), rows(set), functions(set), columns(set));
  random_numbers(set);
  return 0;
}
