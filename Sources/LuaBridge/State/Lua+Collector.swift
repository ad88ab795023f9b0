import CLua
import LuaShim

// Lua does not see what its objects weigh: when to collect is decided here.

extension Lua {
  /// Runs a full collection.
  public func collect() {
    guard !calls.pointee.isCollecting, calls.pointee.finalizerDepth == 0 else { return }
    calls.pointee.isCollecting = true
    _ = mnemo_collect(current)
    calls.pointee.isCollecting = false
  }

  /// Bytes in use by Lua itself, without the objects it holds.
  public var usedBytes: Int { mnemo_usage(state) }

  func memoryIsShort() {
    collect()
    if mnemo_hasmemory(Lua.memoryKept) == 0 { noteNoMemory() }
  }

  func collectUnderPressure() {
    calls.pointee.liveObjects += 1
    let live = calls.pointee.liveObjects
    if live & 0x3FF == 0, mnemo_hasmemory(Lua.memoryKept) == 0 { memoryIsShort() }
    guard calls.pointee.finalizerDepth == 0, !calls.pointee.isCollecting else { return }
    let isHeavy = externalBytes.map { $0() > calls.pointee.collectionThreshold } ?? false
    guard isHeavy || live > calls.pointee.objectThreshold else { return }
    calls.pointee.isCollecting = true
    defer { calls.pointee.isCollecting = false }
    // Inside a finalizer written in Lua the collector declines, and the next push asks again.
    guard mnemo_collect(current) == 0 else { return }
    if isHeavy {
      forcedCollections += 1
      calls.pointee.collectionThreshold = max(Lua.minimumThreshold, 2 * (externalBytes?() ?? 0))
    }
    // A collection visits all that lives: the more there is, the more objects have to come first.
    calls.pointee.objectThreshold = max(
      Lua.minimumObjects, 2 * calls.pointee.liveObjects, usedBytes / 128)
  }
}
