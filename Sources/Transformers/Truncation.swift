import Glibc
import Tensors

/// Tensors by name, to read and to replace: all that ``Truncation`` needs of a model.
public protocol NamedWeights {
  /// The names, in order.
  var names: [String] { get }
  /// The tensor of that name as it is stored, of 16 bits too.
  func get(_ name: String) throws -> Tensor
  /// Puts numbers of the same shape in its place: truncated ones in Float32, or what `get` gave.
  func set(_ name: String, _ values: Tensor) throws
}

extension NamedWeights {
  /// The names that match `glob` (`*`, `?`, `[…]`), in order.
  /// - Throws: `EngineError` if none does.
  func names(matching glob: String) throws -> [String] {
    let matching = names.filter { fnmatch(glob, $0, 0) == 0 }
    guard !matching.isEmpty else {
      throw EngineError(
        "model",
        "no parameter matches '\(glob)'; there are \(names.joined(separator: ", "))")
    }
    return matching
  }
}

extension Parameters: NamedWeights {}

/// The matrices of one model that are truncated to their largest singular values, and what they
/// were before.
///
/// A matrix is decomposed when it is first truncated, A = U diag(σ) Vᵀ. As long as nothing else
/// changes it, further shares come of the same factors, always of the matrix as it was before, and
/// that is what ``restore(_:changed:)`` puts back; the factors and a copy of the matrix stay in
/// memory, after that too. Once training, or anybody, has written something else into a matrix, it
/// is a new one, which the next ``truncate(_:names:share:)`` begins from.
///
/// Cost: O(m·n·min(m, n)) for the first share of a matrix, O(m·n·rank) for others.
public final class Truncation {
  /// What is left of a matrix.
  public struct Kept: Equatable, Sendable {
    /// The parameter.
    public let name: String
    /// How many singular values were kept.
    public let rank: Int
    /// Σσ² of those over Σσ² of all; 1 where all are kept.
    public let energy: Double
  }

  /// What ``restore(_:changed:)`` does with a parameter that was changed since it was truncated.
  public enum Changed: String, CaseIterable, Sendable {
    /// It stays as it is, and is truncated no longer.
    case keep
    /// It becomes what it was before it was truncated.
    case discard
  }

  private var matrices: [ByteName: Matrix] = [:]

  /// Of a model in which nothing is truncated.
  public init() {}

  /// Keeps the largest singular values of matrices: ⌈share·min(m, n)⌉ of each.
  ///
  /// With share 0 a matrix is all zeros, with share 1 it is what it was, to the bit. On an error
  /// no parameter is changed.
  /// - Parameters:
  ///   - weights: the model's parameters.
  ///   - globs: which of them (`*`, `?`, `[…]`).
  ///   - share: from 0 to 1.
  /// - Returns: what is left of each, in the order of the parameters.
  /// - Throws: `EngineError` if the share is not allowed, a glob matches no parameter or one that
  ///   is no matrix, or a number is not finite.
  public func truncate(
    _ weights: some NamedWeights, names globs: [String], share: Double
  ) throws -> [Kept] {
    guard share >= 0, share <= 1 else {
      // A NaN's sign says nothing.
      throw EngineError(
        "truncate", "share must be from 0 to 1, got \(share.isNaN ? .nan : share)")
    }
    let matching = Set(try globs.flatMap { try weights.names(matching: $0) }.map { ByteName($0) })
    let cuts = try weights.names.filter { matching.contains(ByteName($0)) }.map { name in
      let matrix = try matrix(name, of: weights)
      let rank = matrix.rank(of: share)
      return try named(name) {
        let kept = Kept(name: name, rank: rank, energy: try matrix.energy(rank))
        return (matrix: matrix, values: try matrix.values(rank), kept: kept)
      }
    }
    try StopToken.check()
    try StopToken.suspended {
      for (matrix, values, kept) in cuts {
        try put(values, of: matrix, kept.rank, into: kept.name, of: weights)
      }
    }
    return cuts.map(\.kept)
  }

  /// Puts the numbers back that truncated matrices had before, to the bit.
  /// - Parameters:
  ///   - weights: the parameters that were truncated.
  ///   - changed: what becomes of those that were changed since.
  /// - Returns: the names of what was put back, in order.
  /// - Throws: `EngineError` if there are such and nothing is said of them; then nothing is put
  ///   back.
  public func restore(
    _ weights: some NamedWeights, changed: Changed? = nil
  ) throws -> [String] {
    let truncated = try weights.names.compactMap { name in
      try matrices[ByteName(name)].flatMap { matrix in
        matrix.isWhole ? nil : (name, matrix, isLeft: try matrix.isLeft(in: weights.get(name)))
      }
    }
    let others = truncated.filter { !$0.isLeft }.map { $0.0 }
    guard others.isEmpty || changed != nil else {
      throw EngineError(
        "restore",
        others.map { "'\($0)'" }.joined(separator: ", ")
          + " \(others.count == 1 ? "has" : "have") changed since truncation, by training or "
          + "otherwise; changed = \"keep\" leaves that, \"discard\" goes back to what was before")
    }
    let restored = truncated.filter { $0.isLeft || changed == .discard }
    try StopToken.check()
    try StopToken.suspended {
      for (name, matrix, _) in restored {
        try put(matrix.original, of: matrix, matrix.count, into: name, of: weights)
      }
    }
    if changed == .keep { for name in others { matrices[ByteName(name)] = nil } }
    return restored.map { $0.0 }
  }

  /// The matrix that a parameter holds, or held before it was truncated.
  private func matrix(_ name: String, of weights: some NamedWeights) throws -> Matrix {
    let tensor = try weights.get(name)
    guard tensor.rank == 2 else {
      throw EngineError(
        "truncate",
        "'\(name)' has shape \(tensor.shape) and no singular values; only matrices have")
    }
    if let known = matrices[ByteName(name)], try known.isLeft(in: tensor) { return known }
    return Matrix(try StopToken.suspended { try tensor.copied() })
  }

  private func put(
    _ values: Tensor, of matrix: Matrix, _ rank: Int, into name: String,
    of weights: some NamedWeights
  ) throws {
    try weights.set(name, values)
    matrices[ByteName(name)] = matrix
    matrix.left = rank
    matrix.note(try weights.get(name))
  }

  /// Says of which parameter an error speaks.
  private func named<R>(_ name: String, _ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch let error as EngineError {
      throw EngineError("truncate", "'\(name)': \(error)")
    }
  }
}

/// A matrix, its factors once they were asked for, and how much of it was left in its place.
private final class Matrix {
  /// As it was, in its own type.
  let original: Tensor
  /// The rank that was left in its place.
  var left: Int
  private var factors: (u: Tensor, s: Tensor, v: Tensor)?
  /// Where it was left, and the version of that.
  private weak var place: Tensor?
  private var version = 0

  init(_ original: Tensor) {
    self.original = original
    left = min(original.shape[0], original.shape[1])
  }

  /// Number of singular values.
  var count: Int { min(original.shape[0], original.shape[1]) }
  /// Whether nothing of it is missing in its place.
  var isWhole: Bool { left == count }

  /// ⌈share·count⌉; what rounding adds to a product makes no further one.
  func rank(of share: Double) -> Int {
    Int((share * Double(count) * (1 - 1e-12)).rounded(.up))
  }

  /// The nearest matrix of this rank, in Float32; of full rank the matrix itself.
  func values(_ rank: Int) throws -> Tensor {
    if rank == count { return original }
    if rank == 0 { return try Tensor(full: original.shape, 0) }
    let (u, s, v) = try decomposed()
    return try u.narrow(1, 0, rank).mul(s.narrow(0, 0, rank)).matmul(v.narrow(1, 0, rank).t())
  }

  /// The share of Σσ² that this rank keeps.
  func energy(_ rank: Int) throws -> Double {
    if rank == count { return 1 }
    if rank == 0 { return 0 }
    let squares = try decomposed().s.elements().map { Double($0) * Double($0) }
    let all = squares.reduce(0, +)
    return all > 0 ? squares.prefix(rank).reduce(0, +) / all : 1
  }

  private func decomposed() throws -> (u: Tensor, s: Tensor, v: Tensor) {
    if let factors { return factors }
    let found = try noGrad { try LinearAlgebra.svd(original) }
    // Numbers that were cut short are not kept.
    try StopToken.check()
    factors = found
    return found
  }

  /// Remembers the tensor in which it was left.
  func note(_ tensor: Tensor) { (place, version) = (tensor, tensor.version) }

  /// Whether a tensor still holds what was left of this, to the bit.
  ///
  /// One that nobody has written to does. Others may hold it all the same: views of one storage
  /// have one version, and `model:with` writes back what was there.
  func isLeft(in tensor: Tensor) throws -> Bool {
    if tensor === place && tensor.version == version { return true }
    let values = try values(left)
    // Where `set` has taken the copy itself, what is written there is written into it.
    if values.sharesElements(with: tensor) { return tensor.version == version }
    let isSame = try values.dtype == tensor.dtype && values.hasBytes(of: tensor)
    try StopToken.check()
    if isSame { note(tensor) }
    return isSame
  }
}

extension Tensor {
  /// Whether the elements of a tensor of the same shape and type are these, to the bit.
  fileprivate func hasBytes(of other: Tensor) throws -> Bool {
    try withBytes { a in
      try other.withBytes { b in
        guard a.count == b.count else { return false }
        guard let x = a.baseAddress, let y = b.baseAddress else { return true }
        return memcmp(x, y, a.count) == 0
      }
    }
  }
}
