// Vectors of 16 numbers, whatever the processor's registers hold: the compiler cuts them into what
// there is. Lanes are computed each by itself and sums over lanes are made in one order, so that
// the same numbers come out of every set of kernels that can multiply and add in one rounding.
//
// Included once for each set of kernels, under the processor features that the set is for.
#pragma STDC FP_CONTRACT OFF
// Everything with a vector for an argument is inlined.
#pragma clang diagnostic ignored "-Wpsabi"

#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))

typedef float v16 __attribute__((vector_size(64)));
typedef int32_t i16 __attribute__((vector_size(64)));
// The same in memory, where nothing is aligned.
typedef float v16_in_memory __attribute__((vector_size(64), aligned(4), may_alias));

INLINE v16 load(const float *x) { return *(const v16_in_memory *)x; }

INLINE void store(float *x, v16 value) { *(v16_in_memory *)x = value; }

INLINE v16 all(float x) { return (v16){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }

// a·b + c.
INLINE v16 multiply_add(v16 a, v16 b, v16 c) {
#if HAS_FMA
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}

#if HAS_MASKS && !HAS_AVX512
// The masks of the first 8 and the last 8 of `count` lanes.
INLINE void masks(int count, __m256i mask[2]) {
  static const int32_t steps[32] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
  mask[0] = _mm256_loadu_si256((const __m256i *)(steps + 16 - count));
  mask[1] = _mm256_loadu_si256((const __m256i *)(steps + 24 - count));
}
#endif

// The first `count` of 16 numbers, 1 to 16, and 0 after them; nothing else is read.
INLINE v16 load_first(const float *x, int count) {
#if HAS_AVX512
  return (v16)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), x);
#elif HAS_MASKS
  __m256i mask[2];
  masks(count, mask);
  const __m256 low = _mm256_maskload_ps(x, mask[0]), high = _mm256_maskload_ps(x + 8, mask[1]);
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#else
  v16 value = all(0);
  memcpy(&value, x, (size_t)count * sizeof *x);
  return value;
#endif
}

// Writes the first `count` lanes, 1 to 16, and nothing else.
INLINE void store_first(float *x, v16 value, int count) {
#if HAS_AVX512
  _mm512_mask_storeu_ps(x, (__mmask16)((1u << count) - 1), (__m512)value);
#elif HAS_MASKS
  __m256i mask[2];
  masks(count, mask);
  _mm256_maskstore_ps(x, mask[0], __builtin_shufflevector(value, value, 0, 1, 2, 3, 4, 5, 6, 7));
  _mm256_maskstore_ps(
    x + 8, mask[1], __builtin_shufflevector(value, value, 8, 9, 10, 11, 12, 13, 14, 15));
#else
  memcpy(x, &value, (size_t)count * sizeof *x);
#endif
}

// Runs `body` with i at every sixteenth of n numbers and `count` 16, then once for those left over.
#define FOR_VECTORS(n, i, count, body)                                                             \
  do {                                                                                             \
    long i = 0;                                                                                    \
    for (; i + 16 <= (n); i += 16) {                                                               \
      const int count = 16;                                                                        \
      body                                                                                         \
    }                                                                                              \
    if (i < (n)) {                                                                                 \
      const int count = (int)((n) - i);                                                            \
      body                                                                                         \
    }                                                                                              \
  } while (0)

INLINE v16 load_up_to(const float *x, int count) {
  return count == 16 ? load(x) : load_first(x, count);
}

INLINE void store_up_to(float *x, v16 value, int count) {
  if (count == 16) {
    store(x, value);
  } else {
    store_first(x, value, count);
  }
}

// The sum of the lanes, in halves.
INLINE float total(v16 x) {
  x += __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
  x += __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
  x += __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
  return x[0] + x[1];
}

// 16 rows of 16 become columns.
INLINE void turn(v16 x[16]) {
#define PAIRS(a, b, low, high)                                                                     \
  low = __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);   \
  high = __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
#define FOURS(a, b, low, high)                                                                     \
  low = __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);   \
  high = __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
#define EIGHTS(a, b, low, high)                                                                    \
  low = __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);   \
  high =                                                                                           \
    __builtin_shufflevector(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
#define HALVES(a, b, low, high)                                                                    \
  low = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);     \
  high =                                                                                           \
    __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
  // In each step, row r meets the row whose number differs in one bit, and the quarters, halves
  // and wholes of rows change places with theirs.
  v16 y[16];
  UNROLL for (int r = 0; r < 16; r += 2) { PAIRS(x[r], x[r + 1], y[r], y[r + 1]) }
  UNROLL for (int r = 0; r < 16; r += 4) {
    FOURS(y[r], y[r + 2], x[r], x[r + 1])
    FOURS(y[r + 1], y[r + 3], x[r + 2], x[r + 3])
  }
  UNROLL for (int r = 0; r < 4; r++) {
    EIGHTS(x[r], x[r + 4], y[r], y[r + 4])
    EIGHTS(x[r + 8], x[r + 12], y[r + 8], y[r + 12])
  }
  UNROLL for (int r = 0; r < 8; r++) { HALVES(y[r], y[r + 8], x[r], x[r + 8]) }
#undef PAIRS
#undef FOURS
#undef EIGHTS
#undef HALVES
}

// out[c·step + r] = x[r·stride + c] for `rows` ≤ 16 rows, 0 for further r up to 16.
static void turn_rows(
  const float *x, long stride, int rows, long columns, float *out, long step) {
  FOR_VECTORS(columns, c, count, {
    v16 block[16];
    if (rows == 16) {
      UNROLL for (int r = 0; r < 16; r++) block[r] = load_up_to(x + r * stride + c, count);
    } else {
      for (int r = 0; r < 16; r++) {
        block[r] = r < rows ? load_up_to(x + r * stride + c, count) : all(0);
      }
    }
    turn(block);
    for (int i = 0; i < count; i++) store(out + (c + i) * step, block[i]);
  });
}

// a in the lanes whose bits are set, b in the others.
INLINE v16 choose(i16 where, v16 a, v16 b) {
  return (v16)((where & (i16)a) | (~where & (i16)b));
}

// One bit for each lane of a comparison, the first lowest.
INLINE unsigned mask_of(i16 where) {
#if HAS_AVX512
  return _mm512_movepi32_mask((__m512i)where);
#elif HAS_MASKS
  const __m256 low = (__m256)__builtin_shufflevector(where, where, 0, 1, 2, 3, 4, 5, 6, 7);
  const __m256 high = (__m256)__builtin_shufflevector(where, where, 8, 9, 10, 11, 12, 13, 14, 15);
  return (unsigned)_mm256_movemask_ps(low) | (unsigned)_mm256_movemask_ps(high) << 8;
#else
  unsigned mask = 0;
  for (int l = 0; l < 16; l++) mask |= (unsigned)(where[l] & 1) << l;
  return mask;
#endif
}

// The larger of each two, b where either is NaN.
INLINE v16 larger(v16 a, v16 b) { return choose(a > b, a, b); }

// 1.5·2²³: added, it rounds to the nearest integer, whose bits are then the sum's low ones.
#define ROUNDING 0x1.8p23f

// x·2^n for n from −252 to 254, `shifted` by ROUNDING.
INLINE v16 times_power(v16 x, v16 shifted) {
#if HAS_AVX512
  return (v16)_mm512_scalef_ps((__m512)x, (__m512)(shifted - all(ROUNDING)));
#else
  // Two factors of 2^(n/2) each keep the exponent of a factor within range at both ends.
  const i16 n = (i16)shifted - (i16)all(ROUNDING), half = n >> 1;
  return x * (v16)((half + 127) << 23) * (v16)((n - half + 127) << 23);
#endif
}

// P of e^r = 1 + r + r²·P(r) for |r| ≤ ln 2 / 2: of degree 4, with the smallest relative error of
// the exponential (4e-9).
INLINE v16 exponential_polynomial(v16 r) {
  v16 p = all(1.381454e-3f);
  p = multiply_add(p, r, all(8.368745e-3f));
  p = multiply_add(p, r, all(4.166839e-2f));
  p = multiply_add(p, r, all(1.6666521e-1f));
  return multiply_add(p, r, all(0.49999994f));
}

// e^x to about one unit in the last place.
//
// x = n·ln 2 + r with |r| ≤ ln 2 / 2; e^r, then n into the exponent. Below −87.3, where results
// leave the normal range, it is 0; above 88.7 infinity; NaN stays NaN.
INLINE v16 exponential(v16 x) {
  v16 clamped = choose(x < -87.5f, all(-87.5f), x);
  clamped = choose(clamped > 88.8f, all(88.8f), clamped);
  const v16 shifted = multiply_add(clamped, all(1.44269504f), all(ROUNDING));
  const v16 n = shifted - all(ROUNDING);
  const v16 r = multiply_add(n, all(2.1219444e-4f), multiply_add(n, all(-0.693359375f), clamped));
  v16 p = multiply_add(exponential_polynomial(r), r, all(1));
  p = multiply_add(p, r, all(1));
  return choose(x < -87.33654f, all(0), choose(x == x, times_power(p, shifted), x));
}

// P of log(1 + f) = f − f²/2 + f³·P(f) for 1 + f from √½ to √2: of degree 7, with the smallest
// relative error of the logarithm (6e-9).
INLINE v16 logarithm_polynomial(v16 f) {
  v16 p = all(-7.634497e-2f);
  p = multiply_add(p, f, all(1.2761576e-1f));
  p = multiply_add(p, f, all(-1.3160183e-1f));
  p = multiply_add(p, f, all(1.4201757e-1f));
  p = multiply_add(p, f, all(-1.6623357e-1f));
  p = multiply_add(p, f, all(2.0001227e-1f));
  p = multiply_add(p, f, all(-2.500082e-1f));
  return multiply_add(p, f, all(3.333333e-1f));
}

// log x to about one unit in the last place, of normal numbers above 0; NaN and infinity stay.
//
// x = m·2^n with m from √½ to √2.
INLINE v16 logarithm(v16 x) {
  const i16 root_of_half = (i16)all(0x1.6a09e6p-1f);
  const i16 exponent = ((i16)x - root_of_half) >> 23;
  const v16 f = (v16)((i16)x - (exponent << 23)) - 1, square = f * f;
  const v16 n = __builtin_convertvector(exponent, v16);
  const v16 cube = square * f * logarithm_polynomial(f);
  const v16 rest = multiply_add(square, all(-0.5f), multiply_add(n, all(-2.1219444e-4f), cube));
  const v16 value = multiply_add(n, all(0.693359375f), f + rest);
  return choose(x < INFINITY, value, x);
}
