import LuaBridge
import RunStore
import Tasks
import Tensors
import Training

/// What one opened module remembers between calls: the seed and how many draws followed it, where
/// ids came from, which runs are alive.
///
/// Each Lua state has one of its own, on its own thread.
final class ModuleState {
  /// Where token ids came from.
  let tokenSources = TokenSources()
  /// The training runs that are alive.
  let liveRuns = LiveRuns()
  /// The point of a sweep that is being measured, whose runs belong to it.
  var sweepPoint: (store: RunStore, id: Int64, progress: String?)?
  /// How tensors print.
  var printOptions = PrintOptions()

  /// The seed that draws without one of their own follow.
  var seed: UInt64 = 0 {
    didSet { draws = 0 }
  }
  fileprivate var draws: UInt64 = 0

  /// What is known of the script that runs, once it was asked for.
  var origin: RunOrigin?

  /// A stream of its own for one call that draws numbers.
  func nextStream() -> RandomStream {
    defer { draws += 1 }
    return RandomStream(seed: seed, purpose: .tensor, index: draws)
  }

  private var aliasTables: [ObjectIdentifier: PreparedWeights] = [:]

  /// A tensor's weights, prepared for drawing.
  private struct PreparedWeights {
    weak var tensor: Tensor?
    let version: Int
    let tables: [AliasTable]
  }

  /// The alias tables of weights, one of a vector and one of each row of a matrix, made at their
  /// first use and when they have changed.
  func aliasTables(_ weights: Tensor) throws -> [AliasTable] {
    let key = ObjectIdentifier(weights)
    if let known = aliasTables[key], known.tensor === weights, known.version == weights.version {
      return known.tables
    }
    if aliasTables.count > 4096 { aliasTables = aliasTables.filter { $0.value.tensor != nil } }
    let elements = weights.elements().map(Double.init)
    let width = weights.shape.last ?? 1
    let rows = weights.shape.dropLast().reduce(1, *)
    let tables = try (0..<rows).map { row in
      try AliasTable(weights: Array(elements[row * width..<(row + 1) * width]))
    }
    aliasTables[key] = PreparedWeights(tensor: weights, version: weights.version, tables: tables)
    return tables
  }

  private var made: [ObjectIdentifier: Made] = [:]

  /// What something was made with.
  private struct Made {
    weak var object: AnyObject?
    let options: [String]
  }

  /// Notes the options that something was made with.
  ///
  /// Of a script that keeps more than a thousand objects the later ones are known.
  func note(_ object: AnyObject, madeWith options: LuaOptions) {
    if made.count > 1024 { made = made.filter { $0.value.object != nil } }
    if made.count > 1024 { made = [:] }
    made[ObjectIdentifier(object)] = Made(object: object, options: options.given)
  }

  /// The names of the options that something was made with; nil if that is not known.
  func options(of object: AnyObject) -> [String]? {
    made[ObjectIdentifier(object)].flatMap { $0.object === object ? $0.options : nil }
  }

  private var batches: [ObjectIdentifier: BatchCount] = [:]

  /// How many batches without an index a task has given.
  private struct BatchCount {
    weak var task: (any TokenTask)?
    var next: UInt64
  }

  /// The index of the next batch that is drawn from a task without one, from 0.
  func nextBatch(of task: any TokenTask) -> UInt64 {
    let key = ObjectIdentifier(task)
    // An address may be used again by a later task, which begins anew.
    let index = batches[key].flatMap { $0.task === task ? $0.next : nil } ?? 0
    if batches.count > 1024 { batches = batches.filter { $0.value.task != nil } }
    batches[key] = BatchCount(task: task, next: index + 1)
    return index
  }

  /// The task that a batch was drawn from last, and the index that would follow.
  private var lastDrawn: (task: ObjectIdentifier, size: Int, next: UInt64, ahead: BatchesAhead)?

  /// A training batch; of a script that takes one after the other, the next is drawn meanwhile.
  func batch(of task: any TokenTask, _ size: Int, index: UInt64) throws -> Batch {
    guard task is any ConcurrentTask, let place = Int(exactly: index), place < .max else {
      return try task.batch(size, index: index, purpose: .data)
    }
    let last = lastDrawn.flatMap { ($0.task, $0.size) == (ObjectIdentifier(task), size) ? $0 : nil }
    let ahead = last?.ahead ?? BatchesAhead(task, size: size)
    lastDrawn = (ObjectIdentifier(task), size, index + 1, ahead)
    return try ahead.batch(place, isFollowed: last?.next == index)
  }

  /// A seed for a task or model that was given none; small enough for any file format.
  func nextSeed() -> UInt64 {
    var stream = nextStream()
    return stream.next() >> 11
  }
}

extension ModuleState: RandomSession {
  var randomPosition: RandomPosition {
    get { RandomPosition(seed: seed, draws: draws) }
    set {
      seed = newValue.seed
      draws = newValue.draws
    }
  }
}

/// What a Lua state keeps for the module that opened in it.
final class OpenedModule {
  let state: ModuleState
  // The declarations' functions hold the state, and not the other way round.
  let registry: Registry

  init(_ state: ModuleState, _ registry: Registry) {
    (self.state, self.registry) = (state, registry)
  }
}

extension Lua {
  /// What the module opened in this state remembers; nil if there is none.
  var moduleState: ModuleState? { (attachment as? OpenedModule)?.state }
}

extension LuaOptions {
  /// The stream of the seed given; without one, the next that follows `mnemo.seed`.
  func tensorStream(_ session: ModuleState) throws -> RandomStream {
    try optionalInteger("seed").map {
      RandomStream(seed: UInt64(bitPattern: Int64($0)), purpose: .tensor)
    } ?? session.nextStream()
  }
}
