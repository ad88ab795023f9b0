import Figures
import LuaBridge
import Tensors

/// What the Lua files of `mnemo.plot` ask of the engine: drawing, and files that are whole.
///
/// They are theirs alone, as `require "mnemo.plot.engine"`. What goes wrong is returned as a
/// sentence, to which they add the line of the caller's.
enum FigureFunctions {
  static var functions: [LuaFunction] {
    [
      LuaFunction(
        "draw", "Draws a script of gnuplot's into a picture; returns why it could not.",
        parameters: [
          LuaParameter("script", .string), LuaParameter("format", .string),
          LuaParameter("path", .string),
        ]
      ) { call in
        guard let format = PictureFormat(rawValue: try call.string(2)) else {
          throw call.failure(2, "svg, png or pdf expected")
        }
        let (script, path) = (try call.bytes(1), try call.string(3))
        return try problem(call) { try FigureFile.draw(script, format, to: path) }
      },
      LuaFunction(
        "print", "What a script of gnuplot's prints; nil and why it could not.",
        parameters: [LuaParameter("script", .string)]
      ) { call in
        let script = try call.bytes(1)
        do {
          let drawn = try Gnuplot.output(of: script, for: "show")
          return call.returns(String(decoding: drawn.bytes, as: UTF8.self))
        } catch let error as EngineError {
          return call.returns(LuaValue.nil, error.description)
        }
      },
      LuaFunction(
        "write", "Writes a file; returns why it could not.",
        parameters: [LuaParameter("text", .string), LuaParameter("path", .string)]
      ) { call in
        let (text, path) = (try call.bytes(1), try call.string(2))
        return try problem(call) { try FigureFile.write(text, to: path) }
      },
    ]
  }

  private static func problem(_ call: LuaCall, _ body: () throws -> Void) throws -> Int {
    do {
      try body()
      return call.returns()
    } catch let error as EngineError {
      return call.returns(error.description)
    }
  }
}
