#!/usr/bin/env python3
"""The training steps of bench/steps.lua in PyTorch, as lines of JSON of the same form.

    python3 bench/pytorch.py                     eager
    python3 bench/pytorch.py --compile           torch.compile
    python3 bench/pytorch.py --attention fused   scaled_dot_product_attention instead of formulas
    python3 bench/pytorch.py --check             against Tests/Fixtures/simplified.safetensors

glibc gives large blocks back to the system at once and faults them in again at the next step. The
same with the allocator told to keep them:

    MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 python3 bench/pytorch.py

A step is loss, gradients and update; drawing the batch is told beside it (data_s), not in it.
Symbols: B batch, T seq_len, d dim, N vocab. Needs PyTorch and nothing else.
"""

import argparse
import csv
import json
import math
import os
import statistics
import struct
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = {
    "large": {"model": "simplified", "dim": 256, "seq_len": 256, "batch": 512, "lr": 0.03},
    "medium": {"model": "simplified", "dim": 128, "seq_len": 128, "batch": 256, "lr": 0.2},
    "m2": {
        "model": "transformer", "dim": 128, "seq_len": 256, "batch": 64, "layers": 2, "heads": 4,
        "lr": 1e-3,
    },
    "small": {"model": "simplified", "dim": 32, "seq_len": 32, "batch": 64, "lr": 0.2},
}


# ---- The task ----


class BigramTask:
    """Bigram sequences in which five fixed triggers are followed by an output of the sequence."""

    def __init__(self, seq_len, triggers=5):
        folder = ROOT / "Sources/Tasks/Resources"
        with open(folder / "tinyshakespeare_unigrams.csv") as file:
            counts = {int(row["codepoint"]): int(row["count"]) for row in csv.DictReader(file)}
        symbols = sorted(counts)
        place = {symbol: i for i, symbol in enumerate(symbols)}
        self.seq_len, self.vocab = seq_len, len(symbols)
        unigram = torch.tensor([float(counts[symbol]) for symbol in symbols])
        bigram = torch.zeros(self.vocab, self.vocab)
        with open(folder / "tinyshakespeare_bigrams.csv") as file:
            for row in csv.DictReader(file):
                first, second = int(row["first_codepoint"]), int(row["second_codepoint"])
                bigram[place[first], place[second]] = float(row["count"])
        self.unigram = unigram / unigram.sum()
        self.cumulative = (bigram / bigram.sum(1, keepdim=True)).cumsum(1)
        self.triggers = unigram.argsort(descending=True)[:triggers]

    def batch(self, size):
        """Tokens, targets and occurrences, [B, T] each."""
        output = torch.randint(self.vocab, (size, len(self.triggers)))
        slot = torch.full((self.vocab,), -1)
        slot[self.triggers] = torch.arange(len(self.triggers))
        seen = torch.zeros(size, len(self.triggers), dtype=torch.long)
        z = torch.multinomial(self.unigram, size, replacement=True)
        tokens, occurrences = [z], []
        for _ in range(self.seq_len):
            k = slot[z]
            is_trigger, k = k >= 0, k.clamp(min=0)[:, None]
            seen.scatter_add_(1, k, is_trigger[:, None].long())
            occurrences.append(torch.where(is_trigger, seen.gather(1, k)[:, 0], 0))
            drawn = torch.searchsorted(self.cumulative[z], torch.rand(size, 1))[:, 0]
            z = torch.where(is_trigger, output.gather(1, k)[:, 0], drawn.clamp(max=self.vocab - 1))
            tokens.append(z)
        tokens = torch.stack(tokens, 1)
        return tokens[:, :-1], tokens[:, 1:], torch.stack(occurrences, 1)


# ---- The models ----


def attention(queries, keys, values, scale, fused):
    """Causal softmax attention on [..., T, e]."""
    if fused:
        return F.scaled_dot_product_attention(queries, keys, values, is_causal=True, scale=scale)
    scores = queries @ keys.transpose(-2, -1) * scale
    length = scores.shape[-1]
    future = torch.ones(length, length, dtype=torch.bool).triu(1)
    return scores.masked_fill(future, -math.inf).softmax(-1) @ values


def weight(rows, columns):
    """A matrix [rows, columns], uniform in ±1/√columns."""
    return nn.Parameter((torch.rand(rows, columns) * 2 - 1) / math.sqrt(columns))


class Simplified(nn.Module):
    """M1: x_t = E[z_t] + P[t]; each of two layers adds W_O W_V Σ_u β_tu x_u, with scores
    x_tᵀ W_K x_u / √d; logits W_U x. Trained are W_K of both layers and W_O of the second."""

    def __init__(self, vocab, dim, max_len, fused=False):
        super().__init__()
        self.fused, self.scale = fused, 1 / math.sqrt(dim)
        self.embeddings = nn.Parameter(torch.randn(vocab, dim), requires_grad=False)
        self.positions = nn.Parameter(torch.randn(max_len, dim), requires_grad=False)
        self.wk, self.wv, self.wo = (
            nn.ParameterList(weight(dim, dim) for _ in range(2)) for _ in range(3))
        self.output = weight(vocab, dim)
        for frozen in (self.wv[0], self.wv[1], self.wo[0], self.output):
            frozen.requires_grad_(False)

    def forward(self, tokens):
        x = self.embeddings[tokens] + self.positions[: tokens.shape[1]]
        for wk, wv, wo in zip(self.wk, self.wv, self.wo):
            x = x + attention(x, x @ wk.T, x @ wv.T, self.scale, self.fused) @ wo.T
        return x @ self.output.T


class Transformer(nn.Module):
    """M2: multi-head layers x + attention(norm x) + MLP(norm′ x), a final norm; all trained."""

    def __init__(self, vocab, dim, max_len, layers, heads, fused=False):
        super().__init__()
        self.fused, self.heads, self.scale = fused, heads, 1 / math.sqrt(dim // heads)
        self.embeddings = nn.Parameter(torch.randn(vocab, dim))
        self.positions = nn.Parameter(torch.randn(max_len, dim))
        self.layers = nn.ModuleList(
            nn.ModuleDict({
                "norm1": nn.LayerNorm(dim), "norm2": nn.LayerNorm(dim),
                "matrices": nn.ParameterList(weight(dim, dim) for _ in range(4)),
                "mlp": nn.ParameterList([weight(4 * dim, dim), weight(dim, 4 * dim)]),
            }) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)
        self.output = weight(vocab, dim)

    def split(self, x):
        """[B, T, d] → [B, H, T, d/H]."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, tokens):
        x = self.embeddings[tokens] + self.positions[: tokens.shape[1]]
        for layer in self.layers:
            wq, wk, wv, wo = layer["matrices"]
            w1, w2 = layer["mlp"]
            y = layer["norm1"](x)
            heads = attention(
                self.split(y @ wq.T), self.split(y @ wk.T), self.split(y @ wv.T), self.scale,
                self.fused)
            hidden = (layer["norm2"](x) @ w1.T).relu()
            x = x + heads.transpose(1, 2).flatten(2) @ wo.T + hidden @ w2.T
        return self.norm(x) @ self.output.T


def model_and_optimizer(setting, vocab, fused):
    """The model of a setting and the optimizer of its experiment."""
    torch.manual_seed(1)
    sizes = {"vocab": vocab, "dim": setting["dim"], "max_len": setting["seq_len"], "fused": fused}
    if setting["model"] == "simplified":
        model = Simplified(**sizes)
        trained = [p for p in model.parameters() if p.requires_grad]
        return model, torch.optim.SGD(trained, setting["lr"], momentum=0.9, weight_decay=1e-4)
    model = Transformer(**sizes, layers=setting["layers"], heads=setting["heads"])
    return model, torch.optim.AdamW(model.parameters(), setting["lr"])


def loss_of(logits, targets, occurrence, loss_on):
    """Mean cross-entropy where the loss counts."""
    least = {"all": 0, "outputs": 1, "repeats": 2}[loss_on]
    mask = occurrence >= least
    return F.cross_entropy(logits[mask], targets[mask])


# ---- Measuring ----


def matrix_peak(seconds=0.25):
    """GFLOP/s of the best of some products of square blocks, on as many threads as are set."""
    best = 0.0
    for size in (64, 256, 1024):
        blocks = 32 if size == 64 else 2
        a, b = torch.randn(blocks, size, size), torch.randn(blocks, size, size)
        out = torch.empty_like(a)
        stop, least, calls = time.perf_counter() + seconds, math.inf, 0
        while calls < 3 or time.perf_counter() < stop:
            start = time.perf_counter()
            torch.bmm(a, b, out=out)
            least, calls = min(least, time.perf_counter() - start), calls + 1
        best = max(best, 2 * blocks * size**3 / least / 1e9)
    return best


def timed(function):
    """Seconds that a function takes, and what it returns."""
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def measure(name, loss_on, threads, options):
    """Prints the line of one setting."""
    setting = SETTINGS[name]
    torch.set_num_threads(threads)
    task = BigramTask(setting["seq_len"])
    model, optimizer = model_and_optimizer(setting, task.vocab, options.attention == "fused")
    call = torch.compile(model) if options.compile else model

    def step(tokens, targets, occurrence):
        optimizer.zero_grad()
        loss_of(call(tokens), targets, occurrence, loss_on).backward()
        optimizer.step()

    peak = matrix_peak()
    draws, batches = zip(*(timed(lambda: task.batch(setting["batch"])) for _ in range(3)))
    for _ in range(2):
        warm_up, _ = timed(lambda: step(*batches[0]))
    count = max(options.least, min(math.ceil(options.seconds / warm_up), 200))
    cpu = time.process_time()
    times = [timed(lambda i=i: step(*batches[i % 3]))[0] for i in range(count)]
    cpu = (time.process_time() - cpu) / count
    print(json.dumps({
        "bench": "step", "engine": "pytorch " + torch.__version__, "compiled": options.compile,
        "attention": options.attention,
        "allocator": "tuned" if "MALLOC_MMAP_MAX_" in os.environ else "as installed",
        "setting": name, "loss_on": loss_on, "threads": threads,
        "median_s": rounded(statistics.median(times)), "least_s": rounded(min(times)),
        "cpu_s": rounded(cpu), "steps": count, "data_s": rounded(min(draws)),
        "peak_gflops": rounded(max(peak, matrix_peak())), "load": os.getloadavg()[0],
    }), flush=True)


def rounded(number):
    """To four digits."""
    return float(f"{number:.4g}")


# ---- Checking ----


def read_safetensors(path):
    """Tensors of a safetensors file by name: 8 bytes length, a JSON header, the elements."""
    data = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    kinds = {"F32": torch.float32, "I32": torch.int32}
    result = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name != "__metadata__":
            first, last = entry["data_offsets"]
            elements = bytearray(data[8 + length + first : 8 + length + last])
            result[name] = torch.frombuffer(elements, dtype=kinds[entry["dtype"]]).reshape(
                entry["shape"])
    return result


def check():
    """Compares logits, loss and gradients of M1 with the recorded ones."""
    golden = read_safetensors(ROOT / "Tests/Fixtures/simplified.safetensors")
    vocab, dim = golden["tok_embeddings.weight"].shape
    for fused in (False, True):
        model = Simplified(vocab, dim, golden["pe"].shape[0], fused)
        names = {"tok_embeddings.weight": model.embeddings, "pe": model.positions,
                 "output.weight": model.output}
        for layer in range(2):
            for kind in ("wk", "wv", "wo"):
                names[f"layers.{layer}.attention.{kind}.weight"] = getattr(model, kind)[layer]
        with torch.no_grad():
            for name, parameter in names.items():
                parameter.copy_(golden[name])
        tokens, targets = golden["tokens"].long(), golden["targets"].long()
        logits = model(tokens)
        loss = loss_of(logits, targets, golden["occurrence"], "repeats")
        loss.backward()
        found = {"logits": logits, "loss": loss.reshape(1)}
        for name, parameter in names.items():
            if parameter.grad is not None:
                found["grad." + name] = parameter.grad
        line = {"bench": "check", "attention": "fused" if fused else "plain"}
        for name, value in found.items():
            difference = (value - golden[name]).abs().max().item()
            line[name] = rounded(difference)
            if difference >= 1e-5:
                raise SystemExit(f"{name} differs from the recorded one by {difference}")
        print(json.dumps(line))


def main():
    parser = argparse.ArgumentParser(description="Training steps in PyTorch, as lines of JSON.")
    parser.add_argument("--only", choices=SETTINGS, help="one setting")
    parser.add_argument("--loss-on", choices=["repeats", "all"], help="one loss")
    parser.add_argument("--threads", type=int, help="only this number of threads")
    parser.add_argument("--seconds", type=float, default=5, help="time for a line's steps (5)")
    parser.add_argument("--least", type=int, default=3, help="steps to measure at least (3)")
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    parser.add_argument("--attention", choices=["plain", "fused"], default="plain",
                        help="formulas, or scaled_dot_product_attention")
    parser.add_argument("--check", action="store_true", help="compare with the golden file")
    options = parser.parse_args()
    if options.check:
        return check()
    for name, setting in SETTINGS.items():
        if options.only in (None, name):
            for loss_on in ["repeats", "all"] if setting["model"] == "simplified" else ["all"]:
                for threads in [options.threads] if options.threads else [2, 1]:
                    if options.loss_on in (None, loss_on):
                        measure(name, loss_on, threads, options)


if __name__ == "__main__":
    main()
