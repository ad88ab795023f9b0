import LuaBridge
import Tasks
import Tensors
import Transformers

/// The batch that a script's sampler fills, with what it returned checked: of one sequence after
/// the other, or of all at once.
struct DrawnSequences {
  private let lua: Lua
  private let sizes: CustomTask.Sizes
  private let count: Int
  private let tokens: IntTensor
  private let targets: IntTensor
  private let occurrence: IntTensor

  init(_ lua: Lua, _ sizes: CustomTask.Sizes, count: Int) throws {
    (self.lua, self.sizes, self.count) = (lua, sizes, count)
    tokens = try IntTensor(shape: [count, sizes.seqLen])
    targets = try IntTensor(shape: sizes.targets(count))
    occurrence = try IntTensor(shape: [count, sizes.seqLen])
  }

  var batch: Batch {
    Batch(tokens: tokens, targets: targets, fields: [Batch.Field.occurrence: occurrence])
  }

  /// Takes what `sample` returned as sequence `i`.
  func take(_ results: [LuaValue], asSequence i: Int) throws {
    try take(results, Sampler(lua: lua, name: "sample", count: nil), at: i..<i + 1)
  }

  /// Takes what `sample_batch` returned.
  func take(_ results: [LuaValue]) throws {
    try take(results, Sampler(lua: lua, name: "sample_batch", count: count), at: 0..<count)
  }

  private func take(_ results: [LuaValue], _ sampler: Sampler, at rows: Range<Int>) throws {
    let length = sizes.seqLen
    var results = ArraySlice(results)
    func next() -> LuaValue { results.popFirst() ?? .nil }
    if let classes = sizes.classes {
      let ids = try sampler.read(next(), "ids", [length], "seq_len", upTo: sizes.vocab)
      let answers =
        sizes.readout == .lastPosition
        ? try sampler.readOne(next(), "target", upTo: classes)
        : try sampler.read(next(), "targets", [length], "seq_len", upTo: classes)
      try copy(ids, to: tokens, at: rows, offset: -1)
      try copy(answers, to: targets, at: rows, offset: -1)
    } else {
      let ids = try sampler.read(next(), "ids", [length + 1], "seq_len + 1", upTo: sizes.vocab)
      try copy(ids, to: tokens, at: rows, offset: -1)
      try copy(ids, from: 1, to: targets, at: rows, offset: -1)
    }
    let seen = next()
    guard !seen.isNil else { return }
    let counts = try sampler.read(seen, "occurrence", [length], "seq_len", upTo: nil)
    try copy(counts, to: occurrence, at: rows, offset: 0)
  }

  /// Copies rows of numbers, each from its element `first` on and as far as `tensor` is wide.
  private func copy(
    _ numbers: [Int32], from first: Int = 0, to tensor: IntTensor, at rows: Range<Int>,
    offset: Int32
  ) throws {
    let width = tensor.rank == 1 ? 1 : sizes.seqLen
    let stride = numbers.count / rows.count
    try tensor.withMutableElements { out in
      for (i, row) in rows.enumerated() {
        for t in 0..<width { out[row * width + t] = numbers[i * stride + first + t] + offset }
      }
    }
  }
}

/// What a sampler returned, read as integers.
private struct Sampler {
  let lua: Lua
  let name: String
  /// The number of sequences that were asked for; nil for one by itself.
  let count: Int?

  /// Integers of each sequence, in a list or an IntTensor.
  func read(
    _ value: LuaValue, _ what: String, _ shape: [Int], _ words: String, upTo most: Int?
  ) throws -> [Int32] {
    let numbers = try integers(value, what)
    let wanted = (count.map { [$0] } ?? []) + shape
    guard count == nil ? numbers.elements.count == shape[0] : numbers.shape == wanted else {
      throw EngineError(
        name,
        count == nil
          ? "must return \(shape[0]) \(what) (\(words)), got \(numbers.elements.count)"
          : "must return \(what) of shape \(wanted) = [n, \(words)], got \(numbers.shape)")
    }
    try check(numbers.elements, what, upTo: most)
    return numbers.elements
  }

  /// One integer of each sequence.
  func readOne(_ value: LuaValue, _ what: String, upTo most: Int) throws -> [Int32] {
    guard let count else {
      guard let number = value.asInteger else {
        throw EngineError(name, "must return a \(what) after the ids, an id up to \(most)")
      }
      let small = try small(number, what)
      try check([small], what, upTo: most)
      return [small]
    }
    let numbers = try integers(value, what + "s")
    guard numbers.shape == [count] else {
      throw EngineError(
        name, "must return \(what)s of shape [\(count)] = [n], got \(numbers.shape)")
    }
    try check(numbers.elements, what, upTo: most)
    return numbers.elements
  }

  private func check(_ numbers: [Int32], _ what: String, upTo most: Int?) throws {
    guard let most, let bad = numbers.first(where: { $0 < 1 || $0 > most }) else { return }
    throw EngineError(name, "\(what == "ids" ? "id" : what) \(bad) is outside 1…\(most)")
  }

  private func small(_ number: Int, _ what: String) throws -> Int32 {
    guard let small = Int32(exactly: number) else {
      throw EngineError(name, "\(what): integers have 32 bits here, got \(number)")
    }
    return small
  }

  private func integers(
    _ value: LuaValue, _ what: String
  ) throws -> (elements: [Int32], shape: [Int]) {
    do {
      return try unlabelled(value, what)
    } catch let bad as BadArgument {
      throw EngineError(name, "\(what): \(bad.description)")
    }
  }

  private func unlabelled(
    _ value: LuaValue, _ what: String
  ) throws -> (elements: [Int32], shape: [Int]) {
    switch value {
    case .object(let tensor as IntTensor): return (tensor.elements(), tensor.shape)
    case .table(let reference) where count == nil:
      let numbers = try lua.integers(in: reference).map { try small($0, what) }
      return (numbers, [numbers.count])
    case .table(let reference):
      guard let table = reference.table else { return ([], [0]) }
      var numbers = [Int32]()
      let shape = try NestedList.read(table) { reader, key in
        numbers.append(try small(reader.integer(key), what))
      }
      return (numbers, shape)
    default:
      throw EngineError(
        name, "must return \(what) as a list or an IntTensor, got \(value.typeName)")
    }
  }
}
