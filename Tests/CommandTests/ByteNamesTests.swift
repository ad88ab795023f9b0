import Foundation
import Testing

/// Names that are no UTF-8: files, scripts, arguments, tensors, metadata, functions.
@Suite struct ByteNamesTests {
  /// Runs a script called `s\xE9.lua` with the argument `w\xE9` and further shell text.
  private func run(_ script: String, in folder: URL, then more: String = "") throws -> Outcome {
    try folder.write("script.lua", script)
    let command = package.appending(path: ".build/release/mnemo").path
    let shell = """
      script=$(printf 's\\351.lua'); mv script.lua "$script"
      '\(command)' "$script" "$(printf 'w\\351')"; \(more)
      """
    return try Running(["-c", shell], in: folder, executable: URL(filePath: "/bin/sh")).finish()
  }

  @Test func everyNameIsKept() throws {
    try withFolder { folder in
      let outcome = try run(
        #"""
        assert(arg[0] == "s\xe9.lua" and arg[1] == "w\xe9")
        assert(debug.getinfo(1, "S").source == "@s\xe9.lua")
        mnemo.ones(2):save("a\xe9.npy")
        mnemo.zeros(3):save("a\xea.npy")
        assert(mnemo.load("a\xe9.npy"):sum():item() == 2 and mnemo.load("a\xea.npy"):numel() == 3)
        mnemo.safetensors.save("t\xe9.safetensors", { ["n\xe9"] = mnemo.ones(1) }, { ["m\xe9"] = "\xea" })
        local tensors, metadata = mnemo.safetensors.open("t\xe9.safetensors")
        assert(tensors["n\xe9"]:item() == 1 and metadata["m\xe9"] == "\xea")
        io.open("c\xe9.txt", "w"):write("abracadabra"):close()
        assert(mnemo.corpus.file("c\xe9.txt").vocab_size == 5)
        assert(mnemo.make_folder("d\xe9/e") == "d\xe9/e")
        local model = mnemo.model.custom {
          vocab = 3, max_len = 4, parameters = { ["p\xe9"] = mnemo.randn(3, 3, { seed = 1 }) },
          forward = function(tokens, p) return p["p\xe9"][tokens] end,
        }
        local task = mnemo.data.custom {
          vocab = 3, seq_len = 4, seed = 1, sample = function() return { 1, 2, 3, 1, 2 } end,
        }
        mnemo.train {
          model = model, data = task, steps = 2, batch_size = 2, dir = "r\xe9", progress = false,
          optimizer = mnemo.optim.sgd { lr = 0.1 },
        }
        assert(mnemo.safetensors.load("r\xe9/model.safetensors")["p\xe9"])
        assert(io.open("r\xe9/history.jsonl"))
        mnemo.plot.lines { y = { 1, 2 } }:save("f\xe9.svg")
        assert(io.open("f\xe9.svg") and io.open("f\xe9.csv"))
        print(pcall(mnemo.load, "gone\xe9.npy"))
        """#, in: folder, then: "ls -b | sort | tr '\\n' ' '")
      #expect(outcome.errors == "")
      #expect(outcome.status == 0)
      #expect(
        outcome.output.hasSuffix(
          "No such file or directory\na\\351.npy a\\352.npy c\\351.txt d\\351 f\\351.csv f\\351.svg "
            + "r\\351 s\\351.lua t\\351.safetensors "))
    }
  }

  @Test func messagesShowBytes() throws {
    try withFolder { folder in
      let outcome = try run(#"mnemo.load("gone\xe9\x9b.npy")"#, in: folder)
      #expect(
        outcome.sentence
          == #"mnemo: s\xE9.lua:1: load: "gone\xE9\x9B.npy": No such file or directory"#)
    }
  }

  @Test func textIsStillRefusedWhereItIsRead() throws {
    try withFolder { folder in
      let outcome = try run(#"mnemo.corpus.text("caf\xe9")"#, in: folder)
      #expect(outcome.errors.contains("corpus.text: the text is not UTF-8 text (byte 4)"))
    }
  }
}
