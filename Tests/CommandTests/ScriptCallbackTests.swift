import Foundation
import Testing

/// Errors, and attempts to leave, inside what a script hands to the engine.
///
/// What `pcall` sees of them is in Tests/Lua/train_test.lua.
@Suite struct ScriptCallbackTests {
  @Test func errorsInProbesSayWhichAndWhere() throws {
    let outcome = try run(
      smallRun + """
        local function sharp(ctx)
          return ctx.logits:no_such_thing()
        end
        train { probes = { blunt = function() return 1 end, sharp = sharp } }
        """)
    #expect(outcome.status == 1)
    #expect(
      outcome.sentence
        == "mnemo: probe 'sharp': script.lua:10: Tensor: has no member 'no_such_thing'")
    #expect(outcome.errors.contains("stack traceback:"))
    #expect(outcome.errors.contains("script.lua:10: in function"))
  }

  @Test func probesReturnNumbers() throws {
    let outcome = try run(smallRun + "train { probes = { odd = function() return '3' end } }")
    #expect(outcome.status == 1)
    #expect(
      outcome.sentence.hasSuffix(
        "probe 'odd': must return a number, a 0-dimensional Tensor or a table of them, got string"))
  }

  @Test(arguments: [
    ("train { probes = { p = leave } }", "probe 'p'"),
    ("train { at = { [1] = leave } }", "at[1]"),
    ("train { on_record = leave }", "on_record"),
    ("train { loss_on = leave }", "loss_on"),
    ("train { loss = leave }", "loss"),
    ("train { data = { batch = leave } }", "batch"),
    ("train { optimizer = { step = leave } }", "optimizer"),
    ("train { stop = leave }", "stop"),
    ("train { optimizer = mnemo.optim.sgd { lr = leave } }", "lr"),
    ("mnemo.no_grad(leave)", "no_grad"),
    ("train { probes = { p = function() mnemo.no_grad(leave) end } }", "no_grad"),
    ("train { probes = { p = function() pcall(leave) leave() end } }", "probe 'p'"),
  ]) func exitInsideACallbackIsAnError(_ line: String, _ label: String) throws {
    for exit in ["os.exit(0)", "os.exit(0, true)"] {
      let outcome = try run(
        smallRun + "local function leave() \(exit) end\n\(line)\nprint 'not reached'")
      #expect(outcome.status == 1)
      #expect(outcome.output.isEmpty)
      #expect(
        outcome.sentence.contains(
          "os.exit inside \(label): the run would be lost; raise an error to end it"))
      #expect(outcome.sentence.contains("script.lua:9: "))
    }
  }

  @Test func exitIsFreeAgainAfterwards() throws {
    let outcome = try run(
      smallRun + """
        print(pcall(train, { probes = { p = function() os.exit() end } }))
        print(train().status)
        os.exit(5, true)
        """)
    #expect(outcome.status == 5)
    #expect(outcome.output.hasPrefix("false\tprobe 'p': script.lua:9: os.exit inside probe 'p'"))
    #expect(outcome.output.hasSuffix("\nfinished\n"))
  }
}
