// One set of kernels, named SET, with the features and sizes that the file defines around it.
#include "vectors.h"

#include "attention.h"
#include "functions.h"
#include "product.h"
#include "random.h"
#include "remainders.h"
#include "rows.h"
#include "vector_by_matrix.h"

#include "columns.h"

// Twelve sums side by side, so that none waits for itself.
static double multiply_adds(long rounds) {
  v16 sums[12];
  UNROLL for (int i = 0; i < 12; i++) sums[i] = all(0);
  v16 x = all(1e-9f), y = all(0.5f);
  for (long r = 0; r < rounds; r++) {
    UNROLL for (int i = 0; i < 12; i++) sums[i] = multiply_add(x, y, sums[i]);
    // Nobody knows what x is in the next round.
    __asm__ volatile("" : : "r"(&x) : "memory");
  }
  v16 sum = all(0);
  UNROLL for (int i = 0; i < 12; i++) sum += sums[i];
  // What is never true, but the compiler does not know it, keeps the sums from being left out.
  return total(sum) < 0 ? 0 : (double)rounds * 12 * 16;
}

const struct vector_kernels SET = {
  .name = SET_NAME,
  .product = product,
  .dots = dots,
  .weighted_sum = weighted_sum,
  .to_lanes = turn_rows,
  .softmax_in_lanes = softmax_in_lanes,
  .softmax_again = softmax_again,
  .softmax_slope_in_lanes = softmax_slope_in_lanes,
  .table_scores = table_scores,
  .add_table_slopes = add_table_slopes,
  .sum = row_sum,
  .exponentials = exponentials,
  .exponentials_less = exponentials_less,
  .exponentials_less_one = exponentials_less_one,
  .logarithms = logarithms,
  .binary_logarithms = binary_logarithms,
  .decimal_logarithms = decimal_logarithms,
  .logarithms_of_one_more = logarithms_of_one_more,
  .square_roots = square_roots,
  .inverse_roots = inverse_roots,
  .floors = floors,
  .ceilings = ceilings,
  .roundings = roundings,
  .sines = sines,
  .cosines = cosines,
  .tangents = tangents,
  .error_functions = error_functions,
  .sigmoids = sigmoids,
  .soft_pluses = soft_pluses,
  .sigmoid_linears = sigmoid_linears,
  .gaussian_linears = gaussian_linears,
  .gaussian_linear_slopes = gaussian_linear_slopes,
  .remainders = remainders,
  .floor_quotients = floor_quotients,
  .random_words = random_words,
  .uniforms = uniforms,
  .normals = normals,
  .exponentiate = exponentiate,
  .log_sum_exp = log_sum_exp,
  .softmax_slope = softmax_slope,
  .softmax_down = softmax_down,
  .softmax_slope_down = softmax_slope_down,
  .log_sum_exp_down = log_sum_exp_down,
  .first_beyond = first_beyond,
  .scale = scale,
  .add = add,
  .sum_of_rows = sum_of_rows,
  .add_to_rows = add_to_rows,
  .add_pair = add_pair,
  .relu = relu,
  .relu_slope = relu_slope,
  .layer_norm = layer_norm,
  .layer_norm_slope = layer_norm_slope,
  .adamw = adamw,
  .multiply_adds = multiply_adds,
};
