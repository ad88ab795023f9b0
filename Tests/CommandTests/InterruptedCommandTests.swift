import Foundation
import Glibc
import Testing

/// Ctrl-C.
@Suite struct InterruptedCommandTests {
  /// Training without end; a probe says when it has begun.
  private static let endless =
    smallRun + """
      local run = train { steps = 1000000000, dir = "out", overwrite = true, eval_every = 1,
        progress = false, probes = { said = function(ctx)
          if ctx.step == 3 then io.stderr:write("begun\\n") end
          return 1
        end } }
      print(run.status, #run.history > 3, run.history[#run.history].step == run.step)
      run:save("saved", { overwrite = true })
      mnemo.plot.lines { y = run:series("loss") }:save("loss.svg")
      """

  /// The steps of a history file, every line of which must be whole.
  private func steps(_ text: String) -> [Int] {
    text.split(separator: "\n").map { line in
      let record = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      #expect(record?["loss"] is Double, "\(line)")
      return record?["step"] as? Int ?? -1
    }
  }

  @Test func trainingEndsAfterTheStepAndTheScriptGoesOn() throws {
    try withFolder { folder in
      try folder.write("script.lua", Self.endless)
      let running = try Running(["script.lua"], in: folder)
      try running.wait(for: "begun")
      running.signal()
      let outcome = running.finish()
      #expect(outcome.status == 0)
      #expect(outcome.output == "interrupted\ttrue\ttrue\n")
      #expect(outcome.errors == "begun\n")
      let found = steps(folder.text("out/history.jsonl"))
      #expect(found == Array(0..<found.count))
      #expect(folder.text("saved/history.jsonl") == folder.text("out/history.jsonl"))
      #expect(folder.text("loss.svg").contains("</svg>"))
      #expect(
        try mnemo(
          "-e", "print(mnemo.model.load('out/model.safetensors').kind)", in: folder
        ).output == "simplified\n")
    }
  }

  @Test func twoInterruptsLeaveWholeFiles() throws {
    try withFolder { folder in
      try folder.write("script.lua", Self.endless)
      for microseconds: UInt32 in [0, 300, 3000] {
        let running = try Running(["script.lua"], in: folder)
        try running.wait(for: "begun")
        running.signal()
        usleep(microseconds)
        running.signal()
        let outcome = running.finish()
        // The second one may find the script at its end.
        #expect([0, 130].contains(outcome.status), "\(outcome)")
        #expect(outcome.status == 0 || outcome.errors.hasSuffix("mnemo: interrupted\n"))
        let found = steps(folder.text("out/history.jsonl"))
        #expect(found.count > 3 && found == Array(0..<found.count))
        let load = "print(mnemo.model.load('out/model.safetensors').kind)"
        #expect(try mnemo("-e", load, in: folder).output == "simplified\n")
      }
    }
  }

  @Test func anEndlessProbeEndsTheRun() throws {
    try withFolder { folder in
      try folder.write(
        "script.lua",
        smallRun + """
          local run = train { dir = "out", probes = { endless = function()
            io.stderr:write("begun\\n")
            while true do end
          end } }
          print(run.status, run.step)
          """)
      let running = try Running(["script.lua"], in: folder)
      try running.wait(for: "begun")
      running.signal()
      let outcome = running.finish()
      // The step that was given up is no part of the run.
      #expect(outcome.status == 0)
      #expect(outcome.output == "interrupted\t0\n")
      #expect(folder.appending(path: "out").names.contains("model.safetensors"))
    }
  }

  /// One signal ends the runs of all models: between two steps, or in a probe without end.
  @Test(arguments: [
    ("if ctx.step == 30 then io.stderr:write('begun\\n') end", false),
    ("io.stderr:write('begun\\n') while true do end", true),
  ]) func trainingOfSeveralModelsEnds(_ probe: String, _ isGivenUp: Bool) throws {
    try withFolder { folder in
      try folder.write(
        "script.lua",
        smallRun + """
          local models = { model, model:clone(), model:clone() }
          local runs = train { model = models, steps = 1000000000, dir = "out", eval_every = 10,
            progress = false, probes = { said = function(ctx) \(probe) return 1 end } }
          for _, run in ipairs(runs) do
            local last = run.history[#run.history]
            print(run.status, run.step >= 30, last and last.step == run.step)
          end
          """)
      let running = try Running(["script.lua"], in: folder)
      try running.wait(for: "begun")
      running.signal()
      let outcome = running.finish()
      #expect(outcome.status == 0)
      let line = isGivenUp ? "interrupted\tfalse\tnil\n" : "interrupted\ttrue\ttrue\n"
      #expect(outcome.output == String(repeating: line, count: 3))
      for place in 1...3 {
        #expect(folder.appending(path: "out/\(place)").names.contains("model.safetensors"))
      }
    }
  }

  @Test(arguments: [
    "while true do end", "mnemo.no_grad(function() while true do end end)",
    "while true do mnemo.randn(50, 50):matmul(mnemo.randn(50, 50)) end",
  ]) func plainLoopsEndWithStatus130(_ loop: String) throws {
    let running = try Running(["-e", "io.stderr:write('begun\\n') " + loop])
    try running.wait(for: "begun")
    running.signal()
    let outcome = running.finish()
    #expect(outcome.status == 130)
    #expect(outcome.errors == "begun\nmnemo: interrupted\n")
  }

  /// The second one may come minutes later, in another run than the first.
  @Test func aSweepEndsWithTheSecond() throws {
    let running = try Running([
      "-e",
      smallRun + """
        for i = 1, 5 do
          io.stderr:write("begun ", i, "\\n")
          print(i, train { steps = 1000000000, progress = false }.status)
        end
        print "after"
        """,
    ])
    try running.wait(for: "begun 1")
    usleep(300_000)
    running.signal()
    try running.wait(for: "begun 2")
    usleep(1_200_000)
    running.signal()
    let outcome = running.finish()
    #expect(outcome.status == 130)
    #expect(outcome.output == "1\tinterrupted\n")
    #expect(outcome.errors == "begun 1\nbegun 2\nmnemo: interrupted\n")
  }

  @Test(arguments: [
    "pcall(function() say() while true do end end)",
    "pcall(coroutine.wrap(function() say() while true do end end))",
    "pcall(mnemo.no_grad, function() say() while true do mnemo.randn(9, 9):sum() end end)",
  ]) func codeThatCatchesItEndsWithTheSecond(_ call: String) throws {
    let running = try Running([
      "-e",
      """
      local count = 0
      local function say() count = count + 1 io.stderr:write("begun ", count, "\\n") end
      while true do \(call) end
      print "after"
      """,
    ])
    // Two that come at once would be one to the system.
    try running.wait(for: "begun 1")
    running.signal()
    try running.wait(for: "begun 2")
    running.signal()
    let outcome = running.finish()
    #expect(outcome.status == 130)
    #expect(outcome.output == "")
    #expect(outcome.errors == "begun 1\nbegun 2\nmnemo: interrupted\n")
  }

  /// Lua's own library, which hears nothing, for minutes.
  @Test func aThirdWithinASecondEndsTheProcess() throws {
    let matching = "string.find(('x'):rep(1000000), '.-.-.-.-y')"
    for pauses: [UInt32] in [[500_000, 100_000, 100_000], [500_000, 100_000, 1_300_000, 100_000]] {
      let running = try Running(["-e", "io.stderr:write('begun\\n') \(matching) print 'after'"])
      try running.wait(for: "begun")
      for pause in pauses {
        usleep(pause)
        running.signal()
      }
      let outcome = running.finish()
      #expect(outcome.status == -SIGINT)
      #expect(outcome.errors == "begun\n")
    }
  }

  @Test func aScriptMayCatchIt() throws {
    let running = try Running([
      "-e",
      """
      local ok, message = pcall(function() io.stderr:write("begun\\n") while true do end end)
      print(ok, message)
      """,
    ])
    try running.wait(for: "begun")
    running.signal()
    let outcome = running.finish()
    #expect(outcome.status == 0)
    #expect(outcome.output.hasPrefix("false\t"))
    #expect(outcome.output.hasSuffix("interrupted!\n"))
  }

  @Test func anErrorInItsWordsIsAnOrdinaryError() throws {
    let outcome = try mnemo("-e", "error('upload interrupted!')")
    #expect(outcome.status == 1)
    #expect(outcome.sentence == "mnemo: (command line):1: upload interrupted!")
    #expect(outcome.errors.contains("stack traceback:"))
    let probe = try run(
      smallRun + """
        local run = train { probes = { p = function() error("the disk was interrupted!") end } }
        print(run.status)
        """)
    #expect(probe.status == 1)
    #expect(probe.output.isEmpty)
    #expect(probe.sentence.hasSuffix("probe 'p': script.lua:9: the disk was interrupted!"))
  }
}
