import Foundation
import Glibc
import Testing

/// SIGTERM, SIGHUP, readers that go, files that are full.
@Suite struct EndingSignalTests {
  /// A run without end that says when it has begun, caught and followed by a loop without end.
  private static let endless =
    smallRun + """
      local says = { said = function(ctx)
        if ctx.step == 3 then io.stderr:write("begun\\n") end
        return 1
      end }
      while true do
        pcall(train, { steps = 1000000000, dir = "out", eval_every = 1, progress = false,
          probes = says })
      end
      """

  /// A run of as many steps as the checkpoint has, and whether it comes to the same.
  private static let again =
    smallRun + """
      local kept = mnemo.model.load("out/model.safetensors"):parameters()
      local _, metadata = mnemo.safetensors.load("out/model.safetensors")
      local step = tonumber(metadata.step)
      local run = train { steps = step, eval_every = 1, progress = false,
        probes = { said = function() return 1 end } }
      for name, tensor in pairs(kept) do
        assert((tensor - run.model:get(name)):abs():max():item() == 0, name)
      end
      local lines = 0
      for line in io.lines("out/history.jsonl") do
        lines = lines + 1
        assert(line:find('^{"step":' .. lines - 1 .. ",") and line:find "}$", line)
      end
      assert(lines == step + 1, lines .. " lines at step " .. step)
      """

  /// Starts the command with no signal ignored, as the test's own process may have it.
  private func start(_ arguments: String..., in folder: URL? = nil) throws -> Running {
    let mnemo = package.appending(path: ".build/release/mnemo").path
    return try Running(
      ["--default-signal", mnemo] + arguments, in: folder,
      executable: URL(filePath: "/usr/bin/env"))
  }

  @Test(arguments: [SIGTERM, SIGHUP, SIGTERM, SIGHUP, SIGTERM])
  func whatWasTrainedIsOnTheDisk(signal: Int32) throws {
    try withFolder { folder in
      try folder.write("script.lua", Self.endless)
      let running = try start("script.lua", in: folder)
      try running.wait(for: "begun")
      usleep(.random(in: 0..<200_000))
      running.signal(signal)
      let outcome = running.finish()
      #expect(outcome.status == -signal)
      let name = signal == SIGTERM ? "SIGTERM" : "SIGHUP"
      #expect(outcome.errors == "begun\nmnemo: ended by \(name)\n")
      let checked = try run(Self.again, in: folder)
      #expect(checked.errors == "")
      #expect(checked.status == 0)
    }
  }

  @Test func aSecondSignalEndsAtOnce() throws {
    try withFolder { folder in
      let outcome = try bash(
        """
        mnemo -e 'os.execute("echo $$ > new; mv new child; exec sleep 30")' &
        until [ -e child ]; do sleep 0.01; done
        kill -TERM $!; sleep 0.1; kill -TERM $!; wait $!; echo $?
        kill $(cat child) && echo "the child was alive"
        """, in: folder)
      #expect(outcome.output == "\(128 + SIGTERM)\nthe child was alive\n")
    }
  }

  private func bash(_ commands: String, in folder: URL) throws -> Outcome {
    // Found by its name, so that `$!` is the command itself, as with a function it is not.
    let found = package.appending(path: ".build/release").path
    return try Running(
      ["--default-signal", "bash", "-c", "PATH='\(found)':$PATH; \(commands)"],
      in: folder, executable: URL(filePath: "/usr/bin/env")
    ).finish()
  }

  /// The prompt, at work and while it waits; its input is a pipe that stays open.
  @Test(arguments: ["while true do end", "x = 1"])
  func theSessionEnds(_ rest: String) throws {
    try withFolder { folder in
      let outcome = try bash(
        """
        mkfifo in; exec 3<>in
        mnemo -i --quiet < in > out 2>&1 &
        echo 'io.open("begun", "w"):close() \(rest)' >&3
        until [ -e begun ]; do sleep 0.01; done
        sleep 0.1; kill -TERM $!; wait $!; echo $?
        """, in: folder)
      #expect(outcome.output == "\(128 + SIGTERM)\n")
    }
  }

  @Test func finalizersComeToTheirEnd() throws {
    try withFolder { folder in
      let outcome = try bash(
        """
        mnemo -e 'x = setmetatable({}, { __gc = function() io.open("done", "w"):close() end })
          io.open("begun", "w"):close() while true do end' &
        until [ -e begun ]; do sleep 0.01; done
        kill -TERM $!; wait $!; echo $?; ls done
        """, in: folder)
      #expect(outcome.output == "\(128 + SIGTERM)\ndone\n")
    }
  }

  @Test func aReaderThatGoesEndsTrainingAsCtrlCDoes() throws {
    try withFolder { folder in
      try folder.write(
        "script.lua",
        smallRun + """
          train { steps = 1000000000, dir = "out", eval_every = 1, progress = false,
            probes = { said = function() return 1 end },
            on_record = function(record) print(record.step) io.stdout:flush() end }
          """)
      let outcome = try bash("mnemo script.lua | head -n 2; echo ${PIPESTATUS[0]}", in: folder)
      #expect(outcome.output == "0\n1\n\(128 + SIGPIPE)\n")
      #expect(outcome.errors == "")
      let checked = try run(Self.again, in: folder)
      #expect(checked.errors == "")
    }
  }

  @Test func otherPipesAndLargeFilesAreErrors() throws {
    try withFolder { folder in
      let outcome = try bash(
        """
        ulimit -f 4
        mnemo -e 'local child = io.popen("exec true", "w") child:setvbuf("no") os.execute("sleep 0.3")
          print(select(2, child:write("a")))
          print(pcall(function() mnemo.randn(100, 100):save("a.npy") end))'
        ls -A
        """, in: folder)
      #expect(
        outcome.output == """
          Broken pipe\t32
          false\t(command line):3: save: "a.npy": File too large

          """)
      #expect(outcome.status == 0)
    }
  }

  /// Jobs in the background of a script are started so.
  @Test(arguments: ["INT", "HUP", "TERM"]) func whatWasIgnoredStaysIgnored(_ name: String) throws {
    try withFolder { folder in
      let outcome = try bash(
        """
        trap "" \(name)
        mnemo -e 'io.open("begun", "w"):close() os.execute("sleep 0.5") print("went on")' &
        until [ -e begun ]; do sleep 0.01; done
        kill -\(name) $!; wait $!; echo $?
        """, in: folder)
      #expect(outcome.output == "went on\n0\n")
    }
  }

  @Test func outputThatCannotBeWrittenIsAnError() throws {
    try withFolder { folder in
      for words in ["-e 'print(1)'", "-e 'print(1) os.exit(0)'", "help", "--help", "--version"] {
        let full = try bash("mnemo \(words) > /dev/full", in: folder)
        #expect(full.status == 1, "\(words)")
        #expect(full.sentence.hasPrefix("mnemo: standard output cannot be written"), "\(words)")
        let closed = try bash("mnemo \(words) >&-", in: folder)
        #expect(closed.status == 1, "\(words)")
      }
      // Nothing was printed.
      let silent = try bash("mnemo -e 'local x = 1' > /dev/full", in: folder)
      #expect(silent.status == 0)
      #expect(silent.errors == "")
    }
  }
}
