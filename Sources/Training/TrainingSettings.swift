import Settings
import Tasks

extension LossMask: SettingConvertible {}

/// The options of a training run that can be written down, with their defaults.
public struct TrainingSettings: Configuration, Sendable {
  public static let kind = "train"

  /// Number of updates.
  public var steps = 0
  /// Sequences in a batch.
  public var batchSize = 64
  /// The positions that count; nil if a function says which.
  public var lossMask: LossMask? = .all
  /// A record is made every so many steps, counted from 0, and after the last.
  public var evalEvery = 10
  /// Largest norm of all gradients together, to which larger ones are scaled; nil for no limit.
  public var clipNorm: Double?
  /// Steps between checkpoints; nil for one at the end only.
  public var checkpointEvery: Int?
  /// The steps whose checkpoints are kept beside the newest; nil for none.
  public var checkpoints: CheckpointSteps?
  /// The folder for results; nil for none.
  public var folder: String?
  /// Whether a run that the folder holds is replaced.
  public var overwrites = false
  /// The file of runs that records are written into; nil for none.
  public var store: String?
  /// Whether progress is told on standard error.
  public var showsProgress = true

  /// The defaults; the number of steps must be given.
  public init() {}

  public static let fields: [Field<Self>] = [
    Field(
      beside: "model", type: .oneOrMore(.object("Model")), default: .required,
      "changed in place; those of a list are trained side by side"),
    Field(
      beside: "data", type: .either([.object("Task"), .table]), default: .required,
      "a task; or a table with a function batch(self, size, index), which gives tokens and targets, "
        + "or with a loss of one's own anything; or one batch for all steps. Step s, counted from "
        + "0, takes index s + 1. One for all models, or a list of as many"),
    Field("steps", \.steps, default: .required, "number of updates"),
    Field("batch_size", \.batchSize, "sequences in a batch"),
    Field(
      beside: "optimizer", type: .either([.object("Optimizer"), .table]), default: .required,
      "the update rule; or one written in Lua, a table with a function step(self, parameters, "
        + "step), called inside no_grad, which changes the trained parameters in place by their "
        + "grad; step counts from 0"),
    Field(
      beside: "loss", type: .function,
      "in place of the next token's: from the model and a batch to a 0-dimensional tensor that "
        + "requires gradients"),
    Field(
      "loss_on", \.lossMask, type: .either([LossMask.settingType, .function]),
      "positions that count: every one, those of triggers (occurrence 1 or more), or those of "
        + "triggers seen before (2 or more); or a function from a batch to weights of its targets' "
        + "shape; a batch that by chance has none makes a step without a loss (NaN), in which "
        + "nothing changes"),
    Field("eval_every", \.evalEvery, "steps between records"),
    Field(
      beside: "probes", type: .table,
      "name to function of the context; each returns a number, a 0-dimensional tensor, or a table "
        + "of them by key, whose columns are name.key; for a list of models also a list of as many "
        + "such tables"),
    Field(
      beside: "at", type: .table,
      "step, counted from 0, to function of the model, called before it"),
    Field(
      beside: "on_record", type: .function,
      "called with each record when it is made, and the run, which ends there if it returns false"),
    Field(
      beside: "stop", type: .function,
      "called like on_record, after it; the run ends there if it returns true"),
    Field("clip_norm", \.clipNorm, "largest norm of all gradients together"),
    Field(
      "checkpoint_every", \.checkpointEvery, default: .described("at the end only"),
      "steps between checkpoints in dir, each in the place of the one before"),
    Field(
      "checkpoints", \.checkpoints, default: .described("none but the newest"),
      "steps whose checkpoints in dir are kept, counted from 0: a list, or \"log\" for 0, 1, 2, 4, "
        + "8 …; run:model_at(step) loads them"),
    Field(
      "dir", \.folder, type: .oneOrMore(.text),
      "folder for run.json, history.jsonl and model.safetensors, written as they come; for a list of "
        + "models the folders 1, 2, … in it, or a list of as many; it belongs to one run at a time, "
        + "and one that holds a run is refused"),
    Field(
      "resume", type: .oneOrMore(.text), default: .none,
      "in place of dir: a folder whose run goes on from its last checkpoint up to steps, as if it "
        + "had never stopped; all other settings must be those that it began with. Where there is no "
        + "checkpoint yet, a run begins",
      // Whoever makes the run looks for it.
      get: { _ in nil }, set: { _, _ in nil }),
    Field(
      "overwrite", type: .boolean, default: .value(.boolean(false)),
      "whether a run that dir holds is replaced, when the first record is made",
      get: { $0.overwrites ? .boolean(true) : nil },
      set: { settings, value in
        guard case .boolean(let overwrites) = value else { return "true or false expected" }
        settings.overwrites = overwrites
        return nil
      }),
    Field(
      "store", \.store, default: .described("that of the sweep it runs in, or none"),
      "file of runs, docs/runs.md, that records are written into as they come, on a thread of its "
        + "own; made if it is not there"),
    Field("progress", \.showsProgress, "whether progress is told on standard error"),
  ]
}
