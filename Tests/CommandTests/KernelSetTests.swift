import Foundation
import Testing

/// The kernels of the command, which `MNEMO_KERNELS` names.
@Suite struct KernelSetTests {
  private func mnemo(_ arguments: String..., kernels: String) throws -> Outcome {
    let command = package.appending(path: ".build/release/mnemo").path
    return try Running(
      ["MNEMO_KERNELS=\(kernels)", command] + arguments,
      executable: URL(filePath: "/usr/bin/env")
    ).finish()
  }

  /// The sets that this processor can do.
  private var names: [String] {
    get throws {
      try ["portable", "avx2", "avx512"].filter {
        try mnemo("-e", "", kernels: $0).status == 0
      }
    }
  }

  @Test func setsAreNamed() throws {
    #expect(try names.first == "portable")
    for name in try names {
      #expect(try mnemo("--version", kernels: name).output.contains("\nkernels \(name)\n"))
      let print = try mnemo("-e", "print(mnemo.kernels())", kernels: name)
      #expect(print.output == "\(name)\n")
    }
    // Nothing asked for: the widest.
    #expect(try mnemo("--version", kernels: "").output.contains("\nkernels \(try names.last!)\n"))
  }

  @Test func unknownSetsAreRefused() throws {
    for arguments in ["-e", "--version"] {
      let outcome = try mnemo(arguments, "print(1)", kernels: "AVX2")
      #expect(outcome.status == 1)
      #expect(outcome.output.isEmpty)
      let allowed = try names.joined(separator: ", ")
      #expect(
        outcome.sentence.hasSuffix(
          "kernels: MNEMO_KERNELS is \"AVX2\"; this processor can do \(allowed)"),
        "\(outcome.errors)")
    }
  }

  /// A run of both model kinds is the same, bit for bit, with all kernels that multiply and add in
  /// one rounding.
  @Test func trainingIsTheSame() throws {
    let script = """
      local task = mnemo.data.bigram { seq_len = 40, seed = 1 }
      local kinds = { mnemo.model.simplified, mnemo.model.transformer }
      for _, kind in ipairs(kinds) do
        local options = { vocab = task.vocab_size, dim = 24, max_len = 40, seed = 2 }
        if kind == mnemo.model.transformer then options.heads = 3 end
        local run = mnemo.train { model = kind(options), data = task, steps = 20, batch_size = 8,
          optimizer = mnemo.optim.adamw { lr = 0.01 }, eval_every = 1 }
        for _, record in ipairs(run.history) do io.write(('%a '):format(record.loss)) end
      end
      """
    let outputs = try names.dropFirst().map { try mnemo("-e", script, kernels: $0) }
    for outcome in outputs {
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.count > 200)
      #expect(outcome.output == outputs[0].output)
    }
  }
}
