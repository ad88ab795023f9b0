import LuaBridge
import Tensors

/// How tensors print.
enum PrintFunctions {
  static func functions(_ session: ModuleState) -> [LuaFunction] {
    [
      LuaFunction(
        "print_options",
        "Sets how tensors print, those of the options that are given, and returns all that hold "
          + "now. Without a call precision is 4, threshold 0, edge_items 6, width 0 and scientific "
          + "\"auto\".",
        options: [
          LuaOption(
            "precision", .integer, .none,
            "how many digits follow the point, 0 to \(PrintOptions.mostDigits)"),
          LuaOption(
            "threshold", .integer, .none,
            "up to how many numbers a tensor is printed whole, as far as the width allows; at the "
              + "most \(mostNumbers)"),
          LuaOption(
            "edge_items", .integer, .none,
            "how many rows and columns of a larger one are shown at either end, 1 to \(mostItems)"),
          LuaOption(
            "width", .integer, .none,
            "how many characters a line takes, \(leastWidth) or more; 0 is the window's width at "
              + "the prompt, any number elsewhere"),
          LuaOption(
            "scientific", .union([.boolean, .choice(["auto"])]), .none,
            "whether numbers are written as 1.5000e-05; \"auto\" does so where they would else be "
              + "shown as zero"),
        ],
        returns: [.table],
        example: """
          mnemo.print_options { precision = 2, threshold = 1000 }
          print(mnemo.rand(20, 20))
          print(mnemo.print_options().precision)
          mnemo.print_options { precision = 4, threshold = 0 }
          """
      ) { call in
        session.printOptions = try changed(session.printOptions, by: call.options())
        return call.returns(session.printOptions.record)
      }
    ]
  }

  private static let leastWidth = 20
  /// More than this nobody reads.
  private static let (mostItems, mostNumbers) = (1000, 1_000_000)

  private static func changed(
    _ options: PrintOptions, by given: LuaOptions
  ) throws -> PrintOptions {
    var options = options
    func set(
      _ name: String, _ field: WritableKeyPath<PrintOptions, Int>, _ allowed: String,
      _ isAllowed: (Int) -> Bool
    ) throws {
      guard let value = try given.optionalInteger(name) else { return }
      guard isAllowed(value) else {
        throw EngineError("print_options", "\(name) = \(value) (allowed: \(allowed))")
      }
      options[keyPath: field] = value
    }
    let digits = 0...PrintOptions.mostDigits
    try set("precision", \.precision, "0 to \(digits.upperBound)", digits.contains)
    try set("threshold", \.threshold, "0 to \(mostNumbers)", (0...mostNumbers).contains)
    try set("edge_items", \.edgeItems, "1 to \(mostItems)", (1...mostItems).contains)
    try set("width", \.width, "0, or \(leastWidth) or more") { $0 == 0 || $0 >= leastWidth }
    switch given.value("scientific") {
    case .boolean(let flag): options.scientific = flag
    case .string: options.scientific = nil
    default: break
    }
    return options
  }
}

extension PrintOptions {
  /// The options as a table.
  fileprivate var record: LuaRecord {
    let scientific: any LuaPushable = scientific ?? "auto"
    return [
      "precision": precision, "threshold": threshold, "edge_items": edgeItems, "width": width,
      "scientific": scientific,
    ]
  }
}

extension MnemoModule {
  /// How tensors print in a state.
  public static func printOptions(in lua: Lua) -> PrintOptions {
    lua.moduleState?.printOptions ?? PrintOptions()
  }
}
