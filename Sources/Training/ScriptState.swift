import Settings
import Tensors

/// What an optimizer of a script's remembers: tables of numbers, texts and tensors.
public indirect enum ScriptState {
  case value(SettingValue)
  case tensor(Tensor)
  /// Keys are texts or integers.
  case table([(key: SettingValue, value: ScriptState)])

  /// The same as it is written down, with tensors by their place in a list.
  struct Tree: Codable {
    var value: SettingValue?
    /// The bits of a number, which JSON would not tell from an integer.
    var number: UInt64?
    var tensor: Int?
    var table: [Entry]?

    struct Entry: Codable {
      let key: SettingValue
      let value: Tree
    }
  }

  /// The tree, whose tensors are added to a list.
  func tree(_ tensors: inout [Tensor]) -> Tree {
    switch self {
    case .value(.number(let number)): return Tree(number: number.bitPattern)
    case .value(let value): return Tree(value: value)
    case .tensor(let tensor):
      tensors.append(tensor)
      return Tree(tensor: tensors.count - 1)
    case .table(let entries):
      return Tree(table: entries.map { .init(key: $0.key, value: $0.value.tree(&tensors)) })
    }
  }

  /// What a tree says; nil if a tensor is missing.
  init?(_ tree: Tree, _ tensor: (Int) -> Tensor?) {
    if let number = tree.number {
      self = .value(.number(Double(bitPattern: number)))
    } else if let value = tree.value {
      self = .value(value)
    } else if let place = tree.tensor {
      guard let tensor = tensor(place) else { return nil }
      self = .tensor(tensor)
    } else {
      var entries: [(key: SettingValue, value: ScriptState)] = []
      for entry in tree.table ?? [] {
        guard let value = ScriptState(entry.value, tensor) else { return nil }
        entries.append((entry.key, value))
      }
      self = .table(entries)
    }
  }
}
