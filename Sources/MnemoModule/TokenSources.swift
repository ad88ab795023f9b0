import LuaBridge
import Tasks
import Tensors
import Training

/// Where token ids came from, so that the prompt can show them as text.
///
/// Tensors are known by identity while they live; nothing is kept alive.
struct TokenSources {
  private struct Entry {
    weak var tensor: IntTensor?
    let corpus: Corpus
  }

  // A Lua state lives on one thread, and the tensors with it.
  nonisolated(unsafe) private static var entries: [ObjectIdentifier: Entry] = [:]

  /// Notes that a tensor holds ids of a corpus, counted from 1.
  static func note(_ tensor: IntTensor, _ corpus: Corpus) {
    if entries.count >= 1024 { entries = entries.filter { $0.value.tensor != nil } }
    entries[ObjectIdentifier(tensor)] = Entry(tensor: tensor, corpus: corpus)
  }

  /// Passes on what is known of a tensor to one made of its elements.
  static func inherit(_ view: IntTensor, from tensor: IntTensor) {
    if let corpus = corpus(of: tensor) { note(view, corpus) }
  }

  /// The corpus that a tensor's ids belong to.
  static func corpus(of tensor: IntTensor) -> Corpus? {
    entries[ObjectIdentifier(tensor)].flatMap { $0.tensor === tensor ? $0.corpus : nil }
  }
}

/// The training runs that are alive.
struct LiveRuns {
  private struct Entry { weak var run: TrainingRun? }
  nonisolated(unsafe) private static var entries: [Entry] = []

  static func note(_ run: TrainingRun) {
    entries = entries.filter { $0.run != nil } + [Entry(run: run)]
  }

  static var all: [TrainingRun] { entries.compactMap(\.run) }
}

extension MnemoModule {
  /// The text of ids that a task drew, one string for each sequence; nil for other tensors.
  public static func decode(_ tensor: IntTensor) throws -> [String]? {
    guard let corpus = TokenSources.corpus(of: tensor), tensor.shape.count <= 2,
      let length = tensor.shape.last, length > 0
    else { return nil }
    let ids = tensor.offset(by: -1).elements()
    return try stride(from: 0, to: min(ids.count, 32 * length), by: length).map {
      try corpus.decode(Array(ids[$0..<$0 + length]))
    }
  }

  /// How many training runs would be lost if the process ended now.
  public static func unsavedRuns(in lua: Lua) -> Int {
    guard !LiveRuns.all.isEmpty else { return 0 }
    lua.collect()
    return LiveRuns.all.count { $0.isUnsaved }
  }
}
