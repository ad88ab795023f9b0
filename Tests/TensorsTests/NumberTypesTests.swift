import Tensors
import TestSupport
import Testing

/// Numbers of 16 bits give what the same numbers in Float32 give.
@Suite struct NumberTypesTests {
  private static let types: [DType] = [.float16, .bfloat16]

  private static func stored(_ x: Tensor, _ dtype: DType) throws -> Tensor {
    dtype == .float16 ? try x.half() : try x.bfloat16()
  }

  /// Matrices [6, 6] that lie in memory in all the ways that views do.
  private static func views(_ dtype: DType) throws -> [(name: String, view: Tensor)] {
    func stored(_ shape: [Int]) throws -> Tensor { try Self.stored(random(shape), dtype) }
    return [
      ("whole", try stored([6, 6])), ("turned", try stored([6, 6]).t()),
      ("rows", try stored([9, 6]).narrow(0, 2, 6)),
      ("columns", try stored([6, 11]).narrow(1, 3, 6)),
      ("turned columns", try stored([6, 11]).narrow(1, 3, 6).t()),
      ("both strides", try stored([6, 6, 3]).select(2, 1)),
      ("repeated", try stored([1, 6]).expand([6, 6])),
    ]
  }

  private struct Operation {
    let name: String
    let body: (Tensor) throws -> [Tensor]

    init(_ name: String, _ body: @escaping (Tensor) throws -> Tensor) {
      (self.name, self.body) = (name, { [try body($0)] })
    }

    init(_ name: String, all body: @escaping (Tensor) throws -> [Tensor]) {
      (self.name, self.body) = (name, body)
    }
  }

  private static func operations() throws -> [Operation] {
    let (other, vector) = (try random([6, 6], seed: 2), try random([6], seed: 3))
    let batch = try random([2, 6, 6], seed: 4)
    let ids = try IntTensor([3, 0, 5, 5, 1, 2])
    let pairs = try IntTensor([3, 0, 5, 5], shape: [2, 2])
    let everyRow = RowSelection(everyPositionOf: 1, length: 6)
    let elementwise = [
      Operation("add") { try $0.add(other) }, Operation("to add") { try other.add($0) },
      Operation("add a vector") { try $0.add(vector) }, Operation("sub") { try $0.sub(other) },
      Operation("mul") { try $0.mul(other) }, Operation("div") { try $0.div(other) },
      Operation("power") { try $0.pow(Tensor(2)) },
      Operation("exponent") { try other.abs().pow($0) },
      Operation("maximum") { try $0.maximum(other) },
      Operation("compare") { try $0.compare(other, "lt", .less) },
      Operation("mask") { try Tensor.choose($0, other, vector) },
      Operation("chosen") { try Tensor.choose(other, $0, $0) },
      Operation("neg") { try $0.neg() }, Operation("exp") { try $0.exp() },
      Operation("log") { try $0.log() }, Operation("sqrt") { try $0.sqrt() },
      Operation("abs") { try $0.abs() }, Operation("tanh") { try $0.tanh() },
      Operation("sigmoid") { try $0.sigmoid() }, Operation("relu") { try $0.relu() },
      Operation("gelu") { try $0.gelu() }, Operation("square") { try $0.square() },
      Operation("clamp") { try $0.clamp(-0.25, 0.5) },
      Operation("minimum") { try $0.minimum(other) },
      Operation("remainder") { try $0.remainder(other) },
      Operation("divisor") { try other.remainder($0) },
      Operation("quotient") { try $0.floorDivide(other) },
      Operation("expm1") { try $0.expm1() }, Operation("log1p") { try $0.log1p() },
      Operation("log2") { try $0.log2() }, Operation("log10") { try $0.log10() },
      Operation("rsqrt") { try $0.rsqrt() }, Operation("reciprocal") { try $0.reciprocal() },
      Operation("sign") { try $0.sign() }, Operation("floor") { try $0.floor() },
      Operation("ceil") { try $0.ceil() }, Operation("round") { try $0.round() },
      Operation("sin") { try $0.sin() }, Operation("cos") { try $0.cos() },
      Operation("erf") { try $0.erf() }, Operation("silu") { try $0.silu() },
      Operation("softplus") { try $0.softplus() },
      Operation("is NaN") { try $0.isNaN() }, Operation("is finite") { try $0.isFinite() },
      Operation("is infinite") { try $0.isInfinite() },
    ]
    let reductions = [
      Operation("sum") { try $0.sum() }, Operation("sums") { try $0.sum(0) },
      Operation("mean") { try $0.mean() }, Operation("means") { try $0.mean(1) },
      Operation("variance") { try $0.variance() }, Operation("variances") { try $0.variance(0) },
      Operation("norm") { try $0.norm() }, Operation("norms") { try $0.norm(1) },
      Operation("argmax") { try $0.argmax(0).tensor() },
      Operation("argmin") { try $0.argmin().tensor() }, Operation("max") { try $0.max() },
      Operation("maxima") { try $0.max(0).values }, Operation("minima") { try $0.min(1).values },
      Operation("softmax") { try $0.softmax(1) }, Operation("softmax down") { try $0.softmax(0) },
      Operation("log softmax") { try $0.logSoftmax(0) },
      Operation("log Σ exp") { try $0.logSumExp() },
      Operation("log Σ exp, rows") { try $0.logSumExp(1) },
      Operation("causal softmax") { try $0.causalSoftmax() },
      Operation("cross-entropy") { try $0.crossEntropy(ids) },
      Operation("weights") { try other.crossEntropy(ids, mask: $0.select(0, 2)) },
      Operation("layer norm") { try $0.layerNorm() },
      Operation("norm's parameters") {
        try other.layerNorm(weight: $0.select(0, 1), bias: $0.select(1, 2))
      },
      Operation("RMS norm") { try $0.rmsNorm() },
      Operation("its weight") { try other.rmsNorm(weight: $0.select(0, 1)) },
      Operation(
        "losses",
        all: {
          [
            try $0.squaredErrors(other), try other.squaredErrors($0), try $0.divergences(other),
            try other.divergences($0), try $0.sigmoid().binaryCrossEntropies(other),
            try other.sigmoid().binaryCrossEntropies($0), try $0.negativeLogLikelihoods(ids),
            try $0.binaryCrossEntropiesOfLogits(other), try other.binaryCrossEntropiesOfLogits($0),
          ]
        }),
      Operation("sort", all: { [try $0.sort(0).values, try $0.sort().indices.tensor()] }),
      Operation("several dimensions") { try $0.reshape([2, 3, 6]).mean(over: [0, 2]) },
      Operation("cubes") { try $0.norm(p: 3, over: [1]) },
      Operation("running sums") { try $0.cumsum(0) }, Operation("products") { try $0.prod(1) },
      Operation("median") { try $0.median(0).values },
      Operation("quantiles") { try $0.quantiles([0.1, 0.5], 1) },
      Operation("any") { try $0.any(over: [0]) }, Operation("integers") { try $0.int().tensor() },
      Operation("different ones") { try $0.unique().values },
      Operation("einsum") { try Tensor.einsum("ij,kj,i->k", [$0, other, vector]) },
      Operation("diagonal") { try Tensor.einsum("ii->i", [$0]).add(vector) },
      Operation("top", all: { [try $0.topK(2, 0).values, try $0.topK(3).indices.tensor()] }),
    ]
    let choices = [
      Operation("rows") { try $0.rows(ids) }, Operation("rows of pairs") { try $0.rows(pairs) },
      Operation("entries of a vector") { try $0.select(1, 3).rows(ids) },
      Operation("gather") { try $0.gather(1, IntTensor([1, 0, 5, 2, 2, 4], shape: [6, 1])) },
      Operation("slice") { try $0.slice([.range(first: 1, count: 2, step: 3), .index(2)]) },
      Operation("index select") { try $0.indexSelect(1, IntTensor([5, 0])) },
      Operation("index add") { try $0.indexAdd(0, IntTensor([5, 0, 5, 1, 2, 2]), other) },
      Operation("index add of one") { try other.indexAdd(0, IntTensor([5, 0, 5, 1, 2, 2]), $0) },
      Operation("scatter") {
        try $0.scatter(1, IntTensor([1, 0, 5, 2, 2, 4], shape: [6, 1]), Tensor(3))
      },
      Operation("scatter of one") {
        try other.scatter(0, IntTensor([1, 0, 5, 2, 2, 4], shape: [1, 6]), $0.narrow(0, 1, 1))
      },
      Operation("scatter add") {
        try $0.scatterAdd(0, IntTensor([1, 0, 5, 2, 2, 4], shape: [1, 6]), $0.narrow(0, 1, 1))
      },
      Operation("masked fill") { try $0.maskedFill(other.relu(), Tensor(2)) },
      Operation("mask of rows") { try $0.masked(by: Tensor([1, 0, 0, 1, 1, 0])) },
      Operation("nonzero") { try $0.nonzero().tensor() },
      Operation("write") { x in
        let y = try other.clone()
        try y.write(x.narrow(0, 0, 2), rows: IntTensor([3, 1]))
        try y.select(0, 0).copyInPlace(x.select(0, 5))
        return y
      },
      Operation("masked select") { try $0.maskedSelect(other.relu()) },
      Operation("mask of one") { try other.maskedSelect($0) },
      Operation("cat") { try Tensor.cat([$0, other, $0.t()], 1) },
      Operation("stack") { try Tensor.stack([other, $0], 2) },
      Operation("reshape") { try $0.reshape([4, 9]) }, Operation("row") { try $0.select(0, 4) },
      Operation("contiguous") { try $0.contiguous() }, Operation("clone") { try $0.clone() },
      Operation("detach") { $0.detach() }, Operation("float") { try $0.float() },
      Operation("expand") { try $0.expand([2, 6, 6]) },
      Operation("permute") { try $0.permute([1, 0]) },
      Operation("unflatten") { try $0.unsqueeze(1).squeeze().unflatten(1, [2, 3]) },
      Operation("repeat") { try $0.repeatInterleave(2, 1) },
      Operation("repeat by counts") { try $0.repeatInterleave(IntTensor([0, 2, 1, 0, 3, 1]), 1) },
      Operation("tile") { try $0.tile([2, 3]) }, Operation("flip") { try $0.flip([0, 1]) },
      Operation("roll") { try $0.roll(2, 0) }, Operation("tril") { try $0.tril() },
      Operation("triu") { try $0.triu(1) }, Operation("diagonal") { try $0.diag(-1) },
      Operation("diagonal matrix") { try $0.select(1, 2).diag(1) },
      Operation("trace") { try $0.trace() },
      Operation("pieces", all: { try $0.split(4) + $0.chunk(3, 1) + $0.unbind(1) }),
      Operation("elements") { try Tensor($0.elements()) },
      Operation("item") { Tensor(try $0.select(0, 3).narrow(0, 2, 1).item()) },
      Operation("reading") { x in try Tensor(x.withElements { Array($0) }) },
      Operation("parts") { x in
        try Tensor.assembled([6, 6], parts: 1, { _ in x }, firstRow: { $0 })
      },
    ]
    let products = [
      Operation("left") { try $0.matmul(other) }, Operation("right") { try other.matmul($0) },
      Operation("square") { try $0.matmul($0) }, Operation("by a vector") { try $0.matmul(vector) },
      Operation("of a vector") { try vector.matmul($0) },
      Operation("with a batch") { try $0.matmul(batch) },
      Operation("of a batch") { try batch.matmul($0) },
      Operation("entries of a batch") { try batch.matmul($0.reshape([1, 6, 6])) },
      Operation("linear") { try other.linear($0) },
      Operation("bias") { try other.linear(other, bias: $0.select(0, 1)) },
      Operation("dot") { try $0.select(1, 0).dot(vector) },
      Operation("outer") { try vector.outer($0.select(0, 5)) },
      Operation(
        "feed-forward",
        all: {
          [
            try $0.feedForward(other, other), try other.feedForward($0, other),
            try other.feedForward(other, $0),
          ]
        }),
      Operation(
        "attention",
        all: { x in
          let (a, b) = (try x.reshape([1, 6, 6]), try other.reshape([1, 6, 6]))
          return try [(x, b, b), (other, a, b), (other, b, a)].map { q, k, v in
            try Attention.causal(
              queries: q, keys: k, values: v, heads: 2, scale: 0.5, rows: everyRow)
          }
        }),
      Operation(
        "scaled dot product",
        all: { x in
          let inputs = [(x, other, other), (other, x, other), (other, other, x)]
          return try [nil, other.relu()].flatMap { mask in
            try inputs.map { q, k, v in
              try Attention.scaledDotProduct(
                queries: q, keys: k, values: v, heads: 2, causal: true, mask: mask)
            }
          } + [
            Attention.scaledDotProduct(queries: other, keys: other, values: other, mask: x.relu())
          ]
        }),
      Operation(
        "embedding attention",
        all: { x in
          let tokens = try IntTensor([0, 2, 1], shape: [1, 3])
          return try [(x, other, other), (other, x, other), (other, other, x)].map { s, v, r in
            try EmbeddingAttention.causal(tokens: tokens, scores: s, values: v, residual: r)
          }
        }),
      Operation(
        "outputs",
        all: { x in
          try [(x, other), (other, x)].flatMap { inputs, weight in
            let outputs = LinearOutputs([.init(inputs, weight)])
            return [
              try outputs.logits(), try outputs.crossEntropy(ids, weights: .ones([6]), total: 6),
            ]
          }
        }),
      Operation("weights of outputs") {
        try LinearOutputs([.init(other, other)]).crossEntropy(
          ids, weights: $0.select(0, 0), total: 3)
      },
      Operation("positions") { try $0.reshape([2, 3, 6]).rotatedByPosition() },
    ]
    let decompositions = [
      Operation("svd") { try LinearAlgebra.svd($0).s },
      Operation("qr") { x in
        let (q, r) = try LinearAlgebra.qr(x)
        return try q.matmul(r)
      },
      Operation("rank") { try LinearAlgebra.rankTruncate($0, 6) },
      Operation("solve") { try LinearAlgebra.solve(other, $0) },
      Operation("det") { try LinearAlgebra.det($0) },
      Operation("lstsq") { try LinearAlgebra.lstsq(other, $0) },
      Operation("norm") { try LinearAlgebra.norm($0) },
      Operation("nuclear") { try LinearAlgebra.norm($0, .nuclear) },
      Operation("columns") { try LinearAlgebra.norm($0, .order(1)) },
      Operation("matrix rank") { Tensor(Float(try LinearAlgebra.matrixRank($0))) },
    ]
    return elementwise + reductions + choices + products + decompositions
  }

  @Test(arguments: types) func everyOperationTakesThem(dtype: DType) throws {
    let operations = try Self.operations()
    for (name, view) in try Self.views(dtype) {
      #expect(view.dtype == dtype)
      let wide = try view.float()
      #expect(wide.dtype == .float32)
      #expect(wide.elements() == view.elements())
      for operation in operations {
        let label = "\(operation.name) of \(dtype), \(name)"
        let (found, expected) = (try operation.body(view), try operation.body(wide))
        for (x, y) in zip(found, expected) {
          #expect(x.shape == y.shape, "\(label)")
          let difference = zip(x.elements(), y.elements()).first { a, b in
            a.bitPattern != b.bitPattern && !(abs(a - b) <= 1e-5 * (1 + abs(b)))
              && !(a.isNaN && b.isNaN)
          }
          #expect(difference == nil, "\(label)")
        }
      }
    }
  }

  @Test(arguments: types) func symmetricAndRegularOnes(dtype: DType) throws {
    let x = try random([6, 6])
    let symmetric = try Self.stored(x.add(x.t()), dtype)
    expectClose(
      try LinearAlgebra.eigh(symmetric).values, try LinearAlgebra.eigh(symmetric.float()).values,
      1e-5, "eigh")
    let regular = try Self.stored(x.add(Tensor.eye(6).mul(Tensor(8))), dtype)
    expectClose(
      try LinearAlgebra.solve(regular, x), try LinearAlgebra.solve(regular.float(), x), 1e-5,
      "solve")
    for (name, operation) in [
      ("inv", LinearAlgebra.inv), ("pinv", LinearAlgebra.pinv),
      ("slogdet", { try LinearAlgebra.slogdet($0).logarithm }),
    ] as [(String, (Tensor) throws -> Tensor)] {
      expectClose(try operation(regular), try operation(regular.float()), 1e-5, name)
    }
    let positive = try Self.stored(symmetric.float().add(Tensor.eye(6).mul(Tensor(8))), dtype)
    expectClose(
      try LinearAlgebra.cholesky(positive), try LinearAlgebra.cholesky(positive.float()), 1e-5,
      "cholesky")
  }

  @Test(arguments: types) func tensorsInFloat32TakeTheirValues(dtype: DType) throws {
    for (name, view) in try Self.views(dtype) {
      for (operation, change) in [
        ("copy_", { try $0.copyInPlace($1) }), ("add_", { try $0.addInPlace($1, scale: 0.5) }),
        ("mul_", { try $0.mulInPlace($1) }),
        ("one number", { try $0.copyInPlace($1.select(0, 0).narrow(0, 1, 1)) }),
        ("an update", { try $0.updateSGD(gradient: $1, SGDStep(rate: 0.5, decay: 0)) }),
      ] as [(String, (Tensor, Tensor) throws -> Void)] {
        let (x, y) = (try random([6, 6], seed: 9), try random([6, 6], seed: 9))
        try change(x, view)
        try change(y, view.float())
        #expect(x.elements() == y.elements(), "\(operation) of \(dtype), \(name)")
      }
    }
  }

  @Test(arguments: types) func gradientsGoToWhatIsInFloat32(dtype: DType) throws {
    let weight = try Self.stored(random([7, 5]), dtype)
    let masks = try random([3, 7], seed: 5)
    for leading in [[3], [2, 3]] {
      func gradient(_ w: Tensor) throws -> Tensor? {
        let x = try random(leading + [5], seed: 2).requireGrad()
        try x.linear(w).mul(masks).sum().backward()
        return x.grad
      }
      expectClose(
        try gradient(weight), try #require(try gradient(weight.float())), 1e-5, "linear \(leading)")
    }
    let x = try random([4, 5], seed: 2).requireGrad()
    try x.mul(weight.narrow(0, 1, 4)).sum().backward()
    #expect(x.grad?.elements() == (try weight.narrow(0, 1, 4)).elements())
  }

  @Test(arguments: types) func theyAreOnlyRead(dtype: DType) throws {
    let x = try Self.stored(random([2, 3]), dtype)
    let one = Tensor(1)
    func sentence(_ operation: String) -> String {
      "\(operation): a tensor of \(dtype), here of shape [2, 3], is only read; use x:float(), a "
        + "copy in float32"
    }
    expectError(sentence("requires_grad")) { try x.requireGrad() }
    expectError(sentence("requires_grad")) { try x.parameter() }
    expectError(sentence("copy_")) { try x.copyInPlace(one) }
    expectError(sentence("add_")) { try x.addInPlace(one) }
    expectError(sentence("mul_")) { try x.mulInPlace(one) }
    expectError(sentence("change in place")) { try x.withMutableElements { _ in } }
    expectError(sentence("optimizer")) {
      try x.updateSGD(gradient: random([2, 3]), SGDStep(rate: 1, decay: 0))
    }
    #expect(try x.requireGrad(false) === x)
    #expect(x.elements() == (try Self.stored(random([2, 3]), dtype)).elements())
  }

  @Test func conversionsKeepOrRound() throws {
    let x = try Tensor([1 + 0x1p-9, -0.1, 65504, 1e30, .nan, -.infinity])
    #expect(x.dtype == .float32)
    #expect(try x.float() === x)
    let (half, brain) = (try x.half(), try x.bfloat16())
    #expect(try half.half() === half && brain.bfloat16() === brain)
    #expect(Array(half.elements()[..<4]) == [1 + 0x1p-9, -0.0999755859375, 65504, .infinity])
    #expect(Array(brain.elements()[..<4]) == [1, -0.10009765625, 65536, 0x1.94p99])
    for converted in [half, brain, try half.bfloat16()] {
      #expect(converted.elements()[4].isNaN)
      #expect(converted.elements()[5] == -.infinity)
    }
    #expect(try half.clone().dtype == .float16)
    #expect(try brain.reshape([2, 3]).t().contiguous().dtype == .bfloat16)
    #expect(try brain.reshape([2, 3]).t().clone().dtype == .bfloat16)
    #expect(try half.add(Tensor(0)).dtype == .float32)
    // A gradient does not go through a rounding.
    #expect(try Tensor([2]).requireGrad().half().requiresGrad == false)
  }

  @Test func textTellsTheType() throws {
    let x = try Tensor([1, 2.5])
    #expect(x.text == "Tensor [2]\n  1.0000  2.5000")
    #expect(try x.half().text == "Tensor [2], float16\n  1.0000  2.5000")
    #expect(try x.mul(Tensor(0x1p20)).bfloat16().text.hasPrefix("Tensor [2], bfloat16 × 1e6"))
  }

  @Test func elementsTakeTwoBytes() throws {
    let x = try Tensor([1, 2, 3]).half()
    #expect(try x.withBytes { Array($0) } == [0, 0x3C, 0, 0x40, 0, 0x42])
    #expect(try x.narrow(0, 1, 2).withBytes { $0.count } == 4)
  }
}
