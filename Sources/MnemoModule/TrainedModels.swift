import LuaBridge
import Tasks
import Tensors
import Training
import Transformers

/// The models of one call of `mnemo.train`, and what each of them is given for itself.
struct TrainedModels {
  /// Whether they were given as a list, so that the call returns one.
  let isList: Bool
  let models: [any Model]
  /// Whether each model has data of its own.
  let hasOwnData: Bool
  /// Where each run writes its results.
  let folders: [String?]
  /// Whether what the folders hold goes on.
  let isResumed: Bool
  /// Whether each model has probes of its own.
  let hasOwnProbes: Bool

  init(_ options: LuaOptions) throws {
    let isList = options.isList("model")
    let models = try isList ? options.objects("model", (any Model).self) : [options.object("model")]
    guard !models.isEmpty else {
      throw options.failure("model", "Model or list of models expected, got an empty list")
    }
    /// Whether the option is a list, which then has a value for each model.
    func isOfEach(_ name: String) throws -> Bool {
      guard options.isList(name) else { return false }
      guard isList else { throw options.failure(name, "a list needs a list of models, too") }
      let count = try options.table(name).count
      guard count == models.count else {
        throw options.failure(name, "got \(count) for \(models.count) models; give one to each")
      }
      return true
    }
    (self.isList, self.models) = (isList, models)
    hasOwnData = try options.isListOfData && isOfEach("data")
    isResumed = options.has("resume")
    guard !isResumed || !options.has("dir") && !options.isGiven("overwrite") else {
      throw options.failure("resume", "it takes the place of dir and overwrite")
    }
    let name = isResumed ? "resume" : "dir"
    if try isOfEach(name) {
      folders = try options.strings(name)
    } else if isList, let folder = try options.optionalString(name) {
      folders = models.indices.map { "\(folder)/\($0 + 1)" }
    } else {
      folders = [try options.optionalString(name)] + models.dropFirst().map { _ in nil }
    }
    for (place, folder) in folders.enumerated() {
      guard let folder, let other = folders.firstIndex(of: folder), other < place else { continue }
      throw options.failure(
        name, "[\(place + 1)]: '\(folder)' is also [\(other + 1)]; give each run its own")
    }
    // A table of probes has names for its keys.
    let probes = try options.optionalTable("probes")
    hasOwnProbes = try isList && (probes?.count ?? 0) > 0 && isOfEach("probes")
  }

  /// Runs `body`, whose errors say which model of a list they are about.
  func naming<R>(_ place: Int, in lua: Lua, _ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch {
      guard isList else { throw error }
      let label = "model \(place + 1)"
      switch error {
      case let error as LuaError: throw error.labelled(label, in: lua)
      case let error as EngineError: throw EngineError(label, error.description)
      default: throw error
      }
    }
  }
}

extension LuaOptions {
  /// Whether a list was given, where one thing may be, too.
  fileprivate func isList(_ name: String) -> Bool {
    if case .table = value(name) { true } else { false }
  }

  /// Whether `data` is a list of tasks, or of tables that stand for them, and not one itself.
  fileprivate var isListOfData: Bool {
    switch value("data").asTable?.value(.index(1)) {
    case .object(let object)?: object is any TokenTask
    case .table?: true
    default: false
    }
  }
}
