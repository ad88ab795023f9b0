import Tensors
import TestSupport
import Testing

@Suite struct IntTensorTests {
  private func sample() throws -> IntTensor { try IntTensor([1, 2, 3, 4, 5, 6], shape: [2, 3]) }

  @Test func creation() throws {
    #expect(try sample().elements() == [1, 2, 3, 4, 5, 6])
    #expect(try sample().shape == [2, 3])
    #expect(try (sample().rank, sample().count) == (2, 6))
    #expect(try IntTensor([7, 8]).shape == [2])
    #expect(try IntTensor([]).shape == [0])
    #expect(try IntTensor(shape: [2, 2], fill: -5).elements() == [-5, -5, -5, -5])
    #expect(try IntTensor(shape: [], fill: .max).elements() == [.max])
    expectError("int_tensor: 6 elements do not make a tensor of shape [2, 2]") {
      try IntTensor([1, 2, 3, 4, 5, 6], shape: [2, 2])
    }
    expectError("int_tensor: sizes must not be negative, got [-2, -3]") {
      try IntTensor([1, 2, 3, 4, 5, 6], shape: [-2, -3])
    }
  }

  @Test func views() throws {
    let x = try sample()
    #expect(try x.transpose(0, 1).elements() == [1, 4, 2, 5, 3, 6])
    #expect(try x.select(0, 1).elements() == [4, 5, 6])
    #expect(try x.select(-1, 2).elements() == [3, 6])
    #expect(try x.narrow(1, 1, 2).elements() == [2, 3, 5, 6])
    #expect(try x.narrow(0, 2, 0).shape == [0, 3])
    #expect(try x.reshape([3, -1]).shape == [3, 2])
    #expect(try x.transpose(0, 1).reshape([6]).elements() == [1, 4, 2, 5, 3, 6])
    #expect(try x.narrow(1, 1, 2).contiguous().elements() == [2, 3, 5, 6])
    #expect(try x.transpose(0, 1).withElements { Array($0) } == [1, 4, 2, 5, 3, 6])
    #expect(try x.select(0, 1).select(0, 0).item() == 4)
    // Views share the storage, copies do not.
    let (view, copy) = (try x.transpose(0, 1), try x.transpose(0, 1).contiguous())
    try x.withMutableElements { $0[1] = 20 }
    #expect(view.elements() == [1, 4, 20, 5, 3, 6])
    #expect(copy.elements() == [1, 4, 2, 5, 3, 6])
  }

  @Test func toFloat() throws {
    #expect(try sample().transpose(0, 1).tensor().elements() == [1, 4, 2, 5, 3, 6])
    #expect(try IntTensor([1 << 24, -1 << 24]).tensor().elements() == [16_777_216, -16_777_216])
  }

  @Test func rows() throws {
    let x = try sample().transpose(0, 1)
    let rows = try x.rows(IntTensor([2, 0, 2, 1], shape: [2, 2]))
    #expect(rows.shape == [2, 2, 2])
    #expect(rows.elements() == [3, 6, 1, 4, 3, 6, 2, 5])
    #expect(try IntTensor([7, 8, 9]).rows(IntTensor([2])).elements() == [9])
    #expect(try sample().rows(IntTensor([])).shape == [0, 3])
    expectError("index: row 3 is outside 1…2") { try sample().rows(IntTensor([0, 2])) }
    expectError("index: a 0-dimensional tensor has no rows") {
      try IntTensor(shape: []).rows(IntTensor([0]))
    }
  }

  @Test func gather() throws {
    let x = try sample()
    let ids = try IntTensor([2, 0, 1, 1], shape: [2, 2])
    #expect(try x.gather(1, ids).elements() == [3, 1, 5, 5])
    #expect(try x.transpose(0, 1).gather(0, ids).elements() == [3, 4, 2, 5])
    #expect(try x.gather(-1, IntTensor(shape: [2, 0])).shape == [2, 0])
    expectError("gather: index 3 is outside 1…2") {
      try x.gather(0, IntTensor([0, 1, 2], shape: [1, 3]))
    }
  }

  @Test func sizeAndOffset() throws {
    let x = try sample().transpose(0, 1)
    #expect(try x.size(0) == 3)
    #expect(try x.size(-1) == 2)
    expectError("size: dimension 3 of a tensor of shape [3, 2] (allowed: 1…2)") { try x.size(2) }
    #expect(try x.offset(by: -1).elements() == [0, 3, 1, 4, 2, 5])
    #expect(try IntTensor([.max]).offset(by: 1).elements() == [.min])
    #expect(x.elements() == [1, 4, 2, 5, 3, 6])
  }

  @Test func compare() throws {
    let x = try sample()
    let mask = try x.compare(IntTensor([3, 2, 3]), "le", .lessOrEqual)
    #expect(mask.shape == [2, 3])
    #expect(mask.elements() == [1, 1, 1, 0, 0, 0])
    let square = try x.transpose(0, 1).compare(IntTensor([4, 5]), "eq", .equal)
    #expect(square.shape == [3, 2])
    #expect(square.elements() == [0, 0, 0, 1, 0, 0])
    #expect(try IntTensor([1]).compare(IntTensor([]), "eq", .equal).shape == [0])
    expectError("eq: shapes [2, 3] and [2] do not broadcast together") {
      try x.compare(IntTensor([1, 2]), "eq", .equal)
    }
  }

  @Test func combine() throws {
    let x = try sample()
    func sum(_ a: IntTensor, _ b: IntTensor) throws -> IntTensor {
      try a.combine(b, "add") { $0.addingReportingOverflow($1) }
    }
    #expect(try sum(x, IntTensor([10, 20, 30])).elements() == [11, 22, 33, 14, 25, 36])
    #expect(
      try sum(x.transpose(0, 1), IntTensor([10, 20])).elements() == [11, 24, 12, 25, 13, 26])
    #expect(try sum(IntTensor([.max]), IntTensor([-1])).item() == Int(Int32.max) - 1)
    expectError("add: 2147483647 and 1 leave the range of 32 bits") {
      try sum(IntTensor([0, .max]), IntTensor([1]))
    }
    expectError("mul: 65536 and -65536 leave the range of 32 bits") {
      try IntTensor([1 << 16]).combine(IntTensor([-1 << 16]), "mul") {
        $0.multipliedReportingOverflow(by: $1)
      }
    }
    expectError("add: shapes [2, 3] and [2] do not broadcast together") {
      try sum(x, IntTensor([1, 2]))
    }
    #expect(x.elements() == [1, 2, 3, 4, 5, 6])
  }

  @Test func reductions() throws {
    let x = try sample().transpose(0, 1)
    #expect(try x.sum(over: [0]).elements() == [6, 15])
    #expect(try x.sum(over: [1, 0], keepDim: true).shape == [1, 1])
    #expect(try x.prod(over: [1]).elements() == [4, 10, 18])
    #expect(try x.mean(over: [1]).elements() == [2.5, 3.5, 4.5])
    #expect(try x.cumsum(0).elements() == [1, 4, 3, 9, 6, 15])
    let (values, indices) = try x.max(1, keepDim: true)
    #expect(values.shape == [3, 1] && values.elements() == [4, 5, 6])
    #expect(indices.elements() == [1, 1, 1])
    #expect(try x.argmin(0).elements() == [0, 0])
    #expect(try x.argmax().item() == 5)
    #expect(try IntTensor(shape: [2, 0]).sum(over: [1]).elements() == [0, 0])
    expectError("sum: dimension 3 of a tensor of shape [3, 2] (allowed: 1…2)") {
      try x.sum(over: [2])
    }
    expectError("min: the dimension is empty") { try IntTensor(shape: [2, 0]).min(1) }
  }

  /// Numbers beyond 2²⁴, which Float32 cannot tell apart, among equal ones.
  @Test(arguments: [Int32(8), 1 << 24, .max]) func order(_ largest: Int32) throws {
    var stream = RandomStream(seed: 3, purpose: .tensor)
    let numbers = (0..<300).map { _ in
      Int32((Double(stream.uniform()) * 2 - 1) * Double(largest))
    }
    let all = numbers + numbers.map { $0 - 1 } + numbers
    let x = try IntTensor(all)
    let rising = all.indices.sorted { (all[$0], $0) < (all[$1], $1) }
    let falling = all.indices.sorted { (-Int(all[$0]), $0) < (-Int(all[$1]), $1) }
    #expect(try x.argsort().elements().map(Int.init) == rising)
    #expect(try x.sort(descending: true).indices.elements().map(Int.init) == falling)
    #expect(try x.topK(50).values.elements() == falling[..<50].map { all[$0] })
    #expect(try x.unique().values.elements() == Set(all).sorted())
    #expect(try x.unique().counts.sum().item() == all.count)
  }

  @Test func check() throws {
    try sample().check(below: 7, "index", "row")
    try IntTensor([]).check(below: 0, "index", "row")
    // The first one outside, in row-major order, as the caller counts.
    expectError("index: row 5 is outside 1…3") {
      try IntTensor([0, 9, 4, 2], shape: [2, 2]).transpose(0, 1).check(below: 3, "index", "row")
    }
    expectError("gather: index 0 is outside 1…3") {
      try IntTensor([2, -1, 7]).check(below: 3, "gather", "index")
    }
    expectError("index: row -2147483647 is outside 1…3") {
      try IntTensor([.min]).check(below: 3, "index", "row")
    }
    expectError("index: row 2147483648 is outside 1…3") {
      try IntTensor([.max]).check(below: 3, "index", "row")
    }
  }

  @Test func errors() throws {
    let x = try sample()
    expectError("item: needs a tensor of one element, got shape [2, 3]") { try x.item() }
    expectError("select: index 3 in dimension 1 of shape [2, 3] (allowed: 1…2)") {
      try x.select(0, 2)
    }
    expectError("narrow: 3 elements from index 2 do not fit in dimension 2 of shape [2, 3]") {
      try x.narrow(1, 1, 3)
    }
    expectError("transpose: dimension 3 of a tensor of shape [2, 3] (allowed: 1…2)") {
      try x.transpose(0, 2)
    }
    expectError("reshape: [2, 3] has 6 elements and cannot become [4]") { try x.reshape([4]) }
  }
}
