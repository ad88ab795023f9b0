import ByteStrings
import ChildProcess
import Glibc
import LuaBridge
import Training

/// Who makes runs: the script, its repository, the command line.
enum ScriptOrigin {
  /// Tells it when it is first asked; which script it is, is looked at now.
  static func origin(_ lua: Lua, _ session: ModuleState) -> () -> RunOrigin {
    let name: String? =
      if case .table(let words) = lua.global("arg") { words.rawGet(0).asString } else { nil }
    return {
      if let known = session.origin { return known }
      let origin = made(script: name)
      session.origin = origin
      return origin
    }
  }

  private static func made(script: String?) -> RunOrigin {
    var origin = RunOrigin()
    origin.mnemo = MnemoModule.version
    origin.command = bytes(of: "/proc/self/cmdline")?.split(separator: 0).map {
      String(bytes: Array($0))
    }
    guard let script = script.flatMap(place(of:)), isRegular(script), let held = bytes(of: script)
    else { return origin }
    origin.script = RunOrigin.Script(path: script, bytes: held)
    let folder = script.lastIndex(of: "/").map { String(script[...$0]) } ?? "."
    origin.git = git(in: folder)
    return origin
  }

  /// Where a path leads, from the root.
  private static func place(of path: String) -> String? {
    guard let resolved = path.withCBytes({ realpath($0, nil) }) else { return nil }
    defer { free(resolved) }
    return String(cBytes: resolved)
  }

  private static func isRegular(_ path: String) -> Bool {
    var status = stat()
    return path.withCBytes { stat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  private static func bytes(of path: String) -> [UInt8]? {
    let file = path.withCBytes { open($0, O_RDONLY | O_CLOEXEC) }
    guard file >= 0 else { return nil }
    defer { close(file) }
    return bytes(of: file)
  }

  private static func bytes(of file: Int32) -> [UInt8]? {
    var (bytes, part) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
    while true {
      let count = read(file, &part, part.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return count == 0 ? bytes : nil }
      bytes += part[..<count]
    }
  }

  // MARK: Git

  /// How long git may take, in microseconds.
  private static let patience = 2_000_000

  /// The commit that a folder's repository is at, and whether its files differ; nil where there is
  /// no repository, or no git.
  private static func git(in folder: String) -> RunOrigin.Git? {
    // It runs no program that the repository names, and writes nothing: `describe --dirty` would
    // write the index anew, and leave it locked where it cannot.
    let words = [
      "git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-C", folder, "status",
      "--porcelain=v2", "--branch", "--untracked-files=no",
    ]
    guard let output = output(of: words) else { return nil }
    let lines = String(decoding: output, as: UTF8.self).split(separator: "\n")
    let mark = "# branch.oid "
    guard let commit = lines.first(where: { $0.hasPrefix(mark) })?.dropFirst(mark.count),
      commit.count >= 40
    else { return nil }
    return RunOrigin.Git(commit: String(commit), dirty: lines.contains { !$0.hasPrefix("#") })
  }

  /// What a program writes on its standard output; nil if it fails, or takes too long.
  private static func output(of words: [String]) -> [UInt8]? {
    let files = [child_file(), child_file(), child_file()]
    defer { for file in files where file >= 0 { close(file) } }
    var arguments = words.map { word in word.withCBytes { strdup($0) } } + [nil]
    defer { for argument in arguments { free(argument) } }
    var (process, status): (Int32, Int32) = (0, 0)
    guard files.allSatisfy({ $0 >= 0 }),
      child_start(&arguments, files[0], files[1], files[2], 1 << 24, &process) == 0
    else { return nil }
    var (waited, nap) = (0, 200)
    while waitpid(process, &status, WNOHANG) == 0 {
      guard waited < patience else {
        kill(-process, SIGKILL)
        waitpid(process, nil, 0)
        return nil
      }
      usleep(useconds_t(nap))
      (waited, nap) = (waited + nap, min(2 * nap, 10_000))
    }
    lseek(files[1], 0, SEEK_SET)
    return status == 0 ? bytes(of: files[1]) : nil
  }
}
