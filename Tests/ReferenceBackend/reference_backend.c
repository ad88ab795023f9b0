// What every primitive means, in plain loops and double precision.
//
// It is slow, and what any other backend is held against.
#include "mnemo_backend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char no_memory[] = "there is no memory for it";

// So many numbers, all 0; NULL if there is no memory for them.
static double *zeros(ptrdiff_t count) { return calloc(count > 0 ? count : 1, sizeof(double)); }

static const char *start(void) { return NULL; }

// MARK: Moving

static void upload(ptrdiff_t count, const float *host, float *device) {
  for (ptrdiff_t i = 0; i < count; i++) device[i] = host[i];
}

static void download(ptrdiff_t count, const float *device, float *host) {
  for (ptrdiff_t i = 0; i < count; i++) host[i] = device[i];
}

static ptrdiff_t product_of(ptrdiff_t rank, const ptrdiff_t *sizes) {
  ptrdiff_t count = 1;
  for (ptrdiff_t d = 0; d < rank; d++) count *= sizes[d];
  return count;
}

// The place of an element, given by its number in row-major order.
static ptrdiff_t place_of(ptrdiff_t element, struct mnemo_layout layout) {
  ptrdiff_t place = layout.offset;
  for (ptrdiff_t d = layout.rank - 1; d >= 0; d--) {
    place += element % layout.shape[d] * layout.strides[d];
    element /= layout.shape[d];
  }
  return place;
}

static void copy(
  const float *source, struct mnemo_layout from, float *target, struct mnemo_layout layout) {
  ptrdiff_t count = product_of(from.rank, from.shape);
  for (ptrdiff_t i = 0; i < count; i++) target[place_of(i, layout)] = source[place_of(i, from)];
}

static void fill(float *target, struct mnemo_layout layout, float value) {
  ptrdiff_t count = product_of(layout.rank, layout.shape);
  for (ptrdiff_t i = 0; i < count; i++) target[place_of(i, layout)] = value;
}

// Number `i` from an address.
static float number(const void *address, int32_t dtype, ptrdiff_t i) {
  switch (dtype) {
    case MNEMO_FLOAT32: return ((const float *)address)[i];
    case MNEMO_FLOAT16: return (float)((const _Float16 *)address)[i];
    case MNEMO_BFLOAT16: {
      uint32_t bits = (uint32_t)((const uint16_t *)address)[i] << 16;
      float value;
      memcpy(&value, &bits, sizeof value);
      return value;
    }
    default: return NAN;
  }
}

static void widen(const void *source, int32_t dtype, struct mnemo_layout from, float *out) {
  ptrdiff_t count = product_of(from.rank, from.shape);
  for (ptrdiff_t i = 0; i < count; i++) out[i] = number(source, dtype, place_of(i, from));
}

// The size of a positive bfloat16; the one beyond the largest counts as 2¹²⁸.
static double size_of(uint16_t bits) {
  return bits == 0x7F80 ? ldexp(1, 128) : number(&bits, MNEMO_BFLOAT16, 0);
}

// The bits of the bfloat16 nearest to a number: of the two around it, by their distances.
static uint16_t nearest_bfloat16(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  if (isnan(x)) return 0x7FC0;
  if (isinf(x)) return (uint16_t)(bits >> 16);
  uint16_t below = (uint16_t)(bits >> 16 & 0x7FFF), sign = (uint16_t)(bits >> 16 & 0x8000);
  double down = fabs(x) - size_of(below), up = size_of(below + 1) - fabs(x);
  bool is_down = down < up || (down == up && below % 2 == 0);
  return (uint16_t)(sign | (is_down ? below : below + 1));
}

static void narrow(ptrdiff_t count, const float *x, void *target, int32_t dtype) {
  for (ptrdiff_t i = 0; i < count; i++) {
    switch (dtype) {
      case MNEMO_FLOAT32: ((float *)target)[i] = x[i]; break;
      case MNEMO_FLOAT16: ((_Float16 *)target)[i] = (_Float16)x[i]; break;
      case MNEMO_BFLOAT16: ((uint16_t *)target)[i] = nearest_bfloat16(x[i]); break;
    }
  }
}

// MARK: Elements

static double unary_value(struct mnemo_unary op, double x) {
  switch (op.op) {
    case MNEMO_UNARY_NEG: return -x;
    case MNEMO_UNARY_EXP: return exp(x);
    case MNEMO_UNARY_LOG: return log(x);
    case MNEMO_UNARY_LOG_OR_ZERO: return x > 0 ? log(x) : 0;
    case MNEMO_UNARY_SQRT:
    case MNEMO_UNARY_NORM: return sqrt(x);
    case MNEMO_UNARY_ABS: return fabs(x);
    case MNEMO_UNARY_TANH: return tanh(x);
    case MNEMO_UNARY_SIGMOID: return 1 / (1 + exp(-x));
    case MNEMO_UNARY_RELU: return x < 0 ? 0 : x;
    case MNEMO_UNARY_GELU: return x == -INFINITY ? 0 : x * 0.5 * erfc(-x / sqrt(2));
    case MNEMO_UNARY_SQUARE: return x * x;
    case MNEMO_UNARY_CLAMP: return x < op.low ? op.low : x > op.high ? op.high : x;
    case MNEMO_UNARY_EXPM1: return expm1(x);
    case MNEMO_UNARY_LOG2: return log2(x);
    case MNEMO_UNARY_LOG10: return log10(x);
    case MNEMO_UNARY_LOG1P: return log1p(x);
    case MNEMO_UNARY_RSQRT: return 1 / sqrt(x);
    case MNEMO_UNARY_RECIPROCAL: return 1 / x;
    case MNEMO_UNARY_SIGN: return x > 0 ? 1 : x < 0 ? -1 : 0;
    case MNEMO_UNARY_FLOOR: return floor(x);
    case MNEMO_UNARY_CEIL: return ceil(x);
    case MNEMO_UNARY_ROUND: return nearbyint(x);
    case MNEMO_UNARY_SIN: return sin(x);
    case MNEMO_UNARY_COS: return cos(x);
    case MNEMO_UNARY_ERF: return erf(x);
    case MNEMO_UNARY_SILU: return x == -INFINITY ? 0 : x / (1 + exp(-x));
    case MNEMO_UNARY_SOFTPLUS: return isnan(x) ? x : fmax(x, 0) + log1p(exp(-fabs(x)));
    default: return NAN;
  }
}

static double slope_value(struct mnemo_unary op, double x) {
  switch (op.op) {
    case MNEMO_UNARY_NEG: return -1;
    case MNEMO_UNARY_EXP: return exp(x);
    case MNEMO_UNARY_LOG: return 1 / x;
    case MNEMO_UNARY_LOG_OR_ZERO: return x > 0 ? 1 / x : 0;
    case MNEMO_UNARY_SQRT: return 0.5 / sqrt(x);
    case MNEMO_UNARY_NORM: return x > 0 ? 0.5 / sqrt(x) : 0;
    case MNEMO_UNARY_ABS: return x > 0 ? 1 : x < 0 ? -1 : 0;
    case MNEMO_UNARY_TANH: return 1 - tanh(x) * tanh(x);
    case MNEMO_UNARY_SIGMOID: return exp(-x) / ((1 + exp(-x)) * (1 + exp(-x)));
    case MNEMO_UNARY_RELU: return x > 0 ? 1 : 0;
    case MNEMO_UNARY_GELU: {
      const double pi = acos(-1);
      return 0.5 * erfc(-x / sqrt(2)) + x * exp(-x * x / 2) / sqrt(2 * pi);
    }
    case MNEMO_UNARY_SQUARE: return 2 * x;
    case MNEMO_UNARY_CLAMP: return x < op.low || x > op.high ? 0 : 1;
    case MNEMO_UNARY_EXPM1: return exp(x);
    case MNEMO_UNARY_LOG2: return 1 / (x * log(2));
    case MNEMO_UNARY_LOG10: return 1 / (x * log(10));
    case MNEMO_UNARY_LOG1P: return 1 / (1 + x);
    case MNEMO_UNARY_RSQRT: return -0.5 / (x * sqrt(x));
    case MNEMO_UNARY_RECIPROCAL: return -1 / (x * x);
    case MNEMO_UNARY_SIGN:
    case MNEMO_UNARY_FLOOR:
    case MNEMO_UNARY_CEIL:
    case MNEMO_UNARY_ROUND: return 0;
    case MNEMO_UNARY_SIN: return cos(x);
    case MNEMO_UNARY_COS: return -sin(x);
    case MNEMO_UNARY_ERF: return 2 / sqrt(acos(-1)) * exp(-x * x);
    case MNEMO_UNARY_SILU: {
      const double share = 1 / (1 + exp(-x));
      return share == 0 || share == 1 ? share : share * (1 + x * (1 - share));
    }
    case MNEMO_UNARY_SOFTPLUS: return 1 / (1 + exp(-x));
    default: return NAN;
  }
}

static void unary(struct mnemo_unary op, ptrdiff_t count, const float *x, float *out) {
  for (ptrdiff_t i = 0; i < count; i++) out[i] = (float)unary_value(op, x[i]);
}

static void unary_slope(
  struct mnemo_unary op, ptrdiff_t count, const float *x, const float *y, const float *g,
  float *out) {
  (void)y;
  for (ptrdiff_t i = 0; i < count; i++) out[i] = (float)(g[i] * slope_value(op, x[i]));
}

// x − y·⌊x / y⌋.
static double remainder_of(double x, double y) {
  double rest = fmod(x, y);
  return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}

static double binary_value(struct mnemo_binary op, double x, double y) {
  switch (op.op) {
    case MNEMO_BINARY_ADD: return x + y;
    case MNEMO_BINARY_SUB: return x - y;
    case MNEMO_BINARY_MUL: return x * y;
    case MNEMO_BINARY_DIV: return x / y;
    case MNEMO_BINARY_POW: return pow(x, y);
    case MNEMO_BINARY_POW_SLOPE: return y == 0 ? 0 : y * pow(x, y - 1);
    case MNEMO_BINARY_MAXIMUM: return isnan(x) || x > y ? x : y;
    case MNEMO_BINARY_MAXIMUM_SHARE: return x > y ? 1 : x == y ? 0.5 : 0;
    case MNEMO_BINARY_ADD_SCALED: return x + op.scale * y;
    case MNEMO_BINARY_EQUAL: return x == y;
    case MNEMO_BINARY_NOT_EQUAL: return x != y;
    case MNEMO_BINARY_LESS: return x < y;
    case MNEMO_BINARY_LESS_OR_EQUAL: return x <= y;
    case MNEMO_BINARY_GREATER: return x > y;
    case MNEMO_BINARY_GREATER_OR_EQUAL: return x >= y;
    case MNEMO_BINARY_MINIMUM: return isnan(x) || x < y ? x : y;
    case MNEMO_BINARY_REMAINDER: return remainder_of(x, y);
    case MNEMO_BINARY_FLOOR_DIVIDE:
      return y == 0 ? x / y : floor((x - remainder_of(x, y)) / y + 0.5);
    default: return NAN;
  }
}

// The number of the element of an operand that meets an element of the result.
static ptrdiff_t met(ptrdiff_t element, struct mnemo_shape shape, struct mnemo_shape own) {
  ptrdiff_t number = 0, stride = 1;
  for (ptrdiff_t d = shape.rank - 1; d >= 0; d--) {
    ptrdiff_t index = element % shape.sizes[d], place = d - (shape.rank - own.rank);
    element /= shape.sizes[d];
    if (place < 0) continue;
    if (own.sizes[place] != 1) number += index * stride;
    stride *= own.sizes[place];
  }
  return number;
}

static void binary(
  struct mnemo_binary op, struct mnemo_shape shape, const float *x, struct mnemo_shape x_shape,
  const float *y, struct mnemo_shape y_shape, float *out) {
  ptrdiff_t count = product_of(shape.rank, shape.sizes);
  for (ptrdiff_t i = 0; i < count; i++) {
    out[i] = (float)binary_value(op, x[met(i, shape, x_shape)], y[met(i, shape, y_shape)]);
  }
}

static void choose(
  ptrdiff_t count, const float *mask, const float *x, const float *y, float *out) {
  for (ptrdiff_t i = 0; i < count; i++) out[i] = mask[i] != 0 ? x[i] : y[i];
}

// MARK: Reductions

static double total(ptrdiff_t count, const float *x) {
  double sum = 0;
  for (ptrdiff_t i = 0; i < count; i++) sum += x[i];
  return sum;
}

static void reduce(int32_t op, struct mnemo_lines lines, const float *x, float *out) {
  for (ptrdiff_t o = 0; o < lines.outer; o++) {
    for (ptrdiff_t i = 0; i < lines.inner; i++) {
      const float *line = x + o * lines.size * lines.inner + i;
      double sum = 0;
      for (ptrdiff_t k = 0; k < lines.size; k++) sum += line[k * lines.inner];
      out[o * lines.inner + i] = op == MNEMO_REDUCE_SUM ? (float)sum : NAN;
    }
  }
}

static void places(int32_t op, struct mnemo_lines lines, const float *x, int32_t *out) {
  for (ptrdiff_t o = 0; o < lines.outer; o++) {
    for (ptrdiff_t i = 0; i < lines.inner; i++) {
      const float *line = x + o * lines.size * lines.inner + i;
      ptrdiff_t best = 0;
      for (ptrdiff_t k = 1; k < lines.size; k++) {
        float value = line[k * lines.inner], top = line[best * lines.inner];
        bool beats = op == MNEMO_PLACE_LARGEST ? value > top : value < top;
        if (beats || (isnan(value) && !isnan(top))) best = k;
      }
      out[o * lines.inner + i] = (int32_t)best;
    }
  }
}

struct element {
  float value;
  int32_t place;
};

static bool is_larger(float x, float y) { return isnan(x) ? !isnan(y) : x > y; }

static int ascending(const void *left, const void *right) {
  const struct element *x = left, *y = right;
  if (is_larger(x->value, y->value)) return 1;
  if (is_larger(y->value, x->value)) return -1;
  return (x->place > y->place) - (x->place < y->place);
}

static int falling(const void *left, const void *right) {
  const struct element *x = left, *y = right;
  if (is_larger(x->value, y->value)) return -1;
  if (is_larger(y->value, x->value)) return 1;
  return (x->place > y->place) - (x->place < y->place);
}

static const char *order(
  struct mnemo_lines lines, ptrdiff_t keep, bool descending, const float *x, int32_t *out) {
  struct element *line = malloc((lines.size + 1) * sizeof *line);
  if (!line) return no_memory;
  for (ptrdiff_t o = 0; o < lines.outer; o++) {
    for (ptrdiff_t i = 0; i < lines.inner; i++) {
      for (ptrdiff_t k = 0; k < lines.size; k++) {
        line[k] = (struct element){x[(o * lines.size + k) * lines.inner + i], (int32_t)k};
      }
      qsort(line, lines.size, sizeof *line, descending ? falling : ascending);
      for (ptrdiff_t k = 0; k < keep; k++) out[(o * keep + k) * lines.inner + i] = line[k].place;
    }
  }
  free(line);
  return NULL;
}

// MARK: Products

static double entry(struct mnemo_matrix matrix, ptrdiff_t i, ptrdiff_t j) {
  ptrdiff_t place = matrix.transposed ? j * matrix.stride + i : i * matrix.stride + j;
  return number(matrix.numbers, matrix.dtype, place);
}

static const char *product(
  ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, struct mnemo_matrix a, struct mnemo_matrix b, float beta,
  float *c) {
  for (ptrdiff_t i = 0; i < m; i++) {
    for (ptrdiff_t j = 0; j < n; j++) {
      double sum = beta == 0 ? 0 : beta * (double)c[i * n + j];
      for (ptrdiff_t l = 0; l < k; l++) sum += entry(a, i, l) * entry(b, l, j);
      c[i * n + j] = (float)sum;
    }
  }
  return NULL;
}

static const char *products(
  ptrdiff_t count, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const struct mnemo_matrix *a,
  const struct mnemo_matrix *b, float *c) {
  const char *failure = NULL;
  for (ptrdiff_t i = 0; i < count && !failure; i++) {
    failure = product(m, n, k, a[i], b[i], 0, c + i * m * n);
  }
  return failure;
}

// MARK: Choosing by integers

static void gather_rows(
  ptrdiff_t count, ptrdiff_t width, const int32_t *ids, const void *table, int32_t dtype,
  float *out) {
  for (ptrdiff_t r = 0; r < count; r++) {
    for (ptrdiff_t i = 0; i < width; i++) {
      out[r * width + i] = number(table, dtype, ids[r] * width + i);
    }
  }
}

static void add_rows(
  ptrdiff_t count, ptrdiff_t width, const float *rows, const int32_t *ids, float *table) {
  for (ptrdiff_t r = 0; r < count; r++) {
    for (ptrdiff_t i = 0; i < width; i++) table[ids[r] * width + i] += rows[r * width + i];
  }
}

static void gather(
  struct mnemo_lines lines, ptrdiff_t wanted, const int32_t *ids, const float *x, float *out) {
  for (ptrdiff_t o = 0; o < lines.outer; o++) {
    for (ptrdiff_t j = 0; j < wanted; j++) {
      for (ptrdiff_t i = 0; i < lines.inner; i++) {
        ptrdiff_t place = (o * wanted + j) * lines.inner + i;
        out[place] = x[(o * lines.size + ids[place]) * lines.inner + i];
      }
    }
  }
}

static void scatter_add(
  struct mnemo_lines lines, ptrdiff_t wanted, const float *g, const int32_t *ids, float *x) {
  for (ptrdiff_t o = 0; o < lines.outer; o++) {
    for (ptrdiff_t j = 0; j < wanted; j++) {
      for (ptrdiff_t i = 0; i < lines.inner; i++) {
        ptrdiff_t place = (o * wanted + j) * lines.inner + i;
        x[(o * lines.size + ids[place]) * lines.inner + i] += g[place];
      }
    }
  }
}

// MARK: Rows

// The largest of some numbers, −∞ if there are none; NaN if one is.
static double largest(ptrdiff_t n, const float *x) {
  double top = -INFINITY;
  for (ptrdiff_t i = 0; i < n; i++) top = isnan(top) || x[i] <= top ? top : x[i];
  return top;
}

// log Σ e^x.
static double log_of_sum(ptrdiff_t n, const float *x) {
  double top = largest(n, x), sum = 0;
  if (isinf(top)) return top;
  for (ptrdiff_t i = 0; i < n; i++) sum += exp(x[i] - top);
  return top + log(sum);
}

// Replaces x by its softmax; returns log Σ e^x.
static double normalize(ptrdiff_t n, double *x) {
  double top = -INFINITY, sum = 0;
  for (ptrdiff_t i = 0; i < n; i++) top = fmax(top, x[i]);
  for (ptrdiff_t i = 0; i < n; i++) sum += x[i] = exp(x[i] - top);
  for (ptrdiff_t i = 0; i < n; i++) x[i] /= sum;
  return top + log(sum);
}

// Line number `line` of x, gathered to `out`; where it begins.
static ptrdiff_t take_line(struct mnemo_lines lines, ptrdiff_t line, const float *x, float *out) {
  ptrdiff_t start = line / lines.inner * lines.size * lines.inner + line % lines.inner;
  for (ptrdiff_t i = 0; i < lines.size; i++) out[i] = x[start + i * lines.inner];
  return start;
}

static void softmax(struct mnemo_lines lines, const float *x, float *out) {
  float *own = malloc((lines.size + 1) * sizeof *own);
  for (ptrdiff_t l = 0; own && l < lines.outer * lines.inner; l++) {
    ptrdiff_t start = take_line(lines, l, x, own);
    double top = largest(lines.size, own), sum = 0;
    for (ptrdiff_t i = 0; i < lines.size; i++) sum += exp(own[i] - top);
    for (ptrdiff_t i = 0; i < lines.size; i++) {
      out[start + i * lines.inner] = (float)(exp(own[i] - top) / sum);
    }
  }
  free(own);
}

static void softmax_slope(struct mnemo_lines lines, const float *y, const float *g, float *out) {
  for (ptrdiff_t l = 0; l < lines.outer * lines.inner; l++) {
    ptrdiff_t start = l / lines.inner * lines.size * lines.inner + l % lines.inner;
    double inner = 0;
    for (ptrdiff_t i = 0; i < lines.size; i++) {
      inner += (double)g[start + i * lines.inner] * y[start + i * lines.inner];
    }
    for (ptrdiff_t i = 0; i < lines.size; i++) {
      ptrdiff_t place = start + i * lines.inner;
      out[place] = (float)(y[place] * (g[place] - inner));
    }
  }
}

static void log_sum_exp(struct mnemo_lines lines, const float *x, float *out) {
  float *own = malloc((lines.size + 1) * sizeof *own);
  for (ptrdiff_t l = 0; own && l < lines.outer * lines.inner; l++) {
    take_line(lines, l, x, own);
    out[l] = (float)log_of_sum(lines.size, own);
  }
  free(own);
}

static void cross_entropy(
  ptrdiff_t rows, ptrdiff_t n, const float *x, const int32_t *targets, const float *weights,
  float *logs, float *losses) {
  for (ptrdiff_t r = 0; r < rows; r++, x += n) {
    double log = log_of_sum(n, x);
    logs[r] = (float)log;
    losses[r] = weights[r] == 0 ? 0 : (float)(weights[r] * (log - x[targets[r]]));
  }
}

static void cross_entropy_slope(
  ptrdiff_t rows, ptrdiff_t n, const float *x, const int32_t *targets, const float *weights,
  const float *logs, float scale, float *dx) {
  for (ptrdiff_t r = 0; r < rows; r++, x += n, dx += n) {
    double factor = (double)scale * weights[r];
    for (ptrdiff_t i = 0; i < n; i++) {
      double p = exp((double)x[i] - logs[r]);
      dx[i] = weights[r] == 0 ? 0 : (float)(factor * (p - (i == targets[r])));
    }
  }
}

static void layer_norm(
  ptrdiff_t rows, ptrdiff_t n, const float *x, const float *weight, const float *bias, float eps,
  float *out, float *statistics) {
  for (ptrdiff_t r = 0; r < rows; r++, x += n, out += n) {
    double mean = 0, variance = 0;
    for (ptrdiff_t i = 0; i < n; i++) mean += (double)x[i] / n;
    for (ptrdiff_t i = 0; i < n; i++) variance += (x[i] - mean) * (x[i] - mean) / n;
    double inverse = 1 / sqrt(variance + eps);
    for (ptrdiff_t i = 0; i < n; i++) {
      out[i] = (float)((x[i] - mean) * inverse * weight[i] + bias[i]);
    }
    statistics[2 * r] = (float)mean;
    statistics[2 * r + 1] = (float)inverse;
  }
}

static const char *layer_norm_slope(
  ptrdiff_t rows, ptrdiff_t n, const float *x, const float *weight, const float *statistics,
  const float *g, float *dx, float *for_parameters) {
  double *sums = zeros(2 * n);
  if (!sums) return no_memory;
  for (ptrdiff_t r = 0; r < rows; r++, x += n, g += n, dx += n) {
    double mean = statistics[2 * r], inverse = statistics[2 * r + 1], along = 0, across = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
      double h = (x[i] - mean) * inverse, u = (double)g[i] * weight[i];
      along += u / n;
      across += u * h / n;
      sums[i] += g[i] * h;
      sums[n + i] += g[i];
    }
    for (ptrdiff_t i = 0; i < n; i++) {
      double h = (x[i] - mean) * inverse, u = (double)g[i] * weight[i];
      dx[i] = (float)(inverse * (u - along - h * across));
    }
  }
  for (ptrdiff_t i = 0; i < 2 * n; i++) for_parameters[i] = (float)sums[i];
  free(sums);
  return NULL;
}

static void rotate(
  ptrdiff_t rows, ptrdiff_t length, ptrdiff_t pairs, const float *x, const float *cosines,
  const float *sines, float *out) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    for (ptrdiff_t i = 0; i < pairs; i++) {
      ptrdiff_t place = 2 * (r * pairs + i), angle = r % length * pairs + i;
      double a = x[place], b = x[place + 1], c = cosines[angle], s = sines[angle];
      out[place] = (float)(a * c - b * s);
      out[place + 1] = (float)(a * s + b * c);
    }
  }
}

// MARK: Attention

static double dot(ptrdiff_t n, const float *x, const float *y) {
  double sum = 0;
  for (ptrdiff_t i = 0; i < n; i++) sum += (double)x[i] * y[i];
  return sum;
}

static ptrdiff_t attention_keeps(struct mnemo_attention shape) {
  (void)shape;
  return 0;
}

// The probabilities over the `count` positions up to a row's own in sequence b, to p, for one head;
// returns log Σ e^s.
static double attend(
  struct mnemo_attention shape, ptrdiff_t b, ptrdiff_t r, ptrdiff_t h, const float *q,
  const float *k, ptrdiff_t count, double *p) {
  ptrdiff_t size = shape.key_size, width = shape.heads * size;
  for (ptrdiff_t u = 0; u < count; u++) {
    const float *key = k + (b * shape.rows.length + u) * width + h * size;
    p[u] = shape.scale * dot(size, q + r * width + h * size, key);
  }
  return normalize(count, p);
}

static const char *attention(
  struct mnemo_attention shape, const float *q, const float *k, const float *v, float *out,
  float *logs, float *kept) {
  (void)kept;
  double *p = zeros(shape.rows.length);
  if (!p) return no_memory;
  ptrdiff_t size = shape.value_size, width = shape.heads * size;
  for (ptrdiff_t b = 0; b < shape.rows.batch; b++) {
    for (ptrdiff_t r = shape.rows.starts[b]; r < shape.rows.starts[b + 1]; r++) {
      ptrdiff_t count = shape.rows.positions[r] + 1;
      for (ptrdiff_t h = 0; h < shape.heads; h++) {
        logs[r * shape.heads + h] = (float)attend(shape, b, r, h, q, k, count, p);
        for (ptrdiff_t f = 0; f < size; f++) {
          double sum = 0;
          for (ptrdiff_t u = 0; u < count; u++) {
            sum += p[u] * v[(b * shape.rows.length + u) * width + h * size + f];
          }
          out[r * width + h * size + f] = (float)sum;
        }
      }
    }
  }
  free(p);
  return NULL;
}

static const char *attention_slope(
  struct mnemo_attention shape, const float *q, const float *k, const float *v, const float *out,
  const float *logs, const float *kept, const float *g, float *dq, float *dk, float *dv) {
  (void)out, (void)logs, (void)kept;
  ptrdiff_t length = shape.rows.length, key_size = shape.key_size, value_size = shape.value_size;
  ptrdiff_t key_width = shape.heads * key_size, value_width = shape.heads * value_size;
  double *p = zeros(2 * length), *slopes = zeros(key_size);
  if (!p || !slopes) {
    free(p);
    free(slopes);
    return no_memory;
  }
  double *dp = p + length;
  for (ptrdiff_t b = 0; b < shape.rows.batch; b++) {
    for (ptrdiff_t r = shape.rows.starts[b]; r < shape.rows.starts[b + 1]; r++) {
      ptrdiff_t count = shape.rows.positions[r] + 1;
      for (ptrdiff_t h = 0; h < shape.heads; h++) {
        attend(shape, b, r, h, q, k, count, p);
        const float *own = g + r * value_width + h * value_size;
        double inner = 0;
        for (ptrdiff_t u = 0; u < count; u++) {
          ptrdiff_t value = (b * length + u) * value_width + h * value_size;
          dp[u] = dot(value_size, own, v + value);
          inner += p[u] * dp[u];
          for (ptrdiff_t f = 0; dv && f < value_size; f++) {
            dv[value + f] += (float)(p[u] * own[f]);
          }
        }
        ptrdiff_t query = r * key_width + h * key_size;
        for (ptrdiff_t e = 0; e < key_size; e++) slopes[e] = 0;
        for (ptrdiff_t u = 0; u < count; u++) {
          ptrdiff_t key = (b * length + u) * key_width + h * key_size;
          double ds = shape.scale * p[u] * (dp[u] - inner);
          for (ptrdiff_t e = 0; e < key_size; e++) {
            slopes[e] += ds * k[key + e];
            if (dk) dk[key + e] += (float)(ds * q[query + e]);
          }
        }
        for (ptrdiff_t e = 0; dq && e < key_size; e++) dq[query + e] = (float)slopes[e];
      }
    }
  }
  free(p);
  free(slopes);
  return NULL;
}

// MARK: Attention over embeddings

static ptrdiff_t embedding_attention_keeps(struct mnemo_embedding_attention shape) {
  (void)shape;
  return 0;
}

// The two rows of a table that belong to a position: its token's and its own.
struct pair {
  ptrdiff_t rows[2];
};

static struct pair pair_at(
  struct mnemo_embedding_attention shape, const int32_t *ids, ptrdiff_t b, ptrdiff_t t) {
  return (struct pair){{ids[b * shape.length + t], shape.vocab + t}};
}

// The probabilities over the positions up to t of sequence b, to p; returns log Σ e^s.
static double attend_embeddings(
  struct mnemo_embedding_attention shape, const int32_t *ids, const float *scores, ptrdiff_t b,
  ptrdiff_t t, double *p) {
  ptrdiff_t rows = shape.vocab + shape.length;
  struct pair own = pair_at(shape, ids, b, t);
  for (ptrdiff_t u = 0; u <= t; u++) {
    struct pair other = pair_at(shape, ids, b, u);
    p[u] = 0;
    for (int i = 0; i < 2; i++) {
      for (int j = 0; j < 2; j++) p[u] += scores[own.rows[i] * rows + other.rows[j]];
    }
  }
  return normalize(t + 1, p);
}

static const char *embedding_attention(
  struct mnemo_embedding_attention shape, const int32_t *ids, const float *scores,
  const float *values, const float *residual, float *out, float *logs, float *kept) {
  (void)kept;
  double *p = zeros(shape.length);
  if (!p) return no_memory;
  for (ptrdiff_t b = 0; b < shape.batch; b++) {
    for (ptrdiff_t t = 0; t < shape.length; t++) {
      ptrdiff_t place = b * shape.length + t;
      struct pair own = pair_at(shape, ids, b, t);
      logs[place] = (float)attend_embeddings(shape, ids, scores, b, t, p);
      for (ptrdiff_t d = 0; d < shape.dim; d++) {
        double sum = 0;
        for (int i = 0; i < 2; i++) sum += residual[own.rows[i] * shape.dim + d];
        for (ptrdiff_t u = 0; u <= t; u++) {
          struct pair other = pair_at(shape, ids, b, u);
          for (int i = 0; i < 2; i++) sum += p[u] * values[other.rows[i] * shape.dim + d];
        }
        out[place * shape.dim + d] = (float)sum;
      }
    }
  }
  free(p);
  return NULL;
}

// Rounds sums to where they are wanted, if they are.
static void deliver(ptrdiff_t count, const double *sums, float *target) {
  for (ptrdiff_t i = 0; target && i < count; i++) target[i] = (float)sums[i];
}

static const char *embedding_attention_slope(
  struct mnemo_embedding_attention shape, const int32_t *ids, const float *scores,
  const float *values, const float *logs, const float *kept, const float *g, float *d_scores,
  float *d_values, float *d_residual) {
  (void)logs, (void)kept;
  ptrdiff_t rows = shape.vocab + shape.length, dim = shape.dim;
  double *p = zeros(2 * shape.length), *sums = zeros(rows * (rows + 2 * dim));
  if (!p || !sums) {
    free(p);
    free(sums);
    return no_memory;
  }
  double *dp = p + shape.length;
  double *for_scores = sums, *for_values = sums + rows * rows;
  double *for_residual = for_values + rows * dim;
  for (ptrdiff_t b = 0; b < shape.batch; b++) {
    for (ptrdiff_t t = 0; t < shape.length; t++) {
      attend_embeddings(shape, ids, scores, b, t, p);
      struct pair own = pair_at(shape, ids, b, t);
      const float *slopes = g + (b * shape.length + t) * dim;
      double inner = 0;
      for (ptrdiff_t u = 0; u <= t; u++) {
        struct pair other = pair_at(shape, ids, b, u);
        dp[u] = 0;
        for (int j = 0; j < 2; j++) {
          dp[u] += dot(dim, slopes, values + other.rows[j] * dim);
          for (ptrdiff_t d = 0; d < dim; d++) {
            for_values[other.rows[j] * dim + d] += p[u] * slopes[d];
          }
        }
        inner += p[u] * dp[u];
      }
      for (int i = 0; i < 2; i++) {
        for (ptrdiff_t d = 0; d < dim; d++) for_residual[own.rows[i] * dim + d] += slopes[d];
        for (ptrdiff_t u = 0; u <= t; u++) {
          struct pair other = pair_at(shape, ids, b, u);
          for (int j = 0; j < 2; j++) {
            for_scores[own.rows[i] * rows + other.rows[j]] += p[u] * (dp[u] - inner);
          }
        }
      }
    }
  }
  deliver(rows * rows, for_scores, d_scores);
  deliver(rows * dim, for_values, d_values);
  deliver(rows * dim, for_residual, d_residual);
  free(p);
  free(sums);
  return NULL;
}

// The probabilities of head h over the tokens of sequence b, to p; returns log Σ e^s.
static double attend_tokens(
  struct mnemo_token_attention shape, const int32_t *ids, const int32_t *askers,
  const float *scores, ptrdiff_t b, ptrdiff_t h, double *p) {
  for (ptrdiff_t t = 0; t < shape.length; t++) {
    ptrdiff_t row = askers[b] * shape.vocab + ids[b * shape.length + t];
    p[t] = scores[row * shape.heads + h];
  }
  return normalize(shape.length, p);
}

static const char *token_attention(
  struct mnemo_token_attention shape, const int32_t *ids, const int32_t *askers,
  const float *scores, const float *values, float *out, float *logs) {
  double *p = zeros(shape.length);
  if (!p) return no_memory;
  for (ptrdiff_t b = 0; b < shape.batch; b++) {
    for (ptrdiff_t h = 0; h < shape.heads; h++) {
      ptrdiff_t place = b * shape.heads + h;
      logs[place] = (float)attend_tokens(shape, ids, askers, scores, b, h, p);
      for (ptrdiff_t d = 0; d < shape.value_size; d++) {
        double sum = 0;
        for (ptrdiff_t t = 0; t < shape.length; t++) {
          ptrdiff_t row = ids[b * shape.length + t] * shape.heads + h;
          sum += p[t] * values[row * shape.value_size + d];
        }
        out[place * shape.value_size + d] = (float)sum;
      }
    }
  }
  free(p);
  return NULL;
}

static const char *token_attention_slope(
  struct mnemo_token_attention shape, const int32_t *ids, const int32_t *askers,
  const float *scores, const float *values, const float *out, const float *logs, const float *g,
  float *d_scores, float *d_values) {
  (void)out, (void)logs;
  ptrdiff_t size = shape.value_size, of_scores = shape.askers * shape.vocab * shape.heads;
  ptrdiff_t of_values = shape.vocab * shape.heads * size;
  double *p = zeros(2 * shape.length), *sums = zeros(of_scores + of_values);
  if (!p || !sums) {
    free(p);
    free(sums);
    return no_memory;
  }
  double *dp = p + shape.length, *for_values = sums + of_scores;
  for (ptrdiff_t b = 0; b < shape.batch; b++) {
    const int32_t *z = ids + b * shape.length;
    for (ptrdiff_t h = 0; h < shape.heads; h++) {
      attend_tokens(shape, ids, askers, scores, b, h, p);
      const float *slopes = g + (b * shape.heads + h) * size;
      double inner = 0;
      for (ptrdiff_t t = 0; t < shape.length; t++) {
        ptrdiff_t row = z[t] * shape.heads + h;
        dp[t] = dot(size, slopes, values + row * size);
        inner += p[t] * dp[t];
        for (ptrdiff_t d = 0; d < size; d++) for_values[row * size + d] += p[t] * slopes[d];
      }
      for (ptrdiff_t t = 0; t < shape.length; t++) {
        ptrdiff_t row = (askers[b] * shape.vocab + z[t]) * shape.heads + h;
        sums[row] += p[t] * (dp[t] - inner);
      }
    }
  }
  deliver(of_scores, sums, d_scores);
  deliver(of_values, for_values, d_values);
  free(p);
  free(sums);
  return NULL;
}

// MARK: Feed-forwards and outputs

static const char *feed_forward(
  struct mnemo_feed_forward shape, const float *x, const float *w1, const float *w2, float *out,
  float *kept) {
  double *hidden = zeros(shape.hidden);
  if (!hidden) return no_memory;
  for (ptrdiff_t r = 0; r < shape.rows; r++) {
    for (ptrdiff_t j = 0; j < shape.hidden; j++) {
      double value = dot(shape.inputs, w1 + j * shape.inputs, x + r * shape.inputs);
      hidden[j] = value < 0 ? 0 : value;
      if (kept) kept[r * shape.hidden + j] = (float)hidden[j];
    }
    for (ptrdiff_t o = 0; o < shape.outputs; o++) {
      double sum = 0;
      for (ptrdiff_t j = 0; j < shape.hidden; j++) sum += w2[o * shape.hidden + j] * hidden[j];
      out[r * shape.outputs + o] = (float)sum;
    }
  }
  free(hidden);
  return NULL;
}

static const char *feed_forward_slope(
  struct mnemo_feed_forward shape, const float *x, const float *w1, const float *w2,
  const float *kept, const float *g, float *dx, float *dw1, float *dw2) {
  ptrdiff_t inputs = shape.inputs, hidden = shape.hidden, outputs = shape.outputs;
  double *sums = zeros(hidden * (inputs + outputs + 1));
  if (!sums) return no_memory;
  double *for_w1 = sums, *for_w2 = sums + hidden * inputs, *da = for_w2 + outputs * hidden;
  for (ptrdiff_t r = 0; r < shape.rows; r++) {
    const float *input = x + r * inputs, *h = kept + r * hidden, *slopes = g + r * outputs;
    for (ptrdiff_t j = 0; j < hidden; j++) {
      da[j] = 0;
      for (ptrdiff_t o = 0; o < outputs; o++) {
        for_w2[o * hidden + j] += (double)slopes[o] * h[j];
        if (h[j] > 0) da[j] += (double)slopes[o] * w2[o * hidden + j];
      }
      for (ptrdiff_t i = 0; i < inputs; i++) for_w1[j * inputs + i] += da[j] * input[i];
    }
    for (ptrdiff_t i = 0; dx && i < inputs; i++) {
      double sum = 0;
      for (ptrdiff_t j = 0; j < hidden; j++) sum += da[j] * w1[j * inputs + i];
      dx[r * inputs + i] = (float)sum;
    }
  }
  deliver(hidden * inputs, for_w1, dw1);
  deliver(outputs * hidden, for_w2, dw2);
  free(sums);
  return NULL;
}

static const char *linear_cross_entropy(
  ptrdiff_t rows, ptrdiff_t vocab, ptrdiff_t count, const struct mnemo_linear_term *terms,
  const int32_t *targets, const float *weights, float total, bool wants_slopes, float *losses) {
  double *logits = zeros(vocab);
  if (!logits) return no_memory;
  for (ptrdiff_t r = 0; r < rows; r++) {
    for (ptrdiff_t j = 0; j < vocab; j++) {
      logits[j] = 0;
      for (ptrdiff_t i = 0; i < count; i++) {
        ptrdiff_t width = terms[i].width;
        logits[j] += dot(width, terms[i].x + r * width, terms[i].w + j * width);
      }
    }
    double own = logits[targets[r]], log = normalize(vocab, logits);
    losses[r] = weights[r] == 0 ? 0 : (float)(weights[r] * (log - own));
    if (!wants_slopes) continue;
    double *slopes = logits, weight = weights[r] / (double)total;
    for (ptrdiff_t j = 0; j < vocab; j++) {
      slopes[j] = weight == 0 ? 0 : weight * (slopes[j] - (j == targets[r]));
    }
    for (ptrdiff_t t = 0; t < count; t++) {
      struct mnemo_linear_term term = terms[t];
      for (ptrdiff_t i = 0; i < term.width; i++) {
        double sum = 0, x = term.x[r * term.width + i];
        for (ptrdiff_t j = 0; j < vocab; j++) {
          sum += slopes[j] * term.w[j * term.width + i];
          if (term.dw) term.dw[j * term.width + i] += (float)(slopes[j] * x);
        }
        if (term.dx) term.dx[r * term.width + i] = (float)sum;
      }
    }
  }
  free(logits);
  return NULL;
}

// MARK: Sums and updates

static void add(ptrdiff_t count, const float *x, float *y) {
  for (ptrdiff_t i = 0; i < count; i++) y[i] += x[i];
}

static void adamw(
  ptrdiff_t count, struct mnemo_adamw_step step, float *p, const float *g, float *m, float *v) {
  for (ptrdiff_t i = 0; i < count; i++) {
    double slope = g[i];
    double mean = (double)step.first * m[i] + step.first_rest * slope;
    double square = (double)step.second * v[i] + step.second_rest * slope * slope;
    double root = sqrt(square) / step.root_correction + step.epsilon;
    p[i] = (float)((double)p[i] * step.shrink - step.step_size * mean / root);
    m[i] = (float)mean;
    v[i] = (float)square;
  }
}

static void sgd(
  ptrdiff_t count, struct mnemo_sgd_step step, float *p, const float *g, float *buffer) {
  for (ptrdiff_t i = 0; i < count; i++) {
    double slope = g[i] + (double)step.decay * p[i], change = slope;
    if (buffer) {
      double sum = step.is_first ? slope : (double)step.momentum * buffer[i] + slope;
      buffer[i] = (float)sum;
      change = step.nesterov ? slope + step.momentum * sum : sum;
    }
    p[i] = (float)(p[i] - step.rate * change);
  }
}

static const struct mnemo_backend table = {
  .version = MNEMO_BACKEND_VERSION,
  .size = sizeof table,
  .name = "reference",
  .batch_cut = {.tokens = 1, .least_parts = 1, .most_gradients = 1 << 24},
  .start = start,
  .upload = upload,
  .download = download,
  .copy = copy,
  .fill = fill,
  .widen = widen,
  .narrow = narrow,
  .unary = unary,
  .unary_slope = unary_slope,
  .binary = binary,
  .choose = choose,
  .total = total,
  .reduce = reduce,
  .places = places,
  .order = order,
  .product = product,
  .products = products,
  .gather_rows = gather_rows,
  .add_rows = add_rows,
  .gather = gather,
  .scatter_add = scatter_add,
  .softmax = softmax,
  .softmax_slope = softmax_slope,
  .log_sum_exp = log_sum_exp,
  .cross_entropy = cross_entropy,
  .cross_entropy_slope = cross_entropy_slope,
  .layer_norm = layer_norm,
  .layer_norm_slope = layer_norm_slope,
  .rotate = rotate,
  .attention_keeps = attention_keeps,
  .attention = attention,
  .attention_slope = attention_slope,
  .embedding_attention_keeps = embedding_attention_keeps,
  .embedding_attention = embedding_attention,
  .embedding_attention_slope = embedding_attention_slope,
  .token_attention = token_attention,
  .token_attention_slope = token_attention_slope,
  .feed_forward = feed_forward,
  .feed_forward_slope = feed_forward_slope,
  .linear_cross_entropy = linear_cross_entropy,
  .add = add,
  .adamw = adamw,
  .sgd = sgd,
};

const struct mnemo_backend *mnemo_backend(void) { return &table; }
