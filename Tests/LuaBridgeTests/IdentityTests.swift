import LuaBridge
import Testing

@Suite struct IdentityTests {
  private final class Node: Counter {}

  private func declarations(_ tally: Counter.Tally) -> ([LuaFunction], [LuaClass]) {
    var kept: Node?
    return (
      [
        LuaFunction("node", "Makes a node and keeps it in Swift.") { call in
          let node = Node(tally)
          kept = node
          return call.returns(node)
        },
        LuaFunction("again", "The kept node.") { call in
          call.returns(kept.map { LuaObject($0) })
        },
        LuaFunction("forget", "Lets go of it in Swift.") { call in
          kept = nil
          return call.returns()
        },
        LuaFunction("keep", "Keeps a value in a node.", parameters: [LuaParameter("node", .any)]) {
          call in
          call.lua.setUserValue(of: try call.object(1, Node.self), call.value(2))
          return call.returns()
        },
        LuaFunction("kept", "The value kept in a node.") { call in
          call.returns(call.lua.userValue(of: try call.object(1, Node.self)))
        },
      ],
      [LuaClass("Node", for: Node.self, "Identified.", isIdentified: true)]
    )
  }

  @Test func oneObjectIsOneUserdata() throws {
    let (functions, classes) = declarations(.init())
    try withLua(functions, classes: classes) { lua in
      let found = try lua.run(
        "local a = m.node() local t = {[a] = 1} return rawequal(a, m.again()), t[m.again()]")
      #expect(found == [true, 1])
    }
  }

  @Test func valuesKeptInAnObjectAreFoundAgain() throws {
    let (functions, classes) = declarations(.init())
    try withLua(functions, classes: classes) { lua in
      let found = try lua.run(
        "local a = m.node() m.keep(a, {7}) collectgarbage() return m.kept(m.again())[1]")
      #expect(found == [7])
    }
  }

  @Test func aCycleThroughAKeptClosureIsCollected() throws {
    let tally = Counter.Tally()
    let (functions, classes) = declarations(tally)
    try withLua(functions, classes: classes) { lua in
      try lua.run(
        """
        for i = 1, 100 do
          local a = m.node()
          m.keep(a, function() return a end)
        end
        m.forget()
        collectgarbage() collectgarbage()
        """)
      #expect(tally.alive == 0)
    }
  }

  @Test func aClosedObjectIsNotFoundAgain() throws {
    let (functions, classes) = declarations(.init())
    try withLua(functions, classes: classes) { lua in
      let found = try lua.run(
        "local old do local a <close> = m.node() old = a end return rawequal(old, m.again())")
      #expect(found == [false])
    }
  }
}
