// Inner loops in vectors, compiled once for each kind of processor and chosen when the program
// starts: products in register tiles, attention with queries in the lanes, rows and updates.
//
// Everything runs on the calling thread, reads and writes what its sizes say and nothing else, and
// checks nothing. A set's results are the same bits on every processor that has it, and those of
// the sets that multiply and add in one rounding, all but "portable" on x86, are the same bits.
// Results do not overlap operands unless the same address is passed for both.
#ifndef MNEMO_VECTOR_KERNELS_H
#define MNEMO_VECTOR_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

/// What one update of AdamW multiplies with.
struct adamw_step {
  /// β₁ and 1 − β₁, β₂ and 1 − β₂.
  float first, first_rest, second, second_rest;
  /// 1 − lr·weight_decay.
  float shrink;
  /// lr/(1 − β₁ᵗ).
  float step_size;
  /// √(1 − β₂ᵗ).
  float root_correction;
  /// Added to the denominator.
  float epsilon;
};

/// How the numbers of a matrix are stored.
enum stored_numbers { stored_float32, stored_float16, stored_bfloat16 };

/// One set of kernels.
struct vector_kernels {
  /// "avx512", "avx2" or "portable".
  const char *_Nonnull name;

  /// C[m×n] = alpha·A[m×k]·B[k×n] + beta·C, matrices by rows, lda, ldb and ldc numbers apart; a
  /// turned one is stored as its transpose. With beta = 0, C is not read; with k = 0 the product
  /// is 0.
  void (*_Nonnull product)(
    long m, long n, long k, float alpha, const float *_Nonnull a, long lda, bool a_turned,
    const float *_Nonnull b, long ldb, bool b_turned, float beta, float *_Nonnull c, long ldc);

  /// out[r] = Σ_i x[i]·W[r, i] for each of `rows` rows of n stored numbers, `stride` apart.
  void (*_Nonnull dots)(
    long rows, long n, const float *_Nonnull x, const void *_Nonnull w, long stride,
    enum stored_numbers type, float *_Nonnull out);
  /// out[i] = Σ_r x[r]·W[r, i], of the same.
  void (*_Nonnull weighted_sum)(
    long rows, long n, const float *_Nonnull x, const void *_Nonnull w, long stride,
    enum stored_numbers type, float *_Nonnull out);

  // Attention. Up to 16 queries stand in lanes: [keys, step], their lanes at the address given.

  /// out[c·step + r] = x[r·stride + c] for `rows` ≤ 16 rows; 0 in the lanes left over.
  void (*_Nonnull to_lanes)(
    const float *_Nonnull x, long stride, int rows, long columns, float *_Nonnull out, long step);
  /// Replaces scores by their softmax over the keys u ≤ last[l] of each lane l, 0 for others; the
  /// logarithms of its denominators go to logs [16].
  void (*_Nonnull softmax_in_lanes)(
    long keys, const int32_t *_Nonnull last, float *_Nonnull scores, long step,
    float *_Nonnull logs);
  /// The same where logs [16] are known.
  void (*_Nonnull softmax_again)(
    long keys, const int32_t *_Nonnull last, float *_Nonnull scores, long step,
    const float *_Nonnull logs);
  /// Replaces the gradients of probabilities p by those of scores: scale · p ∘ (g − Σ p ∘ g).
  void (*_Nonnull softmax_slope_in_lanes)(
    long keys, float scale, const float *_Nonnull p, float *_Nonnull slopes, long step);
  /// The scores of `rows` ≤ 16 positions of a sequence, from t, with its first `keys` positions:
  /// scores[u, l] = R[l, tokens[u]] + R[l, vocab + u], where row l of R is the sum of two rows of
  /// table [vocab + T, stride], tokens[t + l] and vocab + t + l. `columns` [vocab + T, 16] is
  /// scratch.
  void (*_Nonnull table_scores)(
    long t, int rows, long keys, long vocab, const int32_t *_Nonnull tokens,
    const float *_Nonnull table, long stride, float *_Nonnull columns, float *_Nonnull scores,
    long step);
  /// The adjoint: adds the gradients of scores to the rows of the table's gradient. `stride` is a
  /// multiple of 16, what stands between the rows stays as it is; `columns` has as many rows.
  void (*_Nonnull add_table_slopes)(
    long t, int rows, long keys, long vocab, const int32_t *_Nonnull tokens,
    const float *_Nonnull slopes, long step, float *_Nonnull columns, float *_Nonnull table,
    long stride);

  // Rows of n numbers.

  /// Σ x.
  float (*_Nonnull sum)(long n, const float *_Nonnull x);
  /// out = e^x.
  void (*_Nonnull exponentials)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = factor · e^(x − log).
  void (*_Nonnull exponentials_less)(
    long n, const float *_Nonnull x, float log, float factor, float *_Nonnull out);
  /// out = e^x − 1.
  void (*_Nonnull exponentials_less_one)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = log x.
  void (*_Nonnull logarithms)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = log₂ x.
  void (*_Nonnull binary_logarithms)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = log₁₀ x.
  void (*_Nonnull decimal_logarithms)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = log(1 + x).
  void (*_Nonnull logarithms_of_one_more)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = √x.
  void (*_Nonnull square_roots)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = 1/√x.
  void (*_Nonnull inverse_roots)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = ⌊x⌋.
  void (*_Nonnull floors)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = ⌈x⌉.
  void (*_Nonnull ceilings)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = the integer nearest to x, of two as near the even one.
  void (*_Nonnull roundings)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = sin x.
  void (*_Nonnull sines)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = cos x.
  void (*_Nonnull cosines)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = tanh x.
  void (*_Nonnull tangents)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = erf x.
  void (*_Nonnull error_functions)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = 1/(1 + e^−x).
  void (*_Nonnull sigmoids)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = log(1 + e^x).
  void (*_Nonnull soft_pluses)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = x/(1 + e^−x).
  void (*_Nonnull sigmoid_linears)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = x·Φ(x), Φ the standard normal distribution function.
  void (*_Nonnull gaussian_linears)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = Φ(x) + x·φ(x), its slope.
  void (*_Nonnull gaussian_linear_slopes)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = e^(x − maximum) for n ≥ 1; returns the sum, and the maximum in *top.
  float (*_Nonnull exponentiate)(
    long n, const float *_Nonnull x, float *_Nonnull out, float *_Nonnull top);
  /// log Σ e^x; −∞ of none, the maximum where that is infinite, NaN if one is among them.
  float (*_Nonnull log_sum_exp)(long n, const float *_Nonnull x);
  /// The gradient of x from that of y = softmax(x), g: out = y ∘ (g − Σ y ∘ g).
  void (*_Nonnull softmax_slope)(
    long n, const float *_Nonnull y, const float *_Nonnull g, float *_Nonnull out);
  /// Softmax, its slope and log Σ e^x down the columns of matrices [size, stride], up to 64
  /// columns from the address given.
  void (*_Nonnull softmax_down)(
    long size, long stride, int columns, const float *_Nonnull x, float *_Nonnull out);
  void (*_Nonnull softmax_slope_down)(
    long size, long stride, int columns, const float *_Nonnull y, const float *_Nonnull g,
    float *_Nonnull out);
  void (*_Nonnull log_sum_exp_down)(
    long size, long stride, int columns, const float *_Nonnull x, float *_Nonnull out);
  /// The place of the first number that is not ≤ limit, or with `above` false not ≥ it; n if there
  /// is none.
  long (*_Nonnull first_beyond)(long n, const float *_Nonnull x, float limit, bool above);
  /// x ← factor · x.
  void (*_Nonnull scale)(long n, float factor, float *_Nonnull x);
  /// y ← y + x.
  void (*_Nonnull add)(long n, const float *_Nonnull x, float *_Nonnull y);
  /// out = Σ_i table[ids[i]], for rows of n numbers.
  void (*_Nonnull sum_of_rows)(
    long count, const int32_t *_Nonnull ids, long n, const float *_Nonnull table,
    float *_Nonnull out);
  /// Its adjoint: table[ids[i]] ← table[ids[i]] + x, one after the other.
  void (*_Nonnull add_to_rows)(
    long count, const int32_t *_Nonnull ids, long n, const float *_Nonnull x,
    float *_Nonnull table);
  /// out = x + y.
  void (*_Nonnull add_pair)(
    long n, const float *_Nonnull x, const float *_Nonnull y, float *_Nonnull out);
  /// out = max(x, 0); NaN stays NaN.
  void (*_Nonnull relu)(long n, const float *_Nonnull x, float *_Nonnull out);
  /// out = g where x > 0, else 0.
  void (*_Nonnull relu_slope)(
    long n, const float *_Nonnull x, const float *_Nonnull g, float *_Nonnull out);
  /// out = (x − mean)/√(variance + eps) · weight + bias for each row; statistics [rows, 2] gets
  /// mean and 1/√(variance + eps).
  void (*_Nonnull layer_norm)(
    long rows, long n, const float *_Nonnull x, const float *_Nonnull weight,
    const float *_Nonnull bias, float eps, float *_Nonnull out, float *_Nonnull statistics);
  /// The gradients: dx is written, those of weight and bias are added to.
  void (*_Nonnull layer_norm_slope)(
    long rows, long n, const float *_Nonnull x, const float *_Nonnull weight,
    const float *_Nonnull statistics, const float *_Nonnull g, float *_Nonnull dx,
    float *_Nonnull dweight, float *_Nonnull dbias);
  /// m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; p ← p·shrink − step_size·m/(√v/root_correction +
  /// ε).
  void (*_Nonnull adamw)(
    long n, const struct adamw_step *_Nonnull step, float *_Nonnull p, const float *_Nonnull g,
    float *_Nonnull m, float *_Nonnull v);

  /// out = x − y·⌊x/y⌋, exactly, with the sign of y; NaN where y is 0. An operand that repeats is
  /// one number.
  void (*_Nonnull remainders)(
    long n, const float *_Nonnull x, bool x_repeats, const float *_Nonnull y, bool y_repeats,
    float *_Nonnull out);
  /// out = ⌊x/y⌋, which goes with it; x/y where y is 0.
  void (*_Nonnull floor_quotients)(
    long n, const float *_Nonnull x, bool x_repeats, const float *_Nonnull y, bool y_repeats,
    float *_Nonnull out);

  // Random numbers.

  /// The words of `blocks` blocks of Philox4x32-10, four each, from a counter on, whose first word
  /// counts the blocks.
  void (*_Nonnull random_words)(
    uint64_t key, const uint32_t *_Nonnull counter, long blocks, uint32_t *_Nonnull out);
  /// Replaces n words by low + range·u, u their upper 24 bits as a fraction.
  void (*_Nonnull uniforms)(long n, float low, float range, float *_Nonnull x);
  /// Replaces n words, an even number, by mean + deviation·z, each pair by two independent normal
  /// numbers z (Box–Muller).
  void (*_Nonnull normals)(long n, float mean, float deviation, float *_Nonnull x);

  /// Multiplies and adds in registers `rounds` times; returns how many operations that were, a
  /// multiplication and an addition each. The time it takes is the limit for everything above.
  double (*_Nonnull multiply_adds)(long rounds);
};

/// The kernels of this process: what MNEMO_KERNELS names, else the widest that the processor can.
const struct vector_kernels *_Nonnull vector_kernels_chosen(void);

/// The widest kernels that the processor can, whatever MNEMO_KERNELS names.
const struct vector_kernels *_Nonnull vector_kernels_widest(void);

/// The kernels of that name; NULL if there are none, or the processor cannot.
const struct vector_kernels *_Nullable vector_kernels_named(const char *_Nonnull name);

/// Why the kernels that MNEMO_KERNELS names cannot be used, a sentence; NULL if they can. Then the
/// processor's own are in use.
const char *_Nullable vector_kernels_failure(void);

#endif
