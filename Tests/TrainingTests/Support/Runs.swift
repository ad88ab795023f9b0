import FoundationEssentials
import Tasks
import Tensors
import Testing
import Training
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

/// Sequences of 13 tokens with triggers that come again.
func smallTask(vocab: Int = 11, seqLen: Int = 13) throws -> BigramTask {
  var options = BigramTask.Options(corpus: try .uniform(vocab))
  (options.triggers, options.seqLen, options.seed) = (3, seqLen, 5)
  return try BigramTask(options)
}

/// A model of those sequences.
func smallModel(
  _ change: (inout SimplifiedConfiguration) -> Void = { _ in }
) throws -> SimplifiedTransformer {
  var configuration = SimplifiedConfiguration(vocab: 11)
  (configuration.dim, configuration.maxLen, configuration.seed) = (8, 15, 7)
  change(&configuration)
  return try SimplifiedTransformer(configuration)
}

/// A run of a fresh small model, batches of 4 and a record every 3 steps, silent.
func smallRun(
  steps: Int, optimizer: (any Optimizer)? = nil, model: (any Model)? = nil,
  _ change: (inout TrainingOptions) throws -> Void = { _ in }
) throws -> TrainingRun {
  var options = TrainingOptions(
    model: try model ?? smallModel(), task: try smallTask(), steps: steps,
    optimizer: try optimizer ?? SGD(learningRate: .constant(0.5), momentum: 0.9))
  (options.batchSize, options.evalEvery, options.showsProgress) = (4, 3, false)
  try change(&options)
  return try TrainingRun(options)
}

extension TrainingRun {
  /// The values of every parameter.
  var bits: Bits { options.model.bits }
  /// The steps of the records.
  var steps: [Int] { history.map(\.step) }
  /// The losses of the records, bit for bit.
  var losses: [Int: UInt64] {
    Dictionary(uniqueKeysWithValues: history.map { ($0.step, $0.loss.bitPattern) })
  }
  /// Whether no parameter is left with a gradient.
  var hasNoGradients: Bool { options.model.parameters.all.allSatisfy { $0.tensor.grad == nil } }
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

extension Model {
  /// The values of every parameter.
  var bits: Bits { Bits(parameters) }
}

/// Update rules that remember nothing, one buffer and two.
enum UpdateRule: CaseIterable {
  case plain, momentum, adamw

  func optimizer(_ rate: LearningRate) throws -> any Optimizer {
    switch self {
    case .plain: try SGD(learningRate: rate)
    case .momentum: try SGD(learningRate: rate, momentum: 0.9, weightDecay: 0.01)
    case .adamw: try AdamW(learningRate: rate)
    }
  }
}

/// What a callback of a test throws.
struct Refusal: Error {}

/// Calls `body` with the path of a new folder, which is removed afterwards.
func withTemporaryFolder<R>(_ body: (String) throws -> R) throws -> R {
  let path = FileManager.default.temporaryDirectory.path + "/mnemo-tests-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

/// The lines of a file.
func lines(_ path: String) throws -> [String] {
  try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
}
