import LuaBridge
import Testing

/// Collections forced by what objects weigh outside Lua.
@Suite struct CollectorTests {
  static let megabyte = 1 << 20

  @Test func garbageRunsInConstantMemory() throws {
    let tally = Counter.Tally()
    let (functions, classes) = Counter.declarations(tally)
    var most = 0
    try withLua(functions, classes: classes) { lua in
      lua.externalBytes = {
        most = max(most, tally.alive)
        return tally.alive * Self.megabyte
      }
      try lua.run("for i = 1, 1000 do m.counter(i) end")
      #expect(most == 65)
      #expect(lua.forcedCollections == 1000 / 64)
      #expect(lua.collectionThreshold == Lua.minimumThreshold)
    }
  }

  @Test func theThresholdFollowsWhatLives() throws {
    let tally = Counter.Tally()
    let (functions, classes) = Counter.declarations(tally)
    try withLua(functions, classes: classes) { lua in
      lua.externalBytes = { tally.alive * Self.megabyte }
      try lua.run("kept = {} for i = 1, 100 do kept[i] = m.counter(i) end")
      // 65 were alive at the first collection; the next comes at twice that.
      #expect(lua.forcedCollections == 1)
      #expect(lua.collectionThreshold == 130 * Self.megabyte)
      try lua.run("kept = nil for i = 1, 40 do m.counter(i) end")
      #expect(lua.forcedCollections == 2)
      #expect(lua.collectionThreshold == Lua.minimumThreshold)
    }
  }

  /// Objects without weight do not pile up either, however slowly Lua's own cycles finalize them.
  @Test func lightObjectsGoSoon() throws {
    let tally = Counter.Tally()
    let (functions, classes) = Counter.declarations(tally)
    try withLua(functions, classes: classes) { lua in
      try lua.run("collectgarbage('stop') for i = 1, 50000 do m.counter(i) end")
      #expect(tally.alive <= 4097)
      // What lives moves the threshold, so that a growing list is not visited for every object.
      try lua.run("kept = {} for i = 1, 50000 do kept[i] = m.counter(i) end")
      #expect(tally.alive >= 50000)
      // It comes down again step by step: what was finalized takes up Lua's memory for a cycle
      // more.
      try lua.run("kept = nil for i = 1, 300000 do m.counter(i) end")
      #expect(tally.alive <= 10_000)
    }
  }

  @Test func noCollectionInsideAFinalizer() throws {
    let tally = Counter.Tally()
    let (functions, classes) = Counter.declarations(tally)
    try withLua(functions, classes: classes) { lua in
      lua.externalBytes = { Lua.minimumThreshold * 10 }
      try lua.run(
        """
        for i = 1, 20 do setmetatable({}, {__gc = function() m.counter(1) end}) end
        collectgarbage()
        collectgarbage()
        """)
      lua.collect()
      #expect(tally.alive == 0)
    }
  }
}
