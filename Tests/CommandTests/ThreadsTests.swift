import Foundation
import Glibc
import Testing

/// Threads, and none where there are none to be had.
@Suite struct ThreadsTests {
  private static let command = package.appending(path: ".build/release/mnemo").path

  private func outcome(of words: [String]) throws -> Outcome {
    try Running(words, executable: URL(filePath: "/usr/bin/env")).finish()
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
