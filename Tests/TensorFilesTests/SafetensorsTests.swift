import Glibc
import TensorFiles
import Tensors
import TestSupport
import Testing

@Suite struct SafetensorsTests {
  // MARK: Round trips

  @Test func tensorsAndMetadataComeBack() throws {
    let folder = try TemporaryFolder()
    let matrix = try Tensor((0..<6).map { Float($0) / 8 }, shape: [2, 3])
    let ids = try IntTensor([5, -7, .max, .min], shape: [4, 1])
    let special = try Tensor([.infinity, -0.0, .leastNonzeroMagnitude, 0.1])
    let metadata = ["config": #"{"dim": 8}"#, "ключ \"1\"": "line\nbreak \\ /"]
    try Safetensors.save(
      folder.path("a"),
      tensors: [
        ("view", .float(try matrix.transpose(0, 1))), ("matrix", .float(matrix)),
        ("row", .int(try ids.transpose(0, 1).narrow(1, 1, 2))), ("ids", .int(ids)),
        ("scalar", .float(Tensor(2.5))), ("empty", .float(try .zeros([3, 0, 2]))),
        ("special", .float(special)),
      ], metadata: metadata)
    let (tensors, found) = try Safetensors.load(folder.path("a"))
    #expect(found == metadata)
    #expect(tensors.count == 7)
    #expect(floats(tensors["matrix"]) == ([2, 3], [0, 0.125, 0.25, 0.375, 0.5, 0.625]))
    #expect(floats(tensors["view"]) == ([3, 2], [0, 0.375, 0.125, 0.5, 0.25, 0.625]))
    #expect(floats(tensors["scalar"]) == ([], [2.5]))
    #expect(floats(tensors["empty"]) == ([3, 0, 2], []))
    #expect(
      floats(tensors["special"]).elements.map(\.bitPattern)
        == special.elements().map(\.bitPattern))
    #expect(ints(tensors["ids"]) == ([4, 1], [5, -7, .max, .min]))
    #expect(ints(tensors["row"]) == ([1, 2], [-7, .max]))
  }

  @Test(arguments: [1, 16_383, 16_384, 16_385, 40_001])
  func longTensorsComeBack(count: Int) throws {
    let folder = try TemporaryFolder()
    let numbers = (0..<count).map { Float($0) }
    try Safetensors.save(
      folder.path("a"), tensors: [("x", .float(Tensor(numbers))), ("before", .float(Tensor(1)))])
    #expect(floats(try Safetensors.load(folder.path("a")).tensors["x"]) == ([count], numbers))
  }

  @Test func namesAreKept() throws {
    let folder = try TemporaryFolder()
    let names = [
      "", " ", "a\"b", "back\\slash", "tab\tnew\nline", "größe/λ", "🧠", "\u{1}", "'", "metadata",
    ]
    try Safetensors.save(
      folder.path("a"),
      tensors: names.enumerated().map { ($1, .int(try IntTensor([Int32($0)]))) })
    let tensors = try Safetensors.load(folder.path("a")).tensors
    #expect(Set(tensors.keys) == Set(names))
    for (i, name) in names.enumerated() { #expect(ints(tensors[name]).elements == [Int32(i)]) }
  }

  @Test func aFileWithoutTensorsComesBack() throws {
    let folder = try TemporaryFolder()
    try Safetensors.save(folder.path("a"), tensors: [])
    #expect(try read(folder.path("a")) == [8, 0, 0, 0, 0, 0, 0, 0] + Array("{}      ".utf8))
    let (tensors, metadata) = try Safetensors.load(folder.path("a"))
    #expect(tensors.isEmpty && metadata.isEmpty)
  }

  @Test func theFileIsLaidOutAsTheReferenceDoes() throws {
    let folder = try TemporaryFolder()
    try Safetensors.save(
      folder.path("a"),
      tensors: [
        ("n", .int(IntTensor([3]))), ("b", .float(Tensor([1]))), ("a", .float(Tensor([2]))),
      ], metadata: ["k": "v"])
    let header =
      #"{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
      + #""b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"#
      + #""n":{"dtype":"I32","shape":[1],"data_offsets":[8,12]}}"#
    let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    #expect(
      try read(folder.path("a"))
        == file(padded, [0, 0, 0, 0x40, 0, 0, 0x80, 0x3F, 3, 0, 0, 0]))
  }

  // MARK: Files of others

  @Test func aPythonFileIsRead() throws {
    let (tensors, metadata) = try Safetensors.load(fixture("python-safetensors"))
    #expect(metadata == ["made by": "safetensors", "config": #"{"dim": 8}"#])
    #expect(tensors.count == 11)
    #expect(floats(tensors["f64"]) == ([2, 3], [0.1, -2.5, .infinity, 3, 0, -0.0]))
    #expect(floats(tensors["f32"]) == ([3, 2], [0, 0.25, 0.5, 0.75, 1, 1.25]))
    #expect(floats(tensors["f16"]) == ([3], [0.5, -65504, 0x1p-24]))
    #expect(floats(tensors["scalar"]) == ([], [1.5]))
    #expect(floats(tensors["empty"]) == ([0, 3], []))
    #expect(ints(tensors["i64"]) == ([3], [.max, .min, 7]))
    #expect(ints(tensors["i32"]) == ([2, 2], [1, -2, 3, -4]))
    #expect(ints(tensors["i16"]) == ([2], [-32768, 32767]))
    #expect(ints(tensors["i8"]) == ([3], [-128, 127, 0]))
    #expect(ints(tensors["u8"]) == ([2], [0, 255]))
    #expect(ints(tensors["layers.0.größe \"λ\""]) == ([1], [42]))
  }

  @Test(arguments: ["", "-rope", "-linear-ffn", "-mlp"])
  func goldenFilesAreRead(kind: String) throws {
    let (tensors, metadata) = try Safetensors.load(fixture("simplified" + kind))
    #expect(metadata["config"]?.hasPrefix("{") == true)
    let (shape, tokens) = ints(tensors["tokens"])
    #expect(shape.count == 2)
    #expect(tokens.allSatisfy { (0..<18).contains($0) })
    let logits = floats(tensors["logits"])
    #expect(logits.shape == shape + [18])
    #expect(logits.elements.allSatisfy { $0.isFinite })
    // Rows of attention probabilities sum to 1.
    let scores = floats(tensors["scores.1"])
    let first = scores.elements.prefix(shape[1] * shape[1])
    #expect(abs(first.reduce(0, +) - Float(shape[1])) < 1e-4)
  }

  @Test func halfAndBrainFloatsAreConverted() throws {
    let folder = try TemporaryFolder()
    let bytes = try folder.file(
      file(
        #"{"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"#
          + #""b":{"dtype":"BF16","shape":[3],"data_offsets":[4,10]}}"#,
        [0x00, 0x3C, 0x00, 0xC0] + [0x80, 0x3F, 0x20, 0xC0, 0x80, 0x7F]))
    let tensors = try Safetensors.load(bytes).tensors
    #expect(floats(tensors["h"]) == ([2], [1, -2]))
    #expect(floats(tensors["b"]) == ([3], [1, -2.5, .infinity]))
  }

  @Test func paddingAndUnknownFieldsAreRead() throws {
    let folder = try TemporaryFolder()
    let path = try folder.file(
      file(
        #"{ "x" : {"more": [1], "data_offsets": [0, 1], "shape": [1, 1], "dtype": "U8"},"#
          + "\n \"__metadata__\": null}   ", [200]))
    let (tensors, metadata) = try Safetensors.load(path)
    #expect(ints(tensors["x"]) == ([1, 1], [200]))
    #expect(metadata.isEmpty)
  }

  // MARK: Files that lie

  /// A header, the number of data bytes below it, and what is said about it.
  @Test(arguments: [
    (
      #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4,
      #"tensor "x": shape [2] of F32 takes 8 bytes, but data_offsets [0, 4] hold 4"#
    ),
    (
      #"{"x":{"dtype":"I8","shape":[2],"data_offsets":[0,8]}}"#, 8,
      #"tensor "x": shape [2] of I8 takes 2 bytes, but data_offsets [0, 8] hold 8"#
    ),
    (
      #"{"x":{"dtype":"F32","shape":[],"data_offsets":[0,0]}}"#, 0,
      #"tensor "x": shape [] of F32 takes 4 bytes, but data_offsets [0, 0] hold 0"#
    ),
    (
      #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 7,
      #"tensor "x": ends at byte 8 of the data, but the file holds 7"#
    ),
    (
      #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4,
      #"tensor "x": data_offsets must be [begin, end] with 0 ≤ begin ≤ end, got [4, 0]"#
    ),
    (
      #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, 4,
      #"tensor "x": data_offsets must be [begin, end] with 0 ≤ begin ≤ end, got [-4, 0]"#
    ),
    (
      #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}"#, 4,
      #"tensor "x": data_offsets must be [begin, end] with 0 ≤ begin ≤ end, got [0, 4, 8]"#
    ),
    (
      #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[]}}"#, 4,
      #"tensor "x": data_offsets must be [begin, end] with 0 ≤ begin ≤ end, got []"#
    ),
    (
      #"{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4,
      #"tensor "x": sizes must not be negative, got shape [-1]"#
    ),
    (
      #"{"x":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}"#, 4,
      #"tensor "x": sizes must not be negative, got shape [-1, -1]"#
    ),
    (
      #"{"x":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}"#, 0,
      #"tensor "x": shape [4611686018427387904] is too large"#
    ),
    (
      #"{"x":{"dtype":"F32","shape":[2147483648,2147483648,4],"data_offsets":[0,0]}}"#, 0,
      #"tensor "x": shape [2147483648, 2147483648, 4] is too large"#
    ),
    (
      #"{"x":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}"#, 1,
      #"tensor "x": dtype "BOOL" is not supported "#
        + "(allowed: F64, F32, F16, BF16, I64, I32, I16, I8, U8)"
    ),
    (
      #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"#
        + #""b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}"#, 6,
      #"tensors "a" and "b" overlap"#
    ),
    (
      #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"#
        + #""b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}}"#, 5,
      "bytes 2..<3 of the data belong to no tensor"
    ),
    (
      #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#, 5,
      "bytes 2..<5 of the data belong to no tensor"
    ),
    (
      #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#, 3,
      "bytes 0..<1 of the data belong to no tensor"
    ),
    ("{}", 1, "bytes 0..<1 of the data belong to no tensor"),
    (
      #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"#
        + #""a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#, 2,
      "belong to no tensor"
    ),
    (
      #"{"x":{"dtype":"F32","shape":[1]}}"#, 4,
      #"tensor "x": the header must give its dtype (a text), "#
        + "shape and data_offsets (lists of whole numbers)"
    ),
    (#"{"x":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#, 4, #"tensor "x": the header"#),
    (#"{"x":{"dtype":4,"shape":[1],"data_offsets":[0,4]}}"#, 4, #"tensor "x": the header"#),
    (#"{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1e30]}}"#, 1, #"tensor "x": the header"#),
    (#"{"x":7}"#, 0, #"tensor "x": the header"#),
    (#"{"x":null}"#, 0, #"tensor "x": the header"#),
    (#"{"__metadata__":{"k":1}}"#, 0, "__metadata__ of its header must map names to texts"),
    (#"{"__metadata__":[]}"#, 0, "__metadata__ of its header must map names to texts"),
    (#"{"x":{"#, 0, "its header is not valid JSON"),
    (#"{"x" 1}"#, 0, "its header is not valid JSON"),
    ("{}{}", 0, "its header is not valid JSON"),
    ("[]", 0, "its header is not JSON text that begins with {"),
    (" {}", 0, "its header is not JSON text that begins with {"),
    ("", 0, "its header is not JSON text that begins with {"),
    ("{\0}\0", 0, "its header is not JSON text that begins with {"),
  ])
  func lyingHeadersAreRefused(header: String, data: Int, message: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.file(file(header, [UInt8](repeating: 0, count: data)))
    let error = #expect(throws: EngineError.self) { try Safetensors.load(path) }
    let text = error?.description ?? ""
    #expect(text.hasPrefix("safetensors.load: \"\(path)\": "))
    #expect(text.contains(message), "\(text)")
  }

  @Test func namesInMessagesAreEscapedAndCut() throws {
    let folder = try TemporaryFolder()
    let name = "\u{1B}[2J" + String(repeating: "x", count: 200)
    let path = try folder.file(file(#"{"\u001b[2J"# + name.dropFirst(4) + #"":1}"#, []))
    let error = #expect(throws: EngineError.self) { try Safetensors.load(path) }
    #expect(error?.description.contains(#""\u{1B}[2Jxx"#) == true)
    #expect(error?.description.contains(#"xx…": the header"#) == true)
  }

  @Test func headersThatAreNotUTF8AreRefused() throws {
    let folder = try TemporaryFolder()
    var bytes = file(#"{"?":1}"#, [])
    bytes[10] = 0xFF
    let path = try folder.file(bytes)
    #expect(
      throws: EngineError(
        "safetensors.load", "\"\(path)\": its header is not JSON text that begins with {")
    ) { try Safetensors.load(path) }
  }

  @Test(arguments: [
    (UInt64(1), "a header of 1 bytes in a file of 8"),
    (UInt64.max, "a header of 18446744073709551615 bytes in a file of 8"),
    (UInt64(1) << 63, "a header of 9223372036854775808 bytes in a file of 8"),
    (UInt64(Int.max - 7), "a header of 9223372036854775800 bytes in a file of 8"),
  ])
  func headerLengthsThatLieAreRefused(length: UInt64, message: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.file((0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) })
    #expect(
      throws: EngineError(
        "safetensors.load",
        "\"\(path)\": is cut short or no safetensors file: \(message)")
    ) { try Safetensors.load(path) }
  }

  @Test func hugeHeadersAreRefused() throws {
    let folder = try TemporaryFolder()
    // A sparse file: its length is real, its blocks are not.
    let path = try folder.file([0x01, 0xE1, 0xF5, 0x05, 0, 0, 0, 0])
    #expect(truncate(path, 100_000_009) == 0)
    #expect(
      throws: EngineError(
        "safetensors.load",
        "\"\(path)\": its header of 100000001 bytes is too long (allowed: 100000000)")
    ) { try Safetensors.load(path) }
  }

  @Test func deepNestingIsRefused() throws {
    let folder = try TemporaryFolder()
    let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
    let path = try folder.file(file(#"{"x":"# + deep + "}", []))
    #expect(throws: EngineError.self) { try Safetensors.load(path) }
  }

  @Test func everyTruncationIsAnError() throws {
    let whole = try read(fixture("python-safetensors"))
    let folder = try TemporaryFolder()
    for length in 0..<whole.count {
      let path = try folder.file(Array(whole.prefix(length)))
      #expect(throws: EngineError.self, "the first \(length) bytes") {
        try Safetensors.load(path)
      }
    }
    #expect(throws: EngineError.self) { try Safetensors.load(folder.file(whole + [0])) }
    #expect(throws: Never.self) { try Safetensors.load(folder.file(whole)) }
  }

  /// Whatever a damaged byte does, it must not crash; a file that is read keeps its promises.
  @Test func noDamagedByteCrashes() throws {
    let whole = try read(fixture("python-safetensors"))
    let folder = try TemporaryFolder()
    var refused = 0
    for place in 0..<whole.count {
      for flip: UInt8 in [0x01, 0x10, 0x80] {
        var damaged = whole
        damaged[place] ^= flip
        do {
          let tensors = try Safetensors.load(folder.file(damaged)).tensors
          for value in tensors.values where value.shape.reduce(1, *) > 135 {
            Issue.record("a tensor of shape \(value.shape) from byte \(place) ^ \(flip)")
          }
        } catch is EngineError {
          refused += 1
        }
      }
    }
    #expect(refused > whole.count)
  }

  @Test(arguments: [Int64(Int32.max) + 1, Int64(Int32.min) - 1, .max])
  func integersBeyond32BitsAreRefused(value: Int64) throws {
    let folder = try TemporaryFolder()
    let bytes = [5, value].flatMap { number in
      (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * Int64($0))) }
    }
    let path = try folder.file(
      file(#"{"n":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}}"#, bytes))
    #expect(
      throws: EngineError(
        "safetensors.load", "\"\(path)\": tensor \"n\": \(value) does not fit into 32 bits")
    ) { try Safetensors.load(path) }
  }

  // MARK: Mapped files

  @Test(arguments: ["python-safetensors", "simplified", "transformer-tied"])
  func mappedTensorsAreThoseThatAreLoaded(name: String) throws {
    let (loaded, texts) = try Safetensors.load(fixture(name))
    let (mapped, mappedTexts) = try Safetensors.open(fixture(name))
    #expect(mappedTexts == texts)
    #expect(Set(mapped.keys) == Set(loaded.keys))
    for (name, value) in loaded {
      switch value {
      case .float: #expect(floats(mapped[name]) == floats(value), "\(name)")
      case .int: #expect(ints(mapped[name]) == ints(value), "\(name)")
      }
    }
  }

  @Test func aMappedPythonFileKeepsItsTypes() throws {
    let tensors = try Safetensors.open(fixture("python-safetensors")).tensors
    #expect(try number(tensors["f16"]).dtype == .float16)
    #expect(try number(tensors["f32"]).dtype == .float32)
    #expect(try number(tensors["f64"]).dtype == .float32)
    #expect(try number(tensors["empty"]).dtype == .float32)
  }

  @Test func typesComeBack() throws {
    let folder = try TemporaryFolder()
    let x = try Tensor((0..<6).map { Float($0) / 7 }, shape: [2, 3])
    let (half, brain) = (try x.half(), try x.bfloat16())
    try Safetensors.save(
      folder.path("a"),
      tensors: [
        ("half", .float(half)), ("view", .float(try half.t())), ("brain", .float(brain)),
        ("plain", .float(x)), ("ids", .int(IntTensor([7]))),
        ("empty", .float(try x.narrow(0, 0, 0).half())),
      ])
    let header = String(decoding: try read(folder.path("a")).dropFirst(8), as: UTF8.self)
    let expected = [
      #""plain":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}"#,
      #""ids":{"dtype":"I32","shape":[1],"data_offsets":[24,28]}"#,
      #""brain":{"dtype":"BF16","shape":[2,3],"data_offsets":[28,40]}"#,
      #""empty":{"dtype":"F16","shape":[0,3],"data_offsets":[40,40]}"#,
      #""half":{"dtype":"F16","shape":[2,3],"data_offsets":[40,52]}"#,
      #""view":{"dtype":"F16","shape":[3,2],"data_offsets":[52,64]}"#,
    ]
    #expect(header.hasPrefix("{" + expected.joined(separator: ",") + "}"))
    let (opened, loaded) = (
      try Safetensors.open(folder.path("a")).tensors, try Safetensors.load(folder.path("a")).tensors
    )
    for (name, tensor) in [
      ("plain", x), ("half", half), ("brain", brain), ("view", try half.t()),
      ("empty", try x.narrow(0, 0, 0).half()),
    ] {
      #expect(try number(opened[name]).dtype == tensor.dtype, "\(name)")
      #expect(try number(loaded[name]).dtype == .float32, "\(name)")
      #expect(floats(opened[name]) == (tensor.shape, tensor.elements()), "\(name)")
      #expect(floats(loaded[name]) == (tensor.shape, tensor.elements()), "\(name)")
    }
  }

  @Test func changesInPlaceDoNotReachTheFile() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a")
    let x = try Tensor((0..<10_000).map(Float.init))
    try Safetensors.save(path, tensors: [("x", .float(x)), ("y", .float(x))])
    let before = try read(path)
    let opened = try Safetensors.open(path).tensors
    let changed = try number(opened["x"])
    try changed.mulInPlace(Tensor(2))
    try changed.requireGrad().square().sum().backward()
    #expect(changed.elements() == (try x.mul(Tensor(2))).elements())
    #expect(changed.grad?.elements() == (try x.mul(Tensor(4))).elements())
    #expect(floats(opened["y"]).elements == x.elements())
    #expect(try read(path) == before)
    #expect(floats(try Safetensors.open(path).tensors["x"]).elements == x.elements())
  }

  @Test func mappedTensorsOutliveTheFile() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a")
    let x = try Tensor((0..<10_000).map(Float.init))
    try Safetensors.save(path, tensors: [("x", .float(x))])
    // A view is all that is left of what was opened.
    let view = try number(Safetensors.open(path).tensors["x"]).narrow(0, 9_000, 1_000)
    try Safetensors.save(path, tensors: [("x", .float(view))])
    #expect(floats(try Safetensors.load(path).tensors["x"]).elements == view.elements())
    unlink(path)
    #expect(view.elements() == (9_000..<10_000).map(Float.init))
  }

  @Test func numbersAtOddPlacesAreRead() throws {
    let folder = try TemporaryFolder()
    let path = try folder.file(
      file(
        #"{"u":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"#
          + #""h":{"dtype":"F16","shape":[2],"data_offsets":[1,5]},"#
          + #""b":{"dtype":"BF16","shape":[1],"data_offsets":[5,7]},"#
          + #""f":{"dtype":"F32","shape":[1],"data_offsets":[7,11]}}"#,
        [9] + [0x00, 0x3C, 0x00, 0xC0] + [0x20, 0xC0] + [0, 0, 0x80, 0x3F]))
    let tensors = try Safetensors.open(path).tensors
    #expect(floats(tensors["h"]) == ([2], [1, -2]))
    #expect(try number(tensors["h"]).dtype == .float16)
    #expect(floats(tensors["b"]) == ([1], [-2.5]))
    #expect(try number(tensors["b"]).dtype == .bfloat16)
    #expect(floats(tensors["f"]) == ([1], [1]))
    #expect(ints(tensors["u"]) == ([1], [9]))
  }

  @Test func aMappedFileTakesNoMemory() throws {
    let folder = try TemporaryFolder()
    // A gigabyte of zeros that are nowhere on the disk.
    var header = #"{"x":{"dtype":"F32","shape":[16384,16384],"data_offsets":[0,1073741824]}}"#
    while header.utf8.count % 8 != 0 { header += " " }
    let path = try folder.file(file(header, []))
    #expect(truncate(path, off_t(8 + header.utf8.count + 1 << 30)) == 0)
    let x = try number(Safetensors.open(path).tensors["x"])
    #expect(x.shape == [16384, 16384])
    #expect(try x.select(1, 3).narrow(0, 0, 16).sum().item() == 0)
    try x.select(0, 5).copyInPlace(Tensor(2))
    #expect(try x.narrow(0, 5, 1).sum().item() == 32768)
    // A few pages of what was read and written, and those that the system reads ahead.
    let resident = try withExtendedLifetime((folder, x)) {
      try #require(try residentKilobytes(of: path))
    }
    #expect((64..<16_384).contains(resident), "\(resident) kB")
  }

  @Test func productsReadMappedHalves() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a")
    let weight = try random([300, 90]).bfloat16()
    try Safetensors.save(path, tensors: [("w", .float(weight)), ("e", .float(try weight.half()))])
    let tensors = try Safetensors.open(path).tensors
    let (w, e) = (try number(tensors["w"]), try number(tensors["e"]))
    let x = try random([7, 90], seed: 2)
    expectClose(try x.linear(w), try x.linear(weight.float()), 1e-5, "linear")
    let ids = try IntTensor([299, 0, 17])
    #expect(try e.rows(ids).elements() == weight.half().float().rows(ids).elements())
  }

  @Test func whatCannotBeLoadedCannotBeOpened() throws {
    let folder = try TemporaryFolder()
    let whole = try read(fixture("python-safetensors"))
    for length in stride(from: 0, to: whole.count, by: 7) {
      let path = try folder.file(Array(whole.prefix(length)))
      let loading = #expect(throws: EngineError.self) { try Safetensors.load(path) }
      let opening = #expect(throws: EngineError.self) { try Safetensors.open(path) }
      #expect(
        opening?.description
          == loading?.description.replacing("safetensors.load", with: "safetensors.open"))
    }
    #expect(
      throws: EngineError("safetensors.open", "\"\(folder.path("b"))\": No such file or directory")
    ) { try Safetensors.open(folder.path("b")) }
    let path = try folder.file(
      file(#"{"n":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#, [0, 0, 0, 0, 1, 0, 0, 0]))
    #expect(
      throws: EngineError(
        "safetensors.open", "\"\(path)\": tensor \"n\": 4294967296 does not fit into 32 bits")
    ) { try Safetensors.open(path) }
  }

  // MARK: The file system

  @Test func filesThatCannotBeReadAreRefused() throws {
    let folder = try TemporaryFolder()
    for (path, reason) in [
      (folder.path("missing"), "No such file or directory"), (folder.path, "is a directory"),
      ("", "No such file or directory"), ("/dev/null", "is not a regular file"),
      ("a\0b", "a path must not contain a zero byte"),
    ] {
      #expect(throws: EngineError("safetensors.load", "\"\(path)\": \(reason)")) {
        try Safetensors.load(path)
      }
    }
  }

  @Test func placesThatCannotBeWrittenAreRefused() throws {
    let folder = try TemporaryFolder()
    for (path, reason) in [
      (folder.path("no/such/folder"), "No such file or directory"),
      (folder.path, "is a directory"), ("/dev/null", "is not a regular file"),
      ("a\0b", "a path must not contain a zero byte"),
    ] {
      #expect(throws: EngineError("safetensors.save", "\"\(path)\": \(reason)")) {
        try Safetensors.save(path, tensors: [("x", .float(Tensor(1)))])
      }
    }
  }

  @Test func namesThatCannotBeSavedAreRefused() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a")
    let one = Safetensors.Value.float(Tensor(1))
    #expect(
      throws: EngineError("safetensors.save", "\"\(path)\": two tensors are named \"x\"")
    ) { try Safetensors.save(path, tensors: [("x", one), ("y", one), ("x", one)]) }
    #expect(
      throws: EngineError(
        "safetensors.save", "\"\(path)\": a tensor cannot be named __metadata__")
    ) { try Safetensors.save(path, tensors: [("__metadata__", one)]) }
    #expect(folder.names() == [])
  }

  @Test func savingReplacesTheFileAndLeavesNothingElse() throws {
    let folder = try TemporaryFolder()
    let path = try folder.file(Array("the file of before".utf8), "a")
    try Safetensors.save(path, tensors: [("x", .int(IntTensor([1])))])
    #expect(folder.names() == ["a"])
    #expect(ints(try Safetensors.load(path).tensors["x"]).elements == [1])
  }

  @Test func aFailedSaveKeepsTheFileOfBefore() async {
    // In a process of its own, of which no file may grow beyond 4096 bytes.
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      let before = Array("the file of before".utf8)
      let path = try folder.file(before, "a")
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(1), &limit)  // RLIMIT_FSIZE
      limit.rlim_cur = 4096
      // The signal would end the process; without it the write fails.
      signal(SIGXFSZ, SIG_IGN)
      try #require(setrlimit(__rlimit_resource_t(1), &limit) == 0)
      #expect(throws: EngineError("safetensors.save", "\"\(path)\": File too large")) {
        try Safetensors.save(path, tensors: [("x", .float(Tensor(full: [4096], 1)))])
      }
      #expect(try read(path) == before)
      #expect(folder.names() == ["a"])
    }
  }
}

// MARK: - Helpers

/// A folder that disappears with its last reference.
private final class TemporaryFolder {
  let path: String

  init() throws {
    var template = Array("/tmp/mnemo-safetensors-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for name in names() { unlink(path(name)) }
    rmdir(path)
  }

  func path(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file and returns its path.
  func file(_ bytes: [UInt8], _ name: String = "file") throws -> String {
    let handle = try #require(fopen(path(name), "w"))
    defer { fclose(handle) }
    try #require(fwrite(bytes, 1, bytes.count, handle) == bytes.count)
    return path(name)
  }

  /// Names of the files inside, hidden ones too.
  func names() -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var result: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { result.append(name) }
    }
    return result.sorted()
  }
}

/// A file of this header and data.
private func file(_ header: String, _ data: [UInt8]) -> [UInt8] {
  let length = UInt64(header.utf8.count)
  return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(header.utf8) + data
}

private func read(_ path: String) throws -> [UInt8] {
  let handle = try #require(fopen(path, "r"))
  defer { fclose(handle) }
  var bytes = [UInt8](repeating: 0, count: 1 << 20)
  return Array(bytes[..<fread(&bytes, 1, bytes.count, handle)])
}

private func floats(_ value: Safetensors.Value?) -> (shape: [Int], elements: [Float]) {
  guard case .float(let tensor) = value else { return ([-1], []) }
  return (tensor.shape, tensor.elements())
}

private func ints(_ value: Safetensors.Value?) -> (shape: [Int], elements: [Int32]) {
  guard case .int(let tensor) = value else { return ([-1], []) }
  return (tensor.shape, tensor.elements())
}

private func number(_ value: Safetensors.Value?) throws -> Tensor {
  guard case .float(let tensor)? = value else { throw EngineError("test", "no tensor of numbers") }
  return tensor
}

/// How much of a mapped file is in memory.
private func residentKilobytes(of path: String) throws -> Int? {
  let maps = try #require(fopen("/proc/self/smaps", "r"))
  var (line, capacity, isFound) = (UnsafeMutablePointer<CChar>?.none, 0, false)
  defer {
    free(line)
    fclose(maps)
  }
  while getline(&line, &capacity, maps) > 0, let line {
    let words = String(cString: line).split(whereSeparator: \.isWhitespace)
    isFound = isFound || words.last.map(String.init) == path
    if isFound && words.first == "Rss:" { return Int(words[1]) }
  }
  return nil
}
