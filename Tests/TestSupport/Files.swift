import FoundationEssentials

/// Makes a new folder for the files of a test, and returns its path.
public func newTemporaryFolder() throws -> String {
  let path = FileManager.default.temporaryDirectory.path + "/mnemo-tests-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  return path
}

/// Calls `body` with the path of a new folder, which is removed afterwards.
public func withTemporaryFolder<R>(_ body: (String) throws -> R) throws -> R {
  let path = try newTemporaryFolder()
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

/// The path of a file of Tests/Fixtures, without its ending `.safetensors`.
public func fixture(_ name: String) -> String {
  let tests = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
  return "/\(tests)/Fixtures/\(name).safetensors"
}

/// The library of the reference backend, which is built with the tests and lies beside them.
public let referenceBackend: String = {
  let tests = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
  return tests.deletingLastPathComponent().appending(path: "libReferenceBackend.so").path
}()

/// The lines of a file.
public func lines(_ path: String) throws -> [String] {
  try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
}
