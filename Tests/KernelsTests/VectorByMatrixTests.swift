import Kernels
import TestSupport
import Testing
import VectorKernels

/// A vector times a matrix that is read as it is stored.
struct VectorByMatrixTests {
  /// Whole numbers, which every type holds, as one type stores them.
  private static func stored(_ numbers: [Float], _ dtype: DType) -> [UInt8] {
    func bytes<T>(_ values: [T]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }
    return switch dtype {
    case .float16: bytes(numbers.map { Float16($0).bitPattern })
    case .bfloat16: bytes(numbers.map { UInt16(truncatingIfNeeded: $0.bitPattern >> 16) })
    default: bytes(numbers)
    }
  }

  static let types: [(DType, stored_numbers)] = [
    (.float32, stored_float32), (.float16, stored_float16), (.bfloat16, stored_bfloat16),
  ]

  /// Every count of rows up to 19 and of columns up to 70, rows farther apart than they are long:
  /// exactly the sums, and nothing written beside them.
  @Test(arguments: KernelSets.names) func everySmallShape(_ name: String) {
    let set = KernelSets[name]
    var numbers = Numbers(1)
    var wrong: [String] = []
    for (dtype, type) in Self.types {
      for rows in 0...19 {
        for n in 1...70 {
          let (stride, w) = (n + 3, numbers.whole(rows * (n + 3) + 1))
          let (x, y) = (numbers.whole(n), numbers.whole(max(rows, 1)))
          let dots = (0..<rows).map { r in
            (0..<n).reduce(Float(0)) { $0 + x[$1] * w[r * stride + $1] }
          }
          let sums = (0..<n).map { i in
            (0..<rows).reduce(Float(0)) { $0 + y[$1] * w[$1 * stride + i] }
          }
          var out = [Float](repeating: -12345, count: max(rows, n) + 1)
          Self.stored(w, dtype).withUnsafeBytes { w in
            if let w = w.baseAddress { set.dots(rows, n, x, w, stride, type, &out) }
          }
          if Array(out[..<rows]) != dots || out[rows] != -12345 {
            wrong.append("dots \(dtype) \(rows)×\(n)")
          }
          out = [Float](repeating: -12345, count: max(rows, n) + 1)
          Self.stored(w, dtype).withUnsafeBytes { w in
            if let w = w.baseAddress { set.weighted_sum(rows, n, y, w, stride, type, &out) }
          }
          if Array(out[..<n]) != sums || out[n] != -12345 {
            wrong.append("weighted_sum \(dtype) \(rows)×\(n)")
          }
        }
      }
    }
    #expect(wrong.isEmpty, "\(wrong.prefix(5)) and \(wrong.count) in all")
  }

  /// Every type's every number: the tail of a row, where vectors do not reach, as its middle.
  @Test(arguments: KernelSets.names) func numbersAreWidenedExactly(_ name: String) {
    let set = KernelSets[name]
    let bits = (UInt16.min...UInt16.max).filter { $0 & 0x7C00 != 0x7C00 }
    for count in [bits.count, 7] {
      var out = [Float](repeating: 0, count: count)
      set.weighted_sum(1, count, [1], bits, count, stored_float16, &out)
      #expect(zip(out, bits).allSatisfy { $0 == Float(Float16(bitPattern: $1)) })
      let wide = bits.map { $0 & 0x7F80 == 0x7F80 ? 0 : $0 }
      set.weighted_sum(1, count, [1], wide, count, stored_bfloat16, &out)
      #expect(zip(out, wide).allSatisfy { $0 == Float(bitPattern: UInt32($1) << 16) })
    }
  }

  /// Sets that multiply and add in one rounding agree to the bit.
  @Test func setsAgree() {
    var numbers = Numbers(2)
    let (x, w) = (numbers.fractions(333), numbers.fractions(29 * 333))
    for (dtype, type) in Self.types {
      let results = KernelSets.alike.map { name in
        var out = [Float](repeating: 0, count: 29 + 333)
        Self.stored(w, dtype).withUnsafeBytes { w in
          guard let w = w.baseAddress else { return }
          out.withUnsafeMutableBufferPointer { out in
            guard let first = out.baseAddress else { return }
            KernelSets[name].dots(29, 333, x, w, 333, type, first)
            KernelSets[name].weighted_sum(29, 333, x, w, 333, type, first + 29)
          }
        }
        return out.map(\.bitPattern)
      }
      #expect(results.dropFirst().allSatisfy { $0 == results[0] }, "\(dtype)")
    }
  }

  /// Products that are cut into parts, on one thread and on several: exactly the sums.
  @Test(arguments: [(1000, 700), (700, 1000), (3, 200_000), (200_000, 3), (4096, 64)])
  func productsOfOneRow(_ n: Int, _ k: Int) throws {
    var numbers = Numbers(3)
    let (x, w) = (numbers.whole(k), numbers.whole(n * k))
    var sums = [Float](repeating: 0, count: n)
    for i in 0..<k { for j in 0..<n { sums[j] += x[i] * w[i * n + j] } }
    let turned = (0..<n * k).map { w[$0 % k * n + $0 / k] }
    for (dtype, _) in Self.types {
      for isTurned in [false, true] {
        for threads in [1, 2] {
          let held = HeldThreads()
          defer { held.end() }
          Parallel.threads = threads
          var out = [Float](repeating: 0, count: n)
          try Self.stored(isTurned ? turned : w, dtype).withUnsafeBytes { w in
            guard let address = w.baseAddress else { return }
            try x.withUnsafeBufferPointer { x in
              guard let x = x.baseAddress else { return }
              try CPU().product(
                1, n, k, MatrixView(x, stride: k),
                MatrixView(address, dtype, stride: isTurned ? k : n, transposed: isTurned),
                beta: 0, to: &out)
            }
          }
          #expect(out == sums, "\(dtype), turned \(isTurned), \(threads) threads")
        }
      }
    }
  }
}
