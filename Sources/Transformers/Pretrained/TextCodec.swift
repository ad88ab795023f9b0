import ByteStrings
import Tasks
import Tensors

/// What turns text into the tokens of a model and back; ids count from 0.
public protocol TextCodec: TokenText, Sendable {
  /// How many tokens there are.
  var count: Int { get }
  /// The ids of a text.
  /// - Throws: an error if the bytes are no text.
  func encode(_ text: [UInt8]) throws -> [Int]
  /// The text of ids, in bytes: a token alone may hold a part of a character.
  /// - Throws: an error if an id is none of its.
  func decode(_ ids: [Int]) throws -> [UInt8]
  /// What one token stands for; nil if there is none of that id.
  func bytes(of id: Int) -> [UInt8]?
  /// The id of a token that is written like this, special ones among them; nil if there is none.
  func id(ofToken text: String) -> Int?
}

extension TextCodec {
  public func decode(_ ids: [Int32]) throws -> String {
    String(bytes: try decode(ids.map { Int($0) }))
  }
}
