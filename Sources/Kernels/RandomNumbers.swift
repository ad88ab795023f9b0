import VectorKernels

/// Random numbers many at a time: a block of Philox, and what is made of its words.
///
/// The same bits come out as one by one, whatever the kernels but "portable" are.
package enum RandomNumbers {
  /// The words of `blocks` blocks, four each, from a counter on, whose first word counts the
  /// blocks.
  package static func words(
    key: SIMD2<UInt32>, counter: SIMD4<UInt32>, blocks: Int, to out: UnsafeMutablePointer<UInt32>
  ) {
    withUnsafeBytes(of: counter) { counter in
      guard let start = counter.assumingMemoryBound(to: UInt32.self).baseAddress else { return }
      kernels.random_words(UInt64(key[1]) << 32 | UInt64(key[0]), start, blocks, out)
    }
  }

  /// Replaces words by uniform numbers in [0, 1), multiples of 2⁻²⁴, times `range` and above `low`.
  package static func makeUniform(
    _ count: Int, low: Float, range: Float, _ words: UnsafeMutablePointer<Float>
  ) {
    kernels.uniforms(count, low, range, words)
  }

  /// Replaces each pair of words by two independent normal numbers (Box–Muller); `count` is even.
  package static func makeNormal(
    _ count: Int, mean: Float, deviation: Float, _ words: UnsafeMutablePointer<Float>
  ) {
    kernels.normals(count, mean, deviation, words)
  }
}
