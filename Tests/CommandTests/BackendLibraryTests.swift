import Foundation
import TestSupport
import Testing

/// Backends that are chosen when the command starts.
@Suite struct BackendLibraryTests {
  /// Runs the command with a backend of that name.
  private func mnemo(
    _ arguments: String..., backend: String, in folder: URL? = nil
  ) throws -> Outcome {
    let command = package.appending(path: ".build/release/mnemo").path
    return try Running(
      ["MNEMO_BACKEND=\(backend)", command] + arguments, in: folder,
      executable: URL(filePath: "/usr/bin/env")
    ).finish()
  }

  /// Compiles library.so, the reference with some statements run on its table first.
  private func make(_ change: String, in folder: URL) throws {
    try folder.write(
      "library.c",
      """
      #include <dlfcn.h>
      #include "mnemo_backend.h"
      static struct mnemo_backend table;
      const char *no_device(void) { return "there is no device"; }
      const char *no_product(
        ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, struct mnemo_matrix a, struct mnemo_matrix b,
        float beta, float *c) {
        return "the device is gone";
      }
      const struct mnemo_backend *mnemo_backend(void) {
        void *reference = dlopen("\(referenceBackend)", RTLD_NOW);
        const struct mnemo_backend *(*find)(void) = dlsym(reference, "mnemo_backend");
        table = *find();
        \(change);
        return &table;
      }
      """)
    let headers = package.appending(path: "Sources/BackendInterface/include").path
    let compiler = try Running(
      ["cc", "-shared", "-fPIC", "-Wall", "-Werror", "-I", headers, "-o", "library.so"]
        + ["library.c", "-ldl"],
      in: folder, executable: URL(filePath: "/usr/bin/env")
    ).finish()
    #expect(compiler.status == 0, "\(compiler.errors)")
  }

  @Test func namesOfNoLibrary() throws {
    try withFolder { folder in
      try folder.write("text.so", "not a library")
      try folder.write("script.lua", "print(1)")
      for (name, reason) in [
        ("/nope.so", "cannot open shared object file: No such file or directory"),
        ("gpu", "cannot open shared object file: No such file or directory"),
        ("/", "cannot read file data: Is a directory"),
        ("text.so", "file too short"),
      ] {
        let sentence =
          "mnemo: MNEMO_BACKEND: \"\(name)\" cannot be loaded: \(reason) "
          + "(allowed: cpu, or the path of a library)"
        for word in ["script.lua", "--version"] {
          let outcome = try mnemo(word, backend: name, in: folder)
          #expect(outcome.status == 1)
          #expect(outcome.output.isEmpty)
          #expect(outcome.errors == sentence + "\n")
        }
      }
    }
  }

  @Test(arguments: [
    ("return NULL", "is no backend: its function mnemo_backend returns NULL"),
    ("table.version = 77", "is a backend of version 77 (allowed: "),
    ("table.size -= sizeof(void *)", "has a table of "),
    ("table.name = NULL", "is no complete backend: its entry 'name' is NULL"),
    ("table.start = NULL", "is no complete backend: its entry 'start' is NULL"),
    ("table.rotate = NULL", "is no complete backend: its entry 'rotate' is NULL"),
    ("table.sgd = NULL", "is no complete backend: its entry 'sgd' is NULL"),
    ("table.start = no_device", "cannot start: there is no device"),
  ]) func tablesThatAreRefused(_ change: String, _ reason: String) throws {
    try withFolder { folder in
      try make(change, in: folder)
      let outcome = try mnemo("-e", "print(1)", backend: "library.so", in: folder)
      #expect(outcome.status == 1)
      #expect(outcome.output.isEmpty)
      #expect(outcome.errors.hasPrefix("mnemo: MNEMO_BACKEND: \"library.so\" \(reason)"))
    }
  }

  @Test func otherLibrariesAreRefused() throws {
    try withFolder { folder in
      try folder.write("library.c", "int answer(void) { return 42; }")
      let compiler = try Running(
        ["cc", "-shared", "-fPIC", "-o", "library.so", "library.c"], in: folder,
        executable: URL(filePath: "/usr/bin/env")
      ).finish()
      #expect(compiler.status == 0, "\(compiler.errors)")
      let outcome = try mnemo("-e", "print(1)", backend: "library.so", in: folder)
      #expect(outcome.status == 1)
      #expect(outcome.output.isEmpty)
      #expect(
        outcome.errors
          == "mnemo: MNEMO_BACKEND: \"library.so\" is no backend: it has no function mnemo_backend\n"
      )
    }
  }

  @Test func failuresAreErrorsOfTheOperation() throws {
    try withFolder { folder in
      try make("table.name = \"other\"; table.product = no_product", in: folder)
      let script = "print(mnemo.ones(3):sum():item()) mnemo.ones(2, 2):matmul(mnemo.ones(2, 2))"
      let outcome = try mnemo("-e", script, backend: "library.so", in: folder)
      #expect(outcome.status == 1)
      #expect(outcome.output == "3.0\n")
      #expect(outcome.sentence.hasSuffix("matmul: the device is gone (backend 'other')"))
    }
  }

  @Test func theVersionNamesTheBackend() throws {
    for name in ["cpu", ""] {
      #expect(try mnemo("--version", backend: name).output.contains("\nbackend cpu\n"))
    }
    let version = try mnemo("--version", backend: referenceBackend)
    #expect(version.status == 0)
    #expect(version.output.contains("\nbackend reference from \(referenceBackend)\n"))
  }

  /// The reference adds in double precision what the processor adds in single.
  @Test func theBackendIsWhatComputes() throws {
    let script = "print(mnemo.tensor{{2^24, 0}, {1, 0}, {-2^24, 0}}:sum(1)[1]:item())"
    #expect(try mnemo("-e", script, backend: "cpu").output == "0.0\n")
    #expect(try mnemo("-e", script, backend: referenceBackend).output == "1.0\n")
  }

  /// Short runs of both models give the same losses and probes, up to rounding.
  @Test func trainingIsTheSame() throws {
    let script =
      smallRun + """
        local usual = mnemo.model.transformer {
          vocab = 65, dim = 8, layers = 2, heads = 2, max_len = 16, norm = "pre", ffn = "mlp",
          seed = 2,
        }
        local function show(run)
          for _, record in ipairs(run.history) do
            local names = {}
            for name in pairs(record) do names[#names + 1] = name end
            table.sort(names)
            for _, name in ipairs(names) do print(name, ("%.9g"):format(record[name])) end
          end
        end
        show(train { steps = 4, eval_every = 2, probes = mnemo.probes.induction(task) })
        show(train {
          model = usual, steps = 4, eval_every = 2, optimizer = mnemo.optim.adamw { lr = 0.01 },
        })
        """
    try withFolder { folder in
      try folder.write("script.lua", script)
      let records = try ["cpu", referenceBackend].map { backend in
        let outcome = try mnemo("script.lua", backend: backend, in: folder)
        #expect(outcome.status == 0, "\(outcome.errors)")
        return outcome.output.split(separator: "\n").map { $0.split(separator: "\t") }
      }
      let (own, other) = (records[0], records[1])
      #expect(own.filter { $0.first == "loss" }.count == 6)
      #expect(own.map(\.first) == other.map(\.first))
      for (own, other) in zip(own, other) {
        let (x, y) = (try #require(Double(own[1])), try #require(Double(other[1])))
        #expect(abs(x - y) <= 1e-4 * max(1, abs(x)), "\(own) and \(other)")
      }
    }
  }
}
