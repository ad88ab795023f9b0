import ByteStrings
import FoundationEssentials
import Tensors

/// Files of named tensors in the safetensors format.
///
/// A file is the length of the header (8 bytes, little-endian), the header, and the data:
///
/// ```
/// {"__metadata__": {"config": "…"}, "wo": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0,
/// 24]}}
/// ```
///
/// Offsets count from the end of the header. The rules are those of the reference implementation
/// (huggingface/safetensors): the tensors cover the data exactly, without holes or overlaps. A
/// header is checked in full before a tensor is allocated, and nothing in a file is ever run.
public enum Safetensors {
  /// A tensor of numbers or of integers.
  public enum Value {
    /// Stored under their own type: F32, F16 or BF16.
    case float(Tensor)
    /// Stored as I32.
    case int(IntTensor)

    /// Size of each dimension.
    public var shape: [Int] {
      switch self {
      case .float(let tensor): tensor.shape
      case .int(let tensor): tensor.shape
      }
    }

    /// How the elements are stored.
    var dtype: DType {
      switch self {
      case .float(let tensor): tensor.dtype
      case .int(let tensor): tensor.dtype
      }
    }
  }

  /// The name of the header's entry for texts about the file.
  fileprivate static let metadataKey = "__metadata__"
  /// The longest header, in bytes.
  fileprivate static let maxHeader = 100_000_000
}

/// The sizes of other types that the format has, in bytes; who asks for such a tensor is refused.
private let otherTypes = [
  "BOOL": 1, "U16": 2, "U32": 4, "U64": 8, "F8_E4M3": 1, "F8_E5M2": 1, "C64": 8,
]

/// The number types that are read, under the format's names for them.
private let types: [(name: String, dtype: DType)] = [
  ("F64", .float64), ("F32", .float32), ("F16", .float16), ("BF16", .bfloat16), ("I64", .int64),
  ("I32", .int32), ("I16", .int16), ("I8", .int8), ("U8", .uint8),
]

// MARK: - Loading

extension Safetensors {
  /// What a file says that it holds; nothing but the header is read.
  /// - Parameter path: the file.
  /// - Returns: the shape of each tensor of numbers, nil for integers; and the file's texts.
  /// - Throws: `EngineError` that names the file and what is wrong with its header.
  public static func listing(_ path: String) throws -> (
    shapes: [ByteName: [Int]?], metadata: [String: String]
  ) {
    func failure(_ message: String) -> EngineError {
      EngineError("safetensors.load", "\"\(path)\": \(message)")
    }
    let (file, size) = try File.regular(path, failure)
    let header = try Header(of: file, size: size, failure)
    let shapes = try header.entries.map { entry in
      (ByteName(entry.name), try entry.known(failure).isFloat ? entry.shape : nil)
    }
    return (Dictionary(shapes) { first, _ in first }, header.metadata)
  }

  /// Reads the tensors of a file, all or those of some names, and its texts.
  ///
  /// Floats become Float32 (a double too large for it becomes infinite), integers Int32.
  /// - Throws: `EngineError` that names the file, the tensor and what is wrong with them.
  public static func load(
    _ path: String, where isWanted: (String) -> Bool = { _ in true }
  ) throws -> (tensors: [String: Value], metadata: [String: String]) {
    try tensors(of: path, "safetensors.load", areMapped: false, where: isWanted)
  }

  /// All tensors of a file, and its texts, without a copy.
  ///
  /// F32, F16 and BF16 keep their type and stay in the file, which is mapped: what is looked at is
  /// read then, and what is changed in place changes in memory, not in the file. Other types, and
  /// numbers that do not stand at a multiple of their size, are read as `load` does, but F16 and
  /// BF16 keep their type there too. The file may be renamed, replaced or deleted, as `save` does;
  /// one that is cut short meanwhile ends the process where its lost numbers are read (SIGBUS).
  /// - Throws: `EngineError` that names the file, the tensor and what is wrong with them.
  public static func open(_ path: String) throws -> (
    tensors: [String: Value], metadata: [String: String]
  ) {
    try tensors(of: path, "safetensors.open", areMapped: true)
  }

  private static func tensors(
    of path: String, _ operation: String, areMapped: Bool,
    where isWanted: (String) -> Bool = { _ in true }
  ) throws -> (tensors: [String: Value], metadata: [String: String]) {
    func failure(_ message: String) -> EngineError {
      EngineError(operation, "\"\(path)\": \(message)")
    }
    let (file, size) = try File.regular(path, failure)
    let header = try Header(of: file, size: size, failure)
    let mapping = areMapped ? try file.mapping(of: size, failure) : nil
    var tensors: [String: Value] = [:]
    let wanted = header.entries.filter { isWanted($0.name) }
    for entry in wanted { _ = try entry.known(failure) }
    for entry in wanted {
      tensors[entry.name] = try entry.value(
        in: file, from: header.dataStart, over: mapping, failure)
    }
    return (tensors, header.metadata)
  }
}

extension Safetensors {
  /// An open file whose header was checked, of which tensors are mapped when they are asked for.
  ///
  /// There may be others in it, of types that tensors do not have.
  package struct Mapped {
    /// The file.
    package let path: String
    private let operation: String
    private let file: File
    private let mapping: FileMapping
    private let header: Header
    private let entries: [ByteName: Header.Entry]

    /// Opens a file.
    /// - Throws: `EngineError` that names the file and what is wrong with its header.
    package init(_ path: String, _ operation: String) throws {
      func failure(_ message: String) -> EngineError {
        EngineError(operation, "\"\(path)\": \(message)")
      }
      let (file, size) = try File.regular(path, failure)
      header = try Header(of: file, size: size, failure)
      mapping = try file.mapping(of: size, failure)
      entries = Dictionary(header.entries.map { (ByteName($0.name), $0) }) { first, _ in first }
      (self.path, self.operation, self.file) = (path, operation, file)
    }

    /// The names of its tensors, in the order of their data.
    package var names: [String] { header.entries.map(\.name) }

    /// Type, by the format's name for it, and shape of a tensor; nil if there is none of that name.
    package func form(_ name: String) -> (type: String, shape: [Int])? {
      entries[ByteName(name)].map { ($0.typeName, $0.shape) }
    }

    /// The tensor of that name, as ``Safetensors/open(_:)`` gives it; nil if there is none.
    /// - Throws: `EngineError` if it cannot be read.
    package func value(_ name: String) throws -> Value? {
      func failure(_ message: String) -> EngineError {
        EngineError(operation, "\"\(path)\": \(message)")
      }
      return try entries[ByteName(name)]?
        .value(in: file, from: header.dataStart, over: mapping, failure)
    }
  }
}

/// A checked header.
private struct Header {
  /// The tensors, in the order of their data.
  var entries: [Entry]
  var metadata: [String: String]
  /// Where the data begins in the file.
  var dataStart: Int

  /// Where and how one tensor is stored.
  struct Entry {
    var name: String
    /// The format's name of its type.
    var typeName: String
    /// The same type of tensors; nil if they do not have it.
    var dtype: DType?
    var shape: [Int]
    /// The tensor's bytes, counted from the beginning of the data.
    var bytes: Range<Int>

    /// The type.
    /// - Throws: `EngineError` that names those which tensors have, if this is none of them.
    func known(_ failure: (String) -> EngineError) throws -> DType {
      guard let dtype else {
        let known = types.map(\.name).joined(separator: ", ")
        throw failure(
          "tensor \(quoted(name)): dtype \(quoted(typeName)) is not supported (allowed: \(known))")
      }
      return dtype
    }

    /// The tensor, over a mapping if there is one.
    func value(
      in file: File, from dataStart: Int, over mapping: FileMapping?,
      _ failure: (String) -> EngineError
    ) throws -> Safetensors.Value {
      let numbers = StoredNumbers(
        file: file, dtype: try known(failure), shape: shape, start: dataStart + bytes.lowerBound)
      let wrong = { (message: String) in failure("tensor \(quoted(name)): \(message)") }
      return if let mapping {
        try numbers.value(over: mapping, wrong)
      } else {
        try numbers.value(wrong)
      }
    }
  }

  /// Reads and checks the header of a file of `size` bytes.
  /// - Throws: `EngineError` for the first thing that is wrong.
  init(of file: File, size: Int, _ failure: (String) -> EngineError) throws {
    guard size >= 8 else {
      throw failure("is no safetensors file: \(size) bytes, and the header's length alone takes 8")
    }
    var stored: UInt64 = 0
    try withUnsafeMutableBytes(of: &stored) { try file.read($0, at: 0, failure) }
    let length = UInt64(littleEndian: stored)
    guard length <= UInt64(size - 8) else {
      throw failure(
        "is cut short or no safetensors file: a header of \(length) bytes in a file of \(size)")
    }
    guard length <= UInt64(Safetensors.maxHeader) else {
      throw failure(
        "its header of \(length) bytes is too long (allowed: \(Safetensors.maxHeader))")
    }
    dataStart = 8 + Int(length)
    var bytes = [UInt8](repeating: 0, count: Int(length))
    try bytes.withUnsafeMutableBytes { try file.read($0, at: 8, failure) }
    // Foundation would also take other encodings of Unicode, which the format does not allow.
    guard bytes.first == UInt8(ascii: "{"), !bytes.contains(0),
      String(validating: bytes, as: UTF8.self) != nil
    else {
      throw failure("its header is not JSON text that begins with {")
    }
    let listing: Listing
    do {
      listing = try JSONDecoder().decode(Listing.self, from: Data(bytes))
    } catch let malformed as MalformedHeader {
      throw failure(malformed.message)
    } catch {
      throw failure("its header is not valid JSON")
    }
    metadata = listing.metadata
    let dataSize = size - dataStart
    // By name, so that of several that are wrong the same one is told every time.
    entries = try listing.tensors.sorted { $0.0 < $1.0 }
      .map { name, info in
        let wrong = { (message: String) in failure("tensor \(quoted(name)): \(message)") }
        return try Entry(name, info, dataSize: dataSize, wrong)
      }
      .sorted {
        ($0.bytes.lowerBound, $0.bytes.upperBound, $0.name)
          < ($1.bytes.lowerBound, $1.bytes.upperBound, $1.name)
      }
    try checkCoverage(dataSize, failure)
  }

  /// Checks that the tensors lie side by side and fill the data.
  private func checkCoverage(_ dataSize: Int, _ failure: (String) -> EngineError) throws {
    var end = 0
    var previous = ""
    for entry in entries {
      let start = entry.bytes.lowerBound
      guard start >= end else {
        throw failure("tensors \(quoted(previous)) and \(quoted(entry.name)) overlap")
      }
      guard start == end else {
        throw failure("bytes \(end)..<\(start) of the data belong to no tensor")
      }
      (end, previous) = (entry.bytes.upperBound, entry.name)
    }
    guard end == dataSize else {
      throw failure("bytes \(end)..<\(dataSize) of the data belong to no tensor")
    }
  }
}

extension Header.Entry {
  /// Checks what a header says of one tensor.
  fileprivate init(
    _ name: String, _ info: Listing.Info, dataSize: Int, _ failure: (String) -> EngineError
  ) throws {
    let dtype = types.first { $0.name == info.dtype }?.dtype
    let width = dtype?.size ?? otherTypes[info.dtype]
    var size = width ?? 1
    var overflow = false
    for side in info.shape {
      guard side >= 0 else { throw failure("sizes must not be negative, got shape \(info.shape)") }
      let product = size.multipliedReportingOverflow(by: side)
      size = product.partialValue
      overflow = overflow || product.overflow
    }
    guard !overflow else { throw failure("shape \(info.shape) is too large") }
    let offsets = info.data_offsets
    guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1] else {
      throw failure("data_offsets must be [begin, end] with 0 ≤ begin ≤ end, got \(offsets)")
    }
    guard offsets[1] <= dataSize else {
      throw failure("ends at byte \(offsets[1]) of the data, but the file holds \(dataSize)")
    }
    guard width == nil || offsets[1] - offsets[0] == size else {
      throw failure(
        "shape \(info.shape) of \(info.dtype) takes \(size) bytes, "
          + "but data_offsets \(offsets) hold \(offsets[1] - offsets[0])")
    }
    self.init(
      name: name, typeName: info.dtype, dtype: dtype, shape: info.shape,
      bytes: offsets[0]..<offsets[1])
  }
}

/// What a header says, not checked yet.
private struct Listing: Decodable {
  var tensors: [(String, Info)] = []
  var metadata: [String: String] = [:]

  struct Info: Decodable {
    var dtype: String
    var shape: [Int]
    // The format's own name.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    var data_offsets: [Int]
  }

  private struct Name: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Name.self)
    for name in container.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
      if name.stringValue == Safetensors.metadataKey {
        do {
          metadata = try container.decodeIfPresent([String: String].self, forKey: name) ?? [:]
        } catch {
          throw MalformedHeader(
            message: "\(Safetensors.metadataKey) of its header must map names to texts")
        }
      } else if let info = try? container.decode(Info.self, forKey: name) {
        tensors.append((name.stringValue, info))
      } else {
        throw MalformedHeader(
          message: "tensor \(quoted(name.stringValue)): the header must give its dtype (a text), "
            + "shape and data_offsets (lists of whole numbers)")
      }
    }
  }
}

private struct MalformedHeader: Error {
  var message: String
}

/// A name from a file as a message shows it.
private func quoted(_ name: String) -> String { "\"\(name.printable)\"" }

// MARK: - Saving

extension Safetensors {
  /// Writes named tensors and texts to a file.
  ///
  /// The file appears whole or not at all, see ``File/replace(_:_:_:)``.
  /// - Throws: `EngineError` if a name comes twice or is `__metadata__`, or with the system's
  ///   reason if the file cannot be written.
  public static func save(
    _ path: String, tensors: [(name: String, value: Value)], metadata: [String: String] = [:]
  ) throws {
    func failure(_ message: String) -> EngineError {
      EngineError("safetensors.save", "\"\(path)\": \(message)")
    }
    var names = Set<String>()
    for (name, _) in tensors {
      guard name != metadataKey else { throw failure("a tensor cannot be named \(metadataKey)") }
      guard names.insert(name).inserted else {
        throw failure("two tensors are named \(quoted(name))")
      }
    }
    let ordered = inFileOrder(tensors)
    try File.replace(path, failure) { file in
      try header(ordered, metadata).withUnsafeBytes { try file.write($0, failure) }
      for (_, value) in ordered {
        switch value {
        case .float(let tensor): try tensor.withBytes { try file.write($0, failure) }
        case .int(let tensor):
          try tensor.withElements { try file.write(UnsafeRawBufferPointer($0), failure) }
        }
      }
    }
  }

  /// The order of the reference implementation: by dtype, F32, I32, BF16, F16, then by name.
  private static func inFileOrder(
    _ tensors: [(name: String, value: Value)]
  ) -> [(name: String, value: Value)] {
    let order: [DType] = [.float32, .int32, .bfloat16, .float16]
    func place(_ value: Value) -> Int { order.firstIndex(of: value.dtype) ?? order.count }
    return tensors.sorted { a, b in
      let (first, second) = (place(a.value), place(b.value))
      return first != second
        ? first < second : a.name.utf8.lexicographicallyPrecedes(b.name.utf8)
    }
  }

  /// The length of the header and the header, padded with spaces to a multiple of 8 bytes.
  private static func header(
    _ tensors: [(name: String, value: Value)], _ metadata: [String: String]
  ) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    func json(_ text: String) throws -> String {
      String(decoding: try encoder.encode(text), as: UTF8.self)
    }
    var fields: [String] = []
    if !metadata.isEmpty {
      let texts = try metadata.sorted { $0.key < $1.key }
        .map { "\(try json($0.key)):\(try json($0.value))" }
      fields.append("\(try json(metadataKey)):{\(texts.joined(separator: ","))}")
    }
    var begin = 0
    for (name, value) in tensors {
      let dtype = types.first { $0.dtype == value.dtype }?.name ?? ""
      let end = begin + value.shape.reduce(value.dtype.size, &*)
      let shape = value.shape.map { String($0) }.joined(separator: ",")
      fields.append(
        "\(try json(name)):{\"dtype\":\"\(dtype)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(begin),\(end)]}")
      begin = end
    }
    var text = Array("{\(fields.joined(separator: ","))}".utf8)
    while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
    let length = UInt64(text.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + text
  }
}
