import Foundation
import Testing

/// OpenBLAS as the command finds it: loaded when a decomposition is first wanted, with kernels for
/// what the processor can do.
@Suite struct MatrixLibraryTests {
  /// A library in place of OpenBLAS that tells what its environment was when it was loaded.
  private static let observer = """
    #include <stdlib.h>
    static char kernels[64], threads[64];
    static void keep(char *to, const char *name) {
      const char *value = getenv(name);
      for (int i = 0; i < 63 && value && value[i]; i++) to[i] = value[i];
    }
    __attribute__((constructor)) static void begin(void) {
      keep(kernels, "OPENBLAS_CORETYPE");
      keep(threads, "OPENBLAS_NUM_THREADS");
    }
    char *openblas_get_corename(void) { return kernels; }
    char *openblas_get_config(void) { return threads; }
    void openblas_set_num_threads(int n) {}
    void sgesdd_(void) {}
    void sgeqrf_(void) {}
    void sorgqr_(void) {}
    void ssyevd_(void) {}
    void sgetrf_(void) {}
    void spotrf_(void) {}
    """

  /// Runs the command without the tester's own settings of OpenBLAS, but with some.
  private func mnemo(
    _ arguments: String..., with settings: [String], in folder: URL? = nil
  ) throws -> Outcome {
    let command = package.appending(path: ".build/release/mnemo").path
    return try Running(
      ["-u", "OPENBLAS_CORETYPE", "-u", "OPENBLAS_NUM_THREADS"] + settings + [command] + arguments,
      in: folder, executable: URL(filePath: "/usr/bin/env")
    ).finish()
  }

  /// Compiles a library of that name in a folder.
  private func make(_ source: String, in folder: URL) throws {
    try folder.write("library.c", source)
    let compiler = try Running(
      ["cc", "-shared", "-fPIC", "-o", "libopenblas.so.0", "library.c"], in: folder,
      executable: URL(filePath: "/usr/bin/env")
    ).finish()
    #expect(compiler.status == 0, "\(compiler.errors)")
  }

  /// What Linux says the processor can do.
  private var features: Set<Substring> {
    get throws {
      let lines = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8).split(
        separator: "\n")
      return Set(lines.first { $0.hasPrefix("flags") }?.split(separator: " ") ?? [])
    }
  }

  @Test func kernelsAreThoseOfTheProcessor() throws {
    let features = try features
    let summary = try mnemo("--version", with: []).output
    #expect(summary.contains(/\nOpenBLAS \d+\.\d+\.\d+[^ ]*, kernels \w+\n/))
    let wide: Set<Substring> = ["avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"]
    if features.isSuperset(of: wide) {
      #expect(summary.contains(/kernels (SkylakeX|Cooperlake|SapphireRapids)\n/))
    } else if features.isSuperset(of: ["avx2", "fma"]) {
      #expect(summary.contains(/kernels (Haswell|Zen)\n/))
    }
  }

  @Test func usersOwnKernelsAreKept() throws {
    #expect(
      try mnemo("--version", with: ["OPENBLAS_CORETYPE=Nehalem"]).output.hasSuffix(
        "kernels Nehalem\n"))
  }

  /// The library sees the settings while it is loaded, and nothing sees them after.
  @Test func environmentIsPutBack() throws {
    let look =
      "for _, n in ipairs{'CORETYPE', 'NUM_THREADS'} do io.write(tostring(os.getenv("
      + "'OPENBLAS_' .. n)), ' ') end print(os.getenv('MNEMO_OTHER'))"
    try withFolder { folder in
      try make(Self.observer + "\nvoid sgesv_(void) {}", in: folder)
      let path = "LD_LIBRARY_PATH=\(folder.path)"
      let summary = try mnemo("--version", with: [path]).output
      #expect(summary.contains("\n1, kernels "), "\(summary)")
      if try features.isSuperset(of: ["avx2", "fma"]) {
        #expect(summary.contains(/kernels (Cooperlake|SkylakeX|Haswell|Zen)\n/))
      }
      let script = "pcall(mnemo.linalg.svd, mnemo.ones(0, 2)) " + look
      #expect(try mnemo("-e", script, with: [path, "MNEMO_OTHER=x"]).output == "nil nil x\n")
      let own = [path, "OPENBLAS_CORETYPE=mine", "OPENBLAS_NUM_THREADS=3"]
      #expect(try mnemo("--version", with: own).output.hasSuffix("\n3, kernels mine\n"))
      #expect(try mnemo("-e", script, with: own).output == "mine 3 nil\n")
    }
  }

  /// Without the library everything else goes on.
  @Test func whatIsMissingIsSaid() throws {
    let script = """
      print(mnemo.ones(2, 2):matmul(mnemo.ones(2, 2)):sum():item())
      print(pcall(mnemo.linalg.svd, mnemo.ones(2, 2)))
      mnemo.linalg.solve(mnemo.ones(2, 2), mnemo.ones(2, 2))
      """
    try withFolder { folder in
      try folder.write("libopenblas.so.0", "")
      let path = "LD_LIBRARY_PATH=\(folder.path)"
      let outcome = try mnemo("-e", script, with: [path])
      #expect(outcome.status == 1)
      let missing = "OpenBLAS is missing, on Debian the package libopenblas0 ("
      #expect(outcome.output.hasPrefix("8.0\nfalse\tsvd: \(missing)"), "\(outcome.output)")
      #expect(outcome.sentence.contains("solve: \(missing)"), "\(outcome.errors)")
      #expect(try mnemo("--version", with: [path]).output.contains("\n\(missing)"))

      try make(Self.observer, in: folder)
      #expect(
        try mnemo("-e", script, with: [path]).sentence.hasSuffix(
          "solve: the libopenblas.so.0 that was found has no sgesv_, another BLAS?"))
    }
  }
}
