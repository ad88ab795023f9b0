import Tensors

/// Where the numbers of a tensor stand in a file, and how.
///
/// They lie side by side in row-major order of `shape`, and the file has been found to hold them.
struct StoredNumbers {
  let file: File
  let dtype: DType
  let shape: [Int]
  /// The place of the first byte.
  let start: Int
  /// Whether the bytes of a number come in the order of big-endian machines.
  var isBigEndian = false

  /// Reads the tensor: numbers become Float32 (a double too large for it becomes infinite),
  /// integers Int32, and truth values numbers of 0 and 1, since masks are.
  /// - Throws: `EngineError` if the file cannot be read, an integer does not fit into 32 bits, or
  ///   there is no memory for the tensor.
  func value(_ failure: (String) -> EngineError) throws -> Safetensors.Value {
    switch dtype {
    case .float64: try float(failure) { Float(Double(bitPattern: $0)) }
    case .float32: try float(failure) { Float(bitPattern: $0) }
    case .float16: try float(failure) { Float(Float16(bitPattern: $0)) }
    case .bfloat16: try float(failure) { Float(BFloat16(bitPattern: $0)) }
    case .bool: try float(failure) { (truth: UInt8) in truth == 0 ? 0 : 1 }
    case .int64: try int(Int64.self, failure)
    case .int32: try int(Int32.self, failure)
    case .int16: try int(Int16.self, failure)
    case .int8: try int(Int8.self, failure)
    case .uint8: try int(UInt8.self, failure)
    }
  }

  /// The tensor over a mapping of the file, without a copy, if tensors have its number type and
  /// the numbers stand at a multiple of their size.
  ///
  /// At other places they are read as they are stored; those of other types are converted.
  /// - Throws: `EngineError` as `value`.
  func value(
    over mapping: FileMapping, _ failure: (String) -> EngineError
  ) throws -> Safetensors.Value {
    guard [.float32, .float16, .bfloat16].contains(dtype), !isBigEndian else {
      return try value(failure)
    }
    if start % dtype.size == 0, !shape.contains(0) {
      return .float(Tensor(mapping, at: start, dtype, shape: shape))
    }
    let result = try Tensor(uninitialized: shape, dtype)
    try result.withMutableBytes { try file.read($0, at: start, failure) }
    return .float(result)
  }

  private func float<Bits: FixedWidthInteger & BitwiseCopyable>(
    _ failure: (String) -> EngineError, _ convert: (Bits) -> Float
  ) throws -> Safetensors.Value {
    let result = try Tensor(uninitialized: shape)
    try result.withMutableElements { try read(into: $0, failure, convert) }
    return .float(result)
  }

  private func int<Stored: FixedWidthInteger & BitwiseCopyable>(
    _: Stored.Type, _ failure: (String) -> EngineError
  ) throws -> Safetensors.Value {
    let result = try IntTensor(shape: shape)
    try result.withMutableElements { elements in
      try read(into: elements, failure) { (value: Stored) in
        guard let element = Int32(exactly: value) else {
          throw failure("\(value) does not fit into 32 bits")
        }
        return element
      }
    }
    return .int(result)
  }

  /// Converts the stored numbers, block by block.
  private func read<Stored: FixedWidthInteger & BitwiseCopyable, Element>(
    into elements: UnsafeMutableBufferPointer<Element>, _ failure: (String) -> EngineError,
    _ convert: (Stored) throws -> Element
  ) throws {
    let block = min(elements.count, 1 << 14)
    let buffer = UnsafeMutableBufferPointer<Stored>.allocate(capacity: block)
    defer { buffer.deallocate() }
    for first in stride(from: 0, to: elements.count, by: max(block, 1)) {
      let part = UnsafeMutableBufferPointer(
        rebasing: buffer[..<min(block, elements.count - first)])
      try file.read(
        UnsafeMutableRawBufferPointer(part), at: start + first * MemoryLayout<Stored>.stride,
        failure)
      for i in part.indices {
        elements[first + i] = try convert(isBigEndian ? part[i].byteSwapped : part[i])
      }
    }
  }
}
