import Glibc
import Tensors

/// NumPy's files of one array (.npy).
///
/// A file is the magic bytes `\x93NUMPY`, the version of the format, the length of the header, the
/// header (a literal of a Python dictionary), and the elements:
///
/// ```
/// {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
/// ```
///
/// The header is checked in full before a tensor is allocated, and nothing in a file is ever run:
/// pickled objects are refused. Source: NumPy, `numpy/lib/format.py`.
public enum Npy {
  /// Reads the array of a file.
  ///
  /// f2, f4 and f8 become a ``Tensor``, and so does b1, since masks are tensors of 0 and 1; i1, i2,
  /// i4, i8 and u1 become an ``IntTensor``. Either byte order and either order of elements will do.
  /// - Throws: `EngineError` that names the file and what is wrong with it.
  public static func load(_ path: String) throws -> Safetensors.Value {
    func failure(_ message: String) -> EngineError {
      EngineError("load", "\"\(path)\": \(message)")
    }
    let (file, size) = try File.regular(path, failure)
    let header = try NpyHeader(of: file, size: size, failure)
    let sizes = header.isFortran ? header.shape.reversed() : header.shape
    let numbers = StoredNumbers(
      file: file, dtype: header.dtype, shape: sizes, start: header.dataStart,
      isBigEndian: header.isBigEndian)
    let value = try numbers.value(failure)
    guard header.isFortran else { return value }
    // The first index runs fastest: the same numbers under the reversed indices.
    switch value {
    case .float(let tensor):
      return .float(try reversed(tensor, rank: sizes.count) { try $0.transpose($1, $2) }.clone())
    case .int(let tensor):
      return .int(try reversed(tensor, rank: sizes.count) { try $0.transpose($1, $2) }.clone())
    }
  }

  /// A view with the dimensions in the opposite order.
  private static func reversed<T: AnyObject>(
    _ tensor: T, rank: Int, _ transpose: (T, Int, Int) throws -> T
  ) rethrows -> T {
    try (0..<rank / 2).reduce(tensor) { try transpose($0, $1, rank - 1 - $1) }
  }

  /// Writes a tensor (as f4, or f2 if it is stored so) or integers (as i4), rows first.
  ///
  /// Version 1.0 of the format. NumPy has no bfloat16: such numbers are written as f4, which holds
  /// the same. An earlier file is replaced at once or not at all.
  /// - Throws: `EngineError` with the system's reason if the file cannot be written.
  public static func save(_ path: String, _ value: Safetensors.Value) throws {
    func failure(_ message: String) -> EngineError {
      EngineError("save", "\"\(path)\": \(message)")
    }
    let descr =
      switch value.dtype {
      case .int32: "<i4"
      case .float16: "<f2"
      default: "<f4"
      }
    let sizes = value.shape.map { "\($0)" }
    let shape = sizes.count == 1 ? "(\(sizes[0]),)" : "(\(sizes.joined(separator: ", ")))"
    var text = Array("{'descr': '\(descr)', 'fortran_order': False, 'shape': \(shape), }".utf8)
    // The elements begin at a multiple of 64 bytes; the header ends with a new line.
    while (magic.count + 4 + text.count + 1) % 64 != 0 { text.append(UInt8(ascii: " ")) }
    text.append(UInt8(ascii: "\n"))
    guard let length = UInt16(exactly: text.count) else {
      throw failure("a tensor of \(value.shape.count) dimensions has too long a header")
    }
    let start = magic + [1, 0, UInt8(truncatingIfNeeded: length), UInt8(length >> 8)] + text
    try File.replace(path, failure) { file in
      try start.withUnsafeBytes { try file.write($0, failure) }
      switch value {
      case .float(let tensor) where tensor.dtype == .float16:
        try tensor.withBytes { try file.write($0, failure) }
      case .float(let tensor):
        try tensor.withElements { try file.write(UnsafeRawBufferPointer($0), failure) }
      case .int(let tensor):
        try tensor.withElements { try file.write(UnsafeRawBufferPointer($0), failure) }
      }
    }
  }

  fileprivate static let magic = [0x93] + Array("NUMPY".utf8)
  /// The longest header, in bytes; NumPy's own limit.
  fileprivate static let maxHeader = 10_000
}

/// A checked header.
private struct NpyHeader {
  /// The number types that are read, under NumPy's names for them.
  private static let types: [(name: String, dtype: DType)] = [
    ("f2", .float16), ("f4", .float32), ("f8", .float64), ("i1", .int8), ("i2", .int16),
    ("i4", .int32), ("i8", .int64), ("u1", .uint8), ("b1", .bool),
  ]

  let dtype: DType
  /// Whether the bytes of an element come in the order of big-endian machines.
  let isBigEndian: Bool
  /// Whether the first index, not the last, runs fastest.
  let isFortran: Bool
  let shape: [Int]
  /// Where the elements begin in the file.
  let dataStart: Int

  /// Reads and checks the header of a file of `size` bytes.
  /// - Throws: `EngineError` for the first thing that is wrong.
  init(of file: File, size: Int, _ failure: (String) -> EngineError) throws {
    func bytes(_ range: Range<Int>) throws -> [UInt8] {
      guard range.upperBound <= size else {
        throw failure("is cut short: \(size) bytes end inside its header")
      }
      var result = [UInt8](repeating: 0, count: range.count)
      try result.withUnsafeMutableBytes { try file.read($0, at: range.lowerBound, failure) }
      return result
    }
    guard size >= 10, try bytes(0..<6) == Npy.magic else {
      throw failure("is no .npy file: it does not begin with \\x93NUMPY")
    }
    let version = try bytes(6..<8)
    guard (1...3).contains(version[0]), version[1] == 0 else {
      throw failure("version \(version[0]).\(version[1]) of the format (allowed: 1.0, 2.0, 3.0)")
    }
    let lengthEnd = version[0] == 1 ? 10 : 12
    let length = try bytes(8..<lengthEnd).reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= Npy.maxHeader else {
      throw failure("its header of \(length) bytes is too long (allowed: \(Npy.maxHeader))")
    }
    dataStart = lengthEnd + length
    var literal = PythonLiteral(try bytes(lengthEnd..<dataStart))
    let fields: (descr: String, fortran: Bool, shape: [Int])
    do {
      fields = try literal.header()
    } catch let malformed as PythonLiteral.Malformed {
      throw failure("its header \(malformed.reason)")
    }
    (isFortran, shape) = (fields.fortran, fields.shape)
    let known = Self.types.map(\.name).joined(separator: ", ")
    guard let order = fields.descr.first, "<>|=".contains(order),
      let (name, dtype) = Self.types.first(where: { $0.name == fields.descr.dropFirst() })
    else {
      throw failure("dtype '\(fields.descr)' is not supported (allowed: \(known))")
    }
    self.dtype = dtype
    isBigEndian = order == ">"
    var total = dtype.size
    for side in shape {
      let (product, overflow) = total.multipliedReportingOverflow(by: side)
      guard !overflow else { throw failure("shape \(shape) is too large") }
      total = product
    }
    guard size - dataStart == total else {
      throw failure(
        "shape \(shape) of \(name) takes \(total) bytes, but \(size - dataStart) follow the header"
      )
    }
  }
}

/// The part of Python's literals that headers are written in: a dictionary of names to texts,
/// booleans and tuples of integers.
private struct PythonLiteral {
  struct Malformed: Error { var reason: String }

  private enum Value {
    case text(String)
    case flag(Bool)
    case sizes([Int])
  }

  private let bytes: [UInt8]
  private var place = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The three fields of an array's header.
  mutating func header() throws -> (descr: String, fortran: Bool, shape: [Int]) {
    var fields: [String: Value] = [:]
    try expect("{")
    while !skip("}") {
      let name = try text()
      try expect(":")
      guard fields.updateValue(try value(name), forKey: name) == nil else {
        throw Malformed(reason: "gives '\(name)' twice")
      }
      if !skip(",") {
        try expect("}")
        break
      }
    }
    skipSpace()
    guard place == bytes.count else { throw unreadable }
    guard fields.count == 3, case .text(let descr)? = fields["descr"],
      case .flag(let fortran)? = fields["fortran_order"], case .sizes(let shape)? = fields["shape"]
    else {
      throw Malformed(
        reason: "must give descr (a text), fortran_order (True or False) and shape (a tuple), "
          + "and nothing else")
    }
    return (descr, fortran, shape)
  }

  private mutating func value(_ name: String) throws -> Value {
    skipSpace()
    guard place < bytes.count else { throw unreadable }
    switch bytes[place] {
    case UInt8(ascii: "'"), UInt8(ascii: "\""): return .text(try text())
    case UInt8(ascii: "("): return .sizes(try tuple())
    case UInt8(ascii: "["):
      throw Malformed(reason: "describes records, not numbers (descr is a list)")
    default:
      for flag in [true, false] where skip(flag ? "True" : "False") { return .flag(flag) }
      throw unreadable
    }
  }

  private mutating func tuple() throws -> [Int] {
    var result: [Int] = []
    try expect("(")
    while !skip(")") {
      skipSpace()
      let start = place
      while place < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[place]) {
        place += 1
      }
      let digits = String(decoding: bytes[start..<place], as: UTF8.self)
      guard let size = Int(digits) else {
        throw Malformed(reason: "must give the shape as a tuple of sizes")
      }
      // Python 2 wrote its long integers as 3L.
      _ = skip("L")
      result.append(size)
      if !skip(",") {
        try expect(")")
        break
      }
    }
    return result
  }

  private mutating func text() throws -> String {
    skipSpace()
    guard place < bytes.count, [UInt8(ascii: "'"), UInt8(ascii: "\"")].contains(bytes[place]),
      let end = bytes[(place + 1)...].firstIndex(of: bytes[place])
    else { throw unreadable }
    defer { place = end + 1 }
    let text = bytes[(place + 1)..<end]
    guard text.allSatisfy({ (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\\") }) else {
      throw unreadable
    }
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func skipSpace() {
    while place < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[place]) { place += 1 }
  }

  /// Goes past `word` if it comes next.
  private mutating func skip(_ word: String) -> Bool {
    skipSpace()
    guard bytes[place...].starts(with: word.utf8) else { return false }
    place += word.utf8.count
    return true
  }

  private mutating func expect(_ word: String) throws {
    guard skip(word) else { throw unreadable }
  }

  private var unreadable: Malformed {
    Malformed(reason: "is not the literal of a dictionary (at its byte \(place + 1))")
  }
}
