import LuaBridge
import Tasks
import Tensors

/// `mnemo.corpus`: symbols and their statistics.
enum CorpusFunctions {
  private static var methods: [LuaFunction] {
    [
      LuaFunction(
        "encode", "The ids of a text's symbols.", parameters: [LuaParameter("text", .string)],
        returns: [.object("IntTensor")],
        example: "print(mnemo.corpus.shakespeare():encode(\"to be\"))"
      ) { call in
        let ids = try call.object(1, Corpus.self).encode(call.string(2))
        return call.returns(try IntTensor(ids).offset(by: 1))
      },
      LuaFunction(
        "decode", "The text of ids: an IntTensor or a list.",
        parameters: [LuaParameter("ids", .union([.object("IntTensor"), .table]))],
        returns: [.string],
        example: "print(mnemo.corpus.letters():decode{3, 1, 2})"
      ) { call in
        call.returns(try call.object(1, Corpus.self).decode(call.ids(2).elements()))
      },
    ]
  }

  private static let fields = [
    LuaParameter("vocab_size", .integer, "number of symbols, N"),
    LuaParameter("unigram", .object("Tensor"), "probability of each symbol, [N]"),
    LuaParameter(
      "bigram", .object("Tensor"), "row i: probability of what follows symbol i, [N, N]"),
    LuaParameter("symbols", .list(.string), "the symbol of each id"),
  ]

  static var corpusClass: LuaClass {
    LuaClass(
      "Corpus", for: Corpus.self,
      "Symbols and their statistics, from which tasks draw tokens. Ids count from 1.",
      methods: methods, fields: fields,
      metamethods: [
        "__tostring": { call in
          call.returns("Corpus of \(try call.object(1, Corpus.self).vocabSize) symbols")
        }
      ],
      index: { call in
        let corpus = try call.object(1, Corpus.self)
        switch try call.string(2) {
        case "vocab_size": return call.returns(corpus.vocabSize)
        case "unigram": return call.returns(try Tensor(corpus.unigram.map(Float.init)))
        case "bigram": return call.returns(try corpus.bigramTable())
        case "symbols": return call.returns(corpus.symbols)
        case let name:
          throw unknownMember(
            "Corpus", name, methods.map(\.shortName) + fields.map(\.name))
        }
      })
  }

  static var functions: [LuaFunction] {
    [
      LuaFunction(
        "corpus.shakespeare",
        "The 65 characters of tiny Shakespeare, with the counts of its 1,115,394 characters.",
        returns: [.object("Corpus")], example: "print(mnemo.corpus.shakespeare().vocab_size)"
      ) { call in call.returns(try Corpus.shakespeare()) },
      LuaFunction(
        "corpus.letters", "26 letters, drawn independently with English frequencies.",
        returns: [.object("Corpus")], example: "print(mnemo.corpus.letters().unigram)"
      ) { call in call.returns(try Corpus.letters()) },
      LuaFunction(
        "corpus.uniform", "n symbols of equal probability, drawn independently.",
        parameters: [LuaParameter("n", .integer, "2 or more")], returns: [.object("Corpus")],
        example: "local corpus = mnemo.corpus.uniform(32)"
      ) { call in call.returns(try Corpus.uniform(call.integer(1))) },
      LuaFunction(
        "corpus.zipf",
        "n symbols, drawn independently, symbol z with a probability that falls as z^-alpha.",
        parameters: [
          LuaParameter("n", .integer, "2 or more"), LuaParameter("alpha", .number, "0 or more"),
        ], returns: [.object("Corpus")], example: "print(mnemo.corpus.zipf(4, 1).unigram)"
      ) { call in call.returns(try Corpus.zipf(call.integer(1), alpha: call.number(2))) },
      LuaFunction(
        "corpus.text", "The characters of a text, with its counts.",
        parameters: [LuaParameter("string", .string, "UTF-8, of two different characters or more")],
        returns: [.object("Corpus")],
        example: "print(mnemo.corpus.text(\"abracadabra\").vocab_size)"
      ) { call in call.returns(try Corpus.text(bytes: call.bytes(1))) },
      LuaFunction(
        "corpus.file", "The characters of a text file, with its counts.",
        parameters: [LuaParameter("path", .string, "a file in UTF-8")],
        returns: [.object("Corpus")],
        example: """
          io.open("tale.txt", "w"):write("once upon a time"):close()
          print(mnemo.corpus.file("tale.txt").vocab_size)
          """
      ) { call in call.returns(try Corpus.file(call.string(1))) },
      LuaFunction(
        "corpus.counts",
        "Symbols numbered from 1, with these counts, of which at least one kind has to be given.",
        options: [
          LuaOption(
            "unigram", .union([.object("Tensor"), .table]), .described("row sums of bigram"),
            "how often each symbol occurs, [N]"),
          LuaOption(
            "bigram", .union([.object("Tensor"), .table]), .described("independent symbols"),
            "row i: how often each symbol follows symbol i, [N, N]"),
        ], returns: [.object("Corpus")],
        example: "local corpus = mnemo.corpus.counts{bigram = {{0, 3}, {1, 1}}}"
      ) { call in
        let options = try call.options()
        return call.returns(
          try Corpus.counts(
            unigram: vector(options, "unigram"), bigram: matrix(options, "bigram")))
      },
    ]
  }

  private static func vector(_ options: LuaOptions, _ name: String) throws -> [Double]? {
    if case .object(let tensor as Tensor) = options.value(name) {
      guard tensor.rank == 1 else {
        throw options.failure(name, "a vector expected, got shape \(tensor.shape)")
      }
      return tensor.elements().map(Double.init)
    }
    return try options.optionalNumbers(name)
  }

  private static func matrix(_ options: LuaOptions, _ name: String) throws -> [[Double]]? {
    if case .object(let tensor as Tensor) = options.value(name) {
      guard tensor.rank == 2 else {
        throw options.failure(name, "a matrix expected, got shape \(tensor.shape)")
      }
      return try (0..<tensor.shape[0]).map {
        try tensor.detach().select(0, $0).elements().map(Double.init)
      }
    }
    guard let table = try options.optionalTable(name) else { return nil }
    return try (0..<table.count).map { try table.numbers(.index($0 + 1)) }
  }
}
