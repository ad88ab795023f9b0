// Random numbers: Philox4x32-10 for 8 counters at a time, and what is made of its words.
//
// The normal numbers are those of the C library's logf, sinf and cosf (glibc 2.28 to 2.40, musl),
// bit for bit: a seed's numbers are what they were before there were vectors, and depend on no
// library.
// The tables and polynomials, in Float64, are those of Arm's Optimized Routines (logf_data.c and
// sincosf_data.c, © 2017–2018 Arm Limited, MIT licence).

typedef uint64_t u8 __attribute__((vector_size(64)));
typedef double d8 __attribute__((vector_size(64)));
typedef float f8 __attribute__((vector_size(32)));
typedef int32_t i8 __attribute__((vector_size(32)));
typedef uint64_t u8_in_memory __attribute__((vector_size(64), aligned(4), may_alias));

INLINE u8 all_words(uint64_t x) { return (u8){x, x, x, x, x, x, x, x}; }

INLINE d8 all_doubles(double x) { return (d8){x, x, x, x, x, x, x, x}; }

INLINE d8 multiply_add_doubles(d8 a, d8 b, d8 c) {
#if HAS_FMA
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}

// The words of 8 blocks from counter[0] on, the other three and the key as they are. Of each lane
// only the lower half counts.
INLINE void philox(uint64_t key, const uint32_t counter[4], uint64_t blocks, u8 out[2]) {
  const u8 half = all_words(0xffffffff);
  u8 c0 = all_words(counter[0] + blocks) + (u8){0, 1, 2, 3, 4, 5, 6, 7};
  u8 c1 = all_words(counter[1]), c2 = all_words(counter[2]), c3 = all_words(counter[3]);
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  UNROLL for (int round = 0; round < 10; round++) {
    const u8 p0 = (c0 & half) * all_words(0xD2511F53), p1 = (c2 & half) * all_words(0xCD9E8D57);
    c0 = (p1 >> 32) ^ c1 ^ all_words(k0);
    c2 = (p0 >> 32) ^ c3 ^ all_words(k1);
    (c1 = p1, c3 = p0);
    (k0 += 0x9E3779B9, k1 += 0xBB67AE85);
  }
  const u8 first = (c0 & half) | c1 << 32, second = (c2 & half) | c3 << 32;
  out[0] = __builtin_shufflevector(first, second, 0, 8, 1, 9, 2, 10, 3, 11);
  out[1] = __builtin_shufflevector(first, second, 4, 12, 5, 13, 6, 14, 7, 15);
}

static void random_words(
  uint64_t key, const uint32_t counter[4], long blocks, uint32_t *out) {
  for (long b = 0; b < blocks; b += 8) {
    u8 words[2];
    philox(key, counter, (uint64_t)b, words);
    if (b + 8 <= blocks) {
      u8_in_memory *const place = (u8_in_memory *)(out + 4 * b);
      (place[0] = words[0], place[1] = words[1]);
    } else {
      memcpy(out + 4 * b, words, (size_t)(blocks - b) * 16);
    }
  }
}

// A multiple of 2⁻²⁴ from 0 to before 1.
INLINE v16 fractions(v16 words) {
  const i16 upper = ((i16)words >> 8) & 0xffffff;
  return __builtin_convertvector(upper, v16) * 0x1p-24f;
}

static void uniforms(long n, float low, float range, float *x) {
  FOR_VECTORS(n, i, count, {
    store_up_to(x + i, all(low) + all(range) * fractions(load_up_to(x + i, count)), count);
  });
}

// Entries of a table of 16.
INLINE d8 entries(const double table[16], i8 places) {
#if HAS_AVX512
  const __m512i index = _mm512_cvtepi32_epi64((__m256i)places);
  return _mm512_permutex2var_pd(_mm512_loadu_pd(table), index, _mm512_loadu_pd(table + 8));
#else
  d8 values;
  for (int l = 0; l < 8; l++) values[l] = table[places[l]];
  return values;
#endif
}

// log x as the C library rounds it, for x in (0, 1].
INLINE f8 library_logarithm(f8 x) {
  // 1/c and log c for numbers c inside of sixteenths.
  static const double inverses[16] = {
    0x1.661ec79f8f3bep+0, 0x1.571ed4aaf883dp+0, 0x1.49539f0f010bp+0,  0x1.3c995b0b80385p+0,
    0x1.30d190c8864a5p+0, 0x1.25e227b0b8eap+0,  0x1.1bb4a4a1a343fp+0, 0x1.12358f08ae5bap+0,
    0x1.0953f419900a7p+0, 0x1p+0,               0x1.e608cfd9a47acp-1, 0x1.ca4b31f026aap-1,
    0x1.b2036576afce6p-1, 0x1.9c2d163a1aa2dp-1, 0x1.886e6037841edp-1, 0x1.767dcf5534862p-1};
  static const double logarithms_of[16] = {
    -0x1.57bf7808caadep-2, -0x1.2bef0a7c06ddbp-2, -0x1.01eae7f513a67p-2, -0x1.b31d8a68224e9p-3,
    -0x1.6574f0ac07758p-3, -0x1.1aa2bc79c81p-3,   -0x1.a4e76ce8c0e5ep-4, -0x1.1973c5a611cccp-4,
    -0x1.252f438e10c1ep-5, 0x0p+0,                0x1.aa5aa5df25984p-5,  0x1.c5e53aa362eb4p-4,
    0x1.526e57720db08p-3,  0x1.bc2860d22477p-3,   0x1.1058bc8a07ee1p-2,  0x1.4043057b6ee09p-2};
  const i8 above = (i8)x - 0x3f330000, place = (above >> 19) & 15;
  const d8 z = __builtin_convertvector((f8)((i8)x - (above & (int32_t)0xff800000)), d8);
  const d8 exponent = __builtin_convertvector(above >> 23, d8);
  const d8 r = multiply_add_doubles(z, entries(inverses, place), all_doubles(-1));
  const d8 log_of_c = multiply_add_doubles(
    exponent, all_doubles(0x1.62e42fefa39efp-1), entries(logarithms_of, place));
  const d8 square = r * r;
  d8 y = multiply_add_doubles(
    all_doubles(0x1.5575b0be00b6ap-2), r, all_doubles(-0x1.ffffef20a4123p-2));
  y = multiply_add_doubles(all_doubles(-0x1.00ea348b88334p-2), square, y);
  y = multiply_add_doubles(y, square, log_of_c + r);
  return __builtin_convertvector(y, f8);
}

// Cosine and sine of x as the C library rounds them, for x from 0 to 2π.
INLINE void library_cosine_and_sine(f8 angle, f8 *cosine, f8 *sine) {
  d8 x = __builtin_convertvector(angle, d8);
  const d8 turned = x * 0x1.45f306dc9c883p+23;
  const i8 n = (__builtin_convertvector(turned, i8) + 0x800000) >> 24;
  x = multiply_add_doubles(
    __builtin_convertvector(n, d8), all_doubles(-0x1.921fb54442d18p0), x);
  const d8 square = x * x, cube = x * square;
  const d8 s = multiply_add_doubles(
    square, all_doubles(-0x1.994eb3774cf24p-13), all_doubles(0x1.1107605230bc4p-7));
  const d8 low = multiply_add_doubles(cube, all_doubles(-0x1.555545995a603p-3), x);
  const d8 sines = multiply_add_doubles(cube * square, s, low);
  const d8 fourth = square * square;
  const d8 c2 = multiply_add_doubles(
    square, all_doubles(0x1.99343027bf8c3p-16), all_doubles(-0x1.6c087e89a359dp-10));
  const d8 c1 = multiply_add_doubles(square, all_doubles(-0x1.ffffffd0c621cp-2), all_doubles(1));
  const d8 c = multiply_add_doubles(fourth, all_doubles(0x1.55553e1068f19p-5), c1);
  const d8 cosines = multiply_add_doubles(fourth * square, c2, c);
  // sin, cos, −sin, −cos in the quarters, and the cosine a quarter ahead.
  const i8 a = (i8)__builtin_convertvector(sines, f8), b = (i8)__builtin_convertvector(cosines, f8);
  const i8 is_odd = (n & 1) != 0;
  *sine = (f8)(((is_odd & b) | (~is_odd & a)) ^ ((n & 2) << 30));
  *cosine = (f8)(((is_odd & a) | (~is_odd & b)) ^ (((n + 1) & 2) << 30));
}

// Two normal numbers for each pair of words (Box–Muller): the first gives the radius, the second
// the angle.
INLINE v16 normal_pairs(v16 words) {
  const v16 u = fractions(words);
  const f8 first = __builtin_shufflevector(u, u, 0, 2, 4, 6, 8, 10, 12, 14);
  const f8 second = __builtin_shufflevector(u, u, 1, 3, 5, 7, 9, 11, 13, 15);
  // 1 − u lies in (0, 1], so the logarithm is finite.
  const f8 radius = __builtin_elementwise_sqrt(-2 * library_logarithm(1 - first));
  f8 cosine, sine;
  library_cosine_and_sine(second * 0x1.921fb4p+2f, &cosine, &sine);
  const f8 x = radius * cosine, y = radius * sine;
  return __builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
}

static void normals(long n, float mean, float deviation, float *x) {
  FOR_VECTORS(n, i, count, {
    const v16 pairs = normal_pairs(load_up_to(x + i, count));
    store_up_to(x + i, all(mean) + all(deviation) * pairs, count);
  });
}
