import LuaBridge
import Tasks
import Tensors

/// Where token ids came from, so that the prompt can show them as text.
///
/// Tensors are known by identity while they live; neither they nor tasks are kept alive.
final class TokenSources {
  private struct Entry {
    weak var tensor: IntTensor?
    let text: any TokenText
  }

  private var entries: [ObjectIdentifier: Entry] = [:]

  /// Notes that a tensor holds ids, counted from 1, which have a text.
  func note(_ tensor: IntTensor, _ text: any TokenText) {
    if entries.count >= 1024 { entries = entries.filter { $0.value.tensor != nil } }
    entries[ObjectIdentifier(tensor)] = Entry(tensor: tensor, text: text)
  }

  /// Passes on what is known of a tensor to one made of its elements.
  func inherit(_ view: IntTensor, from tensor: IntTensor) {
    if let text = text(of: tensor) { note(view, text) }
  }

  /// What turns a tensor's ids into text; nil if nothing is known.
  func text(of tensor: IntTensor) -> (any TokenText)? {
    entries[ObjectIdentifier(tensor)].flatMap { $0.tensor === tensor ? $0.text : nil }
  }
}

extension MnemoModule {
  /// The text of ids that a task drew, one string for each sequence; nil for other tensors.
  public static func decode(_ tensor: IntTensor, in lua: Lua) throws -> [String]? {
    guard let text = lua.moduleState?.tokenSources.text(of: tensor), tensor.shape.count <= 2,
      let length = tensor.shape.last, length > 0
    else { return nil }
    let ids = try tensor.offset(by: -1).elements()
    return try stride(from: 0, to: min(ids.count, 32 * length), by: length).map {
      try text.decode(Array(ids[$0..<$0 + length]))
    }
  }
}
