// Attention with queries in the lanes: 16 queries side by side, one row for each key. A softmax
// then goes down the rows, in every lane by itself, and there are no sums across lanes and no
// ragged ends.
//
// Scores and probabilities of a group stand in [keys, step], the group's lanes at the address
// given. Key u is seen by lane l if u ≤ last[l]; further keys get probability 0.

INLINE i16 last_keys(const int32_t *last) {
  i16 keys;
  memcpy(&keys, last, sizeof keys);
  return keys;
}

// Where key u is seen: all bits set.
INLINE i16 sees(i16 last, long u) { return last >= (int32_t)u; }

// The first key that some lane does not see.
INLINE long first_hidden(const int32_t *last, long keys) {
  int32_t least = last[0];
  for (int l = 1; l < 16; l++) least = last[l] < least ? last[l] : least;
  return least + 1 < keys ? least + 1 : keys;
}

// Replaces scores by their softmax; the logarithms of its denominators go to logs [16].
static void softmax_in_lanes(
  long keys, const int32_t *last, float *scores, long step, float *logs) {
  const i16 own = last_keys(last);
  const long hidden = first_hidden(last, keys);
  v16 top = load(scores);
  for (long u = 1; u < hidden; u++) top = larger(load(scores + u * step), top);
  for (long u = hidden; u < keys; u++) {
    top = choose(sees(own, u), larger(load(scores + u * step), top), top);
  }
  v16 sum = all(0);
  for (long u = 0; u < hidden; u++) {
    const v16 e = exponential(load(scores + u * step) - top);
    store(scores + u * step, e);
    sum += e;
  }
  for (long u = hidden; u < keys; u++) {
    const v16 e =
      choose(sees(own, u), exponential(load(scores + u * step) - top), all(0));
    store(scores + u * step, e);
    sum += e;
  }
  const v16 inverse = all(1) / sum;
  for (long u = 0; u < keys; u++) store(scores + u * step, load(scores + u * step) * inverse);
  store(logs, top + logarithm(sum));
}

// Replaces scores by the softmax whose logarithms of denominators are known.
static void softmax_again(
  long keys, const int32_t *last, float *scores, long step, const float *logs) {
  const i16 own = last_keys(last);
  const v16 log = load(logs);
  for (long u = 0; u < keys; u++) {
    const v16 p = exponential(load(scores + u * step) - log);
    store(scores + u * step, choose(sees(own, u), p, all(0)));
  }
}

// Replaces the gradients of probabilities by those of scores: scale · p ∘ (g − Σ p ∘ g).
static void softmax_slope_in_lanes(
  long keys, float scale, const float *p, float *slopes, long step) {
  // Two sums, because one would wait for itself.
  v16 sums[2] = {all(0), all(0)};
  long u = 0;
  for (; u + 2 <= keys; u += 2) {
    for (int i = 0; i < 2; i++) {
      sums[i] = multiply_add(load(p + (u + i) * step), load(slopes + (u + i) * step), sums[i]);
    }
  }
  if (u < keys) sums[0] = multiply_add(load(p + u * step), load(slopes + u * step), sums[0]);
  const v16 inner = sums[0] + sums[1];
  for (u = 0; u < keys; u++) {
    const v16 g = load(slopes + u * step) - inner;
    store(slopes + u * step, all(scale) * load(p + u * step) * g);
  }
}

// The rows of a table [N + T, stride] that belong to up to 16 positions of a sequence from t: of
// their tokens and of the positions themselves. Lanes left over have those of the first.
struct table_rows {
  long token[16], position[16];
};

INLINE struct table_rows rows_of_table(
  long t, int rows, long vocab, const int32_t *tokens, long stride) {
  struct table_rows places;
  for (int l = 0; l < 16; l++) {
    const long own = t + (l < rows ? l : 0);
    places.token[l] = tokens[own] * stride;
    places.position[l] = (vocab + own) * stride;
  }
  return places;
}

static void table_scores(
  long t, int rows, long keys, long vocab, const int32_t *tokens, const float *table, long stride,
  float *columns, float *scores, long step) {
  const struct table_rows places = rows_of_table(t, rows, vocab, tokens, stride);
  FOR_VECTORS(vocab + keys, c, count, {
    v16 block[16];
    UNROLL for (int l = 0; l < 16; l++) {
      block[l] = load_up_to(table + places.token[l] + c, count) +
                 load_up_to(table + places.position[l] + c, count);
    }
    turn(block);
    for (int i = 0; i < count; i++) store(columns + (c + i) * 16, block[i]);
  });
  for (long u = 0; u < keys; u++) {
    store(scores + u * step, load(columns + tokens[u] * 16) + load(columns + (vocab + u) * 16));
  }
}

static void add_table_slopes(
  long t, int rows, long keys, long vocab, const int32_t *tokens, const float *slopes, long step,
  float *columns, float *table, long stride) {
  const struct table_rows places = rows_of_table(t, rows, vocab, tokens, stride);
  for (long n = 0; n < vocab; n++) store(columns + n * 16, all(0));
  for (long u = 0; u < keys; u++) {
    float *sum = columns + tokens[u] * 16;
    const v16 slope = load(slopes + u * step);
    store(sum, load(sum) + slope);
    store(columns + (vocab + u) * 16, slope);
  }
  const long end = (vocab + keys + 15) / 16 * 16;
  for (long c = vocab + keys; c < end; c++) store(columns + c * 16, all(0));
  for (long c = 0; c < end; c += 16) {
    v16 block[16];
    UNROLL for (int i = 0; i < 16; i++) block[i] = load(columns + (c + i) * 16);
    turn(block);
    for (int l = 0; l < rows; l++) {
      float *to = table + places.token[l] + c;
      store(to, load(to) + block[l]);
    }
    for (int l = 0; l < rows; l++) {
      float *to = table + places.position[l] + c;
      store(to, load(to) + block[l]);
    }
  }
}
