import Tensors
import TestSupport
import Testing

@Suite struct CreationTests {
  @Test func fromElements() throws {
    let x = try Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
    #expect(x.shape == [2, 3])
    #expect((x.rank, x.count) == (2, 6))
    #expect(x.elements() == [1, 2, 3, 4, 5, 6])
    #expect(try x.withElements { Array($0) } == [1, 2, 3, 4, 5, 6])
    #expect(try x.t().withElements { Array($0) } == [1, 4, 2, 5, 3, 6])
    #expect(try Tensor([]).shape == [0])
    #expect(try Tensor([], shape: [3, 0]).elements() == [])
    #expect(Tensor(4).shape == [])
    #expect(try Tensor(4).item() == 4)
    #expect(try x.select(0, 1).narrow(0, 2, 1).item() == 6)
    expectError("tensor: 3 elements do not make a tensor of shape [2, 2]") {
      try Tensor([1, 2, 3], shape: [2, 2])
    }
    expectError("item: needs a tensor of one element, got shape [2, 3]") { try x.item() }
    expectError("item: needs a tensor of one element, got shape [0]") { try Tensor([]).item() }
  }

  @Test func constants() throws {
    #expect(try Tensor.zeros([2, 3]).elements() == [0, 0, 0, 0, 0, 0])
    #expect(try Tensor.zeros([2, 0, 3]).elements() == [])
    #expect(try Tensor.full([1, 2], -3).elements() == [-3, -3])
    #expect(try Tensor.full([], 5).item() == 5)
    #expect(try Tensor.eye(3).elements() == [1, 0, 0, 0, 1, 0, 0, 0, 1])
    #expect(try Tensor.eye(0).shape == [0, 0])
    expectError("zeros: sizes must not be negative, got [2, -1]") { try Tensor.zeros([2, -1]) }
    expectError("full: sizes must not be negative, got [-2]") { try Tensor.full([-2], 1) }
    expectError("eye: sizes must not be negative, got [-1, -1]") { try Tensor.eye(-1) }
  }

  /// A product of sizes that overflows 64 bits, or that no memory holds, is an error, not a trap.
  @Test func tooLarge() throws {
    let huge = 1 << 40
    var stream = RandomStream(seed: 1, purpose: .tensor)
    let shape = "a tensor of shape [1099511627776, 1099511627776] is too large"
    expectError("zeros: \(shape)") { try Tensor.zeros([huge, huge]) }
    expectError("full: \(shape)") { try Tensor.full([huge, huge], 1) }
    expectError("eye: \(shape)") { try Tensor.eye(huge) }
    expectError("rand: \(shape)") { try Tensor.uniform([huge, huge], using: &stream) }
    expectError("randn: \(shape)") { try Tensor.normal([huge, huge], using: &stream) }
    expectError("tensor: \(shape)") { try Tensor([1], shape: [huge, huge]) }
    expectError("zeros: a tensor of shape [1099511627776] is too large") {
      try Tensor.zeros([huge])
    }
    expectError("zeros: a tensor of shape [9223372036854775807, 2] is too large") {
      try Tensor.zeros([.max, 2])
    }
    expectError("one_hot: a tensor of shape [1, 1099511627776] is too large") {
      try Tensor.oneHot(IntTensor([0]), huge)
    }
    // What an empty tensor leaves behind when the empty dimension goes is counted too.
    expectError("zeros: a tensor of shape [0, 4611686018427387904] is too large") {
      try Tensor.zeros([0, 1 << 62]).sum(1)
    }
    expectError("zeros: a tensor of shape [0, 1099511627776] is too large") {
      try Tensor.zeros([0, 1 << 40]).sum(0)
    }
    expectError("expand: a tensor of shape [0, 2305843009213693952] is too large") {
      try IntTensor([]).reshape([0, 1]).expand([0, 1 << 61]).sum(over: [1])
    }
    expectError("linspace: a tensor of shape [1099511627776] is too large") {
      try Tensor.linspace(0, 1, huge)
    }
    expectError("arange: a tensor of shape [1000000000000] is too large") {
      try Tensor.arange(1, 1e12)
    }
    expectError("arange: 1.0 to 1e+300 in steps of 1.0 is too long") {
      try Tensor.arange(1, 1e300)
    }
  }

  @Test func arange() throws {
    #expect(try Tensor.arange(1, 5).elements() == [1, 2, 3, 4, 5])
    #expect(try Tensor.arange(3, 3).elements() == [3])
    #expect(try Tensor.arange(1, 2.5).elements() == [1, 2])
    #expect(try Tensor.arange(5, 1, -2).elements() == [5, 3, 1])
    #expect(try Tensor.arange(5, 2, -2).elements() == [5, 3])
    // The last is reached although 0.3 / 0.1 < 3.
    #expect(try Tensor.arange(0, 0.3, 0.1).elements() == [0, 0.1, 0.2, 0.3])
    #expect(try Tensor.arange(0, 1, 0.1).count == 11)
    #expect(try Tensor.arange(-1, 1, 0.01).count == 201)
    let thousandths = try Tensor.arange(0, 1000, 0.001)
    #expect(thousandths.count == 1_000_001)
    #expect(thousandths.elements().last == 1000)
    expectError("arange: steps of 0.0 do not lead from 1.0 to 2.0") {
      try Tensor.arange(1, 2, 0)
    }
    expectError("arange: steps of 0.0 do not lead from 1.0 to 1.0") {
      try Tensor.arange(1, 1, 0)
    }
    #expect(try Tensor.arange(1, 5, -1).shape == [0])
    #expect(try Tensor.arange(5, 1).shape == [0])
    #expect(try Tensor.arange(1, 0).shape == [0])
    expectError("arange: steps of nan do not lead from 1.0 to 5.0") {
      try Tensor.arange(1, 5, .nan)
    }
    expectError("arange: steps of 1.0 do not lead from 1.0 to inf") {
      try Tensor.arange(1, .infinity)
    }
  }

  @Test func linspace() throws {
    #expect(try Tensor.linspace(0, 1, 5).elements() == [0, 0.25, 0.5, 0.75, 1])
    #expect(try Tensor.linspace(3, -1, 3).elements() == [3, 1, -1])
    #expect(try Tensor.linspace(2, 9, 1).elements() == [2])
    #expect(try Tensor.linspace(2, 9, 2).elements() == [2, 9])
    let many = try Tensor.linspace(0.1, 0.7, 1031).elements()
    #expect(many.first == 0.1)
    #expect(many.last == 0.7)
    expectError("linspace: needs at least 1 number, got 0") { try Tensor.linspace(0, 1, 0) }
  }

  @Test func oneHot() throws {
    let ids = try IntTensor([2, 0, 1, 2], shape: [2, 2])
    let x = try Tensor.oneHot(ids.transpose(0, 1), 3)
    #expect(x.shape == [2, 2, 3])
    #expect(x.elements() == [0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 1])
    #expect(try Tensor.oneHot(IntTensor([]), 3).shape == [0, 3])
    expectError("one_hot: id 3 is outside 1…2") { try Tensor.oneHot(ids, 2) }
  }

  @Test func clonesAreTheirOwn() throws {
    let x = try Tensor([1, 2, 3, 4], shape: [2, 2])
    let copy = try x.t().clone()
    #expect(copy.layout.isContiguous)
    try x.copyInPlace(Tensor(0))
    #expect(copy.elements() == [1, 3, 2, 4])
  }
}
