// What runs along a line: sums so far, and products. Both are made in Float64.

extension Lines {
  /// Calls `body` with lines that lie side by side, on several threads: where the first of them
  /// begins, which it is, and how many there are, at most 512.
  ///
  /// Element k of line j stands `k * inner + j` behind the beginning.
  fileprivate func blocks(_ body: (_ first: Int, _ line: Int, _ width: Int) -> Void) {
    let widest = 512
    let perOuter = (inner + widest - 1) / widest
    let elements = max(1, size * min(inner, widest))
    Parallel.ranges(outer * perOuter, grain: max(1, CPU.grain / elements)) { range in
      for block in range {
        let (o, column) = (block / perOuter, block % perOuter * widest)
        body(o * size * inner + column, o * inner + column, min(widest, inner - column))
      }
    }
  }
}

extension Lines {
  /// The product of those of `count` elements that are not 0, and how many are.
  private func product(_ count: Int, _ x: UnsafePointer<Float>) -> (product: Double, zeros: Int) {
    // Four products at a time, as a multiplication waits for the one before.
    var (a, b, c, d, zeros) = (1.0, 1.0, 1.0, 1.0, 0)
    func factor(_ k: Int) -> Double {
      zeros += x[k] == 0 ? 1 : 0
      return x[k] == 0 ? 1 : Double(x[k])
    }
    for k in stride(from: 0, to: count - count % 4, by: 4) {
      a *= factor(k)
      b *= factor(k + 1)
      c *= factor(k + 2)
      d *= factor(k + 3)
    }
    for k in count - count % 4..<count { a *= factor(k) }
    return ((a * b) * (c * d), zeros)
  }

  /// Calls `body` with blocks of lines of x, the product of those elements of each that are not 0,
  /// and how many are.
  fileprivate func products(
    _ x: UnsafePointer<Float>,
    _ body: (
      _ first: Int, _ line: Int, _ products: UnsafeMutableBufferPointer<Double>,
      _ zeros: UnsafeMutableBufferPointer<Int>
    ) -> Void
  ) {
    blocks { first, line, width in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: width) { products in
        withUnsafeTemporaryAllocation(of: Int.self, capacity: width) { zeros in
          products.initialize(repeating: 1)
          zeros.initialize(repeating: 0)
          if inner == 1 {
            (products[0], zeros[0]) = product(size, x + first)
          } else {
            for k in 0..<size {
              let row = first + k * inner
              for j in 0..<width {
                let element = x[row + j]
                if element == 0 { zeros[j] += 1 } else { products[j] *= Double(element) }
              }
            }
          }
          body(first, line, products, zeros)
        }
      }
    }
  }
}

extension Tensor {
  /// Along dimension `d`, the sum of each element and all before it.
  /// - Throws: `EngineError` if there is no such dimension.
  public func cumsum(_ d: Int) throws -> Tensor {
    let d = try layout.dimension(d, "cumsum")
    // An element counts in its own sum and all behind it.
    return try runningSums(d, reversed: false)
      .recorded("cumsum", from: [self], areFresh: true) { g, _ in
        [try g.runningSums(d, reversed: true)]
      }
  }

  private func runningSums(_ d: Int, reversed: Bool) throws -> Tensor {
    let source = try plainOperand()
    let result = try Tensor(uninitialized: shape)
    let lines = Lines(shape, around: d)
    let (x, out) = (source.pointer, result.pointer)
    lines.blocks { first, _, width in
      if lines.inner == 1 {
        // The sum of a single line stays in a register.
        var sum = 0.0
        for k in 0..<lines.size {
          let place = first + (reversed ? lines.size - 1 - k : k)
          sum += Double(x[place])
          out[place] = Float(sum)
        }
        return
      }
      withUnsafeTemporaryAllocation(of: Double.self, capacity: width) { sums in
        sums.initialize(repeating: 0)
        for k in 0..<lines.size {
          let row = first + (reversed ? lines.size - 1 - k : k) * lines.inner
          for j in 0..<width {
            sums[j] += Double(x[row + j])
            out[row + j] = Float(sums[j])
          }
        }
      }
    }
    return withExtendedLifetime(source) { result }
  }

  /// Product along dimension `d`; 1 where it is empty.
  ///
  /// The gradient of an element is the product of the others, also where some are 0.
  /// - Throws: `EngineError` if there is no such dimension.
  public func prod(_ d: Int) throws -> Tensor {
    let d = try layout.dimension(d, "prod")
    let lines = Lines(shape, around: d)
    var reduced = shape
    reduced.remove(at: d)
    let source = try plainOperand()
    let result = try Tensor(uninitialized: reduced)
    let out = result.pointer
    lines.products(source.pointer) { _, line, products, zeros in
      for j in products.indices {
        out[line + j] = Float(zeros[j] == 0 ? products[j] : 0 * products[j])
      }
    }
    return withExtendedLifetime(source) { result }
      .recorded("prod", from: [self], areFresh: true) { g, saved in
        [try saved.inputs[0].detach().productsOfOthers(lines, g.contiguous())]
      }
  }

  /// The product of all other elements of an element's line, times the line's entry of `g`.
  private func productsOfOthers(_ lines: Lines, _ g: Tensor) throws -> Tensor {
    let source = try plainOperand()
    let result = try Tensor(uninitialized: shape)
    let (x, g, out) = (source.pointer, g.pointer, result.pointer)
    lines.products(x) { first, line, products, zeros in
      for k in 0..<lines.size {
        let row = first + k * lines.inner
        for j in products.indices {
          let (x, scale) = (Double(x[row + j]), Double(g[line + j]))
          let others =
            switch zeros[j] {
            case 0: products[j] / x
            case 1 where x == 0: products[j]
            default: 0 * products[j]
            }
          out[row + j] = Float(scale * others)
        }
      }
    }
    return withExtendedLifetime(source) { result }
  }
}
