import Settings
import Testing

/// Options declared once: their types and defaults, as JSON and back.
struct ConfigurationTests {
  enum Edge: String, SettingConvertible, CaseIterable { case wrap, cut }

  struct Blur: Configuration, Equatable {
    static let kind = "blur"
    var size = 0
    var radius = 3
    var strength = 0.5
    var edges = [Edge.wrap, .cut]
    var isGrey = false
    var label: String?
    var place: Int?
    var seed: UInt64 = 0

    static let fields: [Field<Blur>] = [
      Field("size", \.size, default: .required, "how large the picture is"),
      Field("radius", \.radius, "how far a pixel is smeared"),
      Field("strength", \.strength, "by how much"),
      Field("edges", \.edges, "what is beyond the edges"),
      Field("grey", \.isGrey, "whether colours go"),
      Field("label", \.label, "what it is called"),
      Field("place", \.place, type: .token, default: .described("anywhere"), "where it begins"),
      Field(beside: "picture", type: .object("Picture"), "what is smeared"),
      .seed(\.seed, "decides the noise"),
    ]
  }

  @Test func declarationsHaveTheTypesAndDefaultsOfTheProperties() throws {
    let declared = Blur.declarations
    #expect(
      declared.map(\.name) == [
        "size", "radius", "strength", "edges", "grey", "label", "place", "picture", "seed",
      ])
    #expect(
      declared.map(\.type) == [
        .integer, .integer, .number, .list(.choice(["wrap", "cut"])), .boolean, .text, .token,
        .object("Picture"), .integer,
      ])
    #expect(
      declared.map(\.fallback) == [
        .required, .value(.integer(3)), .value(.number(0.5)),
        .value(.list([.text("wrap"), .text("cut")])), .value(.boolean(false)), .none,
        .described("anywhere"), .none, .described("follows mnemo.seed"),
      ])
    #expect(declared.map(\.doc)[1] == "how far a pixel is smeared")
  }

  @Test func settingsComeBackFromJSON() throws {
    var blur = Blur()
    (blur.size, blur.strength, blur.edges, blur.label) = (9, 1e-3, [.cut], "a \"b\" \u{1B}")
    (blur.place, blur.seed) = (4, .max)
    let json = try blur.settingsJSON()
    #expect(
      json == #"{"edges":["cut"],"grey":false,"label":"a \"b\" \u001b","place":4,"radius":3,"#
        + #""seed":18446744073709551615,"size":9,"strength":0.001}"#)
    #expect(try Blur(settingsJSON: json) == blur)
    // Whole numbers are numbers, and seeds any 64 bits.
    let read = try Blur(settingsJSON: #"{"size": 1, "strength": 2, "seed": -1}"#)
    #expect(read.strength == 2 && read.seed == .max && read.radius == 3 && read.label == nil)
  }

  @Test(arguments: [
    (#"{"size": 1, "radios": 2}"#, "radios", "there is no such option"),
    (#"{"radius": 2}"#, "size", "missing"),
    (#"{"size": 1.5}"#, "size", "integer expected, got 1.5"),
    (#"{"size": "1"}"#, "size", "integer expected, got \"1\""),
    (#"{"size": 1, "grey": 1}"#, "grey", "true or false expected, got 1"),
    (
      #"{"size": 1, "edges": ["wrap", "fold"]}"#, "edges",
      "list of \"wrap\" or \"cut\" expected, got [\"wrap\", \"fold\"]"
    ),
    (#"{"size": 1, "picture": "p"}"#, "picture", "cannot be written down"),
  ]) func whatDoesNotFitIsNamed(_ json: String, _ name: String, _ reason: String) throws {
    #expect(throws: SettingError(name: name, reason: reason)) { try Blur(settingsJSON: json) }
  }

  @Test(arguments: ["", "{", "[]", "null", "3", #"{"size": {}}"#, #"{"size": null}"#])
  func whatIsNoObjectIsRefused(_ json: String) throws {
    #expect(throws: (any Error).self) { try Blur(settingsJSON: json) }
  }
}
