import LuaBridge
import Training

/// The training runs that are alive.
final class LiveRuns {
  private struct Entry { weak var run: TrainingRun? }
  private var entries: [Entry] = []

  func note(_ run: TrainingRun) {
    entries = entries.filter { $0.run != nil } + [Entry(run: run)]
  }

  var all: [TrainingRun] { entries.compactMap(\.run) }
}

extension MnemoModule {
  /// How many training runs would be lost if the process ended now.
  public static func unsavedRuns(in lua: Lua) -> Int {
    guard let runs = lua.moduleState?.liveRuns, !runs.all.isEmpty else { return 0 }
    lua.collect()
    return runs.all.count { $0.isUnsaved }
  }
}
