// What a library exports that computes in the processor's place: a device, or other kernels.
//
// It exports one function, mnemo_backend, which gives a table of functions, one for each primitive.
// MNEMO_BACKEND=/path/to/library.so chooses it. Tests/ReferenceBackend is a library of this kind,
// in plain loops; the tests hold every other against it (docs/engine.md tells how).
//
// Conventions. Memory is the host's. Numbers are float unless a type is given with them, ids are
// int32_t and count from 0; arrays lie side by side in row-major order unless a layout or a matrix
// says otherwise. Results are written whole and never overlap operands, unless the text says that
// something is added to them. Sizes are checked before: an id is below the number of rows that it
// chooses from, and no size is negative, though any may be 0. What has arrived when a function
// returns is the result: nothing is written later, and no address is kept. Every function may be
// called from several threads at once. Sums are to be made in an order that depends on the sizes
// alone, so that a run can be repeated bit for bit.
//
// Legend: B batch, T sequence length, R selected rows, D width, H heads, V vocabulary.
#ifndef MNEMO_BACKEND_H
#define MNEMO_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Grows with every change of what stands below; mnemo takes libraries of its own version only.
#define MNEMO_BACKEND_VERSION 3

// Pointers are not NULL, except those with the first of these words. The second says to Clang what
// it does not see by itself where a function returns a pointer.
#ifdef __clang__
#define MNEMO_NULLABLE _Nullable
#define MNEMO_NONNULL _Nonnull
#pragma clang assume_nonnull begin
#else
#define MNEMO_NULLABLE
#define MNEMO_NONNULL
#endif

#ifdef __cplusplus
extern "C" {
#endif

/// NULL, or why a function failed: a sentence that lives as long as the process.
typedef const char *MNEMO_NULLABLE mnemo_failure;

/// The type of numbers in memory (dtype): Float32, Float16 or bfloat16.
enum { MNEMO_FLOAT32 = 0, MNEMO_FLOAT16 = 1, MNEMO_BFLOAT16 = 2 };

/// Functions of one number (mnemo_unary.op), with their slopes where they need a word.
enum {
  MNEMO_UNARY_NEG = 0,          // −x
  MNEMO_UNARY_EXP = 1,          // e^x
  MNEMO_UNARY_LOG = 2,          // Natural logarithm.
  MNEMO_UNARY_LOG_OR_ZERO = 3,  // The same, 0 where x is not positive, and so its slope.
  MNEMO_UNARY_SQRT = 4,         // √x
  MNEMO_UNARY_NORM = 5,         // √x with the slope 0 at 0.
  MNEMO_UNARY_ABS = 6,          // |x| with the slope 0 at 0.
  MNEMO_UNARY_TANH = 7,         // Hyperbolic tangent.
  MNEMO_UNARY_SIGMOID = 8,      // 1 / (1 + e^−x)
  MNEMO_UNARY_RELU = 9,         // max(x, 0) with the slope 0 at 0; NaN stays.
  MNEMO_UNARY_GELU = 10,        // x·Φ(x), Φ the standard normal distribution; 0 at −∞.
  MNEMO_UNARY_SQUARE = 11,      // x²
  MNEMO_UNARY_CLAMP = 12,       // x limited to [low, high]; the slope is 1 inside and at both ends.
  MNEMO_UNARY_EXPM1 = 13,       // e^x − 1
  MNEMO_UNARY_LOG2 = 14,        // Logarithm to the base 2.
  MNEMO_UNARY_LOG10 = 15,       // Logarithm to the base 10.
  MNEMO_UNARY_LOG1P = 16,       // log(1 + x)
  MNEMO_UNARY_RSQRT = 17,       // 1 / √x
  MNEMO_UNARY_RECIPROCAL = 18,  // 1 / x
  MNEMO_UNARY_SIGN = 19,        // 1, 0 or −1, 0 of NaN; the slope is 0.
  MNEMO_UNARY_FLOOR = 20,       // ⌊x⌋ with the slope 0.
  MNEMO_UNARY_CEIL = 21,        // ⌈x⌉ with the slope 0.
  MNEMO_UNARY_ROUND = 22,       // The nearest integer, of two the even one, with the slope 0.
  MNEMO_UNARY_SIN = 23,         // Sine.
  MNEMO_UNARY_COS = 24,         // Cosine.
  MNEMO_UNARY_ERF = 25,         // The error function, 2/√π · ∫ e^−t² dt from 0 to x.
  MNEMO_UNARY_SILU = 26,        // x / (1 + e^−x); 0 at −∞.
  MNEMO_UNARY_SOFTPLUS = 27,    // log(1 + e^x)
};

/// A function of one number.
struct mnemo_unary {
  int32_t op;
  float low, high;  // Of MNEMO_UNARY_CLAMP.
};

/// Functions of two numbers (mnemo_binary.op); comparisons give 1 where they hold, else 0.
enum {
  MNEMO_BINARY_ADD = 0,             // x + y
  MNEMO_BINARY_SUB = 1,             // x − y
  MNEMO_BINARY_MUL = 2,             // x · y
  MNEMO_BINARY_DIV = 3,             // x / y
  MNEMO_BINARY_POW = 4,             // x ^ y
  MNEMO_BINARY_POW_SLOPE = 5,       // y · x^(y − 1), 0 where y is 0.
  MNEMO_BINARY_MAXIMUM = 6,         // The larger of both; NaN if one is.
  MNEMO_BINARY_MAXIMUM_SHARE = 7,   // 1 where x is larger, ½ where both are equal, else 0.
  MNEMO_BINARY_ADD_SCALED = 8,      // x + scale · y
  MNEMO_BINARY_EQUAL = 9,           // x = y
  MNEMO_BINARY_NOT_EQUAL = 10,      // x ≠ y
  MNEMO_BINARY_LESS = 11,           // x < y
  MNEMO_BINARY_LESS_OR_EQUAL = 12,  // x ≤ y
  MNEMO_BINARY_GREATER = 13,        // x > y
  MNEMO_BINARY_GREATER_OR_EQUAL = 14,  // x ≥ y
  MNEMO_BINARY_MINIMUM = 15,           // The smaller of both; NaN if one is.
  MNEMO_BINARY_REMAINDER = 16,         // x − y·⌊x / y⌋, exact; NaN if y is 0.
  MNEMO_BINARY_FLOOR_DIVIDE = 17,      // ⌊x / y⌋; x / y where y is 0.
};

/// A function of two numbers.
struct mnemo_binary {
  int32_t op;
  float scale;  // Of MNEMO_BINARY_ADD_SCALED.
};

/// What becomes of the numbers along a dimension.
enum { MNEMO_REDUCE_SUM = 0 };

/// Which number along a dimension is meant: the first of equals, and NaN before all others.
enum { MNEMO_PLACE_LARGEST = 0, MNEMO_PLACE_SMALLEST = 1 };

/// The sizes of an array; without dimensions it is one number.
struct mnemo_shape {
  ptrdiff_t rank;
  const ptrdiff_t *MNEMO_NULLABLE sizes;  // [rank]; may be NULL if rank is 0.
};

/// How a view's elements lie in memory: element (i, j, …) stands at offset + i·strides[0] +
/// j·strides[1] + …, counted in numbers; a stride is 0 where one element serves for several, and
/// negative where elements are copied from the last to the first.
struct mnemo_layout {
  ptrdiff_t rank;
  const ptrdiff_t *MNEMO_NULLABLE shape;    // [rank]; may be NULL if rank is 0.
  const ptrdiff_t *MNEMO_NULLABLE strides;  // [rank]; may be NULL if rank is 0.
  ptrdiff_t offset;
};

/// An array seen as [outer, size, inner] around one dimension.
struct mnemo_lines {
  ptrdiff_t outer, size, inner;
};

/// A matrix in memory: row-major with `stride` numbers between rows, or the transpose of one.
struct mnemo_matrix {
  const void *numbers;
  int32_t dtype;
  bool transposed;
  ptrdiff_t stride;
};

/// How a batch is best cut into parts, each of which goes forward and backward on one thread.
struct mnemo_batch_cut {
  ptrdiff_t tokens;          // About so many tokens make a part; at least 1.
  ptrdiff_t least_parts;     // At least so many parts, where there are enough sequences.
  ptrdiff_t most_gradients;  // The gradients of all parts are at most so many numbers.
};

/// Which positions of a batch [B, T] are wanted: R rows, in the order of sequences and positions.
struct mnemo_rows {
  ptrdiff_t batch;   // B
  ptrdiff_t length;  // T
  // [R], each row's position in its sequence, which never decreases within one and may stay the
  // same; may be NULL if R is 0.
  const int32_t *MNEMO_NULLABLE positions;
  // [B + 1], sequence b owns the rows from starts[b] to before starts[b + 1]; may be NULL if B is
  // 0.
  const ptrdiff_t *MNEMO_NULLABLE starts;
};

/// The sizes of one attention.
struct mnemo_attention {
  struct mnemo_rows rows;  // Which positions ask.
  ptrdiff_t heads;         // H
  ptrdiff_t key_size;      // E, the size of a head's queries and keys.
  ptrdiff_t value_size;    // F, the size of a head's values.
  float scale;             // Factor of the scores.
};

/// The sizes of one attention over embeddings: B, T, V and D.
struct mnemo_embedding_attention {
  ptrdiff_t batch, length, vocab, dim;
};

/// The sizes of one attention by single tokens: B sequences of T tokens, A rows of scores, V
/// tokens, H heads with values of F numbers.
struct mnemo_token_attention {
  ptrdiff_t batch, length, askers, vocab, heads, value_size;
};

/// The sizes of one feed-forward: W₁ [hidden, inputs], W₂ [outputs, hidden].
struct mnemo_feed_forward {
  ptrdiff_t rows, inputs, hidden, outputs;
};

/// One product x Wᵀ of a sum of logits, and where its gradients go.
struct mnemo_linear_term {
  ptrdiff_t width;           // The columns of x and of W.
  const float *x;            // [R, width]
  const float *w;            // [V, width]
  float *MNEMO_NULLABLE dx;  // Where the gradient of x is written; NULL if it is not wanted.
  float *MNEMO_NULLABLE dw;  // Where the gradient of W is added; NULL if it is not wanted.
};

/// What one update of AdamW multiplies with.
struct mnemo_adamw_step {
  float first, first_rest;    // β₁ and 1 − β₁
  float second, second_rest;  // β₂ and 1 − β₂
  float shrink;               // 1 − lr·weight_decay
  float step_size;            // lr/(1 − β₁ᵗ)
  float root_correction;      // √(1 − β₂ᵗ)
  float epsilon;              // Added to the denominator.
};

/// What one update of gradient descent multiplies with.
struct mnemo_sgd_step {
  float rate;      // lr
  float decay;     // Weight decay.
  float momentum;  // Of the buffer.
  bool nesterov;   // Whether the step looks ahead by one momentum.
  bool is_first;   // Whether the buffer holds nothing yet.
};

/// The table of a backend: what it is called, and every primitive. No entry may be NULL.
struct mnemo_backend {
  uint32_t version;  // MNEMO_BACKEND_VERSION
  uint32_t size;     // sizeof(struct mnemo_backend)
  const char *name;  // A word for messages and descriptions of runs, such as "cuda".
  struct mnemo_batch_cut batch_cut;

  /// Is called once, before any other, where failing is still possible: without a device, say.
  mnemo_failure (*MNEMO_NONNULL start)(void);

  // Moving.

  /// Copies `count` numbers from the host's memory into the backend's.
  void (*upload)(ptrdiff_t count, const float *host, float *device);

  /// Copies `count` numbers from the backend's memory into the host's.
  void (*download)(ptrdiff_t count, const float *device, float *host);

  /// Copies the elements of one view to those of another of the same shape; offsets count from the
  /// addresses.
  void (*copy)(
    const float *source, struct mnemo_layout from, float *target, struct mnemo_layout layout);

  /// Sets every element of a view to `value`.
  void (*fill)(float *target, struct mnemo_layout layout, float value);

  /// Converts the elements of a view to float, to lie side by side; the offset counts numbers from
  /// the address.
  void (*widen)(const void *source, int32_t dtype, struct mnemo_layout from, float *out);

  /// Rounds `count` numbers to the nearest of a type, of two as near to the even one; NaN stays
  /// NaN.
  void (*narrow)(ptrdiff_t count, const float *x, void *target, int32_t dtype);

  // Elements.

  /// out[i] = op(x[i]).
  void (*unary)(struct mnemo_unary op, ptrdiff_t count, const float *x, float *out);

  /// out[i] = g[i] · op′(x[i]), where y = op(x).
  void (*unary_slope)(
    struct mnemo_unary op, ptrdiff_t count, const float *x, const float *y, const float *g,
    float *out);

  /// out = op(x, y), both contiguous in themselves and broadcast to `shape`, as NumPy does.
  void (*binary)(
    struct mnemo_binary op, struct mnemo_shape shape, const float *x, struct mnemo_shape x_shape,
    const float *y, struct mnemo_shape y_shape, float *out);

  /// out[i] = x[i] where mask[i] is not 0, else y[i].
  void (*choose)(
    ptrdiff_t count, const float *mask, const float *x, const float *y, float *out);

  // Reductions.

  /// Σ x over everything, in double precision over blocks of 4096 or fewer.
  double (*total)(ptrdiff_t count, const float *x);

  /// x [outer, size, inner] reduced along the middle, to out [outer, inner]; op is one of
  /// MNEMO_REDUCE_….
  void (*reduce)(int32_t op, struct mnemo_lines lines, const float *x, float *out);

  /// Where along the middle of x [outer, size, inner] the element stands that `op`, one of
  /// MNEMO_PLACE_…, means, counted from 0, to out [outer, inner]; size is at least 1.
  void (*places)(int32_t op, struct mnemo_lines lines, const float *x, int32_t *out);

  /// The order of each line of x [outer, size, inner] along the middle, by places, the first `keep`
  /// of them: to out [outer, keep, inner]. Equal elements keep their order, NaN is larger than all.
  mnemo_failure (*MNEMO_NONNULL order)(
    struct mnemo_lines lines, ptrdiff_t keep, bool descending, const float *x, int32_t *out);

  // Products.

  /// C[m×n] = A[m×k] · B[k×n] + beta · C, C contiguous; beta is 0 or 1, and with 0 nothing is read
  /// from C. With k = 0 the product is 0.
  mnemo_failure (*MNEMO_NONNULL product)(
    ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, struct mnemo_matrix a, struct mnemo_matrix b, float beta,
    float *c);

  /// `count` products of this kind, with beta = 0, of a[i] and b[i], one result behind the other;
  /// those of `a` have one number type, and so do those of `b`.
  mnemo_failure (*MNEMO_NONNULL products)(
    ptrdiff_t count, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const struct mnemo_matrix *a,
    const struct mnemo_matrix *b, float *c);

  // Choosing by integers.

  /// Rows of `width` numbers: out[r] = table[ids[r]], for a table of type `dtype`.
  void (*gather_rows)(
    ptrdiff_t count, ptrdiff_t width, const int32_t *ids, const void *table, int32_t dtype,
    float *out);

  /// The adjoint: table[ids[r]] += rows[r], in the order of r.
  void (*add_rows)(
    ptrdiff_t count, ptrdiff_t width, const float *rows, const int32_t *ids, float *table);

  /// Along the middle of x [outer, size, inner]: out[o, j, i] = x[o, ids[o, j, i], i], for ids and
  /// out [outer, wanted, inner].
  void (*gather)(
    struct mnemo_lines lines, ptrdiff_t wanted, const int32_t *ids, const float *x, float *out);

  /// The adjoint: x[o, ids[o, j, i], i] += g[o, j, i], in their order.
  void (*scatter_add)(
    struct mnemo_lines lines, ptrdiff_t wanted, const float *g, const int32_t *ids, float *x);

  // Rows.

  /// The softmax of x [outer, size, inner] along the middle.
  void (*softmax)(struct mnemo_lines lines, const float *x, float *out);

  /// The gradient of x from that of y = softmax(x), g: y ∘ (g − Σ g y).
  void (*softmax_slope)(struct mnemo_lines lines, const float *y, const float *g, float *out);

  /// log Σ e^x along the middle of x [outer, size, inner], to out [outer, inner]: the largest
  /// number where that is infinite; −∞ of no elements.
  void (*log_sum_exp)(struct mnemo_lines lines, const float *x, float *out);

  /// losses[r] = weights[r] · (logs[r] − x[r, targets[r]]), logs[r] = log Σ e^x[r, i]; a weight of
  /// 0 leaves the row out even where its loss is infinite.
  void (*cross_entropy)(
    ptrdiff_t rows, ptrdiff_t n, const float *x, const int32_t *targets, const float *weights,
    float *logs, float *losses);

  /// dx[r, i] = scale · weights[r] · (e^(x[r, i] − logs[r]) − [i = targets[r]]), 0 where a weight
  /// is.
  void (*cross_entropy_slope)(
    ptrdiff_t rows, ptrdiff_t n, const float *x, const int32_t *targets, const float *weights,
    const float *logs, float scale, float *dx);

  /// y = (x − mean) / √(variance + eps) · weight + bias for each row of n; `statistics` [rows, 2]
  /// receives mean and 1/√(variance + eps).
  void (*layer_norm)(
    ptrdiff_t rows, ptrdiff_t n, const float *x, const float *weight, const float *bias, float eps,
    float *out, float *statistics);

  /// The gradients of `layer_norm`: dx, and those of weight and bias to for_parameters [2, n].
  mnemo_failure (*MNEMO_NONNULL layer_norm_slope)(
    ptrdiff_t rows, ptrdiff_t n, const float *x, const float *weight, const float *statistics,
    const float *g, float *dx, float *for_parameters);

  /// Turns the pairs (x_2i, x_2i+1) of each row of x [rows, 2·pairs] by the angle whose cosine and
  /// sine stand in tables [length, pairs], at the row's number modulo length.
  void (*rotate)(
    ptrdiff_t rows, ptrdiff_t length, ptrdiff_t pairs, const float *x, const float *cosines,
    const float *sines, float *out);

  // Fused.

  /// How many numbers `attention` leaves in `kept` for its slope; 0 if it computes them again.
  ptrdiff_t (*attention_keeps)(struct mnemo_attention shape);

  /// Causal softmax attention at the selected rows: with β the softmax of scale · q_t · k_u over
  /// u ≤ t, out [R, H·F] = Σ β v, for q [R, H·E], k [B, T, H·E] and v [B, T, H·F].
  ///
  /// `logs` [R, H] receives the logarithms of the softmaxes' denominators; `kept` may be NULL.
  mnemo_failure (*MNEMO_NONNULL attention)(
    struct mnemo_attention shape, const float *q, const float *k, const float *v, float *out,
    float *logs, float *MNEMO_NULLABLE kept);

  /// The gradients of `attention` from that of its result, g: dq is written; dk and dv, which may
  /// be one array if k and v are, are added to. What is NULL is left out.
  mnemo_failure (*MNEMO_NONNULL attention_slope)(
    struct mnemo_attention shape, const float *q, const float *k, const float *v, const float *out,
    const float *logs, const float *MNEMO_NULLABLE kept, const float *g, float *MNEMO_NULLABLE dq,
    float *MNEMO_NULLABLE dk, float *MNEMO_NULLABLE dv);

  /// How many numbers `embedding_attention` leaves in `kept` for its slope.
  ptrdiff_t (*embedding_attention_keeps)(struct mnemo_embedding_attention shape);

  /// Causal attention whose scores, values and residual stream are sums of rows of tables: with
  /// β the softmax over u ≤ t of S[z_t, z_u] + S[z_t, V + u] + S[V + t, z_u] + S[V + t, V + u],
  /// out [B, T, D] = X[z_t] + X[V + t] + Σ β (M[z_u] + M[V + u]), for tables S [V + T, V + T], M
  /// and X [V + T, D] and ids z [B, T].
  ///
  /// `logs` [B, T] receives the logarithms of the softmaxes' denominators; `kept` may be NULL.
  mnemo_failure (*MNEMO_NONNULL embedding_attention)(
    struct mnemo_embedding_attention shape, const int32_t *ids, const float *scores,
    const float *values, const float *residual, float *out, float *logs,
    float *MNEMO_NULLABLE kept);

  /// The gradients of `embedding_attention` by its tables, written; what is NULL is left out.
  mnemo_failure (*MNEMO_NONNULL embedding_attention_slope)(
    struct mnemo_embedding_attention shape, const int32_t *ids, const float *scores,
    const float *values, const float *logs, const float *MNEMO_NULLABLE kept, const float *g,
    float *MNEMO_NULLABLE d_scores, float *MNEMO_NULLABLE d_values,
    float *MNEMO_NULLABLE d_residual);

  /// Attention by one token of each sequence, whose scores and values are rows of tables: with p
  /// the softmax over all t of S[a_b, z_bt, h], out [B, H, F] = Σ_t p M[z_bt, h], for tables
  /// S [A, V, H] and M [V, H, F], ids z [B, T] and rows of scores a [B].
  ///
  /// T is at least 1. `logs` [B, H] receives the logarithms of the softmaxes' denominators.
  mnemo_failure (*MNEMO_NONNULL token_attention)(
    struct mnemo_token_attention shape, const int32_t *ids, const int32_t *askers,
    const float *scores, const float *values, float *out, float *logs);

  /// The gradients of `token_attention` by its tables, written; what is NULL is left out.
  mnemo_failure (*MNEMO_NONNULL token_attention_slope)(
    struct mnemo_token_attention shape, const int32_t *ids, const int32_t *askers,
    const float *scores, const float *values, const float *out, const float *logs, const float *g,
    float *MNEMO_NULLABLE d_scores, float *MNEMO_NULLABLE d_values);

  /// y = W₂ relu(W₁ x) for rows x [rows, inputs]; `kept` [rows, hidden] receives the hidden layer
  /// after the ReLU, if it is not NULL.
  mnemo_failure (*MNEMO_NONNULL feed_forward)(
    struct mnemo_feed_forward shape, const float *x, const float *w1, const float *w2, float *out,
    float *MNEMO_NULLABLE kept);

  /// The gradients of `feed_forward`, written; what is NULL is left out.
  mnemo_failure (*MNEMO_NONNULL feed_forward_slope)(
    struct mnemo_feed_forward shape, const float *x, const float *w1, const float *w2,
    const float *kept, const float *g, float *MNEMO_NULLABLE dx, float *MNEMO_NULLABLE dw1,
    float *MNEMO_NULLABLE dw2);

  /// The weighted cross-entropies of logits l = Σ x Wᵀ over `count` terms, which need not be kept:
  /// losses[r] = weights[r] · (log Σ e^l − l[target]). If they are wanted, the gradients of
  /// Σ losses / total by the terms are computed at once: dx is written, dw is added to.
  mnemo_failure (*MNEMO_NONNULL linear_cross_entropy)(
    ptrdiff_t rows, ptrdiff_t vocab, ptrdiff_t count, const struct mnemo_linear_term *terms,
    const int32_t *targets, const float *weights, float total, bool wants_slopes, float *losses);

  // Sums and updates.

  /// y[i] += x[i].
  void (*add)(ptrdiff_t count, const float *x, float *y);

  /// m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²;
  /// p ← p·shrink − step_size·m/(√v/root_correction + ε).
  void (*adamw)(
    ptrdiff_t count, struct mnemo_adamw_step step, float *p, const float *g, float *m, float *v);

  /// d ← g + decay·p; without a buffer p ← p − rate·d; with one b ← d at the first update, else
  /// momentum·b + d, and p ← p − rate·b, or under Nesterov p − rate·(d + momentum·b).
  void (*sgd)(
    ptrdiff_t count, struct mnemo_sgd_step step, float *p, const float *g,
    float *MNEMO_NULLABLE buffer);
};

/// The table of this library, which lives as long as the process; NULL is refused.
const struct mnemo_backend *MNEMO_NULLABLE mnemo_backend(void);

#ifdef __cplusplus
}
#endif

#ifdef __clang__
#pragma clang assume_nonnull end
#endif

#endif
