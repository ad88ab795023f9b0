import Foundation
import Glibc
import Testing

/// The prompt, from a pipe and on a terminal.
@Suite struct PromptTests {
  /// What the prompt printed, without the prompts themselves.
  private func answers(_ input: String) throws -> (lines: [String], errors: String) {
    let outcome = try mnemo("-i", input: input)
    #expect(outcome.status == 0)
    let lines = outcome.output.split(separator: "\n").dropFirst().map { line in
      String(line.replacing(/(mnemo> |    \.> )+/, with: ""))
    }
    return (lines.filter { !$0.isEmpty }, outcome.errors)
  }

  @Test func expressionsPrint() throws {
    let (lines, errors) = try answers("1 + 1\nx = 3\nx\nx, nil, 'a'\nmnemo.ones(2)\nnil\n")
    #expect(lines == ["2", "3", "3\tnil\ta", "Tensor [2]", "  1  1", "nil"])
    #expect(errors.isEmpty)
  }

  @Test func incompleteInputContinues() throws {
    let outcome = try mnemo("-i", input: "for i = 1, 2 do\nprint(i)\nend\n(1 +\n2)\n")
    #expect(outcome.output.contains("mnemo>     .>     .> 1\n2\nmnemo>     .> 3\n"))
    #expect(outcome.errors.isEmpty)
  }

  @Test func errorsKeepThePrompt() throws {
    let (lines, errors) = try answers("error 'one'\nx y\nfor do\nmnemo.ones(-1)\n'alive'\n")
    #expect(lines == ["alive"])
    #expect(errors.contains("mnemo: stdin:1: one\nstack traceback:"))
    #expect(errors.contains("syntax error near 'y'"))
    #expect(errors.contains("<name> expected near 'do'"))
    #expect(errors.contains("ones: "))
  }

  @Test func itOpensAfterTheScript() throws {
    try withFolder { folder in
      try folder.write("a.lua", "left = arg[1]")
      let outcome = try mnemo("-i", "a.lua", "behind", input: "left\n", in: folder)
      #expect(outcome.output.contains("mnemo> behind\n"))
    }
  }

  @Test func exitLeavesWithItsStatus() throws {
    #expect(try mnemo("-i", input: "os.exit(9)\nprint 'no'\n").status == 9)
  }

  /// Without a script the prompt opens on a terminal, and only there.
  @Test func onATerminal() throws {
    let master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    defer { close(master) }
    // TIOCSPTLCK and TIOCGPTN, which Swift does not see: unlock the other end, tell its number.
    var lock: Int32 = 0, number: Int32 = 0
    try #require(
      ioctl(master, 0x4004_5431, &lock) == 0 && ioctl(master, 0x8004_5430, &number) == 0)
    let terminal = try #require(FileHandle(forUpdatingAtPath: "/dev/pts/\(number)"))
    let process = Process()
    process.executableURL = package.appending(path: ".build/release/mnemo")
    let output = Pipe()
    process.standardInput = terminal
    process.standardOutput = output
    process.standardError = output
    try process.run()
    // The last byte is Ctrl-D.
    let typed = "6 * 7\nerror 'oops'\n'still here'\n\u{4}"
    _ = typed.withCString { write(master, $0, strlen($0)) }
    let said = String(
      decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    #expect(said.contains("Ctrl-D leaves\nmnemo> 42\n"))
    #expect(said.contains("stdin:1: oops"))
    #expect(said.contains("mnemo> still here\nmnemo> \n"))
  }
}
