import FoundationEssentials
import Glibc
import Prompt
import TestSupport
import Testing

/// What was typed, kept between sessions.
@Suite struct HistoryFileTests {
  @Test func entriesComeBack() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/state/mnemo/history"
      let first = HistoryFile(path: path)
      #expect(first.entries.isEmpty && first.takeWarning() == nil)
      let typed = [
        "1 + 1", "for i = 1, 2 do\n  print('a\\nb')\nend", "\\", "漢字 \\\\n", "x = [[\r\n]]",
      ]
      for entry in typed { #expect(first.add(entry)) }
      let second = HistoryFile(path: path)
      // A line that ends as on Windows ends as here.
      #expect(second.entries == typed.dropLast() + ["x = [[\n]]"])
      let count = try lines(path).count
      #expect(count == 5)
    }
  }

  @Test func theSameTwiceBlanksAndPastesAreLeftOut() throws {
    try withTemporaryFolder { folder in
      let history = HistoryFile(path: folder + "/history")
      #expect(history.add("a"))
      #expect(!history.add("a"))
      #expect(!history.add(" \n\t"))
      #expect(!history.add(""))
      #expect(history.add(String(repeating: "x", count: HistoryFile.longest)))
      #expect(!history.add(String(repeating: "y", count: HistoryFile.longest + 1)))
      #expect(history.add("a"))
      #expect(HistoryFile(path: folder + "/history").entries.count == 3)
    }
  }

  @Test func onlyTheUserReadsIt() throws {
    try withTemporaryFolder { folder in
      let history = HistoryFile(path: folder + "/a/b/history")
      #expect(history.add("secret"))
      func mode(_ path: String) -> mode_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
      }
      #expect(mode(folder + "/a") == 0o700 && mode(folder + "/a/b") == 0o700)
      #expect(mode(folder + "/a/b/history") == 0o600)
    }
  }

  @Test func withoutAPathItLastsForTheSession() {
    let history = HistoryFile(path: nil)
    #expect(history.add("a") && history.entries == ["a"])
    #expect(history.takeWarning() == nil)
  }

  @Test func aDamagedFileIsReadAsFarAsItGoes() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/history"
      try Data([UInt8]("1+1\n".utf8) + [0xFF, 0xFE, 0x0A] + [UInt8]("a\u{0}b\n2+2\n".utf8))
        .write(to: URL(filePath: path))
      let history = HistoryFile(path: path)
      #expect(history.entries == ["1+1", "2+2"])
      #expect(
        history.takeWarning() == "\(path) is damaged; the entries that can be read are kept")
      #expect(history.takeWarning() == nil)
    }
  }

  @Test func aLongHistoryIsShortened() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/history"
      let count = 2 * HistoryFile.most + 1
      let text = (1...count).map { "\($0)\n" }.joined()
      try Data(text.utf8).write(to: URL(filePath: path))
      let history = HistoryFile(path: path)
      #expect(history.entries.count == HistoryFile.most)
      #expect(history.entries.last == "\(count)")
      let kept = try lines(path)
      #expect(kept == history.entries)
    }
  }

  /// A session goes on without a file that has become something else.
  @Test(arguments: ["mkfifo", "ln -s /dev/full", "mkdir"]) func whatIsNoFileLater(
    _ command: String
  ) throws {
    try withTemporaryFolder { folder in
      let path = folder + "/history"
      let history = HistoryFile(path: path)
      #expect(history.add("1"))
      #expect(system("rm '\(path)' && \(command) '\(path)'") == 0)
      #expect(history.add("2") && history.entries == ["1", "2"])
      #expect(history.takeWarning()?.hasPrefix("cannot write \(path): ") == true)
    }
  }

  /// A link in place of the new file is not written through.
  @Test func shorteningFollowsNoLink() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/history"
      let text = (0...2 * HistoryFile.most).map { "\($0)\n" }.joined()
      try Data(text.utf8).write(to: URL(filePath: path))
      try Data("mine\n".utf8).write(to: URL(filePath: folder + "/target"))
      #expect(symlink(folder + "/target", path + ".new") == 0)
      #expect(HistoryFile(path: path).entries.count == HistoryFile.most)
      #expect(try lines(folder + "/target") == ["mine"])
      #expect(try lines(path).count == HistoryFile.most)
    }
  }

  /// What is no file is told of, never waited for.
  @Test(arguments: [
    "mkfifo", "mkdir", "ln -s /dev/full", "ln -s /dev/zero",
  ]) func whatIsNoFile(_ command: String) throws {
    try withTemporaryFolder { folder in
      let path = folder + "/history"
      #expect(system("\(command) '\(path)'") == 0)
      let history = HistoryFile(path: path)
      #expect(history.add("1 + 1") && history.entries == ["1 + 1"])
      #expect(history.takeWarning() == "cannot read \(path): no regular file")
      #expect(history.takeWarning() == nil)
    }
  }
}
