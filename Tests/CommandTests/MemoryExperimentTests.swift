import Foundation
import Testing

/// The experiments of examples/ whose results are figures and tables alone, without saved runs.
///
/// Here is what they print and save; what they conclude where nothing can be concluded is in
/// `VerdictTests`.
@Suite struct MemoryExperimentTests {
  /// A script, the options that make it small, and what its results look like.
  struct Experiment: CustomTestStringConvertible {
    let name: String
    let options: [String]
    /// Whether it has several seeds; one without counts trials of its own, or draws nothing.
    var hasSeeds = true
    /// How the lines of its tables begin, in order: heads, and rows with means and spreads.
    let rows: [String]
    var heads: [String] = []
    /// How lines beside the tables begin, in order.
    let lines: [String]
    /// Words that it refuses, and the end of what it then says.
    let mistakes: [(words: [String], sentence: String)]
    var testDescription: String { name }
  }

  static let experiments = [
    Experiment(
      name: "gradients_as_memories", options: ["--count", "8"],
      rows: ["N "] + ["8 ", "40 ", "160 "].flatMap { count in Array(repeating: count, count: 6) },
      heads: ["N "],
      lines: [
        "Gradients of a linear memory, N = 8", "Gradients of the 12 matrices of the simplified",
        "Gradients of the 14 matrices of the transformer", "One step of size 1 from W = 0",
        "Gradients are sums of outer products", "With N = 8 recall is", "Errors of wrong scores",
      ], mistakes: [(["--count", "3"], "mnemo: --count wants at least 4, got 3")]),
    Experiment(
      name: "noisy_inputs", options: ["--answers", "40", "--noises", "20", "--bags", "500"],
      rows: ["d ", "16 ", "32 ", "64 ", "128 ", "256 "]
        + ["samples", "100 ", "300 ", "1000 ", "3000 ", "10000 "]
        + ["tokens in a bag", "4 ", "8 ", "16 ", "32 "],
      heads: ["d ", "samples", "tokens in a bag"],
      lines: [
        "Recall after one step on all noisy inputs, N = 40", "Recall after one step on samples",
        "One step on 500 sums",
        "Lemma 2 is the gradient", "With T = 20 recall is", "From 100 samples", "The best token",
      ], mistakes: [(["--answers", "1"], "mnemo: --answers wants at least 2, got 1")]),
    Experiment(
      name: "embedding_geometry", options: ["--count", "40", "--widest", "64"],
      rows: (1...3).flatMap { _ in ["d ", "16 ", "32 ", "64 ", "slope"] }, heads: ["d "],
      lines: [
        "Overlaps of 40 embeddings", "Remapped", "Scores of memories", "Overlaps fall as d^-0.",
        "The largest is below", "A remap keeps norms", "A remapped token",
        "Errors of scores, 40 answers", "Errors of scores, 4 answers",
      ], mistakes: [(["--widest", "8"], "mnemo: --widest wants at least 16, got 8")]),
    Experiment(
      name: "maximal_updates", options: ["--dim", "256", "--ratio", "4", "--inputs", "16"],
      rows: ["d ", "64 ", "128 ", "256 ", "slope", "n/d ", "1 ", "2 ", "4 "],
      heads: ["d ", "n/d "],
      lines: [
        "Layers of width d, updates of 16", "Overlap of 64 neurons after one step",
        "‖W₀u‖: the slope on d is ", "by a step, kernel: the slope on d is -0.5",
        "After a step on n = 4d samples the overlap with the ReLU's direction is 0.",
        "After a step on n = 4d samples the overlap with w₂ of the sum is 0.",
      ], mistakes: [(["--dim", "32"], "mnemo: --dim wants at least 64, got 32")]),
    Experiment(
      name: "memory_schemes", options: ["--steps", "60", "--late-seeds", "2"],
      rows: [
        "optimiser", "one step, population", "one step, 10⁵ samples", "SGD, lr 10, 1000 steps",
        "Adam, lr 0.1, 10 steps", "Adam, lr 0.1, 1000 steps", "SGD, normed", "Adam, normed",
        "batch one, lr 100, 60 steps", "batch one, lr 10, 60 steps", "batch one, lr 1, 60 steps",
        "batch one, lr 0.1, 60 steps", "lr ", "10 ", "10 ", "10 ", "10 ", "10 ", "3 ", "3 ", "3 ",
        "3 ", "3 ", "1 ", "1 ", "1 ", "1 ", "1 ",
      ],
      heads: ["optimiser", "lr "],
      lines: [
        "N = 100 tokens, p ∝ z^−2, M = 5 answers, orthonormal, d = 128, 2 seed(s):",
        "Small steps late, d = 16, 30 + 30 steps with batches of one, 2 seed(s):",
        "One step on the population stores in proportion to p(z): its slope is 1.000.",
        "With batches of one the slope ", "After 1000 steps of Adam the slope is ",
        "Of plain gradient steps theory gives every q to ",
      ],
      mistakes: [
        (["--tokens", "2"], "mnemo: --tokens wants at least 3, got 2"),
        (["--kind", "sphere"], "mnemo: --kind wants one of orthonormal, one_hot, got 'sphere'"),
      ]),
    Experiment(
      name: "scaling_laws", options: ["--trials", "3", "--per-class", "40", "--seed", "3"],
      hasSeeds: false,
      rows: ["d "] + [10, 16, 26, 33, 54, 88, 112, 183, 233, 379, 483, 784, 1000].map { "\($0) " }
        + ["n ", "10 ", "39 ", "156 ", "625 ", "2500 ", "10000 "]
        + ["d ", "10 ", "26 ", "54 ", "112 ", "233 ", "483 ", "1000 "],
      lines: [
        "Error by width, N = 200, means over 3 trial(s)", "Error by sample at d = 1000",
        "The same with N = 20", "q = p: the error falls", "z ≤ d/8: the error falls",
        "seen: the error falls",
      ],
      mistakes: [
        (["--trials", "0"], "mnemo: --trials wants at least 1, got 0"),
        (["--dim", "9"], "mnemo: --dim wants at least 10, got 9"),
        (["--sead", "3"], "mnemo: unknown option '--sead'; did you mean '--seed'?"),
      ]),
    Experiment(
      name: "gradient_dynamics", options: ["--steps", "60"], hasSeeds: false,
      rows: ["η ", "1 ", "1 ", "1 ", "10 ", "10 ", "10 "],
      lines: [
        "Gradient descent on two associations, p = 0.75 and 0.25, 60 steps",
        "The sharpness at W = 0 by Lanczos", "η = 1, c = -0.5: the loss never rises",
        "η = 10, c = 0.95: the loss rises on 8 steps", "η = 1, c = -0.5: γ₁ − γ₂ is",
      ],
      mistakes: [
        (["--steps", "0"], "mnemo: --steps wants at least 1, got 0"),
        (["--p", "1.0"], "mnemo: --p wants 0.01 to 0.99, got 1.0"),
        (["--lr", "fast"], "mnemo: --lr wants a number, got 'fast'"),
      ]),
    Experiment(
      name: "three_gradient_steps",
      options: ["--sequences", "16", "--seeds", "2", "--seed", "3"], hasSeeds: false,
      rows: ["circuit"] + Self.repeated(4) + ["circuit"] + Self.repeated(5)
        + ["circuit"] + Array(repeating: "idealised", count: 5)
        + Array(repeating: "cross-talk", count: 5) + ["position", "right score"],
      lines: [
        "Recall of the memories and accuracy on repeats after each step, 16 sequences",
        "After three steps, by the number of sequences", "After three steps of ",
        "Idealised: what W_K⁰ scores", "Nothing can be said about a head",
      ], mistakes: [(["--sequences", "0"], "mnemo: --sequences wants at least 16, got 0")]),
    Experiment(
      name: "capacity",
      options: ["--part", "outer", "--widths", "2", "--seeds", "2", "--seed", "3"],
      hasSeeds: false, rows: ["d ", "16 ", "32 "],
      lines: ["Pairs held by outer products", "Nothing can be said about outer products"],
      mistakes: [
        (["--part", "foo"], "mnemo: --part wants one of all, outer, features, trained, got 'foo'")
      ]),
    Experiment(
      name: "beyond_linear",
      options: ["--count", "512", "--asked", "50", "--steps", "20", "--seeds", "2", "--seed", "3"],
      hasSeeds: false,
      rows: ["memory"] + Self.memories + ["memory"] + Self.memories
        + ["memory", "nearest neighbour", "attention, β = 40", "threshold b = 0.9", "linear"]
        + [" ", "trained", "before training", "written down"],
      lines: [
        "Pairs held by width d, of 512 drawn", "Arithmetic of a query", "Recall by the length",
        "An MLP with a hidden unit", "Nothing can be said about what goes beyond a matrix",
        "Nothing can be said about what gradient descent finds",
      ], mistakes: [(["--count", "1"], "mnemo: --count wants at least 512, got 1")]),
    Experiment(
      name: "hallucination",
      options: ["--batch", "16", "--steps", "8", "--seeds", "2", "--seed", "3"], hasSeeds: false,
      rows: [
        "crossing", "relation-only loss below 0.1", "loss within 0.03 of log D, from",
        "loss within 0.03 of log D, to", "accuracy 0.99", "loss below 0.1",
        "a logit of 1 apart are", "the relation's answers", "the subject's answers", "step",
      ] + (0...8).map { "\($0) " },
      lines: [
        "64 facts, log A = 3.466, log D = 2.079; learning rate 0.1, 2 seed(s):",
        "Losses in nats over the steps", "Nothing can be said about what comes first: 0 of 2 runs",
      ],
      mistakes: [
        (["--relations", "1"], "mnemo: --relations wants at least 2, got 1"),
        (["--seq-len", "2"], "mnemo: --seq-len wants at least 3, got 2"),
      ]),
    Experiment(
      name: "factual_construction",
      options: ["--subjects", "4", "--answers", "2", "--widths", "1", "--hidden", "1"]
        + ["--steps", "2", "--seeds", "2", "--seed", "3"],
      hasSeeds: false, rows: ["d ", "64 ", "H d_h", "8 ", "m ", "64 ", "m ", "64 "],
      lines: [
        "Facts right of S R = 16, D = 2, over 2 seed(s). Attention alone, H d_h = 8:",
        "Attention alone, least-squares keys at d = 512",
        "Attention and an MLP, three ways to its second layer at d = 256",
        "Attention and an MLP, three ways to its second layer at d = 512",
        "Trained, attention and an MLP at d = 32", "Attention alone answers ",
        "MLP, d = 512, m = 64: one step answers ", "Nothing can be said about training",
      ], mistakes: [(["--widths", "8"], "mnemo: --widths wants 1 to 7, got 8")]),
    Experiment(
      name: "attention_vs_ff_samples",
      options: ["--samples", "64", "--seeds", "2", "--seed", "3"], hasSeeds: false,
      rows: ["N "] + Self.samples(of: [32, 64, 128, 256]) + ["N "] + Self.samples(of: [32, 256]),
      lines: [
        "One step on m samples, α = 0.5, over 2 seed(s)", "Mean margin over its standard",
        "Differentiation and the sums differ by", "Nothing can be said about samples",
      ],
      mistakes: [
        (["--samples", "63"], "mnemo: --samples wants 64 to 1048576, got 63"),
        (["--noise", "1.0"], "mnemo: --noise wants 0.01 to 0.99, got 1.0"),
      ]),
    Experiment(
      name: "factual_capacity",
      options: [
        "--batch", "32", "--widest", "12", "--steps", "20", "--phase-steps", "5", "--noise", "16",
        "--length", "16", "--noise-steps", "5", "--seeds", "2", "--seed", "3",
      ],
      hasSeeds: false,
      rows: ["d ", "8 ", "12 ", "m \\ H", "128 ", "80 ", "32 ", "12 ", "0 "]
        + ["H·d_h ≥ S + R", "yes ", "no ", "yes ", "no "]
        + ["N ", "0 ", "16 ", "0 ", "16 "] + ["T ", "4 ", "16 ", "4 ", "16 "],
      lines: [
        "Facts held by width, H·d_h = 2 d, m = 2 d, over 2 seed(s)", "Accuracy by heads H",
        "The same by theory's two conditions", "S = R = 16 among noise",
        "S = R = 16 among noise", "Nothing can be said about facts by parameters",
        "Nothing can be said about the phase diagram", "Nothing can be said about noise tokens",
        "Nothing can be said about length",
      ],
      mistakes: [
        (["--widest", "7"], "mnemo: --widest wants 8 to 128, got 7"),
        (["--part", "mlp"], "mnemo: --part wants one of all, facts, phase, noise, got 'mlp'"),
      ]),
    Experiment(
      name: "pretrained_laser", options: ["--least", "0.2"], hasSeeds: false,
      rows: ["hf download", "share ", "1.000 ", "0.500 ", "0.200 ", "0.000 "],
      lines: [
        "No folder was given", "and read by --folder", "Next token after 5 random tokens",
        "Nothing can be said about truncation in language models",
      ],
      mistakes: [
        (["--layers", "-1"], "mnemo: --layers wants at least 0, got -1"),
        (["--folder", "nowhere"], "pretrained.load: \"nowhere\": there is no such folder"),
      ]),
  ]

  /// The three circuits of three gradient steps, each `count` times.
  private static func repeated(_ count: Int) -> [String] {
    ["cross-talk, second step 200", "cross-talk, second step 2e4", "idealised"]
      .flatMap { Array(repeating: $0, count: count) }
  }

  /// Rows of 4, 16 and 64 samples for each vocabulary.
  private static func samples(of sizes: [Int]) -> [String] {
    sizes.flatMap { Array(repeating: "\($0) ", count: 3) }
  }

  private static let memories = [
    "linear", "nearest neighbour", "attention, β = 10", "attention, β = 40", "threshold b = 0.5",
    "threshold b = 0.9",
  ]

  private func start(
    _ name: String, _ words: [String], threads: String = "2", in folder: URL
  ) throws -> Outcome {
    let script = package.appending(path: "examples/\(name).lua").path
    return try Running(["--threads", threads, script] + words, in: folder).finish()
  }

  @Test(arguments: experiments) func resultsOfARun(_ experiment: Experiment) throws {
    try withFolder { folder in
      let small =
        experiment.options + (experiment.hasSeeds ? ["--seeds", "2", "--seed", "3"] : [])
      let outcome = try start(experiment.name, small, in: folder)
      #expect(outcome.status == 0)
      #expect(outcome.errors.isEmpty, "\(outcome.errors)")
      let lines = outcome.output.split(separator: "\n").map(String.init)
      let cells = lines.filter { $0.hasPrefix("  ") }.map { $0.dropFirst(2) }
      #expect(cells.count == experiment.rows.count, "\(outcome.output)")
      for (line, row) in zip(cells, experiment.rows) {
        #expect(line.hasPrefix(row), "\(line)")
        if experiment.hasSeeds {
          #expect(line.contains("±") != experiment.heads.contains(row), "\(line)")
        }
      }
      var rest = lines[...]
      for beginning in experiment.lines {
        rest = rest.drop { !$0.hasPrefix(beginning) }
        #expect(!rest.isEmpty, "\(beginning)")
        rest = rest.dropFirst()
      }
      #expect(lines.last == "Results are in runs/\(experiment.name)")

      let results = folder.appending(path: "runs/\(experiment.name)")
      // A sweep keeps its points beside the figure.
      #expect(
        Set(results.names).subtracting(["sweep.sqlite"])
          == ["figure.svg", "figure.png", "figure.csv"])
      #expect(results.text("figure.svg").contains("</svg>"))
      #expect(results.text("figure.csv").contains("series,x,y"))
      let png = try Data(contentsOf: results.appending(path: "figure.png"))
      #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47]))

      // Neither threads nor repetition change anything.
      let again = try start(experiment.name, small + ["--out", "again"], threads: "1", in: folder)
      #expect(
        again.output
          == outcome.output.replacingOccurrences(of: "runs/\(experiment.name)", with: "again"))
      let second = folder.appending(path: "again")
      #expect(second.text("figure.csv") == results.text("figure.csv"))
    }
  }

  @Test(arguments: experiments) func helpAndMistakes(_ experiment: Experiment) throws {
    try withFolder { folder in
      let help = try start(experiment.name, ["--help"], in: folder)
      #expect(help.status == 0)
      let ofSeeds = experiment.hasSeeds ? ["--seeds N", "--seed N"] : []
      for option in ["--quick", "--full", "--out DIR"] + ofSeeds {
        #expect(help.output.contains(option), "\(option)")
      }
      let misspelt = (["--qick"], "mnemo: unknown option '--qick'; did you mean '--quick'?")
      let mistakes = [misspelt] + experiment.mistakes
      for (words, sentence) in mistakes {
        let outcome = try start(experiment.name, words, in: folder)
        #expect(outcome.status == 1)
        #expect(outcome.output.isEmpty)
        #expect(outcome.sentence.hasSuffix(sentence), "\(outcome.sentence)")
      }
    }
  }
}
