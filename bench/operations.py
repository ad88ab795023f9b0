"""The operations of operations.lua in PyTorch, by the same names: one line of JSON for each.

    python bench/operations.py [--threads 1] [--count 4194304] [--seconds 0.3] [--only NAME]

Needs torch. NOTES.md keeps what was measured.
"""

import argparse
import json
import time

import torch
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--count", type=int, default=4194304)
parser.add_argument("--seconds", type=float, default=0.3)
parser.add_argument("--only", default="")
options = parser.parse_args()
torch.set_num_threads(options.threads)

n = options.count // 1024
torch.manual_seed(1)
x, y = torch.randn(n, 1024), torch.randn(n, 1024)
p = torch.rand(n, 1024) + 0.1
mask = x > 0
rows = torch.randint(0, n, (n,))
places = torch.randint(0, 1024, (n, 1))
square = torch.randn(1024, 1024)
heads = torch.randn(32, 256, 128)
flat, narrow = x.reshape(-1), x.reshape(-1, 64)
split = heads.reshape(32, 256, 4, 32).transpose(1, 2)

operations = {
    "x + y": lambda: x + y,
    "x * 2": lambda: x * 2,
    "x / p": lambda: x / p,
    "p ^ 1.5": lambda: p**1.5,
    "x ^ 2": lambda: x**2,
    "x % 0.75": lambda: x % 0.75,
    "minimum": lambda: torch.minimum(x, y),
    "x:lt(y)": lambda: (x < y).float(),
    **{name: getattr(x, name) for name in (
        "exp", "expm1", "sin", "cos", "erf", "tanh", "sigmoid", "relu", "floor", "round", "sign")},
    **{name: getattr(p, name) for name in (
        "log", "log1p", "log2", "log10", "sqrt", "rsqrt", "reciprocal")},
    "gelu": lambda: F.gelu(x),
    "silu": lambda: F.silu(x),
    "softplus": lambda: F.softplus(x),
    "clamp": lambda: x.clamp(-1, 1),
    "where": lambda: torch.where(mask, x, y),
    "rand": lambda: torch.rand(n, 1024),
    "randn": lambda: torch.randn(n, 1024),
    "sum": x.sum,
    "sum along 1": lambda: x.sum(0),
    "sum along 2": lambda: x.sum(1),
    "max along 2": lambda: x.max(1),
    "argmax along 2": lambda: x.argmax(1),
    "var along 2": lambda: x.var(1),
    "cumsum along 2": lambda: x.cumsum(1),
    "softmax along 1": lambda: x.softmax(0),
    "softmax along 2": lambda: x.softmax(1),
    "softmax, rows of 64": lambda: narrow.softmax(1),
    "log_softmax along 1": lambda: x.log_softmax(0),
    "log_softmax along 2": lambda: x.log_softmax(1),
    "logsumexp along 1": lambda: x.logsumexp(0),
    "logsumexp along 2": lambda: x.logsumexp(1),
    "logsumexp, rows of 64": lambda: narrow.logsumexp(1),
    "logsumexp": lambda: flat.logsumexp(0),
    "layer_norm": lambda: F.layer_norm(x, (1024,)),
    "topk 10 along 1": lambda: x.topk(10, 0),
    "topk 10 along 2": lambda: x.topk(10, 1),
    "topk 10": lambda: flat.topk(10),
    "sort": lambda: x.sort(1),
    "median": lambda: x.median(1),
    "transpose, copied": lambda: x.T.contiguous(),
    "cat": lambda: torch.cat([x, y]),
    "rows by ids": lambda: x[rows],
    "gather": lambda: x.gather(1, places),
    "index_add": lambda: x.index_add(0, rows, y),
    "masked_select": lambda: x.masked_select(mask),
    "masked_fill": lambda: x.masked_fill(mask, 0),
    "tril": square.tril,
    "matmul 1024": lambda: square @ square,
    "einsum ij,kj->ik": lambda: torch.einsum("ij,kj->ik", square, square),
    "einsum bij,bkj->bik": lambda: torch.einsum("bij,bkj->bik", heads, heads),
    "attention, causal": lambda: F.scaled_dot_product_attention(
        split, split, split, is_causal=True),
    "attention, whole": lambda: F.scaled_dot_product_attention(split, split, split),
}

for name, operation in operations.items():
    if options.only not in name:
        continue
    operation()
    times, used = [], []
    stop = time.perf_counter() + options.seconds
    while len(times) < 3 or time.perf_counter() < stop:
        start, start_used = time.perf_counter(), time.process_time()
        operation()
        times.append(time.perf_counter() - start)
        used.append(time.process_time() - start_used)
    print(json.dumps({
        "bench": "operations", "operation": name, "threads": options.threads,
        "median_s": sorted(times)[len(times) // 2], "least_s": min(times), "cpu_s": min(used)}), flush=True)
