import Foundation
import Testing

/// Scripts that end well and scripts that do not.
@Suite struct ScriptTests {
  @Test func missingScripts() throws {
    let outcome = try mnemo("nothere.lua")
    #expect(outcome.status == 1)
    #expect(outcome.errors == "mnemo: cannot open 'nothere.lua': No such file or directory\n")
    #expect(try mnemo(".").errors == "mnemo: cannot open '.': Is a directory\n")
  }

  @Test func syntaxErrors() throws {
    let outcome = try run("local x\nx = = 1\n")
    #expect(outcome.status == 1)
    #expect(outcome.errors == "mnemo: script.lua:2: unexpected symbol near '='\n")
  }

  @Test func runtimeErrorsCarryATraceback() throws {
    let outcome = try run(
      """
      print("before")
      local function inner() error("boom") end
      inner()
      """)
    #expect(outcome.status == 1)
    #expect(outcome.output == "before\n")
    let lines = outcome.errors.split(separator: "\n")
    #expect(lines.prefix(2) == ["mnemo: script.lua:2: boom", "stack traceback:"])
    #expect(lines.contains { $0.contains("script.lua:2:") && $0.contains("inner") })
    #expect(lines.last == "\tscript.lua:3: in main chunk")
  }

  @Test func tracebacksReachThroughCallbacks() throws {
    let outcome = try run("local function f() error('deep') end\nmnemo.no_grad(function() f() end)")
    #expect(outcome.sentence == "mnemo: script.lua:1: deep")
    #expect(outcome.errors.contains("mnemo.no_grad"))
    #expect(outcome.errors.hasSuffix("\tscript.lua:2: in main chunk\n"))
  }

  @Test func errorObjects() throws {
    let plain = try run("error {}")
    #expect(plain.status == 1)
    #expect(plain.sentence == "mnemo: (error object is a table value)")
    #expect(plain.errors.contains("traceback"))
    // An object with words of its own says all there is to say, as in lua(1).
    let worded = try run(
      "error(setmetatable({ n = 3 }, { __tostring = function(e) return 'n is ' .. e.n end }))")
    #expect(worded.status == 1)
    #expect(worded.errors == "mnemo: n is 3\n")
    let broken = try run("error(setmetatable({}, { __tostring = function() error 'x' end }))")
    #expect(broken.status == 1)
    #expect(broken.sentence == "mnemo: (table value whose __tostring fails)")
    #expect(try run("error('bare', 0)").sentence == "mnemo: bare")
    #expect(try run("error()").status == 1)
  }

  @Test func mistypedOptionsOfScripts() throws {
    let script =
      "local o = require 'mnemo.arguments' { { 'steps', 4, 'n', min = 1 } } print(o.steps)"
    #expect(try run(script, ["--steps", "7"]).output == "7\n")
    for (words, sentence) in [
      (["--stpes", "3"], "unknown option '--stpes'; did you mean '--steps'?"),
      (["--steps", "0"], "--steps wants at least 1, got 0"),
      (["--steps", "many"], "--steps wants a whole number, got 'many'"),
      (["--steps"], "--steps wants a value"),
      (["3"], "unexpected argument '3'; options begin with --"),
    ] {
      let outcome = try run(script, words)
      #expect(outcome.status == 1)
      #expect(outcome.output.isEmpty)
      #expect(outcome.errors == "mnemo: \(sentence)\n")
    }
    let help = try run(script, ["--help"])
    #expect(help.status == 0)
    #expect(help.output.contains("--steps N"))
  }

  @Test(
    arguments: [
      ("os.exit(7)", 7), ("os.exit()", 0), ("os.exit(true)", 0), ("os.exit(false)", 1),
      ("os.exit(3, true)", 3), ("return 5", 0), ("error()", 1),
      ("local t <close> = mnemo.ones(3) os.exit(4, true)", 4),
    ] as [(String, Int32)]) func exitStatuses(_ end: String, _ status: Int32) throws
  {
    let outcome = try run("io.write('kept') " + end)
    #expect(outcome.status == status)
    #expect(outcome.output == "kept")
  }

  @Test func bytecodeIsRefused() throws {
    try withFolder { folder in
      let made = try run(
        "io.open('code', 'wb'):write(string.dump(load 'print(1)')):close()", in: folder)
      #expect(made.status == 0)
      let outcome = try mnemo("code", in: folder)
      #expect(outcome.status == 1)
      #expect(outcome.output.isEmpty)
      #expect(outcome.errors == "mnemo: 'code' is bytecode; scripts are loaded as text only\n")
    }
  }

  @Test func firstLinesForTheSystem() throws {
    #expect(try run("#!/usr/bin/env mnemo\nprint 'runs'").output == "runs\n")
    #expect(try run("\u{FEFF}print 'runs'").output == "runs\n")
    #expect(try run("#!\nerror 'here'").sentence == "mnemo: script.lua:2: here")
    #expect(try run("").status == 0)
    #expect(try run("# only this").status == 0)
  }

  @Test func namesWithSpacesAndAccents() throws {
    try withFolder { folder in
      let name = "mémoire d’éléphant.lua"
      try folder.write(name, "print(arg[0]) error 'x'")
      let outcome = try mnemo(name, in: folder)
      #expect(outcome.output == name + "\n")
      #expect(outcome.sentence == "mnemo: \(name):1: x")
    }
  }

  @Test func aClosedPipeIsNoCrash() throws {
    let built = package.appending(path: ".build/release/mnemo").path
    let script = "for i = 1, 200000 do print(i) end"
    let outcome = try Running(
      ["-c", "'\(built)' -e '\(script)' | head -n 1; echo ${PIPESTATUS[0]}"],
      executable: URL(filePath: "/bin/bash")
    ).finish()
    // Ended by SIGPIPE, or by an error of its own; not by a fault.
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.first == "1")
    #expect(["141", "1"].contains(lines.last ?? ""))
    #expect(outcome.errors.isEmpty)
  }

  @Test func resultsAndProgressDoNotMix() throws {
    let outcome = try run(
      smallRun + """
        -- A line is told every five seconds.
        local function slow(ctx)
          if ctx.step == 0 then os.execute("sleep 5.1") end
          return 1
        end
        local run = train { steps = 3, probes = { slow = slow }, eval_every = 100 }
        print(run:table { "loss" })
        """)
    #expect(outcome.status == 0)
    #expect(outcome.output.hasPrefix("step    loss\n"))
    #expect(outcome.output.split(separator: "\n").count == 3)
    #expect(outcome.errors.wholeMatch(of: /(step \d\/3 .* left  slow 1\.000\n)+/) != nil)
  }
}
