// swift-tools-version: 6.1
import PackageDescription

// The loops of Kernels are compiled for every processor of x86-64-v3 (AVX2, since 2013), so that a
// program travels; what most of the time is spent in, VectorKernels, chooses at run time. Set
// MNEMO_MARCH to another architecture, x86-64 for older processors. Kernels alone are compiled
// without checks: what they are given was checked before; MNEMO_CHECKED=1 keeps them.
#if arch(x86_64)
  let architecture = Context.environment["MNEMO_MARCH"] ?? "x86-64-v3"
#else
  let architecture = Context.environment["MNEMO_MARCH"] ?? ""
#endif
let isChecked = Context.environment["MNEMO_CHECKED"] == "1"
let kernelFlags: [SwiftSetting] = [
  .unsafeFlags(
    (isChecked ? [] : ["-Ounchecked"])
      + (architecture.isEmpty ? [] : ["-Xcc", "-march=\(architecture)"]),
    .when(configuration: .release))
]

// Reading an argument takes a few generic calls; specialised where they are used, they vanish.
let crossModule: [SwiftSetting] = [
  .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release))
]

let package = Package(
  name: "mnemo",
  products: [
    .executable(name: "mnemo", targets: ["mnemo"]),
    // What stock lua5.4 loads with `require "mnemo"`; installed as lib/lua/5.4/mnemo.so.
    .library(name: "MnemoLibrary", type: .dynamic, targets: ["MnemoLibrary"]),
    // What backends are held against; for tests alone.
    .library(name: "ReferenceBackend", type: .dynamic, targets: ["ReferenceBackend"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    // System libraries.
    .systemLibrary(name: "CLua", pkgConfig: "lua5.4", providers: [.apt(["liblua5.4-dev"])]),
    .systemLibrary(name: "CEdit", pkgConfig: "libedit", providers: [.apt(["libedit-dev"])]),

    // Names are bytes.
    .target(name: "ByteStrings"),

    // The engine; imports point downwards only. OpenBLAS is loaded when it is first used.
    .target(name: "OpenBLAS", linkerSettings: [.linkedLibrary("dl")]),
    .target(name: "ThreadPool"),
    .target(
      name: "VectorKernels",
      cSettings: architecture == "x86-64-v3"
        ? [.define("NEEDS_X86_64_V3", .when(configuration: .release))] : []),
    .target(name: "Stopping", dependencies: ["ThreadPool"]),
    .target(name: "JSONText", dependencies: ["ByteStrings", "Stopping"]),
    .target(
      name: "Kernels", dependencies: ["VectorKernels", "OpenBLAS", "ThreadPool", "Stopping"],
      swiftSettings: kernelFlags),
    .target(name: "BackendInterface"),
    .target(
      name: "BackendLibrary", dependencies: ["BackendInterface", "Kernels"],
      linkerSettings: [.linkedLibrary("dl")]),
    .target(
      name: "Tensors", dependencies: ["Kernels", "BackendLibrary", "OpenBLAS", "ByteStrings"]),
    .target(name: "TensorFiles", dependencies: ["Tensors", "ByteStrings"]),
    .target(
      name: "Tokenizers", dependencies: ["TensorFiles", "Tensors", "JSONText", "ByteStrings"]),
    .target(name: "Settings"),
    .target(
      name: "Tasks", dependencies: ["Tensors", "Settings", "ByteStrings"],
      resources: [
        .embedInCode("Resources/tinyshakespeare_bigrams.csv"),
        .embedInCode("Resources/tinyshakespeare_unigrams.csv"),
      ]),
    .target(
      name: "Transformers",
      dependencies: ["Tensors", "TensorFiles", "Tasks", "Settings", "JSONText", "ByteStrings"]),
    .target(
      name: "Training",
      dependencies: [
        "Tensors", "TensorFiles", "Tasks", "Transformers", "Settings", "JSONText", "ByteStrings",
      ]),
    .target(
      name: "RunStore",
      dependencies: ["JSONText", .product(name: "GRDB", package: "GRDB.swift")]),
    .target(name: "ChildProcess"),
    .target(
      name: "Figures",
      dependencies: ["ChildProcess", "Stopping", "TensorFiles", "Tensors", "ByteStrings"]),

    // Swift and Lua meet.
    .target(name: "LuaShim", dependencies: ["CLua"]),
    .target(
      name: "LuaBridge", dependencies: ["CLua", "LuaShim", "Stopping", "ByteStrings"],
      swiftSettings: crossModule),
    .target(
      name: "MnemoModule",
      dependencies: [
        "LuaBridge", "Settings", "Tensors", "TensorFiles", "Tasks", "Transformers", "Training",
        "ByteStrings", "Figures", "Tokenizers", "RunStore", "ChildProcess", "JSONText",
      ]),
    .target(name: "LuaEntry", dependencies: ["CLua"]),
    .target(
      name: "MnemoLibrary", dependencies: ["MnemoModule", "LuaBridge", "LuaEntry", "ByteStrings"]),
    .target(
      name: "Prompt",
      dependencies: [
        "MnemoModule", "LuaBridge", "Tensors", "TensorFiles", "ByteStrings", "CEdit",
      ]),
    .executableTarget(
      name: "mnemo",
      dependencies: [
        "Prompt", "MnemoModule", "LuaBridge", "Tensors", "ByteStrings",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    // What tests of several targets check with; small models and data for those above the engine.
    .target(name: "TestSupport", dependencies: ["Tensors"], path: "Tests/TestSupport"),
    .target(
      name: "TestModels", dependencies: ["Tensors", "Tasks", "Transformers"],
      path: "Tests/TestModels"),
    .testTarget(name: "ByteStringsTests", dependencies: ["ByteStrings"]),
    .testTarget(name: "JSONTextTests", dependencies: ["JSONText"]),
    .testTarget(name: "StoppingTests", dependencies: ["Stopping", "Kernels"]),
    .target(
      name: "ReferenceBackend", dependencies: ["BackendInterface"], path: "Tests/ReferenceBackend",
      publicHeadersPath: ".", linkerSettings: [.linkedLibrary("m")]),
    .testTarget(
      name: "KernelsTests",
      dependencies: ["Kernels", "VectorKernels", "BackendLibrary", "TestSupport"]),
    .testTarget(name: "TensorsTests", dependencies: ["Tensors", "TestSupport"]),
    .testTarget(
      name: "TensorFilesTests", dependencies: ["TensorFiles", "Tensors", "TestSupport"]),
    .testTarget(
      name: "TokenizersTests", dependencies: ["Tokenizers", "Tensors", "TestSupport"]),
    .testTarget(name: "SettingsTests", dependencies: ["Settings"]),
    .testTarget(name: "TasksTests", dependencies: ["Tasks", "Tensors", "TestSupport"]),
    .testTarget(
      name: "TransformersTests",
      dependencies: [
        "Transformers", "Tasks", "TensorFiles", "Tensors", "Settings", "TestSupport",
        "TestModels",
      ]),
    .testTarget(
      name: "TrainingTests",
      dependencies: [
        "Training", "Transformers", "Tasks", "TensorFiles", "Tensors", "Settings", "TestSupport",
        "TestModels",
      ]),
    .testTarget(
      name: "FiguresTests", dependencies: ["Figures", "Stopping", "Tensors", "TestSupport"]),
    .testTarget(
      name: "RunStoreTests",
      dependencies: [
        "RunStore", "JSONText", "TestSupport", .product(name: "GRDB", package: "GRDB.swift"),
      ]),
    .testTarget(name: "LuaBridgeTests", dependencies: ["LuaBridge", "CLua", "LuaShim"]),
    .testTarget(
      name: "PromptTests",
      dependencies: ["Prompt", "MnemoModule", "LuaBridge", "TestSupport"]),
    .testTarget(
      name: "CommandTests", dependencies: ["MnemoModule", "LuaBridge", "RunStore", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)
