#!/usr/bin/env python3
"""The operations of bench/functions.lua in PyTorch: least processor milliseconds, on one thread.

python3 bench/functions.py
"""

import time

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(1)
x = torch.randn(2000, 2000)
positive = x.abs() + 0.1
flat, narrow = x.reshape(-1), x.reshape(-1, 64)


def measure(name, f):
    least = float("inf")
    for _ in range(10):
        start = time.process_time()
        result = f()
        least = min(least, time.process_time() - start)
        del result
    print(f"{name:22s} {least * 1000:8.2f}", flush=True)


for name in ("exp", "expm1", "tanh", "sigmoid", "sin", "cos", "erf"):
    measure(name, lambda: getattr(torch, name)(x))
for name in ("gelu", "silu", "softplus"):
    measure(name, lambda: getattr(F, name)(x))
for name in ("floor", "round", "sign"):
    measure(name, lambda: getattr(torch, name)(x))
for name in ("log", "log1p", "log2", "log10", "sqrt", "rsqrt", "reciprocal"):
    measure(name, lambda: getattr(torch, name)(positive))
measure("minimum", lambda: torch.minimum(x, positive))
measure("pow 2", lambda: x**2)
measure("remainder", lambda: x % 0.75)
measure("logsumexp, all", lambda: torch.logsumexp(flat, 0))
measure("logsumexp, rows", lambda: torch.logsumexp(x, 1))
measure("logsumexp, columns", lambda: torch.logsumexp(x, 0))
measure("logsumexp, rows of 64", lambda: torch.logsumexp(narrow, 1))
measure("softmax, rows", lambda: torch.softmax(x, 1))
measure("softmax, columns", lambda: torch.softmax(x, 0))
measure("softmax, rows of 64", lambda: torch.softmax(narrow, 1))
measure("log_softmax, rows", lambda: torch.log_softmax(x, 1))
measure("log_softmax, columns", lambda: torch.log_softmax(x, 0))
measure("topk 10, rows", lambda: torch.topk(x, 10))
measure("topk 10, columns", lambda: torch.topk(x, 10, 0))
measure("topk 10, all", lambda: torch.topk(flat, 10))
measure("rand", lambda: torch.rand(2000, 2000))
measure("randn", lambda: torch.randn(2000, 2000))
