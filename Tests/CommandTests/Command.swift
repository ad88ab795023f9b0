import Foundation
import Glibc
import TestSupport
import Testing

/// The package's folder.
let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

/// What a command left behind.
struct Outcome {
  /// The exit status; minus the signal's number if a signal ended it.
  let status: Int32
  let output: String
  let errors: String

  /// The first line on standard error.
  var sentence: String {
    String(errors.prefix { $0 != "\n" })
  }
}

struct Missing: Error, CustomStringConvertible {
  let description: String
}

/// A running command whose output goes into files, so that no pipe can fill up.
final class Running {
  private let process = Process()
  private let folder: URL

  /// Starts a command.
  ///
  /// - Parameters:
  ///   - arguments: What is typed after its name.
  ///   - input: What it reads; nothing by default.
  ///   - current: The folder it runs in.
  ///   - executable: By default the `mnemo` of the release build.
  /// - Throws: `Missing` if it has not been built.
  init(
    _ arguments: [String], input: String = "", in current: URL? = nil, executable: URL? = nil
  ) throws {
    let built = package.appending(path: ".build/release/mnemo")
    guard FileManager.default.isExecutableFile(atPath: (executable ?? built).path) else {
      throw Missing(description: "\((executable ?? built).path) is missing: run `make build` first")
    }
    folder = URL(filePath: try newTemporaryFolder())
    process.executableURL = executable ?? built
    process.arguments = arguments
    process.currentDirectoryURL = current ?? folder
    for name in ["input", "output", "errors"] {
      try Data(name == "input" ? input.utf8 : "".utf8).write(to: folder.appending(path: name))
    }
    process.standardInput = try FileHandle(forReadingFrom: folder.appending(path: "input"))
    process.standardOutput = try FileHandle(forWritingTo: folder.appending(path: "output"))
    process.standardError = try FileHandle(forWritingTo: folder.appending(path: "errors"))
    try process.run()
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private func text(_ name: String) -> String {
    do {
      return String(
        decoding: try Data(contentsOf: folder.appending(path: name)), as: UTF8.self)
    } catch {
      Issue.record(error)
      return ""
    }
  }

  /// Waits until standard error holds a text.
  func wait(for expected: String) throws {
    let end = Date().addingTimeInterval(60)
    while !text("errors").contains(expected) {
      guard process.isRunning, Date() < end else {
        throw Missing(description: "never said '\(expected)' but: \(text("errors"))")
      }
      usleep(5000)
    }
  }

  /// Sends a signal, by default Ctrl-C's.
  func signal(_ number: Int32 = SIGINT) { kill(process.processIdentifier, number) }

  /// Waits for the end; after two minutes the command is killed.
  func finish() -> Outcome {
    let end = Date().addingTimeInterval(120)
    while process.isRunning && Date() < end { usleep(2000) }
    if process.isRunning { signal(SIGKILL) }
    process.waitUntilExit()
    // The folder goes with the object.
    defer { withExtendedLifetime(self) {} }
    let isSignal = process.terminationReason == .uncaughtSignal
    return Outcome(
      status: isSignal ? -process.terminationStatus : process.terminationStatus,
      output: text("output"), errors: text("errors"))
  }
}

/// Runs the command to its end.
func mnemo(_ arguments: String..., input: String = "", in folder: URL? = nil) throws -> Outcome {
  try Running(arguments, input: input, in: folder).finish()
}

/// Runs a script given as text, which is called script.lua.
func run(
  _ script: String, _ arguments: [String] = [], options: [String] = [], in folder: URL? = nil
) throws -> Outcome {
  guard let folder else {
    return try withFolder { try run(script, arguments, options: options, in: $0) }
  }
  try Data(script.utf8).write(to: folder.appending(path: "script.lua"))
  return try Running(options + ["script.lua"] + arguments, in: folder).finish()
}

/// Runs `body` with a folder that is removed afterwards.
func withFolder<R>(_ body: (URL) throws -> R) throws -> R {
  try withTemporaryFolder { try body(URL(filePath: $0)) }
}

extension URL {
  /// Writes a file in this folder.
  @discardableResult
  func write(_ name: String, _ text: String) throws -> URL {
    try write(name, bytes: Array(text.utf8))
  }

  /// Writes a file in this folder.
  @discardableResult
  func write(_ name: String, bytes: [UInt8]) throws -> URL {
    let file = appending(path: name)
    try Data(bytes).write(to: file)
    return file
  }

  /// The text of a file in this folder, empty if there is none.
  func text(_ name: String) -> String {
    String(decoding: (try? Data(contentsOf: appending(path: name))) ?? Data(), as: UTF8.self)
  }

  /// The names of the files in this folder.
  var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }
}

/// A small task, model and optimizer for scripts.
let smallRun = """
  local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
  local model = mnemo.model.simplified { vocab = 65, dim = 8, max_len = 16, seed = 1 }
  local sgd = mnemo.optim.sgd { lr = 0.1 }
  local function train(more)
    local options = { model = model, data = task, steps = 2, batch_size = 4, optimizer = sgd }
    for name, value in pairs(more or {}) do options[name] = value end
    return mnemo.train(options)
  end

  """
