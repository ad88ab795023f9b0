import Foundation
import LuaBridge
import MnemoModule
import Testing

/// What is documented is there, and README runs; Tests/Lua runs the examples of the manual.
@Suite struct DocumentationTests {
  /// The declarations of the module.
  private func withRegistry<R>(_ body: (Registry) throws -> R) throws -> R {
    let lua = Lua()
    defer { lua.close() }
    return try body(MnemoModule.open(in: lua, scripts: nil).registry)
  }

  @Test func everythingIsExplained() throws {
    try withRegistry { registry in
      #expect(registry.functions.count > 20 && registry.all.count > 100)
      for function in registry.all {
        let name = function.name
        #expect(function.summary.hasSuffix("."), "\(name)")
        for parameter in function.parameters { #expect(!parameter.name.isEmpty, "\(name)") }
        for option in function.options ?? [] {
          #expect(!option.doc.isEmpty, "\(name): \(option.name)")
        }
        #expect(function.help.contains(function.shortName))
      }
      for declaration in registry.classes {
        #expect(declaration.summary.hasSuffix("."), "\(declaration.name)")
        for field in declaration.fields {
          #expect(!field.doc.isEmpty, "\(declaration.name): \(field.name)")
        }
      }
      let names = registry.all.map(\.name)
      #expect(Set(names).count == names.count)
    }
  }

  @Test func declaredFunctionsAndMethodsAreThere() throws {
    try withRegistry { registry in
      var checks = registry.functions.map { "assert(type(mnemo.\($0.name)) == 'function')" }
      checks.append(
        """
        local random
        train { store = "s.sqlite" }
        mnemo.data.custom {
          vocab = 2, seq_len = 1, sample = function(rng) random = rng return { 1, 2 } end,
        }:batch(1)
        local objects = {
          Random = random, Figure = mnemo.plot.lines { y = { 1, 2 } },
          Tensor = mnemo.ones(2), IntTensor = mnemo.int_tensor { 1 }, Run = train(), Task = task,
          Corpus = task.corpus, Model = model, Optimizer = sgd, Circuit = model:circuit("ov", 2),
          Tokenizer = mnemo.pretrained.tokenizer(
            "\(package.path)/Tests/Fixtures/tokenizer-gpt2.json"),
          Store = mnemo.store "s.sqlite",
        }
        """)
      for method in registry.classes.flatMap(\.methods) {
        let parts = method.name.split(separator: ":")
        checks.append(
          "assert(type(objects.\(parts[0]).\(parts[1])) == 'function', '\(method.name)')")
      }
      let outcome = try run(smallRun + checks.joined(separator: "\n"))
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
  }

  /// The fenced blocks of a language in README.md, in order.
  private func blocks(_ language: String) throws -> [String] {
    let text = try String(contentsOf: package.appending(path: "README.md"), encoding: .utf8)
    return text.components(separatedBy: "```\(language)\n").dropFirst().map {
      $0.components(separatedBy: "```")[0]
    }
  }

  @Test func theReadMeRuns() throws {
    let snippets = try blocks("lua")
    #expect(snippets.count >= 2)
    // At a size that takes moments; and the probe in a run like the first one's.
    let size = "steps = 200, batch_size = 128"
    #expect(snippets[0].contains(size))
    let again = """
      run = mnemo.train {
        model = model, data = task, steps = 2, batch_size = 4, probes = probes,
        optimizer = mnemo.optim.sgd { lr = 0.1 },
      }
      print("echo", run:series("echo")[1] >= 0)
      """
    // A reader types them one after the other, into one file: locals of earlier ones are seen.
    let whole = (snippets + [again]).joined(separator: "\n")
      .replacing(size, with: "steps = 4, batch_size = 4")
    try withFolder { folder in
      let outcome = try run(whole, in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.hasSuffix("echo\ttrue\n"))
      #expect(folder.text("first.svg").contains("</svg>"))
    }
  }

  @Test func commandsOfTheReadMeExist() throws {
    let makefile = try String(contentsOf: package.appending(path: "Makefile"), encoding: .utf8)
    let text = try String(contentsOf: package.appending(path: "README.md"), encoding: .utf8)
    let targets = text.matches(of: /make ([a-z]+)/).map { String($0.1) }
    #expect(targets.contains("demo") && targets.contains("test"))
    for target in targets {
      #expect(makefile.contains("\n\(target):"), "make \(target)")
    }
    // Folders of the checkout; share is one of an installation.
    for folder in text.matches(of: /`((?!share\/)[A-Za-z]+\/[A-Za-z\/]*)`/).map({ String($0.1) }) {
      #expect(
        FileManager.default.fileExists(atPath: package.appending(path: folder).path), "\(folder)")
    }
  }
}
