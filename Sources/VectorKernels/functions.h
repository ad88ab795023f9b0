// Functions of one number, lane by lane.
//
// NaN stays NaN, infinities give the limits, and odd functions keep the sign of zero. The error in
// units of the last place (ulp) stands at each; FunctionTests measures it.

INLINE v16 magnitude(v16 x) { return (v16)((i16)x & 0x7fffffff); }

// `value`, which is not negative, with the sign of x.
INLINE v16 signed_as(v16 value, v16 x) { return (v16)((i16)value | ((i16)x & INT32_MIN)); }

// e^x − 1 (2 ulp): 2^n·(e^r − 1) + (2^n − 1), in halves, so that 2^n stays within range.
INLINE v16 exponential_less_one(v16 x) {
  v16 clamped = choose(x < -30, all(-30), x);
  clamped = choose(clamped > 88.8f, all(88.8f), clamped);
  const v16 shifted = multiply_add(clamped, all(1.44269504f), all(ROUNDING));
  const v16 n = shifted - all(ROUNDING);
  const v16 r = multiply_add(n, all(2.1219444e-4f), multiply_add(n, all(-0.693359375f), clamped));
  const v16 grown = multiply_add(r * r, exponential_polynomial(r), r);
  const v16 half = (v16)(((i16)shifted - (i16)all(ROUNDING) + 126) << 23);
  const v16 value = 2 * multiply_add(grown, half, half - 0.5f);
  return choose((magnitude(x) < 0x1p-25f) | (x != x), x, value);
}

// tanh x (2 ulp) = −t/(t + 2) for t = e^−2x − 1 and x not negative.
INLINE v16 hyperbolic_tangent(v16 x) {
  const v16 t = exponential_less_one(-2 * magnitude(x));
  return signed_as(magnitude(t) / (t + 2), x);
}

// log m and n for x = m·2^n above 0, m from √½ to √2; the rest as in `logarithm`.
INLINE v16 logarithm_in_parts(v16 x, v16 *n) {
  const i16 is_tiny = x < 0x1p-126f;
  const v16 normal = choose(is_tiny, x * 0x1p23f, x);
  const i16 root_of_half = (i16)all(0x1.6a09e6p-1f);
  const i16 exponent = ((i16)normal - root_of_half) >> 23;
  const v16 f = (v16)((i16)normal - (exponent << 23)) - 1, square = f * f;
  *n = __builtin_convertvector(exponent - (is_tiny & 23), v16);
  return f + multiply_add(square, all(-0.5f), square * f * logarithm_polynomial(f));
}

// A logarithm where there is one: −∞ of 0, NaN of what is below, infinity and NaN of themselves.
INLINE v16 logarithm_or_limit(v16 x, v16 value) {
  const v16 limit = choose(x == 0, all(-INFINITY), choose(x < 0, all(NAN), x));
  return choose((x > 0) & (x < INFINITY), value, limit);
}

// log x (1 ulp).
INLINE v16 natural_logarithm(v16 x) {
  v16 n;
  const v16 log = logarithm_in_parts(x, &n);
  const v16 low = multiply_add(n, all(-2.1219444e-4f), log);
  return logarithm_or_limit(x, multiply_add(n, all(0.693359375f), low));
}

// The logarithm of x to the base 2 (2 ulp), exact where it is whole.
INLINE v16 binary_logarithm(v16 x) {
  v16 n;
  const v16 log = logarithm_in_parts(x, &n);
  return logarithm_or_limit(x, multiply_add(log, all(1.44269504f), n));
}

// The logarithm of x to the base 10 (2 ulp); log₁₀ 2 in a short part and the rest.
INLINE v16 decimal_logarithm(v16 x) {
  v16 n;
  const v16 log = logarithm_in_parts(x, &n) * 0.434294482f;
  const v16 low = multiply_add(n, all(4.6050390e-6f), log);
  return logarithm_or_limit(x, multiply_add(n, all(0.301025390625f), low));
}

// log(1 + x) (2 ulp): the logarithm of the rounded sum, and what rounding left out.
INLINE v16 logarithm_of_one_more(v16 x) {
  const v16 sum = 1 + x;
  const v16 value = natural_logarithm(sum) + (x - (sum - 1)) / sum;
  return choose((x == 0) | (x == INFINITY), x, choose(x == -1, all(-INFINITY), value));
}

// log(1 + e^x) (2 ulp).
INLINE v16 soft_plus(v16 x) {
  const v16 rest = logarithm_of_one_more(exponential(-magnitude(x)));
  return choose(x > 0, x, all(0)) + choose(x == x, rest, x);
}

// x/(1 + e^−x) (3 ulp); 0 at −∞.
INLINE v16 sigmoid_linear(v16 x) {
  const v16 above = choose(x < -100, all(-100), x);
  return above / (1 + exponential(-above));
}

// erf x (2 ulp): near 0 x + x·P(x²), P of degree 5; else 1 − e^(−x − x·P(x)), P of degree 6, both
// with the smallest error.
INLINE v16 error_function(v16 x) {
  const v16 size = magnitude(x), square = x * x;
  v16 near = all(-5.9945049e-4f);
  near = multiply_add(near, square, all(4.99403803e-3f));
  near = multiply_add(near, square, all(-2.67673489e-2f));
  near = multiply_add(near, square, all(1.12818435e-1f));
  near = multiply_add(near, square, all(-3.76124978e-1f));
  near = multiply_add(near, square, all(1.28379151e-1f));
  near = multiply_add(near, x, x);
  const v16 t = choose(size > 4, all(4), size);
  v16 far = all(-1.130084e-5f);
  far = multiply_add(far, t, all(3.23506421e-4f));
  far = multiply_add(far, t, all(-3.64533787e-3f));
  far = multiply_add(far, t, all(2.37681903e-2f));
  far = multiply_add(far, t, all(-1.06244028e-1f));
  far = multiply_add(far, t, all(-6.35146976e-1f));
  far = multiply_add(far, t, all(-1.28649563e-1f));
  far = signed_as(1 - exponential(multiply_add(far, t, -t)), x);
  return choose(size > 0.921875f, far, near);
}

// e^(−x²/2) for x from 0 to 15, with the part of x² that rounding leaves out.
INLINE v16 exponential_of_square(v16 x) {
#if HAS_FMA
  const v16 half = -0.5f * x, exponent = half * x, low = multiply_add(half, x, -exponent);
#else
  // The square of 12 bits is exact.
  const v16 high = (v16)((i16)x & -4096), exponent = -0.5f * high * high;
  const v16 low = -0.5f * (x - high) * (x + high);
#endif
  const v16 shifted = multiply_add(exponent, all(1.44269504f), all(ROUNDING));
  const v16 n = shifted - all(ROUNDING);
  const v16 high_rest = multiply_add(n, all(-0.693359375f), exponent);
  const v16 r = multiply_add(n, all(2.1219444e-4f), high_rest) + low;
  v16 p = multiply_add(exponential_polynomial(r), r, all(1));
  p = multiply_add(p, r, all(1));
  return times_power(p, shifted);
}

// Φ(−x)·e^(x²/2) for x from 0 to 15, Φ the standard normal distribution function: a polynomial in
// (x − 3)/(x + 3), of degree 9 with the smallest relative error (1e-8).
INLINE v16 tail_by_density(v16 x) {
  const v16 q = (x - 3) / (x + 3);
  v16 p = all(5.32046179e-05f);
  p = multiply_add(p, q, all(0.000115144314f));
  p = multiply_add(p, q, all(-0.000339162303f));
  p = multiply_add(p, q, all(-0.000983561622f));
  p = multiply_add(p, q, all(0.00290451455f));
  p = multiply_add(p, q, all(0.00613208953f));
  p = multiply_add(p, q, all(-0.0462133102f));
  p = multiply_add(p, q, all(0.123225018f));
  p = multiply_add(p, q, all(-0.206402615f));
  return multiply_add(p, q, all(0.121513948f));
}

// |x|, but 15 where Φ is 0 or 1.
INLINE v16 magnitude_within_tails(v16 x) {
  const v16 size = magnitude(x);
  return choose(size > 15, all(15), size);
}

// x·Φ(x) (7 ulp) = max(x, 0) − |x|·Φ(−|x|); 0 at −∞.
INLINE v16 gaussian_linear(v16 x) {
  const v16 size = magnitude_within_tails(x);
  const v16 below = size * tail_by_density(size) * exponential_of_square(size);
  return choose(x > 0, x, all(0)) - below;
}

// Φ(x) + x·φ(x), the slope of x·Φ(x) (6e-8, it passes 0).
INLINE v16 gaussian_linear_slope(v16 x) {
  const v16 size = magnitude_within_tails(x), e = exponential_of_square(size);
  const v16 tail = tail_by_density(size) * e, inner = size * e * 0.398942280f;
  return choose(x > 0, (1 - tail) + inner, tail - inner);
}

// x less n quarter turns for any finite x, −π/4 to π/4; adds n to *turns, of which the last two
// bits count.
static float reduced_from_far(float x, int32_t *turns) {
  // 2/π in binary, after 32 zeros.
  static const uint32_t digits[8] = {0,          0xa2f9836e, 0x4e441529, 0xfc2757d1,
                                     0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab};
  if (!isfinite(x)) return NAN;
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  // |x| = m·2^e; of m·2^e·(2/π), digits that stand for 4 and more count nothing: 96 bits from the
  // one that stands for 2 are enough for what is behind.
  const uint32_t m = (bits & 0x7fffff) | 0x800000;
  const int start = (int)(bits >> 23 & 0xff) - 150 + 30;
  unsigned __int128 window = 0;
  for (int i = 0; i < 4; i++) window = window << 32 | digits[start / 32 + i];
  const unsigned __int128 product = ((window << (start % 32)) >> 32) * m << 32;
  const uint64_t places = (uint64_t)(product >> 64);
  const uint64_t n = ((places >> 61) + 1) >> 1;
  const double rest = (double)(int64_t)(places - (n << 62)) * (0x1.921fb54442d18p0 * 0x1p-62);
  *turns += (int32_t)(bits >> 31 ? -n : n);
  return (float)(bits >> 31 ? -rest : rest);
}

// Sine of x + turns·π/2 (2 ulp).
INLINE v16 sine_after(v16 x, int32_t turns) {
  const v16 shifted = multiply_add(x, all(0.636619772f), all(ROUNDING));
  const v16 n = shifted - all(ROUNDING);
  i16 quarter = ((i16)shifted & 3) + turns;
#if HAS_FMA
  // Up to here n·π/2 is exact enough in three parts, of which each product is rounded once.
  const float near = 65536;
  v16 r = multiply_add(n, all(-0x1.921fb6p+0f), x);
  r = multiply_add(n, all(0x1.777a5cp-25f), r);
  r = multiply_add(n, all(0x1.ee59dap-50f), r);
#else
  // The first two parts are so short that their products are exact.
  const float near = 120;
  v16 r = x - n * 1.5703125f - n * 4.837512969970703e-4f - n * 7.549790126404332e-8f;
#endif
  const i16 is_far = ~(magnitude(x) <= near);
  if (mask_of(is_far)) {
    for (int l = 0; l < 16; l++) {
      if (!is_far[l]) continue;
      int32_t own = turns;
      r[l] = reduced_from_far(x[l], &own);
      quarter[l] = own;
    }
  }
  const v16 square = r * r;
  v16 sine = multiply_add(all(-1.9515295891e-4f), square, all(8.3321608736e-3f));
  sine = multiply_add(sine, square, all(-1.6666654611e-1f));
  sine = multiply_add(sine * square, r, r);
  v16 cosine = multiply_add(all(2.443315711809948e-5f), square, all(-1.388731625493765e-3f));
  cosine = multiply_add(cosine, square, all(4.166664568298827e-2f));
  cosine = multiply_add(cosine * square, square, multiply_add(all(-0.5f), square, all(1)));
  const v16 value = choose((quarter & 1) != 0, cosine, sine);
  return (v16)((i16)value ^ ((quarter & 2) << 30));
}

INLINE v16 sine(v16 x) { return choose(x == 0, x, sine_after(x, 0)); }

INLINE v16 cosine(v16 x) { return sine_after(x, 1); }

INLINE v16 sigmoid(v16 x) { return 1 / (1 + exponential(-x)); }

INLINE v16 square_root(v16 x) { return __builtin_elementwise_sqrt(x); }

INLINE v16 inverse_root(v16 x) { return 1 / __builtin_elementwise_sqrt(x); }

INLINE v16 rounded_down(v16 x) { return __builtin_elementwise_floor(x); }

INLINE v16 rounded_up(v16 x) { return __builtin_elementwise_ceil(x); }

INLINE v16 rounded_to_even(v16 x) { return __builtin_elementwise_roundeven(x); }

// out = f(x) for n numbers.
#define FOR_EACH(name, f)                                                                          \
  static void name(long n, const float *x, float *out) {                                           \
    FOR_VECTORS(n, i, count, { store_up_to(out + i, f(load_up_to(x + i, count)), count); });       \
  }

FOR_EACH(exponentials, exponential)
FOR_EACH(exponentials_less_one, exponential_less_one)
FOR_EACH(logarithms, natural_logarithm)
FOR_EACH(binary_logarithms, binary_logarithm)
FOR_EACH(decimal_logarithms, decimal_logarithm)
FOR_EACH(logarithms_of_one_more, logarithm_of_one_more)
FOR_EACH(square_roots, square_root)
FOR_EACH(inverse_roots, inverse_root)
FOR_EACH(floors, rounded_down)
FOR_EACH(ceilings, rounded_up)
FOR_EACH(roundings, rounded_to_even)
FOR_EACH(sines, sine)
FOR_EACH(cosines, cosine)
FOR_EACH(tangents, hyperbolic_tangent)
FOR_EACH(error_functions, error_function)
FOR_EACH(sigmoids, sigmoid)
FOR_EACH(soft_pluses, soft_plus)
FOR_EACH(sigmoid_linears, sigmoid_linear)
FOR_EACH(gaussian_linears, gaussian_linear)
FOR_EACH(gaussian_linear_slopes, gaussian_linear_slope)
