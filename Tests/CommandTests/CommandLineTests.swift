import Foundation
import Testing

/// Options, scripts and their arguments, as lua(1) has them.
@Suite struct CommandLineTests {
  @Test func statementsAndModulesRunInOrder() throws {
    let outcome = try mnemo(
      "-e", "x = type(string.nearest)", "-l", "mnemo.text.nearest", "-e",
      "print(x, type(_G['mnemo.text.nearest'].name))")
    #expect(outcome.output == "nil\tfunction\n")
    #expect(try mnemo("-e", "print(1)", "-eprint(2)", "-e", "-- none").output == "1\n2\n")
    // A value may look like an option.
    let odd = try mnemo("-l", "mnemo", "-e", "-l", "-e", "print(1)")
    #expect(odd.sentence.contains("unexpected symbol near '-'") && odd.output.isEmpty)
    #expect(try mnemo("-e", "-- -l", "-lmnemo", "-eprint(mnemo ~= nil)").output == "true\n")
    #expect(try mnemo("-lmnemo.nope").sentence.contains("module 'mnemo.nope' not found"))
  }

  @Test func scriptsGetTheirArguments() throws {
    try withFolder { folder in
      try folder.write("a.lua", "print(arg[0], #arg, arg[1], ...)")
      #expect(try mnemo("a.lua", in: folder).output == "a.lua\t0\tnil\n")
      // What follows the script is the script's, even if the command has such an option.
      for words in [["--help", "x"], ["--version", "-e"], ["--threads", "0"], ["-i", "--"]] {
        let outcome = try Running(["a.lua"] + words, in: folder).finish()
        #expect(outcome.output == "a.lua\t2\t\(words[0])\t\(words[0])\t\(words[1])\n")
      }
      #expect(try mnemo("-e", "y = 1", "--", "a.lua", "z", in: folder).output == "a.lua\t1\tz\tz\n")
    }
  }

  @Test func requireLooksBesideTheScriptFirst() throws {
    try withFolder { folder in
      for place in ["", "scripts/", "scripts/parts/"] {
        try FileManager.default.createDirectory(
          at: folder.appending(path: place), withIntermediateDirectories: true)
        try folder.write(place + "tool.lua", "return { place = '\(place)' }")
      }
      try folder.write("scripts/parts/init.lua", "return { place = 'init' }")
      let names = ["tool", "parts", "parts.tool"].map { "require('\($0)').place" }
      try folder.write("scripts/a.lua", "print(\(names.joined(separator: ", ")))")
      let expected = "scripts/\tinit\tscripts/parts/\n"
      #expect(try mnemo("scripts/a.lua", in: folder).output == expected)
      let absolute = folder.appending(path: "scripts/a.lua").path
      #expect(try mnemo(absolute).output == expected)
      let first = try mnemo("-ltool", "-e", "print(tool.place)", absolute).output
      #expect(first == "scripts/\n" + expected)
      #expect(try mnemo("a.lua", in: folder.appending(path: "scripts")).output == expected)
      // Without a script it is as in lua(1).
      #expect(try mnemo("-e", "print(require('tool').place)", in: folder).output == "\n")
      let path = "print(package.path)"
      let usual = try mnemo("-e", path).output
      #expect(try mnemo("-", input: path).output == usual)
      try folder.write("b.lua", path)
      #expect(try mnemo("b.lua", in: folder).output == "./?.lua;./?/init.lua;" + usual)
    }
  }

  @Test func standardInputIsAScript() throws {
    #expect(try mnemo(input: "print('in', ...)").output == "in\n")
    let outcome = try mnemo("-", "-q", "r", input: "print(arg[0], ...)")
    #expect(outcome.output == "-\t-q\tr\n")
    let failed = try mnemo(input: "\nerror('no')")
    #expect(failed.status == 1)
    #expect(failed.sentence == "mnemo: stdin:2: no")
  }

  @Test func versionAndHelp() throws {
    let version = try mnemo("--version")
    #expect(version.status == 0)
    #expect(
      version.output.wholeMatch(
        of: /\d+\.\d+\.\d+\nbackend cpu\nkernels (avx512|avx2|portable)\nOpenBLAS .+\n/) != nil)
    for option in ["--help", "-h"] {
      let help = try mnemo(option)
      #expect(help.status == 0)
      #expect(help.errors.isEmpty)
      for word in [
        "-e <stat>", "-l <mod>", "-i ", "--threads <N>", "--version", "help TOPIC", "init.lua",
      ] {
        #expect(help.output.contains(word), "\(word)")
      }
    }
  }

  @Test func helpOnATopic() throws {
    #expect(try mnemo("help").output.contains("data.bigram{"))
    #expect(try mnemo("help", "data.bigram").output.contains("trigger_kind"))
    #expect(try mnemo("help", "Tensor:sum", "eye").output.contains("identity"))
    let wrong = try mnemo("help", "data.bigrm")
    #expect(wrong.status == 1)
    #expect(
      wrong.errors == "mnemo: help: nothing is called 'data.bigrm'; did you mean 'data.bigram'?\n")
  }

  @Test func threads() throws {
    #expect(try mnemo("--threads", "3", "-e", "print(mnemo.threads())").output == "3\n")
    #expect(try mnemo("--threads=2", "-e", "print(mnemo.threads())").output == "2\n")
  }

  @Test(arguments: [
    (["--verison"], "unknown option '--verison'; did you mean '--version'?"),
    (["--thread", "1"], "unknown option '--thread'; did you mean '--threads'?"),
    (["-x"], "unknown option '-x'"),
    (["-ix"], "unknown option '-ix'"),
    (["-e"], "-e wants a value"),
    (["--threads"], "--threads wants a value"),
    (["--threads", "0"], "--threads 0 (allowed: 1 to 1024)"),
    (["--threads", "-1"], "--threads -1 (allowed: 1 to 1024)"),
    (["--threads", "9999999999"], "--threads 9999999999 (allowed: 1 to 1024)"),
    (["--threads", "two"], "The value 'two' is invalid for '--threads <N>'"),
  ]) func mistakes(_ words: [String], _ sentence: String) throws {
    let outcome = try Running(words).finish()
    #expect(outcome.status == 1)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors == "mnemo: \(sentence)\n")
  }
}
