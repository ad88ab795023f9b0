import ChildProcess
import Foundation
import Tensors

/// A further process of a script, which works on a sweep of it and then ends.
///
/// It runs the script from its beginning with the same arguments; what it prints is dropped, and
/// what it says on standard error is told if it does not end well. It ends with this process.
final class WorkerProcess {
  private let process: pid_t
  private let errors: Int32
  private var hasEnded = false
  private var isInterrupted = false

  /// Says in a worker which sweep it works on.
  static let sweepVariable = "MNEMO_SWEEP"
  /// Says in a worker how many threads it has.
  static let threadsVariable = "MNEMO_SWEEP_THREADS"

  /// Starts one.
  /// - Parameters:
  ///   - words: the words that this process was started with.
  ///   - sweep: the sweep that it works on.
  ///   - threads: how many threads it has.
  /// - Throws: `EngineError` if it cannot be started.
  init(_ words: [String], sweep: String, threads: Int) throws {
    func fail(_ problem: Int32) -> EngineError {
      EngineError(
        "sweep", "no further process can be started: \(String(cString: strerror(problem)))")
    }
    let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let all =
      [
        "/usr/bin/env", "\(Self.sweepVariable)=\(sweep)", "\(Self.threadsVariable)=\(threads)",
        "OMP_NUM_THREADS=\(threads)", program,
      ] + words.dropFirst()
    var arguments = all.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(nothing) }
    errors = child_file()
    guard nothing >= 0, errors >= 0 else { throw fail(errno) }
    var number: Int32 = 0
    let problem = child_start(&arguments, nothing, nothing, errors, .max, &number)
    guard problem == 0 else {
      close(errors)
      throw fail(problem)
    }
    process = number
  }

  deinit { close(errors) }

  /// Passes a Ctrl-C on.
  func interrupt() {
    isInterrupted = true
    if !hasEnded { kill(-process, SIGINT) }
  }

  /// What it said last, if it has ended and not well; nil otherwise, and after it was asked once.
  func lastWords() -> String? {
    var status: Int32 = 0
    guard !hasEnded, waitpid(process, &status, WNOHANG) == process else { return nil }
    hasEnded = true
    guard status != 0, !isInterrupted else { return nil }
    let how = status & 0x7F == 0 ? "exit \((status >> 8) & 0xFF)" : "signal \(status & 0x7F)"
    var bytes = [UInt8](repeating: 0, count: 4096)
    let size = Int(lseek(errors, 0, SEEK_END))
    let count = pread(errors, &bytes, bytes.count, off_t(max(0, size - bytes.count)))
    let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    let line = text.split(separator: "\n").first { $0.hasPrefix("mnemo: ") } ?? ""
    return "a worker ended (\(how))\(line.isEmpty ? "" : ": \(line.dropFirst(7))")"
  }

  /// Waits until it has ended, and ends it if that takes long.
  /// - Returns: as `lastWords`.
  func end() -> String? {
    var words: String?
    for round in 0..<1200 where !hasEnded {
      words = lastWords() ?? words
      if hasEnded { break }
      if round == 1000 { kill(-process, SIGKILL) }
      usleep(10_000)
    }
    return words
  }

  /// Says something on standard error.
  static func tell(_ words: String) {
    var line = "mnemo: \(words)\n"
    line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
