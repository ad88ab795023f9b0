// Division with a rest, rounded down: x = y·quotient + rest, the rest of the divisor's sign.

// x − y·⌊x/y⌋: the rest of the division towards 0, which is exact, moved to the side of y.
static float remainder_of(float x, float y) {
  const float rest = fmodf(x, y);
  return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}

// ⌊x/y⌋, x/y where y is 0: (x − rest)/y is a whole number but for rounding.
static float quotient_of(float x, float y) {
  if (y == 0) return x / y;
  const float rest = fmodf(x, y);
  const float whole = roundf((x - rest) / y - (rest != 0 && (rest < 0) != (y < 0)));
  return whole == 0 ? copysignf(0, x / y) : whole;
}

// The rests of 16 divisions, and the quotients in *quotient.
INLINE v16 divided(v16 x, v16 y, v16 *quotient) {
#if HAS_FMA
  // Where the quotient is small the product is exact. A quotient that was rounded up to a whole
  // number is one too far from 0, which shows in the sign of the rest.
  v16 whole = __builtin_elementwise_trunc(x / y), rest = multiply_add(-whole, y, x);
  const i16 is_simple = (magnitude(whole) < 0x1p22f) & (magnitude(y) < INFINITY);
  const i16 is_far = (rest != 0) & (((i16)rest ^ (i16)x) < 0);
  rest = choose(is_far, rest + signed_as(magnitude(y), x), rest);
  whole = choose(is_far, whole - signed_as(all(1), x / y), whole);
  const i16 is_beside = (rest != 0) & (((i16)rest ^ (i16)y) < 0);
  rest = choose(is_beside, rest + y, choose(rest == 0, signed_as(all(0), x), rest));
  whole = choose(is_beside, whole - 1, whole);
  *quotient = choose(whole == 0, signed_as(all(0), x / y), whole);
#else
  const i16 is_simple = {0};
  v16 rest = x;
  *quotient = x;
#endif
  if (mask_of(~is_simple)) {
    for (int l = 0; l < 16; l++) {
      if (is_simple[l]) continue;
      rest[l] = remainder_of(x[l], y[l]);
      (*quotient)[l] = quotient_of(x[l], y[l]);
    }
  }
  return rest;
}

// The numbers of an operand at i, or its first again and again.
INLINE v16 operand(const float *x, bool repeats, long i, int count) {
  return repeats ? all(*x) : load_up_to(x + i, count);
}

static void remainders(
  long n, const float *x, bool x_repeats, const float *y, bool y_repeats, float *out) {
  FOR_VECTORS(n, i, count, {
    v16 quotient;
    const v16 left = operand(x, x_repeats, i, count);
    const v16 right = operand(y, y_repeats, i, count);
    store_up_to(out + i, divided(left, right, &quotient), count);
  });
}

static void floor_quotients(
  long n, const float *x, bool x_repeats, const float *y, bool y_repeats, float *out) {
  FOR_VECTORS(n, i, count, {
    v16 quotient;
    const v16 left = operand(x, x_repeats, i, count);
    const v16 right = operand(y, y_repeats, i, count);
    divided(left, right, &quotient);
    store_up_to(out + i, quotient, count);
  });
}
