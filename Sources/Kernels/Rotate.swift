// Rotations of pairs of coordinates by an angle that depends on the row.

extension CPU {
  public func rotate(
    _ rows: Int, length: Int, pairs: Int, _ x: UnsafePointer<Float>,
    cosines c: UnsafePointer<Float>, sines s: UnsafePointer<Float>,
    to out: UnsafeMutablePointer<Float>
  ) {
    let width = 2 * pairs
    Parallel.ranges(rows, grain: max(1, Self.grain / max(width, 1))) { range in
      for row in range {
        let angle = row % length * pairs
        let (from, to) = (x + row * width, out + row * width)
        for i in 0..<pairs {
          let (a, b) = (from[2 &* i], from[2 &* i &+ 1])
          to[2 &* i] = a * c[angle &+ i] - b * s[angle &+ i]
          to[2 &* i &+ 1] = a * s[angle &+ i] + b * c[angle &+ i]
        }
      }
    }
  }
}
