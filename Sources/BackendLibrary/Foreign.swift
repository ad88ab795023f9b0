import BackendInterface
import Kernels

// What primitives are told beside addresses, as the library's C has it.

extension UnaryOp {
  var foreign: mnemo_unary {
    func op(_ number: Int) -> mnemo_unary { mnemo_unary(op: Int32(number), low: 0, high: 0) }
    return switch self {
    case .neg: op(MNEMO_UNARY_NEG)
    case .exp: op(MNEMO_UNARY_EXP)
    case .log: op(MNEMO_UNARY_LOG)
    case .expm1: op(MNEMO_UNARY_EXPM1)
    case .logOrZero: op(MNEMO_UNARY_LOG_OR_ZERO)
    case .log2: op(MNEMO_UNARY_LOG2)
    case .log10: op(MNEMO_UNARY_LOG10)
    case .log1p: op(MNEMO_UNARY_LOG1P)
    case .sqrt: op(MNEMO_UNARY_SQRT)
    case .norm: op(MNEMO_UNARY_NORM)
    case .rsqrt: op(MNEMO_UNARY_RSQRT)
    case .reciprocal: op(MNEMO_UNARY_RECIPROCAL)
    case .abs: op(MNEMO_UNARY_ABS)
    case .sign: op(MNEMO_UNARY_SIGN)
    case .floor: op(MNEMO_UNARY_FLOOR)
    case .ceil: op(MNEMO_UNARY_CEIL)
    case .round: op(MNEMO_UNARY_ROUND)
    case .sin: op(MNEMO_UNARY_SIN)
    case .cos: op(MNEMO_UNARY_COS)
    case .tanh: op(MNEMO_UNARY_TANH)
    case .erf: op(MNEMO_UNARY_ERF)
    case .sigmoid: op(MNEMO_UNARY_SIGMOID)
    case .silu: op(MNEMO_UNARY_SILU)
    case .softplus: op(MNEMO_UNARY_SOFTPLUS)
    case .relu: op(MNEMO_UNARY_RELU)
    case .gelu: op(MNEMO_UNARY_GELU)
    case .square: op(MNEMO_UNARY_SQUARE)
    case .clamp(let low, let high):
      mnemo_unary(op: Int32(MNEMO_UNARY_CLAMP), low: low, high: high)
    }
  }
}

extension BinaryOp {
  var foreign: mnemo_binary {
    func op(_ number: Int) -> mnemo_binary { mnemo_binary(op: Int32(number), scale: 0) }
    return switch self {
    case .add: op(MNEMO_BINARY_ADD)
    case .sub: op(MNEMO_BINARY_SUB)
    case .mul: op(MNEMO_BINARY_MUL)
    case .div: op(MNEMO_BINARY_DIV)
    case .pow: op(MNEMO_BINARY_POW)
    case .powSlope: op(MNEMO_BINARY_POW_SLOPE)
    case .remainder: op(MNEMO_BINARY_REMAINDER)
    case .floorDivide: op(MNEMO_BINARY_FLOOR_DIVIDE)
    case .maximum: op(MNEMO_BINARY_MAXIMUM)
    case .minimum: op(MNEMO_BINARY_MINIMUM)
    case .maximumShare: op(MNEMO_BINARY_MAXIMUM_SHARE)
    case .addScaled(let scale): mnemo_binary(op: Int32(MNEMO_BINARY_ADD_SCALED), scale: scale)
    case .compare(.equal): op(MNEMO_BINARY_EQUAL)
    case .compare(.notEqual): op(MNEMO_BINARY_NOT_EQUAL)
    case .compare(.less): op(MNEMO_BINARY_LESS)
    case .compare(.lessOrEqual): op(MNEMO_BINARY_LESS_OR_EQUAL)
    case .compare(.greater): op(MNEMO_BINARY_GREATER)
    case .compare(.greaterOrEqual): op(MNEMO_BINARY_GREATER_OR_EQUAL)
    }
  }
}

extension ReduceOp {
  var foreign: Int32 {
    switch self {
    case .sum: Int32(MNEMO_REDUCE_SUM)
    }
  }
}

extension PlaceOp {
  var foreign: Int32 {
    switch self {
    case .largest: Int32(MNEMO_PLACE_LARGEST)
    case .smallest: Int32(MNEMO_PLACE_SMALLEST)
    }
  }
}

extension Lines {
  var foreign: mnemo_lines { mnemo_lines(outer: outer, size: size, inner: inner) }
}

extension DType {
  /// Of the types that are computed with.
  var foreign: Int32 {
    switch self {
    case .float32: Int32(MNEMO_FLOAT32)
    case .float16: Int32(MNEMO_FLOAT16)
    case .bfloat16: Int32(MNEMO_BFLOAT16)
    case .float64, .int64, .int32, .int16, .int8, .uint8, .bool:
      preconditionFailure("no number type to compute with")
    }
  }
}

extension MatrixView {
  var foreign: mnemo_matrix {
    mnemo_matrix(numbers: address, dtype: dtype.foreign, transposed: transposed, stride: stride)
  }
}

extension EmbeddingAttentionShape {
  var foreign: mnemo_embedding_attention {
    mnemo_embedding_attention(batch: batch, length: length, vocab: vocab, dim: dim)
  }
}

extension TokenAttentionShape {
  var foreign: mnemo_token_attention {
    mnemo_token_attention(
      batch: batch, length: length, askers: askers, vocab: vocab, heads: heads,
      value_size: valueSize)
  }
}

extension FeedForwardShape {
  var foreign: mnemo_feed_forward {
    mnemo_feed_forward(rows: rows, inputs: inputs, hidden: hidden, outputs: outputs)
  }
}

extension LinearTerm {
  var foreign: mnemo_linear_term { mnemo_linear_term(width: width, x: x, w: w, dx: dx, dw: dw) }
}

extension AdamWStep {
  var foreign: mnemo_adamw_step {
    mnemo_adamw_step(
      first: first, first_rest: firstRest, second: second, second_rest: secondRest,
      shrink: shrink, step_size: stepSize, root_correction: rootCorrection, epsilon: epsilon)
  }
}

extension SGDStep {
  var foreign: mnemo_sgd_step {
    mnemo_sgd_step(
      rate: rate, decay: decay, momentum: momentum, nesterov: nesterov, is_first: isFirst)
  }
}

// What points into arrays of Swift's is good for one call.

extension Layout {
  func withForeign<R>(_ body: (mnemo_layout) throws -> R) rethrows -> R {
    try shape.withUnsafeBufferPointer { shape in
      try strides.withUnsafeBufferPointer { strides in
        try body(
          mnemo_layout(
            rank: shape.count, shape: shape.baseAddress, strides: strides.baseAddress,
            offset: offset))
      }
    }
  }
}

/// Calls `body` with the sizes of an array.
func withShape<R>(_ sizes: [Int], _ body: (mnemo_shape) throws -> R) rethrows -> R {
  try sizes.withUnsafeBufferPointer {
    try body(mnemo_shape(rank: $0.count, sizes: $0.baseAddress))
  }
}

extension AttentionShape {
  func withForeign<R>(_ body: (mnemo_attention) throws -> R) rethrows -> R {
    try rows.positions.withUnsafeBufferPointer { positions in
      try rows.starts.withUnsafeBufferPointer { starts in
        try body(
          mnemo_attention(
            rows: mnemo_rows(
              batch: rows.batch, length: rows.length, positions: positions.baseAddress,
              starts: starts.baseAddress),
            heads: heads, key_size: keySize, value_size: valueSize, scale: scale))
      }
    }
  }
}
