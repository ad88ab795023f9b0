import ByteStrings
import ChildProcess
import Glibc
import Stopping
import Tensors

/// Runs gnuplot: a script goes in, what it draws comes out.
///
/// Script, drawing and complaints are files in memory: no other program can put a file in their
/// place, and nothing is left behind. gnuplot ends with the process that started it, at Ctrl-C, and
/// after a time.
package enum Gnuplot {
  /// The environment variable that sets how many seconds gnuplot may take.
  package static let limitVariable = "MNEMO_GNUPLOT_SECONDS"
  /// How many seconds gnuplot may take unless that is set.
  package static let usualLimit = 60.0
  /// How large a drawing may become, in bytes.
  static let mostBytes = 1 << 30

  /// What gnuplot writes on its standard output; `operation` opens the messages of errors.
  /// - Throws: `EngineError` if gnuplot is missing, fails or takes too long; `Stopped`.
  package static func output(of script: [UInt8], for operation: String) throws -> Output {
    let failure = { EngineError(operation, $0) }
    let limit = try self.limit(failure)
    let (input, output, errors) = (try File(failure), try File(failure), try File(failure))
    try input.fill(script)
    // `-d`: the user's own start-up file must not change figures.
    let status = try run(["gnuplot", "-d"], input, output, errors, limit, failure)
    let complaints = String(decoding: try errors.contents(), as: UTF8.self).trimmedLines
    let words = complaints.isEmpty ? "it said nothing" : complaints
    let signal = status & 0x7F
    if signal == SIGXFSZ {
      throw failure(
        "gnuplot failed: the drawing is larger than \(mostBytes >> 20) MiB, or than the limit on "
          + "files (ulimit -f)")
    }
    guard signal == 0 else { throw failure("gnuplot failed (signal \(signal)): \(words)") }
    let code = (status >> 8) & 0xFF
    guard code == 0 else { throw failure("gnuplot failed (exit \(code)): \(words)") }
    return Output(bytes: try output.contents(), complaints: words)
  }

  /// What gnuplot left behind.
  package struct Output {
    /// The drawing.
    package let bytes: [UInt8]
    /// What it said on standard error.
    package let complaints: String
  }

  private static func limit(_ failure: (String) -> EngineError) throws -> Double {
    guard let text = getenv(limitVariable).map({ String(cString: $0) }) else { return usualLimit }
    guard let seconds = Double(text), seconds > 0, seconds.isFinite else {
      throw failure(
        "\(limitVariable) is '\(text.printable)'; a number of seconds above 0 is expected")
    }
    return seconds
  }

  /// Runs a program to its end, and returns its status as wait(2) has it.
  private static func run(
    _ words: [String], _ input: File, _ output: File, _ errors: File, _ limit: Double,
    _ failure: (String) -> EngineError
  ) throws -> Int32 {
    var arguments = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var process: Int32 = 0
    let problem = child_start(
      &arguments, input.descriptor, output.descriptor, errors.descriptor, UInt64(mostBytes),
      &process)
    if problem == ENOENT {
      throw failure("gnuplot is not installed; on Debian it is the package gnuplot-nox")
    }
    guard problem == 0 else {
      throw failure("gnuplot cannot be started: \(String(cString: strerror(problem)))")
    }
    let end = ContinuousClock.now + .seconds(limit)
    var (status, nap): (Int32, useconds_t) = (0, 500)
    do {
      while true {
        let ended = waitpid(process, &status, WNOHANG)
        if ended == process { return status }
        // Somebody else waits for all children of this process: nobody can say how it ended.
        if ended < 0 && errno != EINTR { return 0 }
        try StopToken.checkpoint()
        guard ContinuousClock.now < end else { throw failure(tooLong(limit)) }
        usleep(nap)
        nap = min(2 * nap, 10_000)
      }
    } catch {
      // What it started goes with it.
      kill(-process, SIGKILL)
      waitpid(process, nil, 0)
      throw error
    }
  }

  private static func tooLong(_ limit: Double) -> String {
    let seconds = limit == limit.rounded() && limit < 1e9 ? "\(Int(limit))" : "\(limit)"
    return "gnuplot took longer than \(seconds) seconds and was ended; \(limitVariable) sets "
      + "another limit"
  }

  /// A file in memory.
  private final class File {
    let descriptor: Int32
    private let problem: (String) -> EngineError

    init(_ failure: @escaping (String) -> EngineError) throws {
      problem = failure
      descriptor = child_file()
      guard descriptor >= 0 else { throw self.failure }
    }

    deinit { close(descriptor) }

    private var failure: EngineError {
      problem("no memory for a drawing: \(String(cString: strerror(errno)))")
    }

    /// Writes bytes, to be read from the first one.
    func fill(_ bytes: [UInt8]) throws {
      var done = 0
      while done < bytes.count {
        let count = bytes.withUnsafeBytes {
          pwrite(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done, done)
        }
        guard count > 0 || errno == EINTR else { throw failure }
        done += max(0, count)
      }
    }

    func contents() throws -> [UInt8] {
      var status = stat()
      guard fstat(descriptor, &status) == 0 else { throw failure }
      let size = Int(status.st_size)
      return try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        while count < size {
          let read = pread(
            descriptor, buffer.baseAddress.map { $0 + count }, size - count, count)
          guard read > 0 || read < 0 && errno == EINTR else { throw failure }
          count += max(0, read)
        }
      }
    }
  }
}

extension String {
  /// Without empty lines and spaces at its ends, and as a message shows it.
  fileprivate var trimmedLines: String {
    split(separator: "\n").map { line in
      String(line.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
    .filter { !$0.isEmpty }.map(\.printable).joined(separator: "\n")
  }
}
