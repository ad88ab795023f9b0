import TensorFiles

/// Who made a run, as far as that is known.
public struct RunOrigin: Codable, Equatable, Sendable {
  /// A file, and what it held.
  public struct Script: Codable, Equatable, Sendable {
    /// Its path.
    public let path: String
    /// The SHA-256 of its bytes, in hexadecimal digits.
    public let sha256: String

    /// A file that held this.
    public init(path: String, bytes: [UInt8]) {
      (self.path, sha256) = (path, SHA256.hexadecimal(of: bytes))
    }
  }

  /// The repository that the script lies in.
  public struct Git: Codable, Equatable, Sendable {
    /// The commit that was checked out.
    public let commit: String
    /// Whether its files had been changed.
    public let dirty: Bool

    /// A commit, changed or not.
    public init(commit: String, dirty: Bool) { (self.commit, self.dirty) = (commit, dirty) }
  }

  /// The version of mnemo.
  public var mnemo: String?
  /// The words of the command line.
  public var command: [String]?
  /// The script.
  public var script: Script?
  /// The state of its repository; nil where there is none.
  public var git: Git?

  /// Nothing known.
  public init() {}
}
