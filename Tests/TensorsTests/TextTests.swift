import Tensors
import Testing

/// What tensors print as.
@Suite struct TextTests {
  private func text(
    _ numbers: [Float], _ change: (inout PrintOptions) -> Void = { _ in }
  ) throws -> String {
    var options = PrintOptions()
    change(&options)
    let text = try Tensor(numbers).text(options)
    #expect(text.hasPrefix("Tensor [\(numbers.count)]"))
    return String(text.drop { $0 != "]" }.dropFirst())
  }

  @Test func integersAndDecimals() throws {
    #expect(try text([1, -20, 0]) == "\n    1  -20    0")
    #expect(try text([0.5, -12.25]) == "\n    0.5000  -12.2500")
    #expect(try text([.nan, .infinity, 1]) == "\n  nan  inf    1")
    #expect(try text([999_999]) == "\n  999999")
  }

  @Test func commonScale() throws {
    #expect(try text([1e6, 2.5e8]) == " × 1e8\n  0.0100  2.5000")
    #expect(try text([1e-5, -2e-4]) == " × 1e-4\n   0.1000  -2.0000")
    #expect(try text([0, 3e-30]) == " × 1e-30\n  0.0000  3.0000")
  }

  /// What is not zero is never shown as zero.
  @Test func smallNumbers() throws {
    #expect(try text([1e-5, 0.5]) == "\n   1e-05  0.5000")
    #expect(try text([0.00004, 100]) == "\n     4e-05  100.0000")
    #expect(try text([-1e-20, 0, 0.25]) == "\n  -1e-20  0.0000  0.2500")
    // The last of these is the first that four decimals show.
    #expect(try text([4.9e-5, 5.1e-5, 1.5]) == "\n   5e-05  0.0001  1.5000")
    #expect(try text([123456.789, 1]) == "\n  1.2346e+05  1.0000e+00")
    #expect(try text([1e8, 1, 0]) == "\n  1.0000e+08  1.0000e+00  0.0000e+00")
    #expect(try text([9.99996e-4, 1e-12]) == "\n  1.0000e-03  1.0000e-12")
    #expect(
      try text([.leastNonzeroMagnitude, 3e38, -.infinity])
        == "\n  1.4013e-45  3.0000e+38        -inf")
  }

  /// One that is left out does not change how the others are written.
  @Test func onlyWhatIsShownCounts() throws {
    var numbers = [Float](repeating: 1.5e8, count: 20)
    numbers[10] = 1
    #expect(try text(numbers).hasPrefix(" × 1e8\n  1.5000"))
    #expect(try text(numbers) { $0.threshold = 20 }.hasPrefix("\n  1.5000e+08"))
  }

  @Test func precision() throws {
    #expect(try text([0.125, 2]) { $0.precision = 2 } == "\n  0.13  2.00")
    #expect(try text([0.004, 2.5]) { $0.precision = 2 } == "\n  4e-03   2.50")
    #expect(try text([0.6, 2.5]) { $0.precision = 0 } == "\n  1  3")
    #expect(try text([0.1]) { $0.precision = 10 } == "\n  0.1000000015")
    #expect(try text([99999.5]) { $0.precision = 10 } == "\n  99999.5000000000")
    #expect(try text([123456.789, 1]) { $0.precision = 1 } == "\n  1.2e+05  1.0e+00")
  }

  @Test func scientific() throws {
    #expect(try text([0.5, 20]) { $0.scientific = true } == "\n  5.0000e-01  2.0000e+01")
    #expect(try text([3]) { $0.scientific = true } == "\n  3.0000e+00")
    #expect(try text([1e-5, 0.5]) { $0.scientific = false } == "\n  0.0000  0.5000")
    #expect(
      try text([123456.789, 1]) { $0.scientific = false } == " × 1e5\n  1.2346  0.0000")
  }

  @Test func longDimensions() throws {
    let numbers = (1...15).map(Float.init)
    #expect(try text(numbers) == "\n   1   2   3   4   5   6   …  10  11  12  13  14  15")
    #expect(try text(numbers) { $0.edgeItems = 2 } == "\n   1   2   …  14  15")
    #expect(try text(numbers) { $0.threshold = 14 }.contains("…"))
    #expect(try !text(numbers) { $0.threshold = 15 }.contains("…"))
    #expect(try text(numbers) { $0.width = 20 } == "\n   1   2   …  14  15")
    #expect(
      try text(numbers) {
        $0.threshold = 15
        $0.width = 30
      } == "\n   1   2   3   …  13  14  15")
    let ids = try IntTensor((1...9).map(Int32.init), shape: [3, 3])
    var options = PrintOptions()
    options.edgeItems = 1
    #expect(ids.text(options) == "IntTensor [3, 3]\n  1  …  3\n  …  …  …\n  7  …  9")
    #expect(ids.text == "IntTensor [3, 3]\n  1  2  3\n  4  5  6\n  7  8  9")
  }
}
