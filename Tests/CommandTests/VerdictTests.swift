import Foundation
import Testing

/// What the scripts of examples/ conclude: nothing where nothing was learned.
@Suite struct VerdictTests {
  /// A script at sizes that take about a second.
  struct Script: CustomTestStringConvertible {
    let name: String
    /// The options that make it small.
    let size: [String]
    /// Options under which nothing is learned, or nothing of the kind that it speaks of.
    let broken: [[String]]
    /// What cannot be said then.
    let subjects: [String]
    /// Options under which it learns, and how a line begins that says so; the subjects are not
    /// refused then.
    let good: [String]
    let verdict: String
    var testDescription: String { name }
  }

  static let scripts = [
    Script(
      name: "induction_head", size: ["--dim", "128", "--seq-len", "64"],
      broken: [
        ["--batch", "16", "--steps", "20", "--lr", "0"], ["--batch", "32", "--steps", "5"],
        ["--batch", "2", "--steps", "40", "--seed", "3"],
      ], subjects: ["the order of the memories"], good: ["--batch", "128", "--steps", "110"],
      verdict: "The induction head is there: accuracy off the self-loops is 0.9"),
    Script(
      name: "one_vs_two_layers",
      size: ["--dim", "32", "--heads", "2", "--seq-len", "32", "--seeds", "1"],
      broken: [
        ["--batch", "16", "--steps", "20", "--lr", "0"], ["--batch", "32", "--steps", "5"],
        ["--batch", "2", "--steps", "20"],
      ], subjects: ["one layer and two", "the parts of an induction head"],
      good: ["--batch", "32", "--steps", "200", "--lr", "0.01"],
      verdict: "Off the self-loops "),
    Script(
      name: "learning_order", size: ["--dim", "64", "--seq-len", "32", "--seeds", "1"],
      broken: [
        ["--batch", "16", "--steps", "9", "--lr", "0"], ["--batch", "32", "--steps", "5"],
        ["--batch", "2", "--steps", "9"],
      ], subjects: ["orders"], good: ["--batch", "32", "--steps", "120"],
      verdict: "W_O¹ → W_K¹ → W_K⁰, from the top down, ends at 0."),
    Script(
      name: "letters", size: ["--dim", "64", "--seq-len", "40"],
      broken: [
        ["--batch", "16", "--steps", "20", "--lr", "0"], ["--batch", "32", "--steps", "5"],
        ["--batch", "2", "--steps", "20"],
      ], subjects: ["what the transformer knows of \"a\"", "the context"],
      good: ["--batch", "64", "--steps", "150"],
      verdict: "the transformer says \"p\" after \"a\" and hardly elsewhere: it knows"),
    Script(
      name: "activation_patching", size: [],
      broken: [
        ["--batch", "16", "--steps", "20", "--lr", "0"], ["--batch", "32", "--steps", "5"],
        ["--batch", "2", "--steps", "20"],
      ], subjects: ["what is needed"], good: ["--batch", "64", "--steps", "120"],
      verdict: "Without layer 2's output accuracy off the self-loops changes by -0."),
    Script(
      name: "custom_dataset", size: [],
      broken: [
        ["--batch", "16", "--steps", "20", "--lr", "0"], ["--batch", "32", "--steps", "5"],
        ["--batch", "2", "--steps", "20"],
      ], subjects: ["finding answers"], good: ["--batch", "64", "--steps", "80"],
      verdict: "After 80 steps accuracy on the second half is "),
    Script(
      name: "custom_model", size: [],
      broken: [
        ["--batch", "16", "--steps", "20", "--lr", "0"], ["--batch", "2", "--steps", "1"],
      ], subjects: ["finding answers"], good: ["--steps", "20"],
      verdict: "the answer stands out."),
    Script(
      name: "custom_probe", size: [],
      broken: [
        ["--batch", "16", "--steps", "20", "--lr", "0"], ["--batch", "32", "--steps", "5"],
        ["--batch", "2", "--steps", "10"],
      ], subjects: ["a stage of learning"], good: ["--batch", "64", "--steps", "80"],
      verdict: "  one token back "),
    Script(
      name: "data_properties", size: ["--quick", "--seq-len", "32"], broken: quickly,
      subjects: ["diversity"],
      good: ["--dim", "64", "--batch", "32", "--steps", "80", "--lr", "0.4"],
      verdict: "Rare triggers: not learned"),
    Script(
      name: "global_vs_in_context", size: ["--quick", "--seq-len", "32"], broken: quickly,
      subjects: ["the order"],
      good: ["--dim", "96", "--batch", "32", "--steps", "190", "--lr", "0.4"],
      verdict: "linear: in 1 of 1 runs ff1 and loss_bigram fell before loss_head."),
    Script(
      name: "noise_ablation", size: ["--quick", "--seq-len", "32"],
      broken: [
        ["--lr", "0", "--steps", "20"], ["--steps", "5"], ["--batch", "2", "--steps", "20"],
      ],
      subjects: ["the cost"], good: ["--steps", "100"], verdict: "d =  32: cross-talk costs "),
    Script(
      name: "constructed_circuit", size: ["--quick", "--seq-len", "32"], broken: quickly,
      subjects: ["what training stores"],
      good: ["--dim", "64", "--batch", "32", "--steps", "100"],
      verdict: "Trained at d = 64, it answers more than written down at d = 32."),
    Script(
      name: "trained_matrix", size: ["--quick", "--seeds", "1"],
      broken: [
        ["--lr", "0", "--steps", "20"], ["--steps", "5"], ["--batch", "2", "--steps", "60"],
      ],
      subjects: ["what training stores"], good: [], verdict: "W_O¹: outer products hold "),
    Script(
      name: "gradients_as_memories", size: ["--count", "20", "--seeds", "3"],
      broken: [["--lr", "0"], ["--seeds", "1"]], subjects: ["what one step stores"], good: [],
      verdict: "With N = 20 recall is 0."),
    Script(
      name: "noisy_inputs", size: ["--quick", "--answers", "50", "--bags", "1000"],
      broken: [["--lr", "0"], ["--seeds", "1"]], subjects: ["noise"], good: [],
      verdict: "With T = 100 recall is 1."),
    Script(
      name: "embedding_geometry", size: ["--quick"],
      broken: [["--widest", "16"], ["--seeds", "1"]], subjects: ["overlaps"], good: [],
      verdict: "Overlaps fall as d^-0."),
    Script(
      name: "maximal_updates", size: ["--dim", "256", "--ratio", "4"],
      broken: [["--lr", "0"], ["--seeds", "1"]], subjects: ["the large step"], good: [],
      verdict: "After a step on n = 4d samples the overlap with the ReLU's direction is 0."),
    Script(
      name: "memory_schemes", size: ["--steps", "200", "--late-seeds", "4"],
      broken: [["--lr", "0"], ["--seeds", "1"], ["--steps", "2"]],
      subjects: ["what optimisers store"], good: [],
      verdict: "With batches of one the slope falls as the learning rate grows"),
    Script(
      name: "scaling_laws", size: [],
      broken: [["--trials", "1"], ["--trials", "5", "--dim", "60"]],
      subjects: ["scaling laws"], good: ["--trials", "10"],
      verdict: "z ≤ d/8: the error falls with d as d^(-"),
    Script(
      name: "gradient_dynamics", size: ["--quick"],
      broken: [["--lr", "0"], ["--large-lr", "0"], ["--steps", "5"], ["--steps", "20"]],
      subjects: ["how the memory is filled"], good: [],
      verdict: "η = 10, c = 0.95: the loss rises on 8 steps;"),
    Script(
      name: "three_gradient_steps", size: ["--sequences", "512"],
      broken: [
        ["--scale", "0", "--seeds", "2"], ["--seeds", "1"], ["--sequences", "16", "--seeds", "2"],
      ],
      subjects: ["a head"], good: ["--seeds", "3"],
      verdict: "idealised: the third step makes a head: accuracy is 0."),
    Script(
      name: "capacity", size: ["--part", "outer", "--seeds", "3"],
      broken: [["--widths", "2"], ["--widths", "3", "--seeds", "1"]], subjects: ["outer products"],
      good: ["--widths", "4"], verdict: "Outer products: N log N grows as d^(2."),
    Script(
      name: "capacity", size: ["--part", "trained", "--sizes", "3", "--seeds", "2"],
      broken: [
        ["--lr", "0", "--steps", "20"], ["--steps", "1"], ["--seeds", "1", "--steps", "50"],
        ["--steps", "5", "--seed", "2"],
      ],
      subjects: ["trained memories"], good: ["--steps", "50"],
      verdict: "Trained: N log N of the linear memory grows as d^(1."),
    Script(
      name: "beyond_linear", size: ["--count", "1024", "--asked", "100"],
      broken: [
        ["--lr", "0", "--seeds", "3"], ["--steps", "2", "--seeds", "3"], ["--seeds", "1"],
      ],
      subjects: ["what gradient descent finds"], good: ["--seeds", "3", "--steps", "200"],
      verdict: "Gradient descent from random weights recalls "),
    Script(
      name: "hallucination", size: ["--quick"],
      broken: [
        ["--lr", "0", "--steps", "20", "--seeds", "2"], ["--seeds", "1"],
        ["--steps", "700", "--seeds", "2"], ["--batch", "2", "--steps", "40", "--seeds", "2"],
      ],
      subjects: ["what comes first"], good: ["--seeds", "2"],
      verdict: "Plausible answers come first: the relation is known at step "),
    Script(
      name: "factual_construction",
      size: ["--quick", "--subjects", "12", "--answers", "4", "--widths", "2", "--hidden", "2"],
      broken: [
        ["--lr", "0", "--steps", "20", "--seeds", "2"], ["--steps", "2", "--seeds", "2"],
        ["--seeds", "1", "--steps", "20"],
      ],
      subjects: ["training"], good: ["--seeds", "2"],
      verdict: "Trained at d = 64, attention alone answers "),
    Script(
      name: "beyond_the_theory",
      size: ["--seq-len", "32", "--layer-steps", "3", "--bound-steps", "3", "--bound-widths", "2"],
      broken: [
        ["--dim", "32", "--steps", "20", "--lr", "0", "--seeds", "2"],
        ["--dim", "32", "--steps", "5", "--seeds", "2"],
        ["--dim", "32", "--steps", "20", "--seeds", "1"],
      ],
      subjects: ["the gap", "learned embeddings", "more layers", "one layer's bound"],
      good: ["--steps", "150", "--seeds", "4"],
      verdict: "learned embeddings: accuracy is 0.9"),
    Script(
      name: "beyond_the_theory",
      size: [
        "--dim", "16", "--seq-len", "32", "--batch", "16", "--steps", "3", "--layer-steps", "3",
        "--layer-batch", "64", "--bound-widths", "2",
      ],
      broken: [
        ["--bound-steps", "20", "--bound-lr", "0", "--seeds", "3"],
        ["--bound-steps", "5", "--seeds", "3"], ["--bound-steps", "40", "--seeds", "1"],
      ],
      subjects: ["one layer's bound"],
      good: ["--bound-steps", "170", "--bound-lr", "0.015", "--seeds", "3"],
      verdict: "Two layers of d = 32, "),
    Script(
      name: "factual_recall",
      size: ["--subjects", "12", "--fewer", "8", "--batch", "256"],
      broken: [
        ["--steps", "20", "--lr", "0", "--seeds", "3"], ["--steps", "5", "--seeds", "3"],
        ["--steps", "20", "--batch", "2", "--seeds", "3"], ["--steps", "100", "--seeds", "1"],
      ],
      subjects: ["facts"], good: ["--steps", "200", "--seeds", "3"],
      verdict: "S = R = 8, 64 facts: accuracy reaches 0.99 in 3 of 3 runs"),
    Script(
      name: "attention_vs_ff_samples", size: ["--samples", "512", "--seeds", "5"],
      broken: [["--lr", "0"], ["--seeds", "1"], ["--noise", "0.99"]], subjects: ["samples"],
      good: [], verdict: "half is held from m = 7"),
    Script(
      name: "noisy_recall", size: ["--quick"],
      broken: [
        ["--lr", "0", "--steps", "20"], ["--steps", "5"], ["--batch", "2", "--steps", "20"],
      ],
      subjects: ["truncation"], good: [],
      verdict: "Without layer 1's MLP P(τ) falls from 0."),
    Script(
      name: "factual_capacity",
      size: ["--part", "facts", "--widest", "16", "--batch", "128", "--seeds", "3"],
      broken: [
        ["--lr", "0", "--steps", "20"], ["--steps", "5"], ["--steps", "200", "--seeds", "1"],
        ["--steps", "200", "--widest", "12"],
      ],
      subjects: ["facts by parameters"], good: ["--steps", "200", "--lr", "0.03"],
      verdict: "Facts grow as parameters^(1."),
    Script(
      name: "factual_capacity", size: ["--part", "phase", "--batch", "128", "--size", "20"],
      broken: [["--lr", "0", "--phase-steps", "9"], ["--phase-steps", "5"]],
      subjects: ["the phase diagram"], good: ["--phase-steps", "250"],
      verdict: "Phase diagram: with too few heads accuracy is 0."),
    Script(
      name: "factual_capacity",
      size: ["--part", "noise", "--noise", "16", "--length", "16", "--batch", "256"],
      broken: [
        ["--lr", "0", "--noise-steps", "9"], ["--noise-steps", "5"],
        ["--noise-steps", "100", "--seeds", "1"],
      ],
      subjects: ["noise tokens, d = 64", "length, d = 32"],
      good: ["--noise-steps", "200", "--seeds", "3"],
      verdict: "d = 64: with N = 16 accuracy is 0.99"),
    Script(
      name: "pretrained_laser", size: [],
      broken: [
        [], learned + ["--least", "1"], learned + ["--common", " ran", "--fact", " map"],
      ],
      subjects: ["truncation"], good: learned,
      verdict: "As it is, the model says \" the\" with probability 0."),
  ]

  /// A model that learned a few sentences.
  private static let learned = [
    "--folder", package.appending(path: "Tests/Fixtures/pretrained/neox-text").path,
  ]

  /// No learning, few steps, small batches.
  private static let quickly = [
    ["--lr", "0", "--steps", "20"], ["--steps", "5"], ["--batch", "2", "--steps", "20"],
  ].map { ["--dim", "32"] + $0 }

  /// The lines that a script prints, which must end well and name no number that is none.
  private func lines(_ name: String, _ words: [String]) throws -> [String] {
    try withFolder { folder in
      let script = package.appending(path: "examples/\(name).lua").path
      let outcome = try Running(["--threads", "2", script] + words, in: folder).finish()
      #expect(outcome.status == 0, "\(outcome.sentence)")
      #expect(outcome.output.firstRange(of: /\bnan\b/) == nil, "\(words): \(outcome.output)")
      return outcome.output.split(separator: "\n").map(String.init)
    }
  }

  private func refuses(_ lines: [String], _ subject: String) -> Bool {
    lines.contains { $0.hasPrefix("Nothing can be said about \(subject)") }
  }

  @Test(arguments: scripts) func nothingIsSaidOfWhatIsNotLearned(_ script: Script) throws {
    for broken in script.broken {
      let lines = try lines(script.name, script.size + broken)
      for subject in script.subjects {
        #expect(refuses(lines, subject), "\(broken), \(subject): \(lines.suffix(8))")
      }
      #expect(!lines.contains { $0.hasPrefix(script.verdict) }, "\(broken): \(lines.suffix(8))")
    }
  }

  @Test(arguments: scripts) func whatIsLearnedIsSaid(_ script: Script) throws {
    let lines = try lines(script.name, script.size + script.good)
    #expect(lines.contains { $0.hasPrefix(script.verdict) }, "\(lines.suffix(8))")
    // One subject may be learned before another.
    #expect(!refuses(lines, script.subjects[0]), "\(lines.suffix(8))")
  }
}
