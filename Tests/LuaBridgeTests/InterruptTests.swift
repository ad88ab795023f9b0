import Glibc
import LuaBridge
import Testing

/// SIGINT, sent by the script to itself; one at a time, since a process has one handler.
@Suite(.serialized) struct InterruptTests {
  static var functions: [LuaFunction] {
    [
      LuaFunction("sigint", "") { _ in
        raise(SIGINT)
        return 0
      },
      LuaFunction("cut", "") { _ in throw Stopped() },
      LuaFunction("take", "") { $0.returns($0.lua.takeInterrupt()) },
      LuaFunction("pending", "") { $0.returns($0.lua.isInterruptPending) },
      LuaFunction("deferring", "") { call in
        try call.lua.deferringInterrupts { try call.returns(all: call.function(1).call()) }
      },
      LuaFunction("stopped", "") { $0.returns(StopToken.stopsHere) },
      ErrorTests.callback,
    ]
  }

  func withInterrupts(_ body: (Lua) throws -> Void) rethrows {
    try withLua(Self.functions) { lua in
      lua.hearInterrupts()
      defer { lua.ignoreInterrupts() }
      try body(lua)
    }
  }

  @Test func stopsALoop() {
    withInterrupts { lua in
      let error = #expect(throws: LuaError.self) {
        try lua.run("m.sigint()\nwhile true do end", chunkName: "@loop.lua")
      }
      #expect(error?.isInterrupt == true)
      #expect(error?.message.hasPrefix("loop.lua:") == true)
      #expect(!lua.isInterruptPending)
      // And once more: the handler is still there.
      lua.countInterruptsAnew()
      #expect(message(lua, "m.sigint() while true do end").hasSuffix("interrupted!"))
      #expect(results(lua, "return 1") == [1])
    }
  }

  @Test func stopsACallback() {
    withInterrupts { lua in
      #expect(
        message(lua, "m.callback(function() m.sigint() while true do end end)")
          .hasSuffix("interrupted!"))
    }
  }

  /// A second one is raised until the code is out, however it catches errors.
  @Test(arguments: [
    "while true do pcall(work) end",
    "while true do pcall(coroutine.wrap(function() while true do pcall(work) end end)) end",
    "while true do coroutine.resume(coroutine.create(function() while true do pcall(work) end end)) end",
    "string.gsub('xx', '.', function() while true do pcall(work) end end)",
    "while true do local x <close> = closing; pcall(work) end",
    "return pcall(work), pcall(work), pcall(work)",
    "while true do xpcall(work, work) end",
    "while true do xpcall(error, work) end",
    "m.callback(function() while true do pcall(work) end end)",
  ]) func aSecondOneIsRaisedAgainAndAgain(_ loop: String) {
    withInterrupts { lua in
      let error = #expect(throws: LuaError.self) {
        try lua.run(
          """
          count = 0
          function work() count = count + 1; m.sigint() while true do end end
          closing = setmetatable({}, { __close = function() while count > 1 do end end })
          \(loop)
          """)
      }
      #expect(error?.isInterrupt == true)
      #expect(lua.isInterruptInsisted && lua.isInterruptPending)
      // Nothing runs, and whoever takes it leaves it for the next.
      #expect(message(lua, "ran = true").hasSuffix("interrupted!"))
      #expect(lua.takeInterrupt() && lua.takeInterrupt())
      lua.countInterruptsAnew()
      #expect(!lua.isInterruptInsisted && !lua.isInterruptPending)
      #expect(results(lua, "return count, ran") == [2, nil])
    }
  }

  @Test func handlersOfErrorsAreAsTheyWere() {
    withInterrupts { lua in
      #expect(
        results(
          lua, "return xpcall(function(...) return select('#', ...), ... end, print, nil, 2)")
          == [true, 2, nil, 2])
      #expect(
        results(
          lua,
          """
          local function fails(what) error(what, 0) end
          local at
          local function say(e) at = debug.getinfo(3, "f").func return e .. "!" end
          local done, words = xpcall(fails, say, "no")
          return done, words, at == fails
          """) == [false, "no!", true])
      // A coroutine may yield inside.
      #expect(
        results(
          lua,
          """
          local co = coroutine.wrap(function()
            return xpcall(function() coroutine.yield(1) error("late", 0) end, string.upper)
          end)
          return co(), co()
          """) == [1, false, "LATE"])
      #expect(
        message(lua, "xpcall(print)")
          == "script.lua:1: bad argument #2 to 'xpcall' (function expected, got no value)")
      #expect(
        results(lua, "return xpcall(m.cut, function(e) return 'handled ' .. e end)") == [
          false, "handled interrupted!",
        ])
    }
  }

  @Test func oneThatWaitsIsTheFirstOfTheNextCount() {
    withInterrupts { lua in
      raise(SIGINT)
      lua.countInterruptsAnew()
      #expect(message(lua, "while true do end").hasSuffix("interrupted!"))
      #expect(results(lua, "return 1") == [1])
      raise(SIGINT)
      #expect(lua.isInterruptInsisted)
    }
  }

  @Test func isKnownByItsValueNotItsWords() throws {
    try withInterrupts { lua in
      let error = #expect(throws: LuaError.self) {
        try lua.run("error('the upload was interrupted!')", chunkName: "@disk.lua")
      }
      #expect(error?.isInterrupt == false)
      #expect(message(lua, "error 'interrupted!'").hasPrefix("script.lua:1: "))
      // What a script caught: it knows it by its text, and may raise it again.
      let caught = try lua.run(
        "local _, e = pcall(function() m.sigint() while true do end end) return e",
        chunkName: "@loop.lua")
      #expect(lua.isInterrupt(caught[0]))
      #expect(!lua.isInterrupt("loop.lua:1: interrupted!") && !lua.isInterrupt(.nil))
      lua.setGlobal("caught", caught[0])
      #expect(
        results(lua, "return tostring(caught), 'ended: ' .. caught, caught .. '?'") == [
          "loop.lua:1: interrupted!", "ended: loop.lua:1: interrupted!",
          "loop.lua:1: interrupted!?",
        ])
      let again = #expect(throws: LuaError.self) { try lua.run("error(caught)") }
      #expect(again?.isInterrupt == true)
      let words = #expect(throws: LuaError.self) { try lua.run("error(tostring(caught), 0)") }
      #expect(words?.isInterrupt == false)
    }
  }

  @Test func swiftMayRaiseOne() {
    withInterrupts { lua in
      let error = #expect(throws: LuaError.self) { try lua.run("m.cut()", chunkName: "@a.lua") }
      #expect(error?.isInterrupt == true)
      #expect(error?.message == "a.lua:1: interrupted!")
    }
  }

  @Test func swiftMayTakeIt() {
    withInterrupts { lua in
      raise(SIGINT)
      #expect(lua.isInterruptPending)
      #expect(lua.takeInterrupt())
      #expect(!lua.takeInterrupt())
      #expect(results(lua, "return 1") == [1])
    }
  }

  /// Only one state hears Ctrl-C: what another does, on its own thread or this one, goes on.
  @Test func otherStatesHearNothing() {
    withInterrupts { lua in
      withLua(Self.functions) { other in
        raise(SIGINT)
        #expect(lua.isInterruptPending && !other.isInterruptPending)
        #expect(!other.takeInterrupt())
        other.countInterruptsAnew()
        #expect(results(other, "return m.take(), m.pending()") == [false, false])
        #expect(results(other, "for i = 1, 1000 do end return m.stopped()") == [false])
        // Deferring there defers nothing here.
        other.deferringInterrupts {
          #expect(message(lua, "return m.stopped()").hasSuffix("interrupted!"))
        }
        other.ignoreInterrupts()
        lua.countInterruptsAnew()
        raise(SIGINT)
        #expect(lua.takeInterrupt())
      }
    }
  }

  @Test func deferredUntilTheStepEnds() throws {
    try withInterrupts { lua in
      let values = try lua.run(
        """
        return m.deferring(function()
          m.sigint()
          local seen = m.pending()
          for i = 1, 100 do end
          return seen, m.take(), m.pending()
        end)
        """)
      #expect(values == [true, true, false])
      lua.countInterruptsAnew()
      // Nobody took it: raised when the deferral ends.
      #expect(
        message(lua, "m.deferring(function() m.sigint() end) while true do end")
          .hasSuffix("interrupted!"))
      lua.countInterruptsAnew()
      // A second one is raised at once.
      #expect(
        message(lua, "m.deferring(function() m.sigint() m.sigint() while true do end end)")
          .hasSuffix("interrupted!"))
    }
  }
}
