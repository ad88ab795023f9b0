// What softmax is made of, down the columns of a matrix: up to 64 of them side by side in lanes, so
// that a row's part fills cache lines.

#define MOST_VECTORS 4

// Runs `body` for each row's vectors: `place` is where one begins, v its number, `count` its lanes.
#define FOR_COLUMNS(size, stride, columns, body)                                                   \
  for (long u = 0; u < (size); u++) {                                                              \
    for (int v = 0; 16 * v < (columns); v++) {                                                     \
      const long place = u * (stride) + 16 * v;                                                    \
      const int count = (columns) - 16 * v < 16 ? (columns) - 16 * v : 16;                         \
      body                                                                                         \
    }                                                                                              \
  }

// The largest number of each column; a NaN among them may be passed over.
INLINE void column_maxima(
  long size, long stride, int columns, const float *x, v16 tops[MOST_VECTORS]) {
  for (int v = 0; v < MOST_VECTORS; v++) tops[v] = all(-INFINITY);
  FOR_COLUMNS(size, stride, columns, { tops[v] = larger(load_up_to(x + place, count), tops[v]); })
}

static void softmax_down(long size, long stride, int columns, const float *x, float *out) {
  v16 tops[MOST_VECTORS], sums[MOST_VECTORS] = {0};
  column_maxima(size, stride, columns, x, tops);
  FOR_COLUMNS(size, stride, columns, {
    const v16 e = exponential(load_up_to(x + place, count) - tops[v]);
    store_up_to(out + place, e, count);
    sums[v] += e;
  })
  for (int v = 0; v < MOST_VECTORS; v++) sums[v] = 1 / sums[v];
  FOR_COLUMNS(size, stride, columns, {
    store_up_to(out + place, sums[v] * load_up_to(out + place, count), count);
  })
}

static void softmax_slope_down(
  long size, long stride, int columns, const float *y, const float *g, float *out) {
  v16 sums[MOST_VECTORS] = {0};
  FOR_COLUMNS(size, stride, columns, {
    sums[v] = multiply_add(load_up_to(y + place, count), load_up_to(g + place, count), sums[v]);
  })
  FOR_COLUMNS(size, stride, columns, {
    const v16 slope = load_up_to(y + place, count) * (load_up_to(g + place, count) - sums[v]);
    store_up_to(out + place, slope, count);
  })
}

static void log_sum_exp_down(long size, long stride, int columns, const float *x, float *out) {
  v16 tops[MOST_VECTORS], sums[MOST_VECTORS] = {0}, limits[MOST_VECTORS];
  column_maxima(size, stride, columns, x, tops);
  memcpy(limits, tops, sizeof limits);
  FOR_COLUMNS(size, stride, columns, {
    const v16 value = load_up_to(x + place, count);
    sums[v] += exponential(value - tops[v]);
    limits[v] = choose(value == value, limits[v], value);
  })
  for (int v = 0; 16 * v < columns; v++) {
    const i16 is_finite = magnitude(limits[v]) < INFINITY;
    const v16 value = choose(is_finite, tops[v] + natural_logarithm(sums[v]), limits[v]);
    store_up_to(out + 16 * v, value, columns - 16 * v < 16 ? columns - 16 * v : 16);
  }
}
