import LuaBridge
import Settings
import Tasks
import Tensors
import Transformers

/// `mnemo.data`: tasks, from which batches are drawn.
enum TaskFunctions {
  /// A name for the tables that `batch` returns.
  private final class BatchTable {}

  static var batchClass: LuaClass {
    LuaClass(
      "Batch", for: BatchTable.self,
      "A batch of sequences: a plain table, so that scripts can make their own.",
      fields: [
        LuaParameter("tokens", .object("IntTensor"), "ids [B, T], from 1"),
        LuaParameter(
          "targets", .object("IntTensor"),
          "the token after each, or its class, [B, T]; or a class for each sequence, [B]"),
        LuaParameter(
          "occurrence", .object("IntTensor"),
          "0 where the token is no trigger, else how often it has occurred so far, [B, T]"),
        LuaParameter(
          "subjects", .object("IntTensor"), "of factual recall: which subject is asked about, [B]"),
        LuaParameter(
          "relations", .object("IntTensor"), "of factual recall: which relation is asked for, [B]"),
        LuaParameter(
          "answers", .object("IntTensor"), "of factual recall: the answers, which are the targets"),
      ])
  }

  static func taskClass(_ session: ModuleState) -> LuaClass {
    let sequences = LuaParameter("n", .integer, "number of sequences, B")
    let fields = [
      LuaParameter("vocab_size", .integer, "number of tokens, N"),
      LuaParameter("seq_len", .integer, "length of a sequence, T"),
      LuaParameter("corpus", .object("Corpus"), "where its statistics come from"),
      LuaParameter("trigger_kind", .choice(["fixed", "random"]), "where triggers come from"),
      LuaParameter("triggers", .object("IntTensor"), "the fixed triggers' ids; nil if random"),
      LuaParameter(
        "classes", .integer, "number of classes that targets are of; nil if they are tokens"),
      LuaParameter(
        "positions", .choice(Readout.allCases.map(\.rawValue)), "where classes are asked for"),
      LuaParameter(
        "facts", .object("IntTensor"),
        "of factual recall: the answer to each subject and relation, [S, R]; nil of other tasks"),
      LuaParameter("options", .table, "the options it was made with"),
    ]
    let methods = [
      LuaFunction(
        "batch",
        "A batch of training sequences. The same index gives the same batch; training step s, "
          + "counted from 0, takes index s + 1.",
        parameters: [
          sequences, LuaParameter("index", .integer, "from 1", default: "the next one"),
        ], returns: [.object("Batch")],
        example: """
          local task = mnemo.data.bigram{seq_len = 16, seed = 1}
          print(task:batch(2, 1).tokens)
          """
      ) { call in
        let task = try call.object(1, (any TokenTask).self)
        let index =
          try call.has(3) ? batchIndex(call, 3) : session.nextBatch(of: task)
        return call.returns(
          try session.batch(of: task, call.integer(2), index: index).luaRecord(of: task, session)
        )
      },
      LuaFunction(
        "held_out",
        "A batch that training never sees, from random streams of its own.",
        parameters: [sequences, LuaParameter("index", .integer, "from 1", default: "1")],
        returns: [.object("Batch")],
        example: "local batch = mnemo.data.bigram{seed = 1}:held_out(8)"
      ) { call in
        let task = try call.object(1, (any TokenTask).self)
        let index = try call.has(3) ? batchIndex(call, 3) : 0
        return call.returns(
          try task.batch(call.integer(2), index: index, purpose: .evaluation).luaRecord(
            of: task, session))
      },
      LuaFunction(
        "decode", "The text of ids: an IntTensor or a list.",
        parameters: [LuaParameter("ids", .union([.object("IntTensor"), .table]))],
        returns: [.string],
        example: """
          local task = mnemo.data.bigram{seq_len = 40, seed = 1}
          print(task:decode(task:batch(1, 1).tokens[1]))
          """
      ) { call in
        let task = try call.object(1, (any TokenTask).self)
        guard let text = task.text else {
          throw EngineError(
            "decode", "the task's tokens are numbers; give data.custom symbols or a decode function"
          )
        }
        return call.returns(try text.decode(call.ids(2).elements()))
      },
      LuaFunction(
        "explain",
        "What each token of a factual-recall task is: \"subject 3\", \"relation 1\", \"noise 2\" or "
          + "\"EOS\", counted from 1; of ids [B, T] a list for each sequence.",
        parameters: [LuaParameter("ids", .union([.object("IntTensor"), .table]))],
        returns: [.list(.string)],
        example: """
          local task = mnemo.data.factual{subjects = 3, relations = 2, seq_len = 5, seed = 1}
          print(table.concat(task:explain(task:batch(1, 1).tokens[1]), ", "))
          """
      ) { call in
        guard let task = call.ifObject(1, FactualTask.self) else {
          throw EngineError("explain", "goes with tasks of data.factual only")
        }
        let ids = try call.ids(2)
        return call.returns(try NestedList.tree(ids.elements().map(task.names.name), ids.shape))
      },
    ]
    let members = methods.map(\.shortName) + fields.map(\.name)
    return LuaClass(
      "Task", for: (any TokenTask).self,
      "A source of token sequences, a pure function of its seed.", isIdentified: true,
      methods: methods,
      fields: fields,
      metamethods: [
        "__tostring": { call in
          let task = try call.object(1, (any TokenTask).self)
          return call.returns(
            "Task: sequences of \(task.seqLen) tokens out of \(task.vocabSize)")
        }
      ],
      index: { call in
        let task = try call.object(1, (any TokenTask).self)
        let name = try call.string(2)
        switch name {
        case "vocab_size": return call.returns(task.vocabSize)
        case "seq_len": return call.returns(task.seqLen)
        default: break
        }
        if name == "options" { return call.returns(task.luaRecord) }
        switch task.properties.first(where: { $0.name == name })?.value {
        case .corpus(let corpus): return call.returns(corpus)
        case .tokens(let ids):
          return call.returns(LuaObject(try IntTensor(ids).offset(by: 1)))
        case .classes(let classes, let shape):
          return call.returns(LuaObject(try IntTensor(classes, shape: shape).offset(by: 1)))
        case .setting(let value): return call.returns(value)
        case nil:
          // Another kind of task may have it, or this one with other options.
          guard fields.contains(where: { $0.name == name }) else {
            throw unknownMember("Task", name, members)
          }
          return call.returns(LuaValue.nil)
        }
      })
  }

  private static func batchIndex(_ call: LuaCall, _ position: Int) throws -> UInt64 {
    let index = try call.integer(position)
    guard index >= 1 else { throw call.failure(position, "indices count from 1, got \(index)") }
    return UInt64(index - 1)
  }

  static func functions(_ session: ModuleState) -> [LuaFunction] {
    [
      LuaFunction(
        "data.bigram",
        "The bigram task: sequences follow a corpus's bigram statistics, but each of K triggers is "
          + "always followed by an output drawn anew for each sequence, so that predicting it takes "
          + "looking back.",
        options: BigramTask.Options.declarations.map { LuaOption($0) }, returns: [.object("Task")],
        example: "local task = mnemo.data.bigram{triggers = 5, seq_len = 64, seed = 1}"
      ) { call in
        let options = try call.options()
        var settings = try options.configuration(BigramTask.Options.self, session)
        settings.corpus = try options.optionalObject("corpus")
        let task = try BigramTask(settings)
        session.note(task, madeWith: options)
        return call.returns(task)
      },
      LuaFunction(
        "data.factual",
        "The factual-recall task: each pair of a subject and a relation has one answer, out of the "
          + "relation's own, drawn once for the task. A sequence names one subject and one relation "
          + "among noise tokens; its class, answer j of relation r, is (r − 1)·D + j. task.facts "
          + "holds all answers; task:explain(ids) tells what tokens are.",
        options: FactualTask.Options.declarations.map { LuaOption($0) },
        returns: [.object("Task")],
        example: """
          local task = mnemo.data.factual{
            subjects = 8, relations = 4, answers = 4, seq_len = 12, seed = 1,
          }
          local batch = task:batch(2, 1)
          local s, r = batch.subjects[1]:item(), batch.relations[1]:item()
          print(task.facts[s][r]:item() == batch.targets[1]:item())
          """
      ) { call in
        let options = try call.options()
        let task = try FactualTask(options.configuration(FactualTask.Options.self, session))
        session.note(task, madeWith: options)
        return call.returns(task)
      },
      LuaFunction(
        "data.custom",
        "A task whose sequences a Lua function draws: sample(rng) returns seq_len + 1 ids from 1 "
          + "(the last is the last target), and optionally the occurrence counts of the first "
          + "seq_len, by which loss masks choose. rng belongs to the sequence, so the same index "
          + "gives the same batch. With classes, sample returns seq_len ids, and then what is asked: "
          + "the sequence's class from 1, or with positions = \"all\" a list of seq_len classes. "
          + "sample_batch(rng, n) in place of sample draws all n sequences in one call, which is "
          + "faster with operations on tensors: what sample returns in rows, as IntTensors or lists; "
          + "rng belongs to the batch. mnemo.train calls it for the next batch while a built-in model "
          + "computes the loss.",
        options: [
          LuaOption("vocab", .integer, .required, "Number of tokens, N."),
          LuaOption("seq_len", .integer, .required, "Length of a sequence, T."),
          LuaOption(
            "sample", .function, .none,
            "From rng to ids, with classes the class or classes, and optionally occurrence."),
          LuaOption(
            "sample_batch", .function, .none,
            "From rng and n to the same of n sequences; in place of sample."),
          LuaOption(
            "classes", .integer, .none,
            "Number of classes that targets are of, in place of the tokens that follow."),
          LuaOption(
            "positions", .choice(Readout.allCases.map(\.rawValue)), .described("\"last\""),
            "Where classes are asked for: at every position, or at the last alone, targets [B]."),
          LuaOption(
            "symbols", .list(.string), .none,
            "The text of each of the N tokens, with which decode and the prompt show them."),
          LuaOption(
            "decode", .function, .none,
            "From a list of ids, counted from 1, to a text; in place of symbols."),
          LuaOption("seed", .integer, .described("follows mnemo.seed"), "Of all batches."),
        ], returns: [.object("Task")],
        example: """
          local task = mnemo.data.custom{
            vocab = 10, seq_len = 8, seed = 1,
            symbols = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"},
            sample = function(rng)
              local ids = {}
              for t = 1, 9 do ids[t] = t > 4 and ids[t - 4] or rng:integer(1, 10) end
              return ids
            end,
          }
          print(task:decode(task:batch(1, 1).tokens[1]))

          -- Is the sum of the ids even or odd? A class for each sequence, a whole batch at once.
          local parity = mnemo.data.custom{
            vocab = 8, seq_len = 4, classes = 2, seed = 1,
            sample_batch = function(rng, n)
              local ids, classes = rng:integer(1, 8, n, 4), {}
              for i, sum in ipairs(ids:sum(2):totable()) do classes[i] = sum % 2 + 1 end
              return ids, classes
            end,
          }
          print(parity:batch(3, 1).targets)
          """
      ) { call in
        let task = try customTask(call, session)
        let held = call.lua.reference(to: task)
        let options = try call.options()
        let functions = try ["sample", "sample_batch", "decode"].map { name in
          (name, try options.optionalFunction(name).map { LuaValue.function($0) } ?? .nil)
        }
        call.lua.setUserValue(of: task, LuaRecord(functions))
        session.note(task, madeWith: options)
        return call.returns(held)
      },
    ]
  }

  private static func customTask(_ call: LuaCall, _ session: ModuleState) throws -> CustomTask {
    let options = try call.options()
    guard options.has("sample") != options.has("sample_batch") else {
      throw EngineError(
        "data.custom",
        "needs either sample or sample_batch, got \(options.has("sample") ? "both" : "neither")")
    }
    let positions = try options.optionalString("positions")
    let classes = try options.optionalInteger("classes")
    guard positions == nil || classes != nil else {
      throw options.failure("positions", "goes with classes only")
    }
    let sizes = CustomTask.Sizes(
      vocab: try options.integer("vocab"), seqLen: try options.integer("seq_len"),
      classes: classes,
      readout: classes == nil
        ? .everyPosition : positions.flatMap(Readout.init(rawValue:)) ?? .lastPosition)
    return try CustomTask(
      call.lua, session, sizes, seed: options.seed(session),
      symbols: options.has("symbols") ? options.strings("symbols") : nil,
      functions: CustomTask.Functions(
        drawsBatches: options.has("sample_batch"), decodes: options.has("decode")))
  }
}
