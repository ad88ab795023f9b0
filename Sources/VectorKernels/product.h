// Products of matrices, in tiles that stay in registers.
//
// A tile of the result has TILE_ROWS rows and TILE_VECTORS vectors; each number of A, read where it
// lies, is spread over a vector and multiplied with vectors of B. B is read where it lies too,
// unless it is transposed or its rows are far apart: then 32 or 16 columns at a time are copied.
// An element of the result is one chain of sums along k, cut at the same places whatever the tiles
// are; one of the last few columns after a multiple of 32 is summed in 16 lanes.

enum {
  // The part of k that is summed in registers.
  most_depth = 256,
  // Rows of a left operand so far apart fall into one place of the first cache; those of a right
  // operand, of which more are read, into a few.
  left_far_apart = 1024,
  right_far_apart = 512,
  tile_columns = TILE_VECTORS * 16,
  // The most numbers of A that are read again for every tile of columns: a quarter of a megabyte.
  most_in_cache = 1 << 16,
  // The most columns left over that are not worth a tile.
  most_narrow = 3,
  // Rows of A that are copied together, where they are far apart.
  packed_rows = 224 / TILE_ROWS * TILE_ROWS,
};

// C = alpha·A·B + beta·C for `rows` ≤ TILE_ROWS rows and `vectors` vectors of columns, of which the
// last has `count` columns. Everything but sizes, addresses and factors is known where it is
// inlined.
INLINE void tile(
  const int rows, const int vectors, const bool is_whole, int count, long k, const float *a,
  const long a_row, const long a_step, const float *b, long ldb, float alpha, float beta, float *c,
  long ldc) {
  v16 sums[TILE_ROWS][TILE_VECTORS];
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int v = 0; v < vectors; v++) sums[i][v] = all(0);
  }
  for (long p = 0; p < k; p++) {
    v16 right[TILE_VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) {
      right[v] = is_whole || v < vectors - 1 ? load(b + 16 * v) : load_first(b + 16 * v, count);
    }
    UNROLL for (int i = 0; i < rows; i++) {
      const v16 left = all(a[i * a_row]);
      UNROLL for (int v = 0; v < vectors; v++) sums[i][v] = multiply_add(left, right[v], sums[i][v]);
    }
    a += a_step;
    b += ldb;
  }
  if (beta != 0) {
    UNROLL for (int i = 0; i < rows; i++) {
      UNROLL for (int v = 0; v < vectors; v++) {
        const float *to = c + i * ldc + 16 * v;
        const v16 before = is_whole || v < vectors - 1 ? load(to) : load_first(to, count);
        sums[i][v] = multiply_add(all(beta), before, all(alpha) * sums[i][v]);
      }
    }
  } else {
    UNROLL for (int i = 0; i < rows; i++) {
      UNROLL for (int v = 0; v < vectors; v++) sums[i][v] *= all(alpha);
    }
  }
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int v = 0; v < vectors; v++) {
      float *to = c + i * ldc + 16 * v;
      if (is_whole || v < vectors - 1) {
        store(to, sums[i][v]);
      } else {
        store_first(to, sums[i][v], count);
      }
    }
  }
}

// A tile of any number of rows, of one kind otherwise.
#define TILE_KIND(name, vectors, is_whole, a_row, a_step)                                          \
  static void name(                                                                                \
    int rows, int count, long k, const float *a, long lda, const float *b, long ldb, float alpha,  \
    float beta, float *c, long ldc) {                                                              \
    switch (rows) {                                                                                \
      TILE_CASES(vectors, is_whole, a_row, a_step)                                                 \
    }                                                                                              \
  }
#define TILE_CASE(rows, vectors, is_whole, a_row, a_step)                                          \
  case rows:                                                                                       \
    tile(rows, vectors, is_whole, count, k, a, a_row, a_step, b, ldb, alpha, beta, c, ldc);        \
    break;
#define TILE_CASES_6(...)                                                                          \
  TILE_CASE(1, __VA_ARGS__)                                                                        \
  TILE_CASE(2, __VA_ARGS__)                                                                        \
  TILE_CASE(3, __VA_ARGS__)                                                                        \
  TILE_CASE(4, __VA_ARGS__)                                                                        \
  TILE_CASE(5, __VA_ARGS__)                                                                        \
  TILE_CASE(6, __VA_ARGS__)
#if TILE_ROWS == 3
#define TILE_CASES(...)                                                                            \
  TILE_CASE(1, __VA_ARGS__)                                                                        \
  TILE_CASE(2, __VA_ARGS__)                                                                        \
  TILE_CASE(3, __VA_ARGS__)
#elif TILE_ROWS == 6
#define TILE_CASES(...) TILE_CASES_6(__VA_ARGS__)
#elif TILE_ROWS == 14
#define TILE_CASES(...)                                                                            \
  TILE_CASES_6(__VA_ARGS__)                                                                        \
  TILE_CASE(7, __VA_ARGS__)                                                                        \
  TILE_CASE(8, __VA_ARGS__)                                                                        \
  TILE_CASE(9, __VA_ARGS__)                                                                        \
  TILE_CASE(10, __VA_ARGS__)                                                                       \
  TILE_CASE(11, __VA_ARGS__)                                                                       \
  TILE_CASE(12, __VA_ARGS__)                                                                       \
  TILE_CASE(13, __VA_ARGS__)                                                                       \
  TILE_CASE(14, __VA_ARGS__)
#endif

TILE_KIND(tile_1, 1, true, lda, 1)
TILE_KIND(tile_1_cut, 1, false, lda, 1)
TILE_KIND(tile_1_turned, 1, true, 1, lda)
TILE_KIND(tile_1_turned_cut, 1, false, 1, lda)
#if TILE_VECTORS == 2
TILE_KIND(tile_2, 2, true, lda, 1)
TILE_KIND(tile_2_cut, 2, false, lda, 1)
TILE_KIND(tile_2_turned, 2, true, 1, lda)
TILE_KIND(tile_2_turned_cut, 2, false, 1, lda)
#endif

typedef void tile_function(
  int rows, int count, long k, const float *a, long lda, const float *b, long ldb, float alpha,
  float beta, float *c, long ldc);

// The rows of a matrix with rows far apart, side by side.
static void pack(const float *x, long stride, long rows, long columns, float *out) {
  for (long r = 0; r < rows; r++) memcpy(out + r * columns, x + r * stride, columns * sizeof *x);
}

// `count` ≤ tile_columns columns of B, [k, tile_columns], and 0 after them.
static void pack_columns(
  const float *b, long ldb, bool is_turned, long k, int count, float *out) {
  if (is_turned) {
    for (int first = 0; first < tile_columns; first += 16) {
      const int rows = count - first < 16 ? count - first : 16;
      turn_rows(b + first * ldb, ldb, rows > 0 ? rows : 0, k, out + first, tile_columns);
    }
  } else {
    for (long p = 0; p < k; p++) {
      memcpy(out + p * tile_columns, b + p * ldb, count * sizeof *b);
      if (count < tile_columns) {
        memset(out + p * tile_columns + count, 0, (tile_columns - count) * sizeof *b);
      }
    }
  }
}

// The last few columns of a product, as products of rows of A with columns of B, `columns` [width,
// k]: a tile would be empty for the most part.
static void narrow_product(
  long m, int width, long k, float alpha, const float *a, long lda, const float *columns,
  float beta, float *c, long ldc) {
  enum { rows = 4 };
  for (long first = 0; first < m; first += rows) {
    const int height = m - first < rows ? (int)(m - first) : rows;
    const float *left[rows];
    for (int i = 0; i < rows; i++) left[i] = a + (first + (i < height ? i : 0)) * lda;
    for (int j = 0; j < width; j++) {
      // Rows side by side, so that no sum waits for itself.
      v16 sums[rows];
      UNROLL for (int i = 0; i < rows; i++) sums[i] = all(0);
      FOR_VECTORS(k, p, count, {
        const v16 right = load_up_to(columns + j * k + p, count);
        UNROLL for (int i = 0; i < rows; i++) {
          sums[i] = multiply_add(load_up_to(left[i] + p, count), right, sums[i]);
        }
      });
      for (int i = 0; i < height; i++) {
        float *to = c + (first + i) * ldc + j;
        *to = alpha * total(sums[i]) + (beta == 0 ? 0 : beta * *to);
      }
    }
  }
}

// A product with at most most_depth terms.
static void flat_product(
  long m, long n, long k, float alpha, const float *a, long lda, bool a_turned, const float *b,
  long ldb, bool b_turned, float beta, float *c, long ldc) {
  float columns[most_depth * tile_columns] __attribute__((aligned(64)));
  float packed[packed_rows * most_depth] __attribute__((aligned(64)));
  const bool is_far = ldb >= right_far_apart && m > 2 * TILE_ROWS;
  const bool packs_a = !a_turned && lda >= left_far_apart && n > tile_columns;
  // What is not copied stays in the second cache while it meets all columns of B.
  const long block = packs_a ? packed_rows : most_in_cache / k;
  for (long top = 0; top < m; top += block) {
    const long height = m - top < block ? m - top : block;
    const float *left = a_turned ? a + top : a + top * lda;
    long left_stride = lda;
    if (packs_a) {
      pack(left, lda, height, k, packed);
      (left = packed, left_stride = k);
    }
    const long tiles = (height + TILE_ROWS - 1) / TILE_ROWS;
    for (long j = 0; j < n; j += tile_columns) {
      const int width = n - j < tile_columns ? (int)(n - j) : tile_columns;
      const int vectors = (width + 15) / 16, count = width - 16 * (vectors - 1);
      const float *right = b_turned ? b + j * ldb : b + j;
      long right_stride = ldb;
      // Counted in columns of the widest tiles, so that all sets sum alike.
      if (width <= most_narrow && j % 32 == 0 && !a_turned) {
        for (long p = 0; p < k; p++) {
          for (int i = 0; i < width; i++) {
            columns[i * k + p] = b_turned ? right[i * ldb + p] : right[p * ldb + i];
          }
        }
        narrow_product(
          height, width, k, alpha, left, left_stride, columns, beta, c + top * ldc + j, ldc);
        continue;
      }
      if (b_turned || is_far || (!HAS_MASKS && count < 16)) {
        pack_columns(right, ldb, b_turned, k, width, columns);
        (right = columns, right_stride = tile_columns);
      }
      tile_function *run;
#if TILE_VECTORS == 2
      if (vectors == 2) {
        run = count == 16 ? (a_turned ? tile_2_turned : tile_2)
                          : (a_turned ? tile_2_turned_cut : tile_2_cut);
      } else
#endif
        run = count == 16 ? (a_turned ? tile_1_turned : tile_1)
                          : (a_turned ? tile_1_turned_cut : tile_1_cut);
      // Rows are shared evenly: a tile of few rows would wait for its own sums.
      for (long t = 0; t < tiles; t++) {
        const long first = height * t / tiles, next = height * (t + 1) / tiles;
        run(
          (int)(next - first), count, k, a_turned ? left + first : left + first * left_stride,
          left_stride, right, right_stride, alpha, beta, c + (top + first) * ldc + j, ldc);
      }
    }
  }
}

static void product(
  long m, long n, long k, float alpha, const float *a, long lda, bool a_turned, const float *b,
  long ldb, bool b_turned, float beta, float *c, long ldc) {
  if (k <= 0) {
    for (long i = 0; i < m; i++) {
      for (long j = 0; j < n; j++) c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
    }
    return;
  }
  for (long first = 0; first < k; first += most_depth) {
    const long depth = k - first < most_depth ? k - first : most_depth;
    flat_product(
      m, n, depth, alpha, a_turned ? a + first * lda : a + first, lda, a_turned,
      b_turned ? b + first : b + first * ldb, ldb, b_turned, first == 0 ? beta : 1, c, ldc);
  }
}
