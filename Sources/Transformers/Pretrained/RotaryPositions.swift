import Glibc
import Tensors

/// Rotary positions as GPT-NeoX has them: the first coordinates of a head's queries and keys, in
/// two halves, are turned by angles that grow with the position.
///
/// Coordinate i of the first half and i of the second make a pair, which turns by
/// t · base^(−2i/n) at position t, counted from 0; n is the number of coordinates. An odd n turns
/// one coordinate more, with the frequencies of n, as the package transformers does.
public struct RotaryPositions: Sendable {
  /// n, as the configuration says.
  let coordinates: Int
  let base: Double

  /// Coordinates of a half.
  private var half: Int { (coordinates + 1) / 2 }

  /// How many coordinates are turned.
  var width: Int { 2 * half }

  /// The turns at some positions: cosines and sines, [T, 1, n/2].
  struct Turns {
    let cosines, sines: Tensor
  }

  /// The turns at `count` positions from `first` on; nil if no coordinate is turned.
  func turns(from first: Int, count: Int) throws -> Turns? {
    guard half > 0 else { return nil }
    // In Float32, as the models were trained: at large angles the difference can be seen.
    let frequencies = (0..<half).map { i in
      1 / Float(pow(base, Double(2 * i) / Double(coordinates)))
    }
    let angles = (first..<first + count).flatMap { t in
      frequencies.map { Double(Float(t) * $0) }
    }
    let shape = [count, 1, half]
    return Turns(
      cosines: try Tensor(angles.map { Float(cos($0)) }, shape: shape),
      sines: try Tensor(angles.map { Float(sin($0)) }, shape: shape))
  }

  /// Queries or keys [B, T, H, d/H], turned.
  func turn(_ x: Tensor, by turns: Turns) throws -> Tensor {
    let (a, b) = (try x.narrow(3, 0, half), try x.narrow(3, half, half))
    let (c, s) = (turns.cosines, turns.sines)
    var parts = [try a.mul(c).sub(b.mul(s)), try b.mul(c).add(a.mul(s))]
    if x.shape[3] > width { parts.append(try x.narrow(3, width, x.shape[3] - width)) }
    return try Tensor.cat(parts, 3)
  }
}
