import BackendLibrary
import Foundation
import Kernels
import TestSupport
import Testing

/// The processor against the reference, for every primitive of `Backend`, on random shapes.
///
/// What is to stand in the processor's place has to pass the same: `MNEMO_BACKEND` adds a library.
/// The reference is one as well, so that the interface is held to the same.
@Suite struct BackendTests {
  private let backends: [any Backend]

  init() throws {
    let asked = ProcessInfo.processInfo.environment["MNEMO_BACKEND"] ?? "cpu"
    let other = ["", "cpu"].contains(asked) ? [] : [try LibraryBackend(path: asked)]
    backends = [CPU()] + other + [try LibraryBackend(path: referenceBackend)]
  }

  @Test func theReferenceSaysWhatItIs() throws {
    let reference = try #require(backends.last)
    #expect(reference.name == "reference")
    #expect(reference.batchCut == BatchCut(tokens: 1, leastParts: 1, mostGradients: 1 << 24))
  }

  /// Numbers that a primitive reads or writes.
  private final class Memory {
    let pointer: UnsafeMutablePointer<Float>
    private let count: Int

    init(_ values: [Float]) {
      count = values.count
      pointer = .allocate(capacity: max(count, 1))
      pointer.initialize(from: values, count: count)
    }

    deinit { pointer.deallocate() }

    var values: [Float] { (0..<count).map { pointer[$0] } }
  }

  /// Draws sizes and numbers.
  private struct Draws {
    private var state: UInt64

    init(_ seed: Int) { state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 }

    private mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }

    mutating func size(_ range: ClosedRange<Int>) -> Int {
      range.lowerBound + Int(next() % UInt64(range.count))
    }

    /// Multiples of 1/64 in −2…2, of which some are equal; 0 among them.
    mutating func numbers(_ count: Int) -> [Float] {
      (0..<count).map { _ in Float(size(-128...128)) / 64 }
    }

    mutating func ids(_ count: Int, below limit: Int) -> [Int32] {
      (0..<count).map { _ in Int32(size(0...limit - 1)) }
    }
  }

  /// Runs `body` with every backend and holds the results against those of the last, to 2e-5 of the
  /// largest entry; NaN has to stand where it does.
  private func agree(
    _ label: String, _ body: (any Backend) throws -> [[Float]],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let results = try backends.map(body)
    let expected = try #require(results.last)
    for (backend, result) in zip(backends, results) {
      for (place, (own, right)) in zip(result, expected).enumerated() {
        #expect(own.count == right.count, "\(label)", sourceLocation: sourceLocation)
        let largest = right.reduce(Float(1e-30)) { $1.isFinite ? max($0, abs($1)) : $0 }
        let worst = zip(own, right).reduce(Float(0)) { worst, pair in
          if pair.0 == pair.1 || (pair.0.isNaN && pair.1.isNaN) { return worst }
          let error = abs(pair.0 - pair.1) / largest
          return error.isNaN ? .infinity : max(worst, error)
        }
        #expect(
          worst <= 2e-5, "\(label), result \(place + 1) of \(backend.name)",
          sourceLocation: sourceLocation)
      }
    }
  }

  /// The same with memory: inputs are given anew to each backend, and `results` are read
  /// afterwards.
  private func agree(
    _ label: String, writing results: [[Float]],
    _ body: (any Backend, [UnsafeMutablePointer<Float>]) throws -> Void,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try agree(
      label,
      { backend in
        let memory = results.map(Memory.init)
        try body(backend, memory.map(\.pointer))
        return memory.map(\.values)
      }, sourceLocation: sourceLocation)
  }

  private func empty(_ count: Int) -> [Float] { [Float](repeating: -7, count: count) }

  /// What products and look-ups read.
  private let types: [DType] = [.float32, .float16, .bfloat16]

  /// The bytes of numbers that a type holds exactly.
  private func stored(_ values: [Float], _ dtype: DType) -> [UInt8] {
    values.flatMap { value -> [UInt8] in
      switch dtype {
      case .float16: withUnsafeBytes(of: Float16(value)) { Array($0) }
      case .bfloat16: withUnsafeBytes(of: value) { Array($0.suffix(2)) }
      default: withUnsafeBytes(of: value) { Array($0) }
      }
    }
  }

  @Test(arguments: 0..<12) func moves(seed: Int) throws {
    var draws = Draws(seed)
    let (rows, columns, depth) = (draws.size(1...70), draws.size(1...70), draws.size(1...5))
    let source = draws.numbers(rows * columns * depth + 3)
    let shape = [columns, rows, depth]
    // A transposed view with an offset, and its like; what is not in the view stays.
    let turned = Layout(shape: shape, strides: [depth, columns * depth, 1], offset: 3)
    let plain = Layout(shape: shape)
    for (name, from, to) in [
      ("gather", turned, plain), ("scatter", plain, turned), ("both", turned, turned),
      ("copy", plain, plain),
    ] {
      try agree("\(name) \(shape)", writing: [empty(source.count)]) { backend, out in
        backend.copy(source, from, to: out[0], to)
      }
    }
    // Lines side by side in other orders, and each of them from its end.
    let moved = Layout(
      shape: [depth, rows, columns], strides: [columns, depth * columns, 1], offset: 2)
    let mirrored = Layout(
      shape: moved.shape, strides: [rows * columns, columns, -1], offset: columns - 1)
    for (name, from, to) in [
      ("lines", moved, moved), ("mirror", mirrored, Layout(shape: moved.shape)),
      ("mirror lines", mirrored, moved),
    ] {
      try agree("\(name) \(moved.shape)", writing: [empty(source.count)]) { backend, out in
        backend.copy(source, from, to: out[0], to)
      }
    }
    let matrix = Layout(shape: [columns, rows], strides: [1, columns], offset: 1)
    try agree("turn \(matrix.shape)", writing: [empty(rows * columns)]) { backend, out in
      backend.copy(source, matrix, to: out[0], Layout(shape: matrix.shape))
    }
    try agree("fill \(shape)", writing: [source]) { $0.fill($1[0], turned, 0.5) }
    for dtype in types {
      let bytes = stored(source, dtype)
      for layout in [turned, plain] {
        try agree("widen \(shape) of \(dtype)", writing: [empty(plain.count)]) { backend, out in
          backend.widen(bytes, dtype, layout, to: out[0])
        }
      }
    }
    try agree("transfer", writing: [empty(rows), empty(rows)]) { backend, out in
      backend.upload(rows, source, to: out[0])
      backend.download(rows, out[0], to: out[1])
    }
  }

  /// Numbers between those of 16 bits, halfway among them, and out of their range.
  @Test(arguments: [DType.float32, .float16, .bfloat16]) func roundings(dtype: DType) throws {
    var draws = Draws(7)
    let bits = (0..<4_000).map { _ in UInt32(draws.size(0...Int(UInt32.max))) }
    let halfway = bits.map { $0 & 0xFFFF_0000 | 0x8000 }
    let special: [Float] = [
      .infinity, -.infinity, .nan, 0, -0.0, .greatestFiniteMagnitude, -65520, 65519, 0x1p-25,
      .leastNonzeroMagnitude, Float(bitPattern: 0x7F80_0001), Float(bitPattern: 0xFFFF_FFFF),
    ]
    let numbers = special + (bits + halfway).map { Float(bitPattern: $0) }
    let n = numbers.count
    try agree("\(dtype)") { backend in
      let memory = UnsafeMutableRawPointer.allocate(byteCount: n * dtype.size, alignment: 64)
      defer { memory.deallocate() }
      var found = empty(n)
      backend.narrow(n, numbers, to: memory, dtype)
      backend.widen(memory, dtype, Layout(shape: [n]), to: &found)
      // One by one: the largest would hide the others.
      return found.map { [$0] }
    }
  }

  @Test func bfloat16sAreTheNearest() {
    let nearest: [(Float, Float)] = [
      (1 + 0x1p-8, 1), (1 + 0x1p-8 + 0x1p-20, 1 + 0x1p-7), (1 + 0x3p-8, 1 + 0x1p-6),
      (-1 - 0x3p-8, -1 - 0x1p-6), (0x1.FFp127, .infinity), (0x1.FEFFFEp127, 0x1.FEp127),
      (-0.0, -0.0),
    ]
    for (number, expected) in nearest {
      #expect(Float(BFloat16(number)).bitPattern == expected.bitPattern, "\(number)")
    }
    #expect(Float(BFloat16(Float(bitPattern: 0x7F80_0001))).isNaN)
  }

  private let unary: [UnaryOp] = [
    .neg, .exp, .expm1, .log, .logOrZero, .log2, .log10, .log1p, .sqrt, .norm, .rsqrt,
    .reciprocal, .abs, .sign, .floor, .ceil, .round, .sin, .cos, .tanh, .erf, .sigmoid, .silu,
    .softplus, .relu, .gelu, .square, .clamp(low: -0.5, high: 1),
    .clamp(low: -.infinity, high: 1),
  ]

  @Test(arguments: 0..<6) func functionsOfOneNumber(seed: Int) throws {
    var draws = Draws(seed)
    let n = draws.size(1...40000)
    let (x, g) = (draws.numbers(n), draws.numbers(n))
    for op in unary {
      try agree("\(op) \(n)", writing: [empty(n)]) { $0.unary(op, n, x, to: $1[0]) }
      // Slopes of logarithms and roots at 0 are infinite; there is nothing to compare.
      let poles: [UnaryOp] = [.log, .log2, .log10, .log1p, .sqrt, .rsqrt, .reciprocal]
      let inside = poles.contains(op) ? x.map { abs($0) + 0.5 } : x
      try agree("slope of \(op) \(n)", writing: [empty(n), empty(n)]) { backend, out in
        backend.unary(op, n, inside, to: out[0])
        backend.unarySlope(op, n, inside, out[0], gradient: g, to: out[1])
      }
    }
  }

  @Test func functionsOfExtremes() throws {
    let inf = Float.infinity
    let x = [inf, -inf, .nan, 0, -0.0, 1, -1, 100, -100, 1e30, -1e30, 0x1p-130, 2.5, -3.5]
    for op in unary {
      try agree("\(op)", writing: [empty(x.count)]) { $0.unary(op, x.count, x, to: $1[0]) }
    }
    for op in [BinaryOp.maximum, .minimum] {
      try agree("\(op)", writing: [empty(x.count * x.count)]) {
        $0.binary(op, [x.count, x.count], x, [x.count, 1], x, [x.count], to: $1[0])
      }
    }
  }

  private let binary: [BinaryOp] = [
    .add, .sub, .mul, .div, .pow, .powSlope, .remainder, .floorDivide, .maximum, .maximumShare,
    .minimum, .addScaled(scale: -0.75),
    .compare(.equal), .compare(.notEqual), .compare(.less), .compare(.lessOrEqual),
    .compare(.greater), .compare(.greaterOrEqual),
  ]

  @Test(arguments: 0..<8) func functionsOfTwoNumbers(seed: Int) throws {
    var draws = Draws(seed)
    let (a, b, c) = (draws.size(1...40), draws.size(1...40), draws.size(1...40))
    for (xShape, yShape, shape) in [
      ([a, b, c], [a, b, c], [a, b, c]), ([a, b, c], [], [a, b, c]), ([1], [b, c], [b, c]),
      ([a, 1, c], [b, 1], [a, b, c]), ([c], [a, b, 1], [a, b, c]), ([0, c], [1, c], [0, c]),
    ] {
      // Where a base is 0 or an exponent no integer there may be NaN on both sides alike.
      let x = draws.numbers(xShape.reduce(1, *))
      let y = draws.numbers(yShape.reduce(1, *)).map { $0 == 0 ? 1 : $0.rounded(.awayFromZero) }
      for op in binary {
        let positive = op == .pow || op == .powSlope ? x.map { abs($0) + 0.25 } : x
        try agree("\(op) \(xShape) \(yShape)", writing: [empty(shape.reduce(1, *))]) {
          $0.binary(op, shape, positive, xShape, y, yShape, to: $1[0])
        }
      }
    }
    let n = a * b * c
    let (mask, x, y) = (draws.numbers(n).map { max($0, 0) }, draws.numbers(n), draws.numbers(n))
    try agree("choose", writing: [empty(n)]) { $0.choose(n, where: mask, x, y, to: $1[0]) }
  }

  @Test(arguments: 0..<10) func reductions(seed: Int) throws {
    var draws = Draws(seed)
    let lines = Lines(
      outer: draws.size(1...9), size: draws.size(1...300),
      inner: seed % 3 == 0 ? 1 : draws.size(1...9))
    let (n, results) = (lines.outer * lines.size * lines.inner, lines.outer * lines.inner)
    var x = draws.numbers(n)
    try agree("total \(n)") { [[Float($0.total(n, x))]] }
    try agree("sum \(lines)", writing: [empty(results)]) { $0.reduce(.sum, lines, x, to: $1[0]) }
    if seed % 2 == 0 { x[draws.size(0...n - 1)] = .nan }
    for op in [PlaceOp.largest, .smallest] {
      try agree("\(op) \(lines)") { backend in
        var places = [Int32](repeating: -1, count: results)
        backend.places(op, lines, x, to: &places)
        return [places.map(Float.init)]
      }
    }
    let keep = draws.size(0...lines.size)
    for descending in [false, true] {
      try agree("order \(lines), \(keep)") { backend in
        var places = [Int32](repeating: -1, count: lines.outer * keep * lines.inner)
        try backend.order(lines, keep: keep, descending: descending, x, to: &places)
        return [places.map(Float.init)]
      }
    }
  }

  @Test func longLinesAreOrdered() throws {
    var draws = Draws(99)
    let lines = Lines(outer: 1, size: 150_000, inner: 1)
    let x = draws.numbers(lines.size)
    // A small part, which is selected, and a large one, which is sorted.
    for keep in [1000, 50_000] {
      try agree("order \(lines), \(keep)") { backend in
        var places = [Int32](repeating: -1, count: keep)
        try backend.order(lines, keep: keep, descending: true, x, to: &places)
        return [places.map(Float.init)]
      }
    }
  }

  @Test(arguments: 0..<24) func products(seed: Int) throws {
    var draws = Draws(seed)
    let tall = seed % 4 == 3
    let (m, n) =
      tall ? (draws.size(1...20), draws.size(1...20)) : (draws.size(0...300), draws.size(0...90))
    let k = tall ? draws.size(1024...1500) : draws.size(0...90)
    for (aTurned, bTurned) in [(false, false), (true, false), (false, true), (true, true)] {
      let aStride = max(1, (aTurned ? m : k) + draws.size(0...3))
      let bStride = max(1, (bTurned ? k : n) + draws.size(0...3))
      let a = draws.numbers((aTurned ? k : m) * aStride)
      let b = draws.numbers((bTurned ? n : k) * bStride)
      let c = draws.numbers(m * n)
      for beta in [Float(0), 1] {
        try agree(
          "product \(m)×\(n)×\(k), turned \(aTurned) \(bTurned)", writing: [c]
        ) { backend, out in
          try a.withUnsafeBufferPointer { a in
            try b.withUnsafeBufferPointer { b in
              guard let a = a.baseAddress, let b = b.baseAddress else { return }
              try backend.product(
                m, n, k, MatrixView(a, stride: aStride, transposed: aTurned),
                MatrixView(b, stride: bStride, transposed: bTurned), beta: beta, to: out[0])
            }
          }
        }
      }
    }
    let count = draws.size(0...5)
    let (a, b) = (draws.numbers(count * m * k + 1), draws.numbers(count * k * n + 1))
    try agree("\(count) products \(m)×\(n)×\(k)", writing: [empty(count * m * n)]) { backend, out in
      let (left, right) = (Memory(a), Memory(b))
      try backend.products(
        m, n, k, (0..<count).map { MatrixView(left.pointer + $0 * m * k, stride: max(1, k)) },
        (0..<count).map { MatrixView(right.pointer + $0 * k * n, stride: max(1, n)) }, to: out[0])
      withExtendedLifetime((left, right)) {}
    }
  }

  @Test(arguments: 0..<24) func productsOfHalves(seed: Int) throws {
    var draws = Draws(seed)
    let (left, right) = (types[(seed + 1) % 9 / 3 % 3], types[(seed + 1) % 9 % 3])
    // Of one tile and less; of several along the inner dimension; along either side.
    let (m, n, k) =
      switch seed % 4 {
      case 0: (draws.size(0...90), draws.size(0...90), draws.size(0...90))
      case 1: (draws.size(1...70), draws.size(64...90), draws.size(1025...1100))
      case 2: (draws.size(500...600), draws.size(1...80), draws.size(1...20))
      default: (draws.size(1...80), draws.size(500...600), draws.size(1...20))
      }
    for (aTurned, bTurned) in [(false, false), (true, false), (false, true), (true, true)] {
      let aStride = max(1, (aTurned ? m : k) + draws.size(0...1))
      let bStride = max(1, (bTurned ? k : n) + draws.size(0...1))
      let a = stored(draws.numbers((aTurned ? k : m) * aStride + 1), left)
      let b = stored(draws.numbers((bTurned ? n : k) * bStride + 1), right)
      let c = draws.numbers(m * n)
      for beta in [Float(0), 1] {
        try agree(
          "\(left) × \(right), \(m)×\(n)×\(k), turned \(aTurned) \(bTurned)", writing: [c]
        ) { backend, out in
          try withBytes(a, b) { a, b in
            try backend.product(
              m, n, k, MatrixView(a, left, stride: aStride, transposed: aTurned),
              MatrixView(b, right, stride: bStride, transposed: bTurned), beta: beta, to: out[0])
          }
        }
      }
    }
    let count = draws.size(0...3)
    let a = stored(draws.numbers(count * m * k + 1), left)
    let b = stored(draws.numbers(count * k * n + 1), right)
    try agree("\(count) products of \(left) × \(right)", writing: [empty(count * m * n)]) {
      backend, out in
      try withBytes(a, b) { a, b in
        try backend.products(
          m, n, k,
          (0..<count).map { MatrixView(a + $0 * m * k * left.size, left, stride: max(1, k)) },
          (0..<count).map { MatrixView(b + $0 * k * n * right.size, right, stride: max(1, n)) },
          to: out[0])
      }
    }
  }

  private func withBytes(
    _ a: [UInt8], _ b: [UInt8], _ body: (UnsafeRawPointer, UnsafeRawPointer) throws -> Void
  ) throws {
    try a.withUnsafeBytes { a in
      try b.withUnsafeBytes { b in
        try body(#require(a.baseAddress), #require(b.baseAddress))
      }
    }
  }

  @Test(arguments: 0..<10) func choosingByIntegers(seed: Int) throws {
    var draws = Draws(seed)
    let (count, rows, width) = (draws.size(0...200), draws.size(1...50), draws.size(1...40))
    let ids = draws.ids(count, below: rows)
    let (table, g) = (draws.numbers(rows * width), draws.numbers(count * width))
    for dtype in types {
      let bytes = stored(table, dtype)
      try agree("rows of \(dtype)", writing: [empty(count * width)]) {
        $0.gatherRows(count, width: width, ids, of: bytes, dtype, to: $1[0])
      }
    }
    try agree("added rows", writing: [table]) {
      $0.addRows(count, width: width, g, ids, to: $1[0])
    }
    let lines = Lines(
      outer: draws.size(1...6), size: rows, inner: seed % 3 == 0 ? 1 : draws.size(1...6))
    let wanted = draws.size(0...20)
    let chosen = lines.outer * wanted * lines.inner
    let places = draws.ids(chosen, below: rows)
    let x = draws.numbers(lines.outer * rows * lines.inner)
    let slopes = draws.numbers(chosen)
    try agree("gather \(lines)", writing: [empty(chosen)]) {
      $0.gather(lines, wanted: wanted, places, of: x, to: $1[0])
    }
    try agree("scatter \(lines)", writing: [x]) {
      $0.scatterAdd(lines, wanted: wanted, slopes, places, to: $1[0])
    }
  }

  @Test(arguments: 0..<10) func rows(seed: Int) throws {
    var draws = Draws(seed)
    let (rows, n) = (draws.size(1...60), draws.size(1...150))
    let (x, g) = (draws.numbers(rows * n), draws.numbers(rows * n))
    let targets = draws.ids(rows, below: n)
    let weights = draws.numbers(rows).map { max($0, 0) }
    for lines in [
      Lines(outer: rows, size: n, inner: 1), Lines(outer: 1, size: rows, inner: n),
      Lines(outer: rows, size: 1, inner: n),
    ] {
      try agree("softmax \(lines)", writing: [empty(rows * n), empty(rows * n)]) { backend, out in
        backend.softmax(lines, x, to: out[0])
        backend.softmaxSlope(lines, out[0], gradient: g, to: out[1])
      }
      try agree("log Σ exp \(lines)", writing: [empty(lines.outer * lines.inner)]) {
        $0.logSumExp(lines, x, to: $1[0])
      }
    }
    try agree("cross-entropy", writing: [empty(rows), empty(rows), empty(rows * n)]) {
      backend, out in
      backend.crossEntropy(
        rows, n, x, targets, weights: weights, logs: out[0], losses: out[1])
      backend.crossEntropySlope(
        rows, n, x, targets, weights: weights, logs: out[0], scale: 0.3, to: out[2])
    }
    let (scale, shift) = (draws.numbers(n), draws.numbers(n))
    try agree(
      "layer norm \(rows)×\(n)",
      writing: [empty(rows * n), empty(2 * rows), empty(rows * n), empty(2 * n)]
    ) { backend, out in
      // A row of one element has no variance: eps decides.
      backend.layerNorm(
        rows, n, x, weight: scale, bias: shift, eps: 1e-2, to: out[0], statistics: out[1])
      try backend.layerNormSlope(
        rows, n, x, weight: scale, statistics: out[1], gradient: g, to: out[2],
        forParameters: out[3])
    }
    let (length, pairs) = (draws.size(1...9), n / 2)
    let angles = draws.numbers(length * pairs)
    try agree("rotate", writing: [empty(rows * 2 * pairs)]) { backend, out in
      backend.rotate(
        rows, length: length, pairs: pairs, x, cosines: angles.map(cos), sines: angles.map(sin),
        to: out[0])
    }
  }

  @Test(
    arguments: [
      [], [1000, -1000, 999], [1e30, 1e30, -1e30], [-.infinity, 3, -.infinity],
      [-.infinity, -.infinity], [.infinity, 0, 1], [0, .nan, 1], [.infinity, .nan, -.infinity],
      [.nan, .infinity],
    ] as [[Float]])
  func rowsOfExtremes(row: [Float]) throws {
    let line = Lines(outer: 1, size: row.count, inner: 1)
    try agree("softmax of \(row)", writing: [row]) { $0.softmax(line, row, to: $1[0]) }
    try agree("log Σ exp of \(row)", writing: [empty(1)]) {
      $0.logSumExp(line, row, to: $1[0])
    }
    // The same in two columns.
    let columns = Lines(outer: 1, size: row.count, inner: 2)
    let pairs = row.flatMap { [$0, $0] }
    try agree("softmax down \(row)", writing: [pairs]) { $0.softmax(columns, pairs, to: $1[0]) }
    try agree("log Σ exp down \(row)", writing: [empty(2)]) {
      $0.logSumExp(columns, pairs, to: $1[0])
    }
  }

  @Test(arguments: 0..<10) func attention(seed: Int) throws {
    var draws = Draws(seed)
    let (batch, length, heads) = (draws.size(1...3), draws.size(1...70), draws.size(1...3))
    let (keySize, valueSize) = (draws.size(1...9), draws.size(1...9))
    var (positions, starts): ([Int32], [Int]) = ([], [0])
    for _ in 0..<batch {
      positions += (0..<length).filter { _ in draws.size(0...2) > 0 }.map(Int32.init)
      starts.append(positions.count)
    }
    let shape = AttentionShape(
      rows: Rows(batch: batch, length: length, positions: positions, starts: starts),
      heads: heads, keySize: keySize, valueSize: valueSize, scale: 0.4)
    let r = positions.count
    let (keys, values) = (batch * length * heads * keySize, batch * length * heads * valueSize)
    let (q, k, v) = (draws.numbers(r * heads * keySize), draws.numbers(keys), draws.numbers(values))
    let g = draws.numbers(r * heads * valueSize)
    for isKept in [true, false] {
      try agree(
        "attention of \(r) rows, \(batch)×\(length), \(heads) heads",
        writing: [
          empty(g.count), empty(r * heads), empty(q.count), draws.numbers(keys),
          draws.numbers(values),
        ]
      ) { backend, out in
        let keeps = isKept ? backend.attentionKeeps(shape) : 0
        let kept = keeps > 0 ? Memory(empty(keeps)) : nil
        try backend.attention(
          shape, q, k, v, to: out[0], logs: out[1], kept: kept?.pointer)
        try backend.attentionSlope(
          shape, q, k, v, out: out[0], logs: out[1], kept: kept?.pointer, gradient: g,
          dq: out[2], dk: out[3], dv: out[4])
        withExtendedLifetime(kept) {}
      }
    }
  }

  @Test(arguments: 0..<8) func embeddingAttention(seed: Int) throws {
    var draws = Draws(seed)
    let shape = EmbeddingAttentionShape(
      batch: draws.size(1...20), length: draws.size(1...40), vocab: draws.size(1...9),
      dim: draws.size(1...7))
    let rows = shape.vocab + shape.length
    let ids = draws.ids(shape.batch * shape.length, below: shape.vocab)
    let (scores, values, residual) = (
      draws.numbers(rows * rows), draws.numbers(rows * shape.dim), draws.numbers(rows * shape.dim)
    )
    let positions = shape.batch * shape.length
    let g = draws.numbers(positions * shape.dim)
    for isKept in [true, false] {
      try agree(
        "attention over embeddings \(shape)",
        writing: [
          empty(g.count), empty(positions), empty(scores.count), empty(values.count),
          empty(values.count),
        ]
      ) { backend, out in
        let keeps = isKept ? backend.embeddingAttentionKeeps(shape) : 0
        let kept = keeps > 0 ? Memory(empty(keeps)) : nil
        try backend.embeddingAttention(
          shape, ids, scores: scores, values: values, residual: residual, to: out[0],
          logs: out[1], kept: kept?.pointer)
        try backend.embeddingAttentionSlope(
          shape, ids, scores: scores, values: values, logs: out[1], kept: kept?.pointer,
          gradient: g, dScores: out[2], dValues: out[3], dResidual: out[4])
        withExtendedLifetime(kept) {}
      }
    }
  }

  @Test(arguments: 0..<8) func tokenAttention(seed: Int) throws {
    var draws = Draws(seed)
    let shape = TokenAttentionShape(
      batch: draws.size(1...150), length: draws.size(1...40), askers: draws.size(1...4),
      vocab: draws.size(1...30), heads: draws.size(1...9), valueSize: draws.size(1...17))
    let ids = draws.ids(shape.batch * shape.length, below: shape.vocab)
    let askers = draws.ids(shape.batch, below: shape.askers)
    let scores = draws.numbers(shape.askers * shape.vocab * shape.heads)
    let values = draws.numbers(shape.vocab * shape.heads * shape.valueSize)
    let logs = empty(shape.batch * shape.heads)
    let g = draws.numbers(logs.count * shape.valueSize)
    // Scores 32 times as far apart leave some softmaxes to be made by their definition. Of one or
    // two tokens the gradients of scores cancel to next to nothing.
    for scores in [scores, scores.map { $0 * 32 }] {
      try agree(
        "token attention \(shape)",
        writing: [empty(g.count), logs, empty(scores.count), empty(values.count)]
      ) { backend, out in
        try backend.tokenAttention(
          shape, ids, askers: askers, scores: scores, values: values, to: out[0], logs: out[1])
        try backend.tokenAttentionSlope(
          shape, ids, askers: askers, scores: scores, values: values, out: out[0], logs: out[1],
          gradient: g, dScores: shape.vocab > 2 ? out[2] : nil, dValues: out[3])
      }
    }
  }

  @Test(arguments: 0..<8) func feedForwardsAndOutputs(seed: Int) throws {
    var draws = Draws(seed)
    let shape = FeedForwardShape(
      rows: draws.size(0...600), inputs: draws.size(1...20), hidden: draws.size(1...30),
      outputs: draws.size(1...20))
    let x = draws.numbers(shape.rows * shape.inputs)
    let w1 = draws.numbers(shape.hidden * shape.inputs)
    let w2 = draws.numbers(shape.outputs * shape.hidden)
    let g = draws.numbers(shape.rows * shape.outputs)
    try agree(
      "feed-forward \(shape)",
      writing: [
        empty(g.count), empty(shape.rows * shape.hidden), empty(x.count), empty(w1.count),
        empty(w2.count),
      ]
    ) { backend, out in
      try backend.feedForward(shape, x, w1, w2, to: out[0], kept: out[1])
      try backend.feedForwardSlope(
        shape, x, w1, w2, kept: out[1], gradient: g, dx: out[2], dw1: out[3], dw2: out[4])
    }
    let (rows, vocab, other) = (draws.size(1...200), draws.size(1...40), draws.size(1...9))
    let targets = draws.ids(rows, below: vocab)
    let weights = draws.numbers(rows).map { max($0, 0) }
    let (a, b) = (draws.numbers(rows * shape.inputs), draws.numbers(vocab * shape.inputs))
    let (c, d) = (draws.numbers(rows * other), draws.numbers(vocab * other))
    try agree(
      "outputs \(rows)×\(vocab)",
      writing: [
        empty(rows), empty(a.count), draws.numbers(b.count), draws.numbers(d.count), a, b, c, d,
      ]
    ) { backend, out in
      let terms = [
        LinearTerm(width: shape.inputs, x: out[4], w: out[5], dx: out[1], dw: out[2]),
        LinearTerm(width: other, x: out[6], w: out[7], dx: nil, dw: out[3]),
      ]
      try backend.linearCrossEntropy(
        rows, vocab: vocab, terms, targets, weights: weights, total: 3, wantsSlopes: true,
        losses: out[0])
    }
  }

  @Test(arguments: 0..<6) func sumsAndUpdates(seed: Int) throws {
    var draws = Draws(seed)
    let n = draws.size(1...70000)
    let (p, g, b) = (draws.numbers(n), draws.numbers(n), draws.numbers(n))
    let v = b.map { $0 * $0 }
    try agree("add \(n)", writing: [p]) { $0.add(n, g, to: $1[0]) }
    let step = AdamWStep(
      betas: (0.9, 0.999), shrink: 0.99, stepSize: 0.01, rootCorrection: 0.3, epsilon: 1e-3)
    try agree("AdamW \(n)", writing: [p, b, v]) {
      $0.adamW(n, step, $1[0], gradient: g, first: $1[1], second: $1[2])
    }
    try agree("SGD \(n)", writing: [p]) {
      $0.sgd(n, SGDStep(rate: 0.1, decay: 0.01), $1[0], gradient: g, buffer: nil)
    }
    for (nesterov, isFirst) in [(false, true), (false, false), (true, true), (true, false)] {
      let step = SGDStep(
        rate: 0.1, decay: 0.01, momentum: 0.9, nesterov: nesterov, isFirst: isFirst)
      try agree("SGD with momentum \(n)", writing: [p, b]) {
        $0.sgd(n, step, $1[0], gradient: g, buffer: $1[1])
      }
    }
  }
}
