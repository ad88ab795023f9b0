import LuaBridge
import Tasks
import Tensors

// What counts from 1 in Lua counts from 0 in the engine; all conversions between them are here.

extension LuaCall {
  /// A dimension: 1 is the first, −1 the last.
  func dimension(_ position: Int) throws -> Int {
    let d = try integer(position)
    guard d != 0 else { throw failure(position, "dimensions count from 1, got 0") }
    return d > 0 ? d - 1 : d
  }

  /// A dimension, or nil if none was given.
  func optionalDimension(_ position: Int) throws -> Int? {
    has(position) ? try dimension(position) : nil
  }

  /// An index into `size` things: 1 is the first, −1 the last; one beyond the last is not checked.
  func index(_ position: Int, size: Int) throws -> Int {
    let i = try integer(position)
    guard i != 0 else { throw failure(position, "indices count from 1, got 0") }
    if i > 0 { return i - 1 }
    // One that reaches beyond the first stays as it was written, for the message.
    return i + size >= 0 ? i + size : max(i, Int.min + 1) - 1
  }

  /// The index of a row, or nil if `ipairs` asks for the one after the last, where it ends.
  func row(of shape: [Int]) throws -> Int? {
    let i = try index(2, size: shape.first ?? 0)
    return i == shape.first && isFromIpairs ? nil : i
  }

  /// Sizes given one by one or as a list, from argument `first` on.
  func sizes(from first: Int, to last: Int? = nil) throws -> [Int] {
    let last = last ?? count
    let sizes: [Int]
    if case .table = value(first) {
      sizes = try integers(first)
    } else {
      sizes = try first > last ? [] : (first...last).map { try integer($0) }
    }
    guard sizes.count <= NestedList.deepest else {
      throw failure(first, "at most \(NestedList.deepest) dimensions, got \(sizes.count)")
    }
    return sizes
  }

  /// A tensor, or a number as a 0-dimensional one; whole numbers become Float32 too.
  func operand(_ position: Int) throws -> Tensor {
    if let tensor = ifObject(position, Tensor.self) { return tensor }
    if isNumber(position) { return Tensor(Float(try number(position))) }
    if let ids = ifObject(position, IntTensor.self) { return try ids.tensor() }
    throw failure(position, "Tensor or number expected, got \(typeName(position))")
  }

  /// Ids that count from 1 in Lua: an IntTensor, or a list of integers.
  func ids(_ position: Int) throws -> IntTensor {
    if case .table = value(position) {
      return try intTensor(position).offset(by: -1)
    }
    return try object(position, IntTensor.self).offset(by: -1)
  }

  /// A whole number that fits 32 bits.
  func int32(_ position: Int) throws -> Int32 {
    let n = try integer(position)
    guard let small = Int32(exactly: n) else {
      throw failure(position, "integers have 32 bits here, got \(n)")
    }
    return small
  }

  /// A nested list of numbers as a tensor.
  func tensor(_ position: Int) throws -> Tensor {
    var numbers = [Float]()
    let shape = try NestedList.read(table(position)) { reader, key in
      numbers.append(Float(try reader.number(key)))
    }
    return try Tensor(numbers, shape: shape)
  }

  /// A nested list of integers as a tensor.
  func intTensor(_ position: Int) throws -> IntTensor {
    var numbers = [Int32]()
    let shape = try NestedList.read(table(position)) { reader, key in
      let n = try reader.integer(key)
      guard let small = Int32(exactly: n) else {
        throw reader.failure(key, "integers have 32 bits here, got \(n)")
      }
      numbers.append(small)
    }
    return try IntTensor(numbers, shape: shape)
  }
}

extension LuaOptions {
  /// A seed; without one, the next that follows `mnemo.seed`.
  func seed(_ session: ModuleState) throws -> UInt64 {
    try optionalInteger("seed").map { UInt64(bitPattern: Int64($0)) } ?? session.nextSeed()
  }
}

/// Lists of lists of equal lengths.
enum NestedList {
  /// The most dimensions, as in NumPy; a list that holds itself would have no end.
  static let deepest = 64

  /// Reads the leaves in order and returns the shape.
  /// - Throws: `BadArgument` if the lengths differ, the lists are too deep or `leaf` fails.
  static func read(
    _ table: TableReader, depth: Int = 1, leaf: (TableReader, LuaKey) throws -> Void
  ) throws -> [Int] {
    let count = table.count
    guard count > 0, case .table = table.value(.index(1)) else {
      try StopToken.parts(count) { part in
        for i in part { try leaf(table, .index(i + 1)) }
      }
      return [count]
    }
    guard depth < deepest else {
      throw BadArgument(description: "lists are nested deeper than \(deepest) levels")
    }
    var inner: [Int]?
    for i in 1...count {
      let shape = try read(table.table(.index(i)), depth: depth + 1, leaf: leaf)
      if let inner, inner != shape {
        throw table.failure(
          .index(i), "rows must have one shape, got \(shape) after \(inner)")
      }
      inner = shape
    }
    return [count] + (inner ?? [])
  }

  /// - Throws: `LuaError` if there is no memory for the lists of a tensor of this shape, of which
  ///   there may be many without an element in them.
  static func checkMemory(_ shape: [Int], in lua: Lua) throws {
    var (lists, bytes) = (1, 0)
    for size in shape {
      // Lua takes 16 bytes for an element of a list, and they are copied before; a list takes 56.
      guard case (let inner, false) = lists.multipliedReportingOverflow(by: size),
        case (let more, false) = inner.multipliedReportingOverflow(by: 80),
        case (let sum, false) = bytes.addingReportingOverflow(more)
      else { return try lua.checkMemory(.max) }
      (lists, bytes) = (inner, sum)
    }
    try lua.checkMemory(bytes)
  }

  /// A tensor's elements as Lua lists of lists, a number if it has no dimensions.
  static func tree<Element: LuaPushable>(_ elements: [Element], _ shape: [Int]) -> LuaTree {
    guard let width = shape.last else { return .leaf(elements[0]) }
    var next = 0
    func build(_ d: Int) -> LuaTree {
      if d == shape.count - 1 {
        defer { next += width }
        return .leaf(Array(elements[next..<next + width]))
      }
      return .list((0..<shape[d]).map { _ in build(d + 1) })
    }
    return build(0)
  }
}

/// Lists of lists to return to Lua; a leaf is a number or a list of them.
indirect enum LuaTree: LuaPushable {
  case leaf(any LuaPushable)
  case list([LuaTree])

  func push(to lua: Lua) {
    switch self {
    case .leaf(let value): value.push(to: lua)
    case .list(let trees): trees.push(to: lua)
    }
  }
}

extension Batch {
  /// The batch as Lua sees it, with its tokens known as the task's.
  func luaRecord(of task: any TokenTask, _ session: ModuleState) throws -> LuaRecord {
    let (tokens, targets) = (try tokens.offset(by: 1), try targets.offset(by: 1))
    if let text = task.text {
      session.tokenSources.note(tokens, text)
      if task.targetsAreTokens { session.tokenSources.note(targets, text) }
    }
    return try record(tokens, targets)
  }

  /// The batch as Lua sees it: ids from 1, other fields as they are.
  func luaRecord() throws -> LuaRecord {
    try record(tokens.offset(by: 1), targets.offset(by: 1))
  }

  private func record(_ tokens: IntTensor, _ targets: IntTensor) throws -> LuaRecord {
    let others = try fields.map { name, values in
      (name, LuaObject(Field.numbering.contains(name) ? try values.offset(by: 1) : values))
    }
    return LuaRecord([("tokens", LuaObject(tokens)), ("targets", LuaObject(targets))] + others)
  }

  /// Reads a batch that Lua holds: a table with `tokens`, `targets` and other integer tensors.
  init(_ table: TableReader) throws {
    self.init(
      tokens: try table.object(.name("tokens"), IntTensor.self).offset(by: -1),
      targets: try table.object(.name("targets"), IntTensor.self).offset(by: -1))
    for (name, value) in try table.fields() where name != "tokens" && name != "targets" {
      let values = value.asObject(IntTensor.self)
      fields[name] = Field.numbering.contains(name) ? try values?.offset(by: -1) : values
    }
  }
}
