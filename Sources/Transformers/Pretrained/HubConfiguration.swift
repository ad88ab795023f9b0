import ByteStrings
import Tensors

// config.json, in the forms that the package transformers writes and once wrote.

extension HubRecord {
  /// The options that a config.json gives.
  /// - Throws: `EngineError` that names the file, the key, what was given and what is allowed.
  func configuration() throws -> any GPTConfiguration {
    switch try text("model_type") {
    case "gpt2": return try gpt2()
    case "gpt_neox": return try gptNeoX()
    case let type:
      let given = type.map { "model_type is \"\($0.printable)\"" } ?? "there is no model_type"
      throw failure("\(given); models of type \"gpt2\" and \"gpt_neox\" are known")
    }
  }

  private func gpt2() throws -> GPT2Configuration {
    if try boolean("add_cross_attention") == true {
      throw failure("add_cross_attention is true; a model that attends to another is not known")
    }
    var options = GPT2Configuration(vocab: try neededInteger("vocab_size"))
    options.dim = try neededInteger("n_embd")
    options.layers = try neededInteger("n_layer")
    options.heads = try neededInteger("n_head")
    options.maxLen = try neededInteger("n_positions")
    options.ffDim = try integer("n_inner")
    options.activation = try activation("activation_function") ?? options.activation
    options.normEps = try number("layer_norm_epsilon") ?? options.normEps
    options.tieOutput = try boolean("tie_word_embeddings") ?? true
    options.scaleScores = try boolean("scale_attn_weights") ?? true
    options.scaleByLayer = try boolean("scale_attn_by_inverse_layer_idx") ?? false
    return options
  }

  private func gptNeoX() throws -> GPTNeoXConfiguration {
    var options = GPTNeoXConfiguration(vocab: try neededInteger("vocab_size"))
    options.dim = try neededInteger("hidden_size")
    options.layers = try neededInteger("num_hidden_layers")
    options.heads = try neededInteger("num_attention_heads")
    options.maxLen = try neededInteger("max_position_embeddings")
    options.ffDim = try neededInteger("intermediate_size")
    options.activation = try activation("hidden_act") ?? options.activation
    options.normEps = try number("layer_norm_eps") ?? options.normEps
    options.tieOutput = try boolean("tie_word_embeddings") ?? false
    options.parallelResidual = try boolean("use_parallel_residual") ?? true
    options.attentionBias = try boolean("attention_bias") ?? true
    let rope = try record("rope_parameters")
    try checkRope(rope ?? record("rope_scaling"))
    options.rotaryShare =
      try rope?.number("partial_rotary_factor") ?? number("partial_rotary_factor")
      ?? number("rotary_pct") ?? options.rotaryShare
    options.rotaryBase =
      try rope?.number("rope_theta") ?? number("rope_theta") ?? number("rotary_emb_base")
      ?? options.rotaryBase
    return options
  }

  /// Refuses frequencies that are stretched.
  private func checkRope(_ rope: HubRecord?) throws {
    guard let rope, let type = try rope.text("rope_type") ?? rope.text("type"), type != "default"
    else { return }
    throw failure(
      "\(rope.place): rope_type is \"\(type.printable)\"; only \"default\" is known")
  }

  private func activation(_ name: String) throws -> Activation? {
    guard let given = try text(name) else { return nil }
    if given == "gelu_python" { return .gelu }
    guard let known = Activation(rawValue: given) else {
      let names = Activation.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
      throw failure("\(name) is \"\(given.printable)\" (known: \(names))")
    }
    return known
  }
}
