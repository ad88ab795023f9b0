import Foundation
import Glibc
import Testing

/// Runs that are killed, interrupted and ended by signals, and go on in another process.
@Suite struct ResumeCommandTests {
  /// A run that goes on in the folder that it is given, or begins there: with parameters frozen and
  /// unfrozen on the way, probes that draw numbers, and a learning rate that is a function.
  private static let script = """
    local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
    local run = mnemo.train {
      model = mnemo.model.transformer {
        vocab = 65, dim = 16, layers = 1, heads = 2, max_len = 16, seed = 1,
      },
      data = task, steps = 400, batch_size = 8, eval_every = 10, checkpoint_every = 50,
      checkpoints = "log", resume = arg[1], progress = false, clip_norm = 1,
      optimizer = mnemo.optim.adamw { lr = function(step) return 1e-2 / (1 + step / 100) end },
      at = {
        [70] = function(model) model:freeze "layers.0.attention.*" end,
        [180] = function(model) model:unfreeze "layers.0.attention.*" end,
      },
      probes = {
        drawn = function() return mnemo.randn(1):item() end,
        odd = function(ctx) return ({ 0 / 0, math.huge, -math.huge })[ctx.step // 10 % 3 + 1] end,
        said = function(ctx)
          if ctx.step % 50 == 0 then io.stderr:write("at ", ctx.step, "\\n") end
          return 0
        end,
      },
    }
    print(run.status, run.step)
    """

  private func bytes(_ folder: URL, _ name: String) throws -> Data {
    try Data(contentsOf: folder.appending(path: name))
  }

  /// Checks that two folders hold the same numbers, bit for bit.
  private func expectSame(
    _ folder: URL, _ one: String, _ other: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for name in ["history.jsonl", "model.safetensors", "checkpoints/64.safetensors"] {
      let isSame = try bytes(folder, "\(one)/\(name)") == bytes(folder, "\(other)/\(name)")
      #expect(isSame, "\(name)", sourceLocation: sourceLocation)
    }
  }

  @Test func aRunThatIsKilledTwentyTimesEndsWithTheSameBits() throws {
    try withFolder { folder in
      try folder.write("script.lua", Self.script)
      let began = ContinuousClock.now
      #expect(
        try Running(["script.lua", "whole"], in: folder).finish().output == "finished\t400\n")
      let whole = ContinuousClock.now - began
      // Some come to a few checkpoints, some die before the first step.
      let most = Double(whole.components.seconds) + Double(whole.components.attoseconds) * 1e-18
      var states: Set<String> = []
      for attempt in 1...20 {
        let running = try Running(["script.lua", "killed"], in: folder)
        // On a busy machine some would never come to a record; one that has finished says nothing.
        if attempt % 4 == 0 { try? running.wait(for: "at ") }
        usleep(UInt32(Double.random(in: 0...min(0.5, 0.5 * most)) * 1e6))
        running.signal(SIGKILL)
        _ = running.finish()
        let ask = """
          local ok, run = pcall(mnemo.runs.load, "killed")
          print(ok and run.status .. " " .. run.step or run)
          """
        let answer = try mnemo("-e", ask, in: folder).output
        #expect(
          answer.hasPrefix("interrupted ") || answer.hasPrefix("finished ")
            || answer.contains("there is no run in 'killed'"), "\(answer)")
        states.insert(answer)
      }
      let last = try Running(["script.lua", "killed"], in: folder).finish()
      #expect(last.output == "finished\t400\n", "\(last.errors)")
      #expect(states.count > 1 && states.contains { $0.hasPrefix("interrupted ") })
      try expectSame(folder, "whole", "killed")
      // What was killed half-written is gone.
      #expect(!folder.appending(path: "killed").names.contains { $0.hasPrefix(".") })
    }
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP]) func signalsLeaveWhatGoesOn(_ signal: Int32) throws {
    try withFolder { folder in
      try folder.write("script.lua", Self.script)
      #expect(try Running(["script.lua", "whole"], in: folder).finish().status == 0)
      for step in [50, 250] {
        let running = try Running(
          [
            "--default-signal", package.appending(path: ".build/release/mnemo").path, "script.lua",
            "ended",
          ], in: folder, executable: URL(filePath: "/usr/bin/env"))
        try running.wait(for: "at \(step)\n")
        running.signal(signal)
        let outcome = running.finish()
        #expect(outcome.status == (signal == SIGINT ? 0 : -signal))
        #expect(folder.text("ended/run.json").contains("\"state\" : \"interrupted\""))
      }
      let last = try Running(["script.lua", "ended"], in: folder).finish()
      #expect(last.output == "finished\t400\n", "\(last.errors)")
      try expectSame(folder, "whole", "ended")
    }
  }

  @Test func aSecondProcessIsRefused() throws {
    try withFolder { folder in
      try folder.write("script.lua", Self.script)
      let running = try Running(["script.lua", "out"], in: folder)
      try running.wait(for: "at 50\n")
      let other = try Running(["script.lua", "out"], in: folder).finish()
      #expect(other.status == 1)
      #expect(other.sentence.contains("results folder: 'out' is in use by process"))
      // Looking is allowed.
      #expect(
        try mnemo("-e", "print(#mnemo.runs.load('out').history > 0)", in: folder).output == "true\n"
      )
      running.signal(SIGKILL)
      _ = running.finish()
    }
  }

  /// A run of a store's, under its number and with each step once.
  @Test func theCommandGoesOnWithARunOfAStore() throws {
    try withFolder { folder in
      let script =
        smallRun + """
          train {
            steps = 1000, eval_every = 100, checkpoint_every = 1, dir = arg[1],
            store = "runs/store.sqlite", progress = false,
          }
          """
      try folder.write("script.lua", script)
      let running = try Running(["script.lua", "killed"], in: folder)
      let checkpoint = folder.appending(path: "killed/model.safetensors").path
      for _ in 0..<6000 where !FileManager.default.fileExists(atPath: checkpoint) {
        usleep(10_000)
      }
      running.signal(SIGKILL)
      _ = running.finish()
      let listed = try mnemo("runs", in: folder).output
      #expect(listed.contains(" lost "), "\(listed)")
      let resumed = try mnemo("runs", "resume", "1", in: folder).output
      #expect(
        try /run 1: finished, from step [1-9][0-9]* to 1000\n/.wholeMatch(in: resumed) != nil,
        "\(resumed)")
      #expect(try Running(["script.lua", "whole"], in: folder).finish().status == 0)
      let same = """
        local store = mnemo.store "runs/store.sqlite"
        local one, other = store:metrics(1), store:metrics(2)
        print(#store:runs(), #one, #other, store:runs { id = 1 }[1].state)
        for i, record in ipairs(other) do
          assert(one[i].step == record.step and one[i].loss == record.loss)
        end
        """
      let compared = try mnemo("-e", same, in: folder)
      #expect(compared.output == "2\t11\t11\tfinished\n", "\(compared)")
      // Its script goes on under the same number.
      let longer = script.replacing("steps = 1000", with: "resume = arg[1], steps = 1100")
        .replacing("dir = arg[1],", with: "")
      try folder.write("longer.lua", longer)
      #expect(try Running(["longer.lua", "killed"], in: folder).finish().status == 0)
      let grown = "local s = mnemo.store 'runs/store.sqlite' print(#s:runs(), #s:metrics(1))"
      #expect(try mnemo("-e", grown, in: folder).output == "2\t12\n")
      let ended = try Running(["runs", "resume", "1"], in: folder).finish()
      #expect(ended.status == 1 && ended.sentence == "mnemo: run 1 is finished, at step 1100")
      try folder.write("no.lua", smallRun + "train { store = 'runs/store.sqlite' }")
      #expect(try Running(["no.lua"], in: folder).finish().status == 0)
      let refused = try Running(["runs", "resume", "3"], in: folder).finish()
      #expect(refused.status == 1)
      #expect(
        refused.sentence
          == "mnemo: run 3 has no folder, and so no checkpoint (train's option dir gives one)")
    }
  }

  /// The commit and whether files differ from it; nothing where there is no repository.
  @Test func theRepositoryOfTheScriptIsNoted() throws {
    try withFolder { folder in
      func git(_ words: String...) throws {
        let outcome = try Running(
          ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"] + words,
          in: folder, executable: URL(filePath: "/usr/bin/git")
        ).finish()
        #expect(outcome.status == 0, "\(outcome.errors)")
      }
      try folder.write(
        "s.lua", smallRun + "train { dir = 'out', overwrite = true, progress = false }")
      func noted() throws -> String {
        #expect(try Running(["s.lua", "a b"], in: folder).finish().status == 0)
        return folder.text("out/run.json")
      }
      #expect(try !noted().contains("\"git\""))
      try git("init", "-q")
      try git("add", "s.lua")
      #expect(try !noted().contains("\"git\""))
      try git("commit", "-qm", "one")
      #expect(try noted().contains("\"dirty\" : false"))
      // An index larger than what mnemo lets git say, whose times are out of date, stays as it is.
      for i in 0..<800 { try folder.write("a file with a long name, number \(i)", "") }
      try git("add", "-A")
      try git("commit", "-qm", "many")
      let before = try bytes(folder, ".git/index")
      usleep(1_100_000)
      for i in 0..<800 { try folder.write("a file with a long name, number \(i)", "") }
      #expect(try noted().contains("\"dirty\" : false"))
      #expect(try bytes(folder, ".git/index") == before)
      #expect(!folder.appending(path: ".git").names.contains("index.lock"))
      try folder.write("s.lua", folder.text("s.lua") + " -- changed")
      let file = try noted()
      #expect(try /"commit" : "[0-9a-f]{40}"/.firstMatch(in: file) != nil)
      #expect(file.contains("\"dirty\" : true") && file.contains("\"a b\""))
      #expect(file.contains("/s.lua\""))
    }
  }
}
