// Numbers of 16 bits, which are read and never changed. Views, products, look-ups of rows and files
// take them as they are; every other operation widens them first, by `operand`.

extension Tensor {
  /// How the numbers are stored: as float32, float16 or bfloat16.
  public var dtype: DType { storage.dtype }

  /// The same numbers in Float32: this tensor if they are, else a copy.
  /// - Throws: `EngineError` if there is no memory for it.
  public func float() throws -> Tensor { dtype == .float32 ? self : try widened() }

  /// The nearest numbers of 16 bits, 11 of them significant, up to 65504; this tensor if it has
  /// them, else a copy without history.
  /// - Throws: `EngineError` if there is no memory for it.
  public func half() throws -> Tensor { try narrowed(to: .float16) }

  /// The nearest numbers of 16 bits with the range of Float32 and 8 significant bits; this tensor
  /// if it has them, else a copy without history.
  /// - Throws: `EngineError` if there is no memory for it.
  public func bfloat16() throws -> Tensor { try narrowed(to: .bfloat16) }

  /// The numbers as operations take them, in Float32 and side by side: this tensor if they are,
  /// else a copy, from which the gradient comes back.
  /// - Throws: `EngineError` if there is no memory for it.
  func operand() throws -> Tensor { dtype == .float32 ? try contiguous() : try widened() }

  /// The same for who keeps no history: this tensor, or a copy without one.
  /// - Throws: `EngineError` if there is no memory for it.
  func plainOperand() throws -> Tensor {
    dtype == .float32 && layout.isContiguous ? self : try workingCopy()
  }

  /// A copy in Float32, side by side and without history, for operations that work in place.
  /// - Throws: `EngineError` if there is no memory for it.
  func workingCopy() throws -> Tensor { dtype == .float32 ? try copied() : try widened() }

  /// Refuses what only numbers in Float32 can do: to be changed, to be trained.
  /// - Throws: `EngineError` if these are others.
  func checkFloat32(_ operation: String) throws {
    guard dtype == .float32 else {
      throw EngineError(
        operation,
        "a tensor of \(dtype), here of shape \(shape), is only read; use x:float(), a copy in "
          + "float32")
    }
  }

  private func widened() throws -> Tensor {
    let result = try Tensor(uninitialized: shape)
    Backends.current.widen(storage.bytes, dtype, layout, to: result.pointer)
    return withExtendedLifetime(self) { result }
  }

  /// The nearest numbers of a type; this tensor if it has them, else a copy without history.
  /// - Throws: `EngineError` if there is no memory for it.
  package func rounded(to type: DType) throws -> Tensor {
    type == .float32 ? try detach().float() : try narrowed(to: type)
  }

  private func narrowed(to type: DType) throws -> Tensor {
    if dtype == type { return self }
    let source = try plainOperand()
    let result = try Tensor(uninitialized: shape, type)
    withExtendedLifetime(source) {
      Backends.current.narrow(count, source.pointer, to: result.storage.bytes, type)
    }
    return result
  }

  /// The same numbers of 16 bits in a storage of their own.
  func copiedAsStored() throws -> Tensor { try widened().narrowed(to: dtype) }
}
