// A vector times a matrix that is read once, as it is stored: what takes the time is the memory, so
// that numbers are widened on the way and rows are read side by side.

typedef uint16_t u16x16 __attribute__((vector_size(32)));
typedef uint32_t u32x16 __attribute__((vector_size(64)));
typedef _Float16 h16x16 __attribute__((vector_size(32)));
typedef u16x16 u16x16_in_memory __attribute__((aligned(2), may_alias));

INLINE v16 widened(u16x16 bits, enum stored_numbers type) {
  if (type == stored_float16) return __builtin_convertvector((h16x16)bits, v16);
  return (v16)(__builtin_convertvector(bits, u32x16) << 16);
}

// The first `count` of 16 stored numbers from place i on, and 0 after them.
INLINE v16 load_stored(const void *x, long i, int count, enum stored_numbers type) {
  if (type == stored_float32) return load_up_to((const float *)x + i, count);
  const uint16_t *numbers = (const uint16_t *)x + i;
  if (count == 16) return widened(*(const u16x16_in_memory *)numbers, type);
  u16x16 bits = {0};
  memcpy(&bits, numbers, (size_t)count * sizeof *numbers);
  return widened(bits, type);
}

INLINE const void *stored_row(const void *x, long row, long stride, enum stored_numbers type) {
  return (const char *)x + row * stride * (type == stored_float32 ? 4 : 2);
}

INLINE void dots_of(
  long rows, long n, const float *x, const void *w, long stride, enum stored_numbers type,
  float *out) {
  long r = 0;
  for (; r + 4 <= rows; r += 4) {
    const void *row[4];
    v16 sums[4];
    UNROLL for (int l = 0; l < 4; l++) {
      row[l] = stored_row(w, r + l, stride, type);
      sums[l] = all(0);
    }
    FOR_VECTORS(n, i, count, {
      const v16 value = load_up_to(x + i, count);
      UNROLL for (int l = 0; l < 4; l++) {
        sums[l] = multiply_add(value, load_stored(row[l], i, count, type), sums[l]);
      }
    });
    UNROLL for (int l = 0; l < 4; l++) out[r + l] = total(sums[l]);
  }
  for (; r < rows; r++) {
    const void *row = stored_row(w, r, stride, type);
    v16 sums = all(0);
    FOR_VECTORS(n, i, count, {
      sums = multiply_add(load_up_to(x + i, count), load_stored(row, i, count, type), sums);
    });
    out[r] = total(sums);
  }
}

INLINE void weighted_sum_of(
  long rows, long n, const float *x, const void *w, long stride, enum stored_numbers type,
  float *out) {
  memset(out, 0, (size_t)n * sizeof *out);
  long r = 0;
  for (; r + 8 <= rows; r += 8) {
    FOR_VECTORS(n, i, count, {
      v16 sum = load_up_to(out + i, count);
      UNROLL for (int l = 0; l < 8; l++) {
        const void *row = stored_row(w, r + l, stride, type);
        sum = multiply_add(all(x[r + l]), load_stored(row, i, count, type), sum);
      }
      store_up_to(out + i, sum, count);
    });
  }
  for (; r < rows; r++) {
    const void *row = stored_row(w, r, stride, type);
    FOR_VECTORS(n, i, count, {
      const v16 sum = load_up_to(out + i, count);
      store_up_to(
        out + i, multiply_add(all(x[r]), load_stored(row, i, count, type), sum), count);
    });
  }
}

// The loops once for each type, which is known in them.
#define FOR_TYPES(name, body)                                                                      \
  static void name(                                                                                \
    long rows, long n, const float *x, const void *w, long stride, enum stored_numbers type,       \
    float *out) {                                                                                  \
    switch (type) {                                                                                \
    case stored_float32: return body(rows, n, x, w, stride, stored_float32, out);                  \
    case stored_float16: return body(rows, n, x, w, stride, stored_float16, out);                  \
    case stored_bfloat16: return body(rows, n, x, w, stride, stored_bfloat16, out);                \
    }                                                                                              \
  }

FOR_TYPES(dots, dots_of)
FOR_TYPES(weighted_sum, weighted_sum_of)
