import FoundationEssentials
import TensorFiles
import Tensors
import TestSupport
import Testing

@Suite struct NpyTests {
  private static let folder = FileManager.default.temporaryDirectory.path + "/mnemo-npy-tests"

  /// Calls `body` with the path of a file of these bytes, which goes again.
  private func withFile<R>(_ bytes: [UInt8], _ body: (String) throws -> R) throws -> R {
    try FileManager.default.createDirectory(
      atPath: Self.folder, withIntermediateDirectories: true)
    let path = "\(Self.folder)/\(UInt64.random(in: .min ... .max)).npy"
    try Data(bytes).write(to: URL(filePath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }

  /// A file with this header and data, padded as NumPy does.
  private func file(
    _ header: String, _ data: [UInt8], version: UInt8 = 1
  ) -> [UInt8] {
    var text = Array(header.utf8)
    let prefix = version == 1 ? 10 : 12
    while (prefix + text.count + 1) % 64 != 0 { text.append(0x20) }
    text.append(0x0A)
    let length = bytes([UInt32(text.count)]).prefix(version == 1 ? 2 : 4)
    var result: [UInt8] = [0x93]
    result += Array("NUMPY".utf8)
    result += [version, 0]
    result += length
    return result + text + data
  }

  private func header(_ descr: String, _ shape: String, fortran: String = "False") -> String {
    "{'descr': '\(descr)', 'fortran_order': \(fortran), 'shape': \(shape), }"
  }

  private func bytes<Element: FixedWidthInteger>(_ elements: [Element]) -> [UInt8] {
    elements.flatMap { element in
      (0..<Element.bitWidth / 8).map { UInt8(truncatingIfNeeded: element >> (8 * $0)) }
    }
  }

  private func floats(_ file: [UInt8]) throws -> ([Int], [Float]) {
    guard case .float(let tensor) = try withFile(file, Npy.load) else {
      Issue.record("integers, not numbers")
      return ([], [])
    }
    #expect(tensor.layout.isContiguous)
    return (tensor.shape, tensor.elements())
  }

  private func ints(_ file: [UInt8]) throws -> ([Int], [Int32]) {
    guard case .int(let tensor) = try withFile(file, Npy.load) else {
      Issue.record("numbers, not integers")
      return ([], [])
    }
    return (tensor.shape, tensor.elements())
  }

  @Test func dtypes() throws {
    let halves: [Float] = [0, 1.5, -2, .infinity]
    #expect(
      try floats(file(header("<f2", "(4,)"), bytes(halves.map { Float16($0).bitPattern })))
        == ([4], halves))
    #expect(
      try floats(file(header("<f4", "(2, 2)"), bytes(halves.map(\.bitPattern)))) == (
        [2, 2], halves
      ))
    #expect(
      try floats(file(header("<f8", "(4,)"), bytes(halves.map { Double($0).bitPattern })))
        == ([4], halves))
    #expect(try floats(file(header("|b1", "(3,)"), [0, 1, 1])) == ([3], [0, 1, 1]))
    #expect(try ints(file(header("|i1", "(2,)"), [0xFF, 5])) == ([2], [-1, 5]))
    #expect(try ints(file(header("|u1", "(2,)"), [0xFF, 5])) == ([2], [255, 5]))
    #expect(
      try ints(file(header("<i2", "(2,)"), bytes([-7, 300] as [Int16]))) == ([2], [-7, 300]))
    #expect(
      try ints(file(header("<i4", "(2,)"), bytes([.min, .max] as [Int32]))) == ([2], [.min, .max]))
    #expect(
      try ints(file(header("<i8", "(2,)"), bytes([-9, 1 << 30] as [Int64])))
        == ([2], [-9, 1 << 30]))
    let swapped = bytes(halves.map(\.bitPattern.byteSwapped))
    #expect(try floats(file(header(">f4", "(4,)"), swapped)) == ([4], halves))
    #expect(
      try ints(file(header(">i2", "(1,)"), bytes([Int16(300).byteSwapped]))) == ([1], [300]))
  }

  @Test func ordersAndShapes() throws {
    let six = bytes((0..<6).map { Float($0).bitPattern })
    #expect(
      try floats(file(header("<f4", "(2, 3)"), six)) == ([2, 3], [0, 1, 2, 3, 4, 5]))
    #expect(
      try floats(file(header("<f4", "(2, 3)", fortran: "True"), six))
        == ([2, 3], [0, 2, 4, 1, 3, 5]))
    let cube = (0..<24).map { Int32($0) }
    let columns = try ints(file(header("<i4", "(2, 3, 4)", fortran: "True"), bytes(cube)))
    let places = (0..<2).flatMap { i in (0..<3).flatMap { j in (0..<4).map { (i, j, $0) } } }
    #expect(columns.0 == [2, 3, 4])
    #expect(columns.1 == places.map { i, j, k in Int32(i + 2 * j + 6 * k) })
    #expect(try floats(file(header("<f4", "()"), Array(six[4..<8]))) == ([], [1]))
    #expect(try floats(file(header("<f4", "(0, 3)"), [])) == ([0, 3], []))
    #expect(try floats(file(header("<f4", "(6,)"), six, version: 2)).0 == [6])
    #expect(try floats(file(header("<f4", "(6,)"), six, version: 3)).0 == [6])
    // As other programs write it.
    #expect(
      try floats(file(#"{"shape":(3L,2L),"fortran_order":False,"descr":"<f4"}"#, six)).0 == [3, 2])
  }

  @Test func savedFilesComeBack() throws {
    let matrix = try random([3, 5])
    let values: [Safetensors.Value] = [
      .float(matrix), .float(try matrix.t()), .float(Tensor(2.5)), .float(try .zeros([0, 2])),
      try .int(IntTensor([1, -2, .max])), .float(try random([20_001])),
    ]
    for value in values {
      try withFile([]) { path in
        try Npy.save(path, value)
        switch (value, try Npy.load(path)) {
        case (.float(let x), .float(let y)):
          #expect(x.shape == y.shape && x.elements() == y.elements())
        case (.int(let x), .int(let y)):
          #expect(x.shape == y.shape && x.elements() == y.elements())
        default: Issue.record("another type came back")
        }
        let start = try Data(contentsOf: URL(filePath: path)).prefix(128)
        #expect(start.firstIndex(of: 0x0A).map { ($0 + 1) % 64 == 0 } == true)
      }
    }
    // The very bytes that NumPy 2 writes for np.array([[1, 2]], dtype=np.float32).
    try withFile([]) { path in
      try Npy.save(path, .float(Tensor([1, 2], shape: [1, 2])))
      let data: [UInt8] = [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]
      let expected = file(header("<f4", "(1, 2)"), data)
      #expect(Array(try Data(contentsOf: URL(filePath: path))) == expected)
    }
  }

  @Test func wrongFiles() throws {
    func expectRefusal(
      _ bytes: [UInt8], _ reason: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      try withFile(bytes) { path in
        expectError("load: \"\(path)\": \(reason)", sourceLocation: sourceLocation) {
          try Npy.load(path)
        }
      }
    }
    let good = file(header("<f4", "(2,)"), [UInt8](repeating: 0, count: 8))
    try expectRefusal([], #"is no .npy file: it does not begin with \x93NUMPY"#)
    try expectRefusal(
      Array("PK\u{3}\u{4}, an archive".utf8), #"is no .npy file: it does not begin with \x93NUMPY"#)
    try expectRefusal(Array(good[..<40]), "is cut short: 40 bytes end inside its header")
    try expectRefusal(
      Array(good.dropLast()), "shape [2] of f4 takes 8 bytes, but 7 follow the header")
    try expectRefusal(good + [0], "shape [2] of f4 takes 8 bytes, but 9 follow the header")
    var later = good
    later[6] = 4
    try expectRefusal(later, "version 4.0 of the format (allowed: 1.0, 2.0, 3.0)")
    var long = good
    long[9] = 0xFF
    try expectRefusal(long, "its header of 65398 bytes is too long (allowed: 10000)")
    for (text, reason) in [
      (
        header("|O", "(2,)"),
        "dtype '|O' is not supported (allowed: f2, f4, f8, i1, i2, i4, i8, u1, b1)"
      ),
      (
        header("<c8", "(2,)"),
        "dtype '<c8' is not supported (allowed: f2, f4, f8, i1, i2, i4, i8, u1, b1)"
      ),
      (
        header("", "(2,)"),
        "dtype '' is not supported (allowed: f2, f4, f8, i1, i2, i4, i8, u1, b1)"
      ),
      (header("<f4", "(-2,)"), "its header must give the shape as a tuple of sizes"),
      (
        header("<f4", "(99999999999999999999,)"),
        "its header must give the shape as a tuple of sizes"
      ),
      (header("<f4", "(4611686018427387904, 4)"), "shape [4611686018427387904, 4] is too large"),
      (
        header("<f4", "(1099511627776,)"),
        "shape [1099511627776] of f4 takes 4398046511104 bytes, but 0 follow the header"
      ),
      (
        "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,), }",
        "its header describes records, not numbers (descr is a list)"
      ),
      (
        "{'descr': '<f4', 'shape': (2,), }",
        "its header must give descr (a text), fortran_order (True or False) and shape (a tuple), "
          + "and nothing else"
      ),
      ("{'descr': '<f4', 'descr': '<f4'}", "its header gives 'descr' twice"),
      (
        "{'descr': __import__('os')}",
        "its header is not the literal of a dictionary (at its byte 11)"
      ),
      ("", "its header is not the literal of a dictionary (at its byte 55)"),
      ("{", "its header is not the literal of a dictionary (at its byte 55)"),
    ] {
      try expectRefusal(file(text, []), reason)
    }
    try expectRefusal(
      file(header("<i8", "(1,)"), bytes([1 << 40] as [Int64])),
      "1099511627776 does not fit into 32 bits")
    expectError("load: \"/nonexistent/x.npy\": No such file or directory") {
      try Npy.load("/nonexistent/x.npy")
    }
    expectError("load: \"/tmp\": is a directory") { try Npy.load("/tmp") }
  }

  @Test func halvesAreWritten() throws {
    let x = try Tensor([1, -2.5, 0.1], shape: [3])
    let path = "\(try newTemporaryFolder())/a.npy"
    defer { try? FileManager.default.removeItem(atPath: String(path.dropLast(6))) }
    for (tensor, descr, size) in [
      (try x.half(), "<f2", 2), (try x.bfloat16(), "<f4", 4), (x, "<f4", 4),
    ] {
      try Npy.save(path, .float(tensor))
      let written = [UInt8](try Data(contentsOf: URL(filePath: path)))
      #expect(written.count == 128 + 3 * size)
      #expect(String(decoding: written[10..<128], as: UTF8.self).contains("'\(descr)'"))
      #expect(try floats(written) == ([3], tensor.elements()))
    }
  }
}
