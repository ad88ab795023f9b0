import Foundation

/// A process, so that others can tell whether it still lives.
///
/// On the same machine, and in the same space of process numbers, that is known at once: the number
/// and the time of its start belong to one process. Of others only heartbeats are heard.
package struct ProcessIdentity: Sendable, Equatable {
  /// `host:1234`, for people.
  let name: String
  /// `machine/1234/start`, for programs.
  package let text: String

  /// This process; after a fork it is another one.
  package static var current: ProcessIdentity {
    let process = getpid()
    return ProcessIdentity(
      name: "\(host):\(process)", text: "\(machine)/\(process)/\(start(of: process) ?? "")")
  }

  /// How many seconds without a heartbeat a process elsewhere is taken for alive.
  static let longestSilence = 60.0

  /// Whether a process has ended, or was not heard of for too long: its last heartbeat was
  /// `silence` seconds ago.
  static func isGone(_ text: String, silence: Double) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == machine, let process = pid_t(parts[1]) else {
      return silence > longestSilence
    }
    return start(of: process) != String(parts[2])
  }

  /// The machine's name.
  static let host: String = ProcessInfo.processInfo.hostName

  /// This start of this machine, and the space of process numbers: containers have their own.
  private static let machine: String = {
    let boot = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    let space = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")
    let number = (space ?? host).filter { $0.isNumber || $0.isLetter }
    return String((boot ?? host).prefix(13)) + "-" + number
  }()

  /// When a process was started, in the system's ticks; nil if there is none, or only what is left
  /// of one until its parent asks for its status.
  private static func start(of process: pid_t) -> String? {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
      let end = text.lastIndex(of: ")")
    else { return nil }
    // The name before may hold anything; the fields after it count from 3.
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 19, !["Z", "X"].contains(fields[0]) else { return nil }
    return String(fields[19])
  }
}
