import CLua
import LuaShim

// Lua does not see what its objects weigh: when to collect is decided here.

extension Lua {
  /// Runs a full collection.
  public func collect() {
    guard !isCollecting, finalizerDepth == 0 else { return }
    isCollecting = true
    _ = mnemo_collect(current)
    isCollecting = false
  }

  /// Bytes in use by Lua itself, without the objects it holds.
  public var usedBytes: Int { mnemo_usage(state) }

  func memoryIsShort() {
    collect()
    if mnemo_hasmemory(Lua.memoryKept) == 0 { noteNoMemory() }
  }

  func collectUnderPressure() {
    liveObjects += 1
    if liveObjects & 0x3FF == 0, mnemo_hasmemory(Lua.memoryKept) == 0 { memoryIsShort() }
    guard finalizerDepth == 0, !isCollecting else { return }
    let isHeavy = externalBytes.map { $0() > collectionThreshold } ?? false
    guard isHeavy || liveObjects > objectThreshold else { return }
    isCollecting = true
    defer { isCollecting = false }
    // Inside a finalizer written in Lua the collector declines, and the next push asks again.
    guard mnemo_collect(current) == 0 else { return }
    if isHeavy {
      forcedCollections += 1
      collectionThreshold = max(Lua.minimumThreshold, 2 * (externalBytes?() ?? 0))
    }
    // A collection visits all that lives: the more there is, the more objects have to come first.
    objectThreshold = max(Lua.minimumObjects, 2 * liveObjects, usedBytes / 128)
  }
}
