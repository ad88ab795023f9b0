import LuaBridge
import Tensors

extension LuaCall {
  /// Dimensions given one by one or as a list, from argument `first` on.
  fileprivate func dimensions(from first: Int) throws -> [Int] {
    guard case .table = value(first) else {
      return try first > count ? [] : (first...count).map { try dimension($0) }
    }
    return try integers(first).map { d in
      guard d != 0 else { throw failure(first, "dimensions count from 1, got 0") }
      return d > 0 ? d - 1 : d
    }
  }

  /// A count for each index, in an IntTensor or a list; nil if a number is given.
  fileprivate func counts(_ position: Int) throws -> IntTensor? {
    if isNumber(position) { return nil }
    if case .table = value(position) { return try intTensor(position) }
    if let counts = ifObject(position, IntTensor.self) { return counts }
    throw failure(position, "integer, IntTensor or list expected, got \(typeName(position))")
  }
}

// Dimensions in another order, joined, taken apart; elements repeated and moved.
extension StridedMethods {
  private static func optional(_ d: String, _ meaning: String) -> LuaParameter {
    LuaParameter(d, .integer, "a dimension, from 1 or, negative, from the end", default: meaning)
  }

  static func arrangements<T: StridedTensor>(
    _ type: T.Type, _ name: String, _ some: String
  ) -> [LuaFunction] {
    dimensions(type, name, some) + repetitions(type, name, some) + pieces(type, name, some)
      + moves(type, name, some)
  }

  private static func dimensions<T: StridedTensor>(
    _ type: T.Type, _ name: String, _ some: String
  ) -> [LuaFunction] {
    [
      LuaFunction(
        "permute",
        "A view with the dimensions in another order: dimension i of the result is the i-th of "
          + "those named.",
        parameters: [
          LuaParameter(
            "d", .union([.integer, .list(.integer)]), "every dimension once, or a list of them",
            variadic: true)
        ], returns: [.object(name)], example: "print(\(some):unsqueeze(3):permute(3, 2, 1))"
      ) { call in call.returns(try call.object(1, type).permute(call.dimensions(from: 2))) },
      LuaFunction(
        "squeeze",
        "A view without a dimension of size 1, or without all of them. A dimension of another size "
          + "stays.",
        parameters: [optional("d", "all of size 1")], returns: [.object(name)],
        example: "print(\(some):narrow(1, 2, 1):squeeze())"
      ) { call in
        call.returns(try call.object(1, type).squeeze(call.optionalDimension(2)))
      },
      LuaFunction(
        "unsqueeze", "A view with a new dimension of size 1.",
        parameters: [
          LuaParameter("d", .integer, "which of the result's it is; -1 behind all others")
        ], returns: [.object(name)],
        example: "print(table.unpack(\(some):unsqueeze(1):shape()))"
      ) { call in call.returns(try call.object(1, type).unsqueeze(call.dimension(2))) },
      LuaFunction(
        "flatten", "Some dimensions as one; a view where the elements lie side by side.",
        parameters: [optional("first", "1"), optional("last", "-1")], returns: [.object(name)],
        example: "print(\(some):flatten())"
      ) { call in
        call.returns(
          try call.object(1, type).flatten(
            call.optionalDimension(2) ?? 0, call.optionalDimension(3) ?? -1))
      },
      LuaFunction(
        "unflatten",
        "A view with a dimension as several, whose sizes have its product; one may be -1, what is "
          + "left.",
        parameters: [dimension, sizes], returns: [.object(name)],
        example: "print(\(some):flatten():unflatten(1, 3, -1))"
      ) { call in
        call.returns(
          try call.object(1, type).unflatten(call.dimension(2), call.sizes(from: 3)))
      },
    ]
  }

  private static func repetitions<T: StridedTensor>(
    _ type: T.Type, _ name: String, _ some: String
  ) -> [LuaFunction] {
    [
      LuaFunction(
        "repeat_interleave",
        "Every entry of a dimension repeated side by side: a, b becomes a, a, b, b. See tile for "
          + "a, b, a, b.",
        parameters: [
          LuaParameter(
            "n", .union([.integer, .object("IntTensor"), .list(.integer)]),
            "how often, or a count for each entry"),
          optional("d", "all elements as a vector"),
        ], returns: [.object(name)], example: "print(\(some):repeat_interleave(2, 1))"
      ) { call in
        let (tensor, d) = (try call.object(1, type), try call.optionalDimension(3))
        if let counts = try call.counts(2) {
          return call.returns(try tensor.repeatInterleave(counts, d))
        }
        return call.returns(try tensor.repeatInterleave(call.integer(2), d))
      },
      LuaFunction(
        "tile",
        "The whole repeated along each dimension, as PyTorch's repeat does: a, b becomes "
          + "a, b, a, b. Counts align with dimensions from the right.",
        parameters: [
          LuaParameter(
            "count", .union([.integer, .list(.integer)]), "how often, or a list", variadic: true)
        ], returns: [.object(name)], example: "print(\(some):tile(2, 1))"
      ) { call in call.returns(try call.object(1, type).tile(call.sizes(from: 2))) },
    ]
  }

  private static func pieces<T: StridedTensor>(
    _ type: T.Type, _ name: String, _ some: String
  ) -> [LuaFunction] {
    let along = optional("d", "1")
    let pieces = [LuaResult(.list(.object(name)), "views")]
    return [
      LuaFunction(
        "split",
        "A list of views that follow each other along a dimension, of one size (the last may be "
          + "smaller) or of several.",
        parameters: [
          LuaParameter(
            "size", .union([.integer, .list(.integer)]),
            "indices in each, or a list that adds up to the dimension"),
          along,
        ], returns: pieces,
        example: "local left, right = table.unpack(\(some):split({1, 2}, 2))\nprint(right)"
      ) { call in
        let (tensor, d) = (try call.object(1, type), try call.optionalDimension(3) ?? 0)
        if case .table = call.value(2) {
          return call.returns(try tensor.split(call.integers(2), d))
        }
        return call.returns(try tensor.split(call.integer(2), d))
      },
      LuaFunction(
        "chunk",
        "A list of n views of one size along a dimension; the last is smaller, and there may be "
          + "fewer, where n does not divide it.",
        parameters: [LuaParameter("n", .integer, "how many"), along], returns: pieces,
        example: "for _, rows in ipairs(\(some):chunk(2)) do print(rows) end"
      ) { call in
        call.returns(
          try call.object(1, type).chunk(call.integer(2), call.optionalDimension(3) ?? 0))
      },
      LuaFunction(
        "unbind", "A list of views, one at every index of a dimension, which disappears.",
        parameters: [along], returns: pieces,
        example: "local a, b, c = table.unpack(\(some):unbind(2))\nprint(c)"
      ) { call in
        call.returns(try call.object(1, type).unbind(call.optionalDimension(2) ?? 0))
      },
    ]
  }

  private static func moves<T: StridedTensor>(
    _ type: T.Type, _ name: String, _ some: String
  ) -> [LuaFunction] {
    [
      LuaFunction(
        "flip", "A copy with dimensions from their ends to their beginnings.",
        parameters: [
          LuaParameter(
            "d", .union([.integer, .list(.integer)]), "dimensions, or a list of them",
            variadic: true)
        ], returns: [.object(name)], example: "print(\(some):flip(2))"
      ) { call in call.returns(try call.object(1, type).flip(call.dimensions(from: 2))) },
      LuaFunction(
        "roll",
        "A copy moved along a dimension; what leaves at one end comes in at the other.",
        parameters: [
          LuaParameter("shift", .integer, "by how many indices, negative to the beginning"),
          optional("d", "all elements as a vector"),
        ], returns: [.object(name)], example: "print(\(some):roll(1, 2))"
      ) { call in
        call.returns(
          try call.object(1, type).roll(call.integer(2), call.optionalDimension(3)))
      },
    ]
  }
}
