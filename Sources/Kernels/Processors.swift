import Glibc
import ThreadPool

/// How many processors this process may use.
package enum Processors {
  /// The processors it is bound to, as far as its control groups and `OMP_NUM_THREADS` allow.
  ///
  /// At least 1; asked once.
  package static let usable: Int = {
    let folders = cpuGroups(
      memberships: text(of: "/proc/self/cgroup"), mounts: text(of: "/proc/self/mountinfo"))
    let quotas = folders.compactMap { folder in
      limit(quota: text(of: folder + "/cpu.max"))
        ?? limit(
          quota: text(of: folder + "/cpu.cfs_quota_us") + " "
            + text(of: folder + "/cpu.cfs_period_us"))
    }
    let wish = getenv("OMP_NUM_THREADS").flatMap { firstNumber(in: String(cString: $0)) }
    return max(1, ([Int(thread_pool_processors())] + quotas + [wish ?? .max]).min() ?? 1)
  }()

  /// The first number of a list such as "4,2", as OpenMP reads it, if that is a positive number.
  package static func firstNumber(in list: String) -> Int? {
    let first = list.split(separator: ",", omittingEmptySubsequences: false)[0]
    guard let number = Int(first.filter { $0 != " " && $0 != "\t" }), number > 0 else { return nil }
    return number
  }

  /// How many processors a quota is worth, rounded up.
  /// - Parameter quota: microseconds of processor time and of the period they are for, such as
  ///   "150000 100000", "max 100000" or "-1 100000".
  /// - Returns: 1 or more; nil if there is no limit.
  package static func limit(quota: String) -> Int? {
    let words = quota.split(whereSeparator: \.isWhitespace)
    guard words.count == 2, let time = Int(words[0]), let period = Int(words[1]), time > 0,
      period > 0
    else { return nil }
    return time / period + (time % period > 0 ? 1 : 0)
  }

  /// The folders whose files may limit the processor time of a process: its control group and those
  /// around it, of both versions.
  /// - Parameters:
  ///   - memberships: the text of `/proc/self/cgroup`.
  ///   - mounts: the text of `/proc/self/mountinfo`.
  /// - Returns: paths, inner groups before outer ones.
  package static func cpuGroups(memberships: String, mounts: String) -> [String] {
    var folders: [String] = []
    for mount in mounts.split(separator: "\n") {
      // 32 31 0:29 /root /mounted/at rw,relatime [tags …] - cgroup cgroup rw,cpu
      let words = mount.split(separator: " ")
      guard let dash = words.firstIndex(of: "-"), dash >= 5, words.count > dash + 3 else {
        continue
      }
      let (root, place, kind) = (words[3], words[4], words[dash + 1])
      guard kind == "cgroup2" || kind == "cgroup" && list(words[dash + 3]).contains("cpu") else {
        continue
      }
      for line in memberships.split(separator: "\n") {
        // 0::/user.slice of version 2, 4:cpu,cpuacct:/docker/1234 of version 1
        let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3,
          kind == "cgroup2" ? fields[1].isEmpty : list(fields[1]).contains("cpu")
        else { continue }
        folders += groups(from: fields[2], root: root).map { place + $0 }
      }
    }
    return folders
  }

  /// The path of a group and of all around it below what is mounted, "" being the mounted one
  /// itself.
  ///
  /// In a container the path may be one of the host, of which the mount shows only an end.
  private static func groups(from path: Substring, root: Substring) -> [String] {
    var names = path.split(separator: "/")
    let hidden = root.split(separator: "/")
    if names.starts(with: hidden) { names.removeFirst(hidden.count) }
    return (0...names.count).reversed().map { count in
      names.prefix(count).map { "/" + $0 }.joined()
    }
  }

  private static func list(_ text: Substring) -> [Substring] { text.split(separator: ",") }

  /// The text of a small file of the kernel's; empty if there is none.
  private static func text(of path: String) -> String {
    guard let file = fopen(path, "re") else { return "" }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    var result: [UInt8] = []
    while true {
      let count = fread(&bytes, 1, bytes.count, file)
      if count == 0 { return String(decoding: result, as: UTF8.self) }
      result += bytes.prefix(count)
    }
  }
}
