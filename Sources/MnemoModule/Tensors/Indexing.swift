import LuaBridge
import Tensors

/// What can be indexed by ranges, masks and ids, and written to there.
protocol IndexedTensor: StridedTensor {
  /// An argument as values to write: a tensor of this kind, or what becomes one.
  static func values(_ call: LuaCall, _ position: Int) throws -> Self

  func slice(_ slices: [Slice]) throws -> Self
  func rows(_ ids: IntTensor) throws -> Self
  func masked(by mask: Tensor) throws -> Self
  func copyInPlace(_ other: Self, _ operation: String) throws
  func write(_ values: Self, rows ids: IntTensor) throws
  func write(_ values: Self, where mask: Tensor) throws
  func indexSelect(_ d: Int, _ ids: IntTensor) throws -> Self
  func indexAdd(_ d: Int, _ ids: IntTensor, _ source: Self) throws -> Self
  func scatter(_ d: Int, _ ids: IntTensor, _ source: Self) throws -> Self
  func scatterAdd(_ d: Int, _ ids: IntTensor, _ source: Self) throws -> Self
  func maskedFill(_ mask: Tensor, _ value: Self) throws -> Self
  func nonzero() throws -> IntTensor
}

extension Tensor: IndexedTensor {
  static func values(_ call: LuaCall, _ position: Int) throws -> Tensor {
    try call.operand(position)
  }
}

extension IntTensor: IndexedTensor {
  static func values(_ call: LuaCall, _ position: Int) throws -> IntTensor {
    try IntTensorClass.operand(call, position)
  }
}

/// `t[key]` and `t[key] = v`, and the methods that choose by ids and masks.
enum Indexing {
  /// What `t[key]` reads where the key is neither a number nor a name.
  static func part<T: IndexedTensor>(of tensor: T, _ call: LuaCall) throws -> T {
    switch call.value(2) {
    case .table: return try tensor.slice(call.slices(2, of: tensor.shape))
    case .object(let ids as IntTensor): return try tensor.rows(ids.offset(by: -1))
    case .object(let mask as Tensor): return try tensor.masked(by: mask)
    default: throw unknownKey(call)
    }
  }

  /// Does what `t[key] = v` says where the key is no name.
  static func write<T: IndexedTensor>(_ call: LuaCall, into tensor: T) throws {
    if call.isNumber(2) {
      let row = try tensor.select(0, call.index(2, size: tensor.shape.first ?? 0))
      return try row.copyInPlace(T.values(call, 3), "t[i] = v")
    }
    switch call.value(2) {
    case .table:
      let part = try tensor.slice(call.slices(2, of: tensor.shape))
      try part.copyInPlace(T.values(call, 3), "t[{…}] = v")
    case .object(let ids as IntTensor):
      try tensor.write(T.values(call, 3), rows: ids.offset(by: -1))
    case .object(let mask as Tensor): try tensor.write(T.values(call, 3), where: mask)
    default: throw unknownKey(call)
    }
  }

  private static func unknownKey(_ call: LuaCall) -> BadArgument {
    call.failure(
      2,
      "integer, list of ranges, IntTensor of ids or Tensor of 0 and 1 expected, got "
        + call.typeName(2))
  }

  /// The methods of one class.
  /// - Parameters:
  ///   - type: the Swift class.
  ///   - name: its name in Lua.
  ///   - maker: the function that makes one of a list, for examples.
  /// - Returns: the declarations.
  static func methods<T: IndexedTensor>(
    of type: T.Type, _ name: String, maker: String
  ) -> [LuaFunction] {
    let some = "\(maker){{1, 2, 3}, {4, 5, 6}}"
    let vector = LuaParameter("ids", .object("IntTensor"), "indices, a vector; or a list of them")
    let places = LuaParameter(
      "ids", .object("IntTensor"), "indices, of t's shape but for that dimension")
    let source = LuaParameter(
      "source", .union([.object(name), .number]), "of the shape of ids, or one number")
    let result = LuaResult(.object(name), "a new tensor of t's shape")
    return [
      LuaFunction(
        "index_select", "The indices of one dimension that ids name, in their order.",
        parameters: [StridedMethods.dimension, vector], returns: [.object(name)],
        example: "print(\(some):index_select(2, {3, 1}))"
      ) { call in
        call.returns(try call.object(1, type).indexSelect(call.dimension(2), call.ids(3)))
      },
      LuaFunction(
        "index_add",
        "The tensor with a source added at the indices of one dimension that ids name; one that is "
          + "named several times gets several summands.",
        parameters: [
          StridedMethods.dimension, vector,
          LuaParameter(
            "source", .object(name), "of t's shape, with as many indices there as ids name"),
        ], returns: [result],
        example: "print(\(some):index_add(1, {2, 2}, \(maker){{1, 1, 1}, {2, 2, 2}}))"
      ) { call in
        call.returns(
          try call.object(1, type).indexAdd(
            call.dimension(2), call.ids(3), call.object(4, type)))
      },
      LuaFunction(
        "scatter",
        "The tensor with elements replaced along a dimension: result[i][ids[i][j]] = source[i][j] "
          + "for the last of two. Of those for one place, the last counts.",
        parameters: [StridedMethods.dimension, places, source], returns: [result],
        example: "print(\(some):scatter(2, mnemo.int_tensor{{2}, {1}}, 9))"
      ) { call in
        call.returns(
          try call.object(1, type).scatter(call.dimension(2), call.ids(3), T.values(call, 4)))
      },
      LuaFunction(
        "scatter_add",
        "The tensor with summands added along a dimension: result[i][ids[i][j]] gets source[i][j] "
          + "added for the last of two.",
        parameters: [StridedMethods.dimension, places, source], returns: [result],
        example: "print(\(some):scatter_add(2, mnemo.int_tensor{{2, 2}, {1, 1}}, 10))"
      ) { call in
        call.returns(
          try call.object(1, type).scatterAdd(call.dimension(2), call.ids(3), T.values(call, 4)))
      },
      LuaFunction(
        "masked_fill", "The tensor with a value where a mask is not 0.",
        parameters: [
          LuaParameter("mask", .object("Tensor"), "0 or not; broadcasts to t's shape"),
          LuaParameter("value", .union([.object(name), .number]), "broadcasts to t's shape"),
        ], returns: [result], example: "print(\(some):masked_fill(\(some):gt(4), 0))"
      ) { call in
        call.returns(
          try call.object(1, type).maskedFill(call.object(2, Tensor.self), T.values(call, 3)))
      },
      LuaFunction(
        "nonzero", "The indices of the elements that are not 0, in row-major order.",
        returns: [LuaResult(.object("IntTensor"), "[n, dimensions]")],
        example: "print(\(maker){{0, 1}, {1, 0}}:nonzero())"
      ) { call in call.returns(try call.object(1, type).nonzero().offset(by: 1)) },
    ]
  }
}

extension LuaCall {
  /// A list of one entry for each of the first dimensions: an index, `{}` for all, `{first, last}`
  /// or `{first, last, step}`, both ends included.
  fileprivate func slices(_ position: Int, of shape: [Int]) throws -> [Slice] {
    let table = try table(position)
    let count = table.count
    guard count <= shape.count else {
      throw failure(position, "\(count) entries for a tensor of shape \(shape)")
    }
    guard try table.entries().count == count else {
      throw failure(position, "a list expected, one entry for each dimension ({} keeps all of it)")
    }
    return try shape.prefix(count).enumerated().map { d, size in
      try slice(table, .index(d + 1), size)
    }
  }

  private func slice(_ table: TableReader, _ key: LuaKey, _ size: Int) throws -> Slice {
    if table.isNumber(key) {
      let i = try place(table, key, size)
      guard i >= 1, i <= size else {
        throw table.failure(
          key, "index \(try table.integer(key)) is outside 1…\(size)")
      }
      return .index(i - 1)
    }
    guard case .table = table.value(key) else {
      throw table.failure(
        key, "integer, {first, last} or {} expected, got \(table.typeName(key))")
    }
    let range = try table.table(key)
    let numbers = range.count
    guard [0, 2, 3].contains(numbers), try range.entries().count == numbers else {
      throw table.failure(key, "{first, last}, {first, last, step} or {} expected")
    }
    if numbers == 0 { return .all }
    let (first, last) = (try place(range, 1, size), try place(range, 2, size, orEmpty: true))
    guard first >= 1, first <= size + 1, last >= 0, last <= size else {
      throw table.failure(
        key,
        "range {\(try range.integer(1)), \(try range.integer(2))} leaves 1…\(size)")
    }
    guard last >= first - 1 else {
      throw table.failure(
        key,
        "range {\(try range.integer(1)), \(try range.integer(2))} runs backwards (an empty one is "
          + "{\(first), \(first - 1)})")
    }
    let step = numbers == 3 ? try range.integer(3) : 1
    guard step >= 1 else {
      throw range.failure(3, "steps are 1 or more, got \(step)")
    }
    let count = last < first ? 0 : (last - first) / step + 1
    return .range(first: first - 1, count: count, step: step)
  }

  /// An index from 1, with negative ones counted from the end; 0, which is none, only where a range
  /// may end before the first.
  private func place(
    _ table: TableReader, _ key: LuaKey, _ size: Int, orEmpty: Bool = false
  ) throws -> Int {
    let i = try table.integer(key)
    guard i != 0 || orEmpty else { throw table.failure(key, "indices count from 1, got 0") }
    return i < 0 ? i + size + 1 : i
  }
}
