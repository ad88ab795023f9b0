import Foundation
import Testing

/// Scripts that take all the memory there is: errors that can be caught, after which they go on.
@Suite struct LuaMemoryTests {
  private func run(_ script: String, kilobytes: Int) throws -> Outcome {
    try withFolder { folder in
      let file = try folder.write("script.lua", script)
      let command = package.appending(path: ".build/release/mnemo").path
      return try Running(
        ["-c", "ulimit -v \(kilobytes); exec '\(command)' --threads 1 '\(file.path)'"],
        executable: URL(filePath: "/bin/sh")
      ).finish()
    }
  }

  @Test func listsThatDoNotFit() throws {
    let outcome = try run(
      """
      local done, message = pcall(function()
        local big = mnemo.zeros(200000)
        local all = {}
        for i = 1, 4000 do all[i] = big:totable() end
      end)
      print(done, message)
      collectgarbage()
      print(pcall(function() return mnemo.ones(2):sum():item() end))
      print(pcall(function() return mnemo.ones(1):expand(1000000000):totable() end))
      print(pcall(function() return mnemo.zeros(100000000, 0):totable() end))
      """, kilobytes: 1_000_000)
    let refused = "false\tnot enough memory\n"
    #expect(outcome.output == refused + "true\t2.0\n" + refused + refused, "\(outcome)")
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
  }

  @Test(arguments: [
    "mnemo.ones(3)", "t:shape()", "t:t()", "tostring(t):rep(9)",
    "t + 1", "mnemo.data.bigram { seq_len = 8, seed = 1 }", "mnemo.optim.sgd { lr = 0.1 }",
  ]) func objectsUntilThereIsNoMore(_ value: String) throws {
    let outcome = try run(
      """
      local t = mnemo.ones(2, 3)
      local function fill()
        local all = {}
        local done, message = pcall(function()
          for i = 1, 100000000 do all[i] = \(value) end
        end)
        return done, message, #all > 100
      end
      for _ = 1, 2 do
        local done, message, many = fill()
        collectgarbage()
        print(done, tostring(message):find("not enough memory", 1, true) ~= nil, many)
      end
      print(mnemo.ones(2):sum():item())
      """, kilobytes: 600_000)
    #expect(outcome.output == "false\ttrue\ttrue\nfalse\ttrue\ttrue\n2.0\n", "\(outcome)")
    #expect(outcome.status == 0)
  }
}
