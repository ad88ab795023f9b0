import Foundation
import Testing

/// Every function, method, operator and index on valid receivers, with hostile arguments.
///
/// Only Lua errors may come of it (Tests/Fuzz/fuzz.lua). 200,000 calls in processes of their own.
@Suite struct FuzzTests {
  private static let calls = 12_500

  @Test(arguments: 1...16) func nothingCrashes(seed: Int) throws {
    try withFolder { folder in
      let command = package.appending(path: ".build/release/mnemo").path
      let script = package.appending(path: "Tests/Fuzz/fuzz.lua").path
      // What is asked for is small or far too large; the limit keeps a mistake from the machine.
      let outcome = try Running(
        ["-c", "ulimit -v 8000000; exec '\(command)' '\(script)' \(seed) \(Self.calls)"],
        in: folder, executable: URL(filePath: "/bin/sh")
      ).finish()
      let last = folder.text("last.txt").prefix { $0 != "\n" }
      #expect(outcome.status == 0, "\(last): \(outcome.errors.suffix(2000))")
      // Both kinds of calls were made, and none was lost.
      let numbers = outcome.errors.split(separator: "\n").last?.split(separator: " ")
        .compactMap { Int($0) }
      let counts = numbers ?? []
      #expect(counts.count == 2 && counts.reduce(0, +) == Self.calls)
      #expect(counts.allSatisfy { $0 > Self.calls / 5 })
    }
  }
}
