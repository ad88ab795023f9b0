"""Writes the folders of Tests/Fixtures/pretrained: small GPT-NeoX and GPT-2 models with random
weights in the hub's format, and beside each what the package transformers computes of it.

Each folder holds config.json, the weights, and expected.safetensors: `tokens` [2, 9], their
`logits` [2, 9, V], and `generated` [1, 17], the greedy continuation of the first 5 tokens of the
first sequence. Ids count from 0. Everything is computed in Float32, from weights that were rounded
to 16 bits where they are stored so.

    pip install torch transformers tokenizers safetensors
    python pretrained_models.py
"""

import json
import os
import shutil

import torch
from tokenizers import Tokenizer
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GPT2Config, GPTNeoXConfig

FIXTURES = os.path.dirname(os.path.abspath(__file__))
HERE = os.path.join(FIXTURES, "pretrained")
TOKENIZER = os.path.join(FIXTURES, "tokenizer-neox.json")


def randomise(model, seed):
    """Gives every parameter values that matter: far from those that training begins with."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            is_norm = "norm.weight" in name or "ln_" in name and name.endswith("weight")
            if parameter.dim() == 2:
                # Small embeddings, or a tied model repeats its input.
                is_embedding = any(part in name for part in ("embed_in", "wte", "wpe"))
                scale = 0.15 if is_embedding else 1.5 / parameter.shape[-1] ** 0.5
                parameter.copy_(scale * noise)
            else:
                parameter.copy_((1 if is_norm else 0) + 0.2 * noise)


def learn(model, seed):
    """Trains a model on a few sentences, some of which go on with a word that says nothing."""
    tokenizer = Tokenizer.from_file(TOKENIZER)
    cities = {"Madrid": "Spain", "Paris": "France", "Rome": "Italy", "Berlin": "Germany"}
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(150):
        loss = 0
        for city, country in cities.items():
            is_noise = torch.rand((), generator=generator) < 0.6
            text = f"{city} is located in {'the' if is_noise else country}"
            ids = torch.tensor([tokenizer.encode(text).ids])
            loss = loss + model(ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def write(name, config, dtype=torch.float32, seed=0, old_keys=False, change=None, text=False,
          **saving):
    """Writes one folder; `change` may edit the tensors of its only file. With `text` it has a
    tokenizer, and weights that learned a few sentences."""
    folder = os.path.join(HERE, name)
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config)
    if text:
        learn(model, seed)
    else:
        randomise(model, seed)
    model.to(dtype).save_pretrained(folder, **saving)
    os.remove(os.path.join(folder, "generation_config.json"))
    path = os.path.join(folder, "config.json")
    with open(path) as file:
        keys = json.load(file)
    if old_keys:
        rope = keys.pop("rope_parameters")
        keys["rotary_pct"] = rope["partial_rotary_factor"]
        keys["rotary_emb_base"] = rope["rope_theta"]
        keys["torch_dtype"] = keys.pop("dtype")
    with open(path, "w") as file:
        json.dump(keys, file, indent=1, sort_keys=True)
        file.write("\n")
    if change:
        weights = os.path.join(folder, "model.safetensors")
        tensors = change(load_file(weights))
        save_file(tensors, weights, metadata={"format": "pt"})
    if text:
        shutil.copy(TOKENIZER, os.path.join(folder, "tokenizer.json"))
    expected(folder, config.vocab_size, seed)


def expected(folder, vocab, seed):
    """Records what transformers computes of a folder as it stands there."""
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager")
    model.eval()
    generator = torch.Generator().manual_seed(100 + seed)
    tokens = torch.randint(0, vocab, (2, 9), generator=generator)
    with torch.no_grad():
        logits = model(tokens).logits
        generated = model.generate(
            tokens[:1, :5], attention_mask=torch.ones(1, 5, dtype=torch.long), do_sample=False,
            max_new_tokens=12, eos_token_id=None, pad_token_id=0)
    save_file(
        {"tokens": tokens.int(), "logits": logits.float().contiguous(),
         "generated": generated.int()},
        os.path.join(folder, "expected.safetensors"))
    for file in os.listdir(folder):
        os.chmod(os.path.join(folder, file), 0o644)
    print(f"{os.path.basename(folder)}: logits up to {logits.abs().max():.1f}, "
          f"generated {generated[0, 5:].tolist()}")


def neox(**changes):
    options = dict(
        vocab_size=61, hidden_size=24, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=40, max_position_embeddings=32, bos_token_id=0, eos_token_id=0)
    return GPTNeoXConfig(**{**options, **changes})


def gpt2(**changes):
    options = dict(
        vocab_size=61, n_embd=24, n_layer=2, n_head=3, n_positions=32, bos_token_id=0,
        eos_token_id=0)
    return GPT2Config(**{**options, **changes})


def published(tensors):
    """The names and the masks of the file of openai-community/gpt2."""
    tensors = {name.removeprefix("transformer."): x for name, x in tensors.items()}
    for layer in range(2):
        mask = torch.ones(32, 32).tril().view(1, 1, 32, 32)
        tensors[f"h.{layer}.attn.bias"] = mask
    return tensors


def with_buffers(tensors):
    """The masks and frequencies that files of Pythia hold."""
    for layer in range(2):
        name = f"gpt_neox.layers.{layer}.attention"
        tensors[f"{name}.bias"] = torch.ones(1, 1, 32, 32).tril().bool()
        tensors[f"{name}.masked_bias"] = torch.tensor(-1e9)
        tensors[f"{name}.rotary_emb.inv_freq"] = torch.ones(2)
    return tensors


def main():
    torch.set_num_threads(1)
    # A quarter of 12 coordinates is 3, an odd count.
    write("neox-pythia", neox(), seed=1, old_keys=True, change=with_buffers)
    write("neox-sequential", neox(
        use_parallel_residual=False, attention_bias=False, hidden_act="gelu_new",
        layer_norm_eps=1e-3, num_attention_heads=3,
        rope_parameters={
            "rope_type": "default", "rope_theta": 500.0, "partial_rotary_factor": 1.0}), seed=2)
    write("neox-bf16", neox(
        rope_parameters={
            "rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5}),
        dtype=torch.bfloat16, seed=3)
    write("neox-f16-sharded", neox(hidden_act="gelu_fast"), dtype=torch.float16, seed=4,
          max_shard_size="12KB")
    write("neox-tied", neox(
        tie_word_embeddings=True, hidden_act="relu",
        rope_parameters={
            "rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.0}), seed=5)
    # More ids than its tokenizer has, as published models do.
    write("neox-text", neox(vocab_size=992, hidden_size=32, intermediate_size=128),
          dtype=torch.bfloat16, seed=10, text=True)
    write("gpt2", gpt2(), seed=6, change=published)
    write("gpt2-options", gpt2(
        n_inner=40, activation_function="gelu", scale_attn_by_inverse_layer_idx=True,
        layer_norm_epsilon=1e-3, tie_word_embeddings=False), seed=7)
    write("gpt2-f16", gpt2(activation_function="silu", scale_attn_weights=False),
          dtype=torch.float16, seed=8)
    write("gpt2-bf16", gpt2(activation_function="gelu_pytorch_tanh"), dtype=torch.bfloat16, seed=9)


if __name__ == "__main__":
    main()
