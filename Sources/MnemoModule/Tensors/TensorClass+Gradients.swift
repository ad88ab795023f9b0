import LuaBridge
import Tensors

// Gradients.
extension TensorClass {
  static var gradients: [LuaFunction] {
    [
      LuaFunction(
        "detach", "The same elements, shared, without history or gradient.",
        returns: [.object("Tensor")],
        example: "local x = mnemo.ones(2):requires_grad(true)\nprint(x:detach():requires_grad())"
      ) { call in call.returns(try call.object(1, Tensor.self).detach()) },
      LuaFunction(
        "requires_grad",
        "With a flag: turns gradients on or off for a tensor that was not computed from others, and "
          + "returns it. Without: whether they are on.",
        parameters: [LuaParameter("flag", .boolean, "on or off", optional: true)],
        returns: [.union([.object("Tensor"), .boolean])],
        example: "local x = mnemo.ones(2):requires_grad(true)\nprint(x:requires_grad())"
      ) { call in
        let tensor = try call.object(1, Tensor.self)
        guard let flag = try call.optionalBoolean(2) else {
          return call.returns(tensor.requiresGrad)
        }
        try tensor.requireGrad(flag)
        return call.returns(argument: 1)
      },
      LuaFunction(
        "is_leaf",
        "Whether a tensor was not computed from others that require gradients.",
        returns: [.boolean],
        example:
          "local x = mnemo.ones(2):requires_grad(true)\nprint(x:is_leaf(), (x * 2):is_leaf())"
      ) { call in call.returns(try call.object(1, Tensor.self).isLeaf) },
      LuaFunction(
        "retain_grad",
        "Lets backward() keep the gradient of a tensor that was computed from others in its grad, "
          + "as it does for leaves.",
        returns: [LuaResult(.object("Tensor"), "the tensor itself")],
        example: """
          local x = mnemo.tensor{1, 2}:requires_grad(true)
          local y = (x * x):retain_grad()
          local loss = (y * 3):sum()
          loss:backward()
          print(y.grad, x.grad)
          """
      ) { call in
        try call.object(1, Tensor.self).retainGrad()
        return call.returns(argument: 1)
      },
      LuaFunction(
        "backward",
        "Adds the gradient of this tensor to the grad of everything it was computed from that "
          + "requires one. The graph serves once, unless it is retained. Gradients have no history "
          + "of their own: there are no second derivatives.",
        options: options,
        example: """
          local x = mnemo.tensor{3}:requires_grad(true)
          local y = x * x
          y:sum():backward{retain = true}
          y:backward{gradient = mnemo.tensor{10}}
          print(x.grad:item())
          """
      ) { call in
        let tensor = try call.object(1, Tensor.self)
        if call.ifObject(2, Tensor.self) != nil {
          throw call.failure(2, "table expected, got Tensor; write backward{gradient = g}")
        }
        let options = try call.options()
        try tensor.backward(
          gradient: options.optionalObject("gradient"), retain: options.boolean("retain"))
        return call.returns()
      },
    ]
  }

  private static var options: [LuaOption] {
    [
      LuaOption(
        "retain", .boolean, false,
        "whether the graph can be used again, for as long as its tensors are not changed in place"),
      LuaOption(
        "gradient", .object("Tensor"), .described("1, for a scalar"),
        "the gradient of what is differentiated with respect to this tensor, of its shape"),
    ]
  }

  /// `mnemo.grad`.
  static var gradientFunctions: [LuaFunction] {
    [
      LuaFunction(
        "grad",
        "The gradients of a tensor with respect to others, which may be anywhere in its graph: "
          + "parameters, or tensors computed from them. It touches no grad, and walks, and uses up, "
          + "only what leads to them. An error if the tensor does not depend on one of them. The "
          + "gradients have no history: there are no second derivatives.",
        parameters: [
          LuaParameter("loss", .object("Tensor"), "what is differentiated"),
          LuaParameter("tensors", .list(.object("Tensor")), "with respect to these"),
        ], options: options,
        returns: [LuaResult(.list(.object("Tensor")), "a gradient for each, in this order")],
        example: """
          local w = mnemo.tensor{1, 2}:requires_grad(true)
          local hidden = w * w
          local gradients = mnemo.grad((hidden * 3):sum(), {w, hidden})
          print(gradients[1], gradients[2], w.grad)
          """
      ) { call in
        let (loss, tensors) = (try call.object(1, Tensor.self), try call.objects(2, Tensor.self))
        guard !tensors.isEmpty else {
          throw call.failure(2, "a list of at least one Tensor expected")
        }
        let options = try call.options()
        let gradients = try loss.gradients(
          of: tensors, gradient: options.optionalObject("gradient"),
          retain: options.boolean("retain"))
        return call.returns(gradients.map(LuaObject.init))
      }
    ]
  }
}
