import Foundation
import Testing

/// What a user can get wrong: a clear sentence, exit status 1.
@Suite struct BadInputTests {
  @Test(arguments: [
    ("mnemo.data.bigram { trigers = 3 }", "data.bigram", "trigers", "triggers"),
    ("mnemo.data.bigram { seqlen = 3 }", "data.bigram", "seqlen", "seq_len"),
    ("mnemo.model.simplified { vocab = 3, dimm = 3 }", "model.simplified", "dimm", "dim"),
    ("mnemo.model.simplified { vocab = 3, maxlen = 3 }", "model.simplified", "maxlen", "max_len"),
    ("mnemo.optim.sgd { lr = 1, momentun = 0.9 }", "optim.sgd", "momentun", "momentum"),
    ("mnemo.optim.sgd { lr = 1, weightdecay = 0 }", "optim.sgd", "weightdecay", "weight_decay"),
    ("mnemo.optim.adamw { beta = { 0.9, 0.9 } }", "optim.adamw", "beta", "betas"),
    ("mnemo.corpus.counts { bigrm = { { 1 } } }", "corpus.counts", "bigrm", "bigram"),
    ("train { batchsize = 3 }", "train", "batchsize", "batch_size"),
    ("train { probe = {} }", "train", "probe", "probes"),
    ("mnemo.plot.lines { xlable = 'x' }", "plot.lines", "xlable", "xlabel"),
    ("mnemo.plot.heatmap { matrx = { { 1 } } }", "plot.heatmap", "matrx", "matrix"),
    ("mnemo.plot.scatter { x = { 1 }, lables = {} }", "plot.scatter", "lables", "labels"),
    ("mnemo.plot.contour { z = {}, levls = 3 }", "plot.contour", "levls", "levels"),
    ("mnemo.plot.grid({}, { colums = 1 })", "plot.grid", "colums", "columns"),
    ("mnemo.rand(2, { sead = 1 })", "rand", "sead", "seed"),
  ]) func unknownOptions(_ line: String, _ place: String, _ given: String, _ meant: String) throws {
    let outcome = try run(smallRun + "\n" + line)
    #expect(outcome.status == 1)
    #expect(
      outcome.sentence.hasSuffix("\(place): unknown option '\(given)'; did you mean '\(meant)'?"))
    #expect(outcome.errors.contains("script.lua:"))
  }

  @Test(arguments: [
    // Sizes that do not fit.
    (
      "mnemo.data.bigram { triggers = 66 }",
      "data.bigram: triggers must be from 0 to 65 (the corpus has 65 symbols), got 66"
    ),
    (
      "mnemo.data.bigram { corpus = mnemo.corpus.letters(), triggers = 27 }",
      "data.bigram: triggers must be from 0 to 26 (the corpus has 26 symbols), got 27"
    ),
    (
      "mnemo.data.bigram { triggers = 3, trigger_offset = 63 }",
      "data.bigram: trigger_offset must be from 0 to 62 for 3 triggers (the corpus has 65 symbols), got 63"
    ),
    (
      "mnemo.data.bigram { seq_len = 0 }",
      "data.bigram: seq_len must be from 1 to 1073741824, got 0"
    ),
    (
      "model:forward(mnemo.ones(1, 17):argmax(1):reshape(1, 17))",
      "model: sequences of length 17 (allowed: 1…16, the model's max_len)"
    ),
    ("model:forward(mnemo.int_tensor { { 1, 66 } })", "model: token 66 is outside 1…65"),
    ("model:forward(mnemo.int_tensor { { 0 } })", "model: token 0 is outside 1…65"),
    ("model:forward(mnemo.int_tensor { 1, 2 })", "model: tokens need shape [B, T], got [2]"),
    // Vocabularies of one symbol.
    (
      "mnemo.corpus.text 'aaa'",
      "corpus.text: the text has only one symbol, \"a\" (U+0061); a vocabulary needs at least 2"
    ),
    ("mnemo.corpus.text ''", "corpus.text: the text is empty"),
    ("mnemo.corpus.uniform(1)", "corpus.uniform: needs 2 to 16777216 symbols, got 1"),
    (
      "mnemo.corpus.counts { unigram = { 5 } }",
      "corpus.counts: needs 2 to 16777216 symbols, got 1"
    ),
    // Shapes.
    (
      "mnemo.ones(2, 3):matmul(mnemo.ones(2, 3))",
      "matmul: inner sizes differ, [2, 3] × [2, 3]"
    ),
    (
      "return mnemo.ones(2, 3) + mnemo.ones(3, 2)",
      "add: shapes [2, 3] and [3, 2] do not broadcast together"
    ),
    ("mnemo.ones(-1)", "ones: sizes must not be negative, got [-1]"),
    ("return mnemo.ones(2)[3]", "select: index 3 in dimension 1 of shape [2] (allowed: 1…2)"),
    ("return mnemo.ones(2)[-3]", "select: index -3 in dimension 1 of shape [2] (allowed: 1…2)"),
    (
      "model:set('output.weight', mnemo.ones(2, 2))",
      "model: parameter 'output.weight' has shape [65, 8], the tensor given has [2, 2]"
    ),
    (
      "mnemo.tensor { { 1, 2 }, { 3 } }",
      "bad argument #1 to 'tensor' ([2]: rows must have one shape, got [1] after [2])"
    ),
    (
      "local t = {} t[1] = t mnemo.tensor(t)",
      "lists are nested deeper than 64 levels"
    ),
    // Settings.
    ("train { steps = -1 }", "train: steps = -1 (allowed: 0 or more)"),
    ("train { batch_size = 0 }", "train: batch_size = 0 (allowed: 1 or more)"),
    ("train { eval_every = 0 }", "train: eval_every = 0 (allowed: 1 or more)"),
    (
      "train { checkpoint_every = 5 }",
      "train: checkpoint_every needs dir, the folder to write to"
    ),
    (
      "mnemo.train { model = model, data = task, steps = 1 }",
      "train: missing option 'optimizer' (Optimizer or table expected)"
    ),
    (
      "train { loss_on = 'output' }",
      "bad option 'loss_on' to 'train' (\"all\", \"outputs\", \"repeats\" or function expected, got \"output\")"
    ),
    (
      "train { at = { [-1] = print } }",
      "bad option 'at' to 'train' (keys are steps, counted from 0, got -1)"
    ),
    ("mnemo.optim.sgd { lr = -1 }", "optim.sgd: lr = -1.0 (allowed: 0 or more)"),
    ("model:forwrd()", "Model: has no member 'forwrd'; did you mean 'forward'?"),
    ("model.get('pe')", "bad argument #1 to 'get' (Model expected, got string)"),
  ]) func sentences(_ line: String, _ sentence: String) throws {
    // Errors of calls inside the small run's functions carry the line of that call.
    let outcome = try run(smallRun + "\n" + line)
    #expect(outcome.status == 1)
    #expect(outcome.output.isEmpty)
    let place = line.hasPrefix("train") ? 7 : 10
    #expect(outcome.sentence == "mnemo: script.lua:\(place): \(sentence)")
  }

  @Test func dataLongerThanTheModel() throws {
    let outcome = try run(
      smallRun + "train { data = mnemo.data.bigram { seq_len = 17, seed = 1 }, dir = 'out' }")
    #expect(outcome.status == 1)
    #expect(
      outcome.sentence.hasSuffix(
        "train: the data has seq_len = 17, the model max_len = 16 (allowed: seq_len up to max_len)"
      ))
  }

  @Test func corpusFiles() throws {
    try withFolder { folder in
      try folder.write("empty.txt", "")
      try folder.write("one.txt", "aaaa")
      try folder.write("latin.txt", bytes: [0x61, 0x62, 0xE9, 0x61])
      try FileManager.default.createDirectory(
        at: folder.appending(path: "folder"), withIntermediateDirectories: false)
      for (path, sentence) in [
        ("nope.txt", "cannot read \"nope.txt\": No such file or directory"),
        ("empty.txt", "\"empty.txt\" is empty"),
        ("latin.txt", "\"latin.txt\" is not UTF-8 text (byte 3)"),
        ("folder", "\"folder\" is a directory"),
        ("/dev/zero", "\"/dev/zero\" is neither a file nor a pipe"),
        (
          "one.txt",
          "\"one.txt\" has only one symbol, \"a\" (U+0061); a vocabulary needs at least 2"
        ),
      ] {
        let outcome = try run("local c = mnemo.corpus.file('\(path)')", in: folder)
        #expect(outcome.status == 1)
        #expect(outcome.sentence == "mnemo: script.lua:1: corpus.file: \(sentence)")
      }
      #expect(
        try run("print(mnemo.corpus.file('one.txt' and 'script.lua').vocab_size > 2)", in: folder)
          .output == "true\n")
    }
  }

  @Test func resultsFoldersAreTriedBeforeTraining() throws {
    try withFolder { folder in
      try folder.write("file", "kept")
      for (path, reason) in [
        ("/proc/nowhere", "'/proc/nowhere' cannot be written: No such file or directory"),
        ("file", "'file' cannot be written: Not a directory"),
        ("file/deeper", "'file/deeper' cannot be written: Not a directory"),
        ("", "the path is empty"),
        ("a\\0b", "a path must not contain a zero byte, got \"a\\u{0}b\""),
      ] {
        let outcome = try run(
          smallRun
            + "train { dir = '\(path)', on_record = print, at = { [0] = print } }", in: folder)
        #expect(outcome.status == 1)
        #expect(outcome.output.isEmpty)
        #expect(outcome.sentence == "mnemo: script.lua:7: results folder: \(reason)")
      }
      #expect(folder.names == ["file", "script.lua"])
      #expect(folder.text("file") == "kept")
    }
  }

  @Test func aLossThatIsNoNumber() throws {
    try withFolder { folder in
      let outcome = try run(
        smallRun + """
          sgd = mnemo.optim.sgd { lr = 1e30 }
          local ok, message = pcall(train, { steps = 50, dir = "out", eval_every = 1 })
          print(ok, message)
          print(model:loss(task:batch(4)):item() < math.huge)
          train { steps = 50, dir = "again" }
          """, in: folder)
      #expect(outcome.status == 1)
      let lines = outcome.output.split(separator: "\n")
      let said =
        /false.*: train: the loss is .+ at step 1.*; training stopped, and the model is back at step 0, where the loss was [0-9.]+; a smaller learning rate may help/
      #expect(try said.wholeMatch(in: lines.first ?? "") != nil, "\(lines)")
      #expect(lines.last == "true")
      #expect(outcome.sentence.contains("train: the loss is"))
      // What was measured before is on disk, and so is the last good model.
      let history = folder.text("out/history.jsonl").split(separator: "\n")
      #expect(history.count == 1)
      #expect(history.last?.hasPrefix("{\"step\":0,\"loss\":") == true)
      let loaded = try run(
        smallRun + """
          model = mnemo.model.load "out/model.safetensors"
          print(model:loss(task:batch(4)):item() < math.huge)
          print(select(2, mnemo.safetensors.load "out/model.safetensors").step)
          """, in: folder)
      #expect(loaded.output == "true\n0\n")
    }
  }

  /// A file with this header and as many bytes of data.
  private func safetensors(_ header: String, data: Int = 16, length: UInt64? = nil) -> [UInt8] {
    let size = length ?? UInt64(header.utf8.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) } + Array(header.utf8)
      + [UInt8](repeating: 0, count: data)
  }

  @Test func safetensorsThatLie() throws {
    func entry(_ name: String, _ shape: String, _ offsets: String, _ type: String = "F32") -> String
    {
      "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
    }
    let good = "{" + entry("a", "[2]", "[0,8]") + "," + entry("b", "[2]", "[8,16]") + "}"
    let files: [(String, [UInt8], String)] = [
      ("no bytes", [], "0 bytes, and the header's length alone takes 8"),
      ("half a length", [3, 0, 0, 0], "4 bytes, and"),
      ("header beyond the file", safetensors(good, length: 1 << 20), "header"),
      ("header of 2^63 bytes", safetensors(good, length: 1 << 63), "header"),
      ("no JSON", safetensors("{\"a\":"), "header"),
      ("data cut off", safetensors(good, data: 12), "data"),
      ("data left over", safetensors(good, data: 20), "data"),
      (
        "ranges overlap",
        safetensors("{" + entry("a", "[2]", "[0,8]") + "," + entry("b", "[3]", "[4,16]") + "}"),
        "tensors \"a\" and \"b\" overlap"
      ),
      (
        "range backwards", safetensors("{" + entry("a", "[2]", "[8,0]") + "}", data: 8),
        "0 ≤ begin ≤ end, got [8, 0]"
      ),
      (
        "range too short", safetensors("{" + entry("a", "[4]", "[0,8]") + "}", data: 8),
        "takes 16 bytes, but data_offsets [0, 8] hold 8"
      ),
      (
        "negative size", safetensors("{" + entry("a", "[-2]", "[0,8]") + "}", data: 8),
        "sizes must not be negative, got shape [-2]"
      ),
      (
        "sizes that overflow",
        safetensors("{" + entry("a", "[4294967296,4294967296]", "[0,0]") + "}", data: 0),
        "shape [4294967296, 4294967296] is too large"
      ),
      (
        "offsets that overflow",
        safetensors("{" + entry("a", "[2]", "[0,18446744073709551624]") + "}", data: 8),
        "lists of whole numbers"
      ),
      ("unknown dtype", safetensors("{" + entry("a", "[2]", "[0,8]", "Q7") + "}", data: 8), "Q7"),
      (
        "one name twice",
        safetensors("{" + entry("a", "[2]", "[0,8]") + "," + entry("a", "[2]", "[8,16]") + "}"),
        "bytes 8..<16 of the data belong to no tensor"
      ),
    ]
    try withFolder { folder in
      try folder.write("good.safetensors", bytes: safetensors(good))
      let sound = try run("print(mnemo.safetensors.load('good.safetensors').b)", in: folder)
      #expect(sound.output == "Tensor [2]\n  0  0\n")
      for (label, bytes, word) in files {
        try folder.write("bad.safetensors", bytes: bytes)
        for call in ["safetensors.load", "model.load"] {
          let outcome = try run("mnemo.\(call)('bad.safetensors')", in: folder)
          #expect(outcome.status == 1, "\(label): \(outcome)")
          #expect(outcome.output.isEmpty)
          #expect(
            outcome.sentence.hasPrefix("mnemo: script.lua:1: ")
              && outcome.sentence.contains("bad.safetensors") && outcome.sentence.contains(word),
            "\(label): \(outcome.sentence)")
        }
      }
      // Sound, but no model.
      let outcome = try run("mnemo.model.load('good.safetensors')", in: folder)
      #expect(outcome.status == 1)
      #expect(outcome.sentence.contains("good.safetensors"))
    }
  }
}
