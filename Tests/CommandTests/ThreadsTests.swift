import Foundation
import Glibc
import Testing

/// Threads: as many as the process may use, and none where there are none to be had.
@Suite struct ThreadsTests {
  private static let command = package.appending(path: ".build/release/mnemo").path

  private func outcome(of words: [String]) throws -> Outcome {
    try Running(words, executable: URL(filePath: "/usr/bin/env")).finish()
  }

  /// What `mnemo.threads()` says under a command such as taskset.
  private func threads(_ words: String...) throws -> String {
    try outcome(
      of: ["-u", "OMP_NUM_THREADS"] + words + [Self.command, "-e", "print(mnemo.threads())"]
    ).output
  }

  @Test func threadsAreThoseThatMayBeUsed() throws {
    let processor = try #require(
      try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        .firstMatch(of: /Cpus_allowed_list:\s*(\d+)/)?.output.1)
    #expect(try threads("taskset", "-c", "\(processor)") == "1\n")
    #expect(try threads("OMP_NUM_THREADS=1,4") == "1\n")
    let usable = try threads()
    #expect(try threads("OMP_NUM_THREADS=100000") == usable)
    #expect(try threads("OMP_NUM_THREADS=none") == usable)
    let chosen = try outcome(
      of: ["taskset", "-c", "\(processor)", Self.command, "-e", "print(mnemo.threads(3))"])
    #expect(chosen.output == "3\n")
  }

  /// Training and products with four threads wanted.
  private static let work =
    smallRun + """
      mnemo.threads(4)
      local run = train { steps = 5, batch_size = 64, progress = false }
      local x = mnemo.randn(300, 300, { seed = 1 })
      print(run.history[#run.history].loss, x:matmul(x):sum():item(), mnemo.linalg.svd(x) ~= nil)
      """

  /// A user who may start no more threads gets the same numbers, from one.
  @Test(
    .enabled(
      if: TerminalSession.canRunAsNobody, "the command lies where a user without rights cannot be"))
  func noThreadsToBeHad() throws {
    let asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    let user = geteuid() == 0 ? asNobody : []
    let limited = try outcome(
      of: user + ["prlimit", "--nproc=1", Self.command, "-e", Self.work])
    #expect(limited.status == 0, "\(limited.errors)")
    #expect(limited.errors.isEmpty)
    #expect(limited.output == (try mnemo("-e", Self.work).output))
  }
}
