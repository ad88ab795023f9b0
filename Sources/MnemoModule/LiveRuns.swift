import LuaBridge
import Training

/// The training runs that are alive.
final class LiveRuns {
  private struct Entry {
    let number: Int
    weak var run: TrainingRun?
  }
  private var entries: [Entry] = []
  private var count = 0

  func note(_ run: TrainingRun) {
    count += 1
    entries = entries.filter { $0.run != nil } + [Entry(number: count, run: run)]
  }

  var isEmpty: Bool { entries.allSatisfy { $0.run == nil } }

  /// The numbers, in the order they were made, of those that are not saved.
  var unsaved: Set<Int> { Set(entries.filter { $0.run?.isUnsaved == true }.map(\.number)) }
}

extension MnemoModule {
  /// The training runs that would be lost if the process ended now, each by a number of its own.
  public static func unsavedRuns(in lua: Lua) -> Set<Int> {
    guard let runs = lua.moduleState?.liveRuns, !runs.isEmpty else { return [] }
    lua.collect()
    return runs.unsaved
  }
}
