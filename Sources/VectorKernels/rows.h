// Loops over neighbouring numbers: exponentials, sums, layer norm, updates.
//
// Sums are made in 16 lanes, the numbers left over in the first of them, and lanes added in halves.

static float row_sum(long n, const float *x) {
  v16 sums = all(0);
  FOR_VECTORS(n, i, count, { sums += load_up_to(x + i, count); });
  return total(sums);
}

// The first numbers of a vector, `fill` after them.
INLINE v16 first_or(v16 x, int count, float fill) {
  const i16 places = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return count == 16 ? x : choose(places < count, x, all(fill));
}

// The largest of n ≥ 1 numbers; a NaN among them may be passed over.
static float row_maximum(long n, const float *x) {
  v16 top = all(-INFINITY);
  FOR_VECTORS(n, i, count, {
    top = larger(first_or(load_up_to(x + i, count), count, -INFINITY), top);
  });
  float result = top[0];
  for (int l = 1; l < 16; l++) result = top[l] > result ? top[l] : result;
  return result;
}

static float exponentiate(long n, const float *x, float *out, float *top) {
  const float largest = row_maximum(n, x);
  v16 sums = all(0);
  FOR_VECTORS(n, i, count, {
    const v16 e = exponential(load_up_to(x + i, count) - all(largest));
    store_up_to(out + i, e, count);
    sums += first_or(e, count, 0);
  });
  *top = largest;
  return total(sums);
}

static void softmax_slope(long n, const float *y, const float *g, float *out) {
  v16 sums = all(0);
  FOR_VECTORS(n, i, count, {
    sums = multiply_add(load_up_to(y + i, count), load_up_to(g + i, count), sums);
  });
  const v16 inner = all(total(sums));
  FOR_VECTORS(n, i, count, {
    const v16 slope = load_up_to(y + i, count) * (load_up_to(g + i, count) - inner);
    store_up_to(out + i, slope, count);
  });
}

static float log_sum_exp(long n, const float *x) {
  const float top = n ? row_maximum(n, x) : -INFINITY;
  v16 sums = all(0);
  i16 are_numbers = ~(i16){0};
  FOR_VECTORS(n, i, count, {
    const v16 value = load_up_to(x + i, count);
    are_numbers &= value == value;
    sums += first_or(exponential(value - all(top)), count, 0);
  });
  if (mask_of(~are_numbers)) return NAN;
  return isinf(top) ? top : top + logf(total(sums));
}

static long first_beyond(long n, const float *x, float limit, bool above) {
  // Below is above with the signs turned.
  const i16 turned = (i16)all(above ? 0.0f : -0.0f);
  const v16 edge = (v16)((i16)all(limit) ^ turned);
  FOR_VECTORS(n, i, count, {
    const v16 value = first_or(load_up_to(x + i, count), count, limit);
    const unsigned beyond = mask_of(~((v16)((i16)value ^ turned) <= edge));
    if (beyond) return i + __builtin_ctz(beyond);
  });
  return n;
}

static void exponentials_less(long n, const float *x, float log, float factor, float *out) {
  FOR_VECTORS(n, i, count, {
    const v16 e = exponential(load_up_to(x + i, count) - all(log));
    store_up_to(out + i, all(factor) * e, count);
  });
}

static void scale(long n, float factor, float *x) {
  FOR_VECTORS(n, i, count, {
    store_up_to(x + i, all(factor) * load_up_to(x + i, count), count);
  });
}

static void add(long n, const float *x, float *y) {
  FOR_VECTORS(n, i, count, {
    store_up_to(y + i, load_up_to(y + i, count) + load_up_to(x + i, count), count);
  });
}

static void sum_of_rows(
  long count, const int32_t *ids, long n, const float *table, float *out) {
  FOR_VECTORS(n, i, lanes, {
    v16 sum = all(0);
    for (long r = 0; r < count; r++) sum += load_up_to(table + ids[r] * n + i, lanes);
    store_up_to(out + i, sum, lanes);
  });
}

static void add_to_rows(
  long count, const int32_t *ids, long n, const float *x, float *table) {
  for (long r = 0; r < count; r++) add(n, x, table + ids[r] * n);
}

static void add_pair(long n, const float *x, const float *y, float *out) {
  FOR_VECTORS(n, i, count, {
    store_up_to(out + i, load_up_to(x + i, count) + load_up_to(y + i, count), count);
  });
}

static void relu(long n, const float *x, float *out) {
  FOR_VECTORS(n, i, count, {
    const v16 value = load_up_to(x + i, count);
    store_up_to(out + i, choose(value <= 0, all(0), value), count);
  });
}

static void relu_slope(long n, const float *x, const float *g, float *out) {
  FOR_VECTORS(n, i, count, {
    const i16 is_open = load_up_to(x + i, count) > 0;
    store_up_to(out + i, choose(is_open, load_up_to(g + i, count), all(0)), count);
  });
}

static void layer_norm(
  long rows, long n, const float *x, const float *weight, const float *bias, float eps, float *out,
  float *statistics) {
  for (long r = 0; r < rows; r++, x += n, out += n, statistics += 2) {
    const float mean = row_sum(n, x) / (float)n;
    v16 squares = all(0);
    FOR_VECTORS(n, i, count, {
      const v16 centred = first_or(load_up_to(x + i, count) - all(mean), count, 0);
      squares = multiply_add(centred, centred, squares);
    });
    const float inverse = 1 / sqrtf(total(squares) / (float)n + eps);
    FOR_VECTORS(n, i, count, {
      const v16 h = (load_up_to(x + i, count) - all(mean)) * all(inverse);
      const v16 y = multiply_add(h, load_up_to(weight + i, count), load_up_to(bias + i, count));
      store_up_to(out + i, y, count);
    });
    (statistics[0] = mean, statistics[1] = inverse);
  }
}

static void layer_norm_slope(
  long rows, long n, const float *x, const float *weight, const float *statistics, const float *g,
  float *dx, float *dweight, float *dbias) {
  for (long r = 0; r < rows; r++, x += n, g += n, dx += n, statistics += 2) {
    const v16 mean = all(statistics[0]), inverse = all(statistics[1]);
    v16 along = all(0), across = all(0);
    FOR_VECTORS(n, i, count, {
      const v16 slope = load_up_to(g + i, count);
      const v16 h = (load_up_to(x + i, count) - mean) * inverse;
      const v16 u = slope * load_up_to(weight + i, count);
      store_up_to(dweight + i, multiply_add(slope, h, load_up_to(dweight + i, count)), count);
      store_up_to(dbias + i, load_up_to(dbias + i, count) + slope, count);
      // Beyond the row's end u is 0, and so is what is added.
      along += u;
      across = multiply_add(u, first_or(h, count, 0), across);
    });
    const v16 mean_along = all(total(along) / (float)n), mean_across = all(total(across) / (float)n);
    FOR_VECTORS(n, i, count, {
      const v16 h = (load_up_to(x + i, count) - mean) * inverse;
      const v16 u = load_up_to(g + i, count) * load_up_to(weight + i, count);
      const v16 slope = inverse * (u - multiply_add(h, mean_across, mean_along));
      store_up_to(dx + i, slope, count);
    });
  }
}

static void adamw(
  long n, const struct adamw_step *step, float *p, const float *g, float *m, float *v) {
  FOR_VECTORS(n, i, count, {
    const v16 slope = load_up_to(g + i, count);
    const v16 first = all(step->first) * load_up_to(m + i, count) + all(step->first_rest) * slope;
    const v16 second =
      all(step->second) * load_up_to(v + i, count) + all(step->second_rest) * slope * slope;
    const v16 denominator =
      __builtin_elementwise_sqrt(second) / all(step->root_correction) + all(step->epsilon);
    const v16 shrunk = load_up_to(p + i, count) * all(step->shrink);
    store_up_to(m + i, first, count);
    store_up_to(v + i, second, count);
    store_up_to(p + i, shrunk - all(step->step_size) * first / denominator, count);
  });
}
