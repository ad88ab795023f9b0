import LuaBridge
import Tasks
import Tensors
import Training
import Transformers

/// Data and losses of a script's own, for `mnemo.train`.
enum TrainingSource {
  /// What a step learns from, as the script knows it.
  private final class Given {
    let value: LuaValue
    init(_ value: LuaValue) { self.value = value }
  }

  /// Where batches come from: a task, a table with a function `batch(self, size, index)`, or one
  /// batch for all steps.
  static func data(
    _ options: LuaOptions, _ callbacks: TrainFunctions.Callbacks
  ) throws -> TrainingData {
    let given = try callbacks.ownData(options)
    if let task = given.asObject((any TokenTask).self) { return .task(task) }
    guard case .table(let table) = given else {
      throw options.failure("data", "Task or table expected, got \(given.typeName)")
    }
    let hasLoss = options.has("loss")
    if case .function = try table.field("batch") {
      return .function(DescribedData(kind: "table", unwritten: ["batch"])) { size, step in
        let table = try callbacks.dataTable()
        guard case .function(let function) = try table.field("batch") else {
          throw EngineError("train", "data has no function batch any more")
        }
        let results = try callbacks.lua.calling(
          "batch", function, [.table(table), .integer(size), .integer(step + 1)])
        return try batch(results.first ?? .nil, hasLoss, "data: batch must return")
      }
    }
    _ = try batch(given, hasLoss, "data must be a Task, have a function batch, or be")
    guard !options.isGiven("batch_size") else {
      throw options.failure("batch_size", "data is one batch, of the size that it has")
    }
    return .function(DescribedData(kind: "batch", unwritten: ["tokens", "targets"])) { _, _ in
      try batch(.table(callbacks.dataTable()), hasLoss, "data must be")
    }
  }

  /// A batch that a script made: with a loss of its own anything, else sequences.
  private static func batch(_ value: LuaValue, _ hasLoss: Bool, _ what: String) throws -> StepBatch
  {
    if let table = value.asTable, table.ifObject("tokens", IntTensor.self) != nil,
      table.ifObject("targets", IntTensor.self) != nil
    {
      return StepBatch(try Batch(table), source: Given(value))
    }
    if value.isNil { throw EngineError("train", "\(what) a batch, got nil") }
    guard hasLoss else {
      throw EngineError(
        "train",
        "\(what) a table with tokens and targets, IntTensors of shape [B, T]; give loss to train on "
          + "other batches")
    }
    return StepBatch(nil, source: Given(value))
  }

  /// The script's `loss(model, batch)`.
  static func loss(
    _ callbacks: TrainFunctions.Callbacks
  ) -> (any Model, StepBatch) throws -> Tensor {
    { model, batch in
      let batch = callbacks.lua.value(of: try batch.luaValue())
      let results = try callbacks.call("loss", label: "loss", [.object(model), batch])
      guard let loss = results.first?.asObject(Tensor.self) else {
        throw EngineError(
          "train",
          "loss must return a 0-dimensional Tensor, got \(results.first?.typeName ?? "nothing")")
      }
      return loss
    }
  }

  fileprivate static func value(of source: AnyObject?) -> LuaValue? { (source as? Given)?.value }
}

extension StepBatch {
  /// The batch as Lua sees it: as the script made it, or with ids from 1.
  func luaValue() throws -> any LuaPushable {
    if let value = TrainingSource.value(of: source) { return value }
    return try sequences?.luaRecord() ?? LuaRecord([])
  }
}
