import FoundationEssentials
import Tasks
import Tensors
import Testing
import Transformers

/// Checks that `body` throws an `EngineError` of exactly this text.
func expectError<R>(
  _ text: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> R
) {
  do {
    _ = try body()
    Issue.record("no error; expected \(text)", sourceLocation: sourceLocation)
  } catch let error as EngineError {
    #expect(error.description == text, sourceLocation: sourceLocation)
  } catch {
    Issue.record("\(error) is not an EngineError", sourceLocation: sourceLocation)
  }
}

/// Checks shape and elements, with a tolerance relative to the largest entry expected.
func expectClose(
  _ actual: Tensor?, _ expected: Tensor, _ tolerance: Float, _ label: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard let actual, actual.shape == expected.shape else {
    Issue.record(
      "\(label): shape \(actual?.shape.description ?? "of nothing"), not \(expected.shape)",
      sourceLocation: sourceLocation)
    return
  }
  let (x, y) = (actual.elements(), expected.elements())
  let largest = y.reduce(0) { max($0, abs($1)) }
  guard largest > 0 else {
    Issue.record("\(label): nothing but zeros expected", sourceLocation: sourceLocation)
    return
  }
  // Written so that NaN is a difference too.
  let worst = zip(x, y).map { abs($0 - $1) }.enumerated().first {
    !($0.element <= tolerance * largest)
  }
  if let (place, _) = worst {
    Issue.record(
      "\(label): element \(place) is \(x[place]), not \(y[place]) (largest \(largest))",
      sourceLocation: sourceLocation)
  }
}

/// The values of every parameter, bit for bit; short in failures.
struct Bits: Equatable, CustomTestStringConvertible {
  private let values: [String: [UInt32]]

  init(_ parameters: Parameters) {
    values = Dictionary(
      uniqueKeysWithValues: parameters.all.map {
        ($0.name, $0.tensor.elements().map(\.bitPattern))
      })
  }

  subscript(name: String) -> [UInt32]? { values[name] }

  var testDescription: String {
    let sums = values.sorted { $0.key < $1.key }.map { name, bits in
      "\(name) \(bits.map { Float(bitPattern: $0) }.reduce(0, +))"
    }
    return "sums: \(sums.joined(separator: ", "))"
  }
}

extension Parameters {
  /// The values of every parameter.
  var bits: Bits { Bits(self) }

  /// The names of the trained ones, in order.
  var trainedNames: [String] { trained.map(\.name) }
}

extension SimplifiedConfiguration {
  /// A small configuration, every size different.
  static func small(_ change: (inout SimplifiedConfiguration) -> Void = { _ in })
    -> SimplifiedConfiguration
  {
    var configuration = SimplifiedConfiguration(vocab: 11)
    configuration.dim = 8
    configuration.maxLen = 15
    configuration.seed = 7
    change(&configuration)
    return configuration
  }
}

extension TransformerConfiguration {
  /// A small configuration, every size different.
  static func small(_ change: (inout TransformerConfiguration) -> Void = { _ in })
    -> TransformerConfiguration
  {
    var configuration = TransformerConfiguration(vocab: 11)
    configuration.dim = 12
    configuration.heads = 3
    configuration.maxLen = 15
    configuration.seed = 7
    change(&configuration)
    return configuration
  }
}

/// Sequences of 13 tokens with triggers that come again, for models of `small`.
func smallBatch(_ size: Int = 3) throws -> Batch {
  var options = BigramTask.Options(corpus: try .uniform(11))
  options.triggers = 3
  options.seqLen = 13
  options.seed = 5
  return try BigramTask(options).batch(size, index: 0)
}

/// Calls `body` with the path of a new folder, which is removed afterwards.
func withTemporaryFolder<R>(_ body: (String) throws -> R) throws -> R {
  let path = FileManager.default.temporaryDirectory.path + "/mnemo-tests-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

/// The path of a golden file.
func fixture(_ name: String) -> String {
  let tests = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
  return "/\(tests)/Fixtures/\(name).safetensors"
}
