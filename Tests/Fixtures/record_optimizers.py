"""Records 50 steps of PyTorch's optimizers in Float32.

usage: python record_optimizers.py FILE

PyTorch's Muon rounds to BFloat16 inside; here it computes in Float32 like all the rest.
"""

import json
import math
import sys

import torch
from safetensors.torch import save_file

STEPS = 50
SHAPES = {"tall": (5, 3), "wide": (2, 6), "bias": (3,)}
# The options as both sides take them; `lr` is a number, or "cosine" for mnemo.schedules.cosine
# with lr 0.1, 50 steps, 5 of them to warm up, and 0.01 at the end.
CASES = {
    "sgd": ("SGD", dict(lr=0.05, momentum=0.9, weight_decay=0.1, nesterov=True)),
    "sgd-cosine": ("SGD", dict(lr="cosine", momentum=0.5)),
    "adamw": ("AdamW", dict(lr=0.01, weight_decay=0.1)),
    "adamw-groups": (
        "AdamW",
        dict(lr=0.01, weight_decay=0.1, groups=[
            dict(match="b*", lr=0.03, weight_decay=0.0), dict(match="tall", lr=0.002)]),
    ),
    "adam": ("Adam", dict(lr=0.02, betas=(0.8, 0.95), eps=1e-6)),
    "adam-decay": ("Adam", dict(lr="cosine", weight_decay=0.2)),
    "muon": ("Muon", dict(lr=0.02)),
    "muon-plain": ("Muon", dict(lr=0.05, momentum=0.8, weight_decay=0.0, nesterov=False)),
}


def cosine(step, lr=0.1, steps=50, warmup=5, final=0.01):
    if step < warmup:
        return lr * (step + 1) / warmup
    share = min((step - warmup) / (steps - warmup), 1)
    return final + (lr - final) * (1 + math.cos(math.pi * share)) / 2


def record(kind, options, start, gradients):
    options = dict(options)
    groups, rate = options.pop("groups", []), options.pop("lr")
    names = [name for name in start if kind != "Muon" or start[name].dim() == 2]
    parameters = {name: start[name].clone().requires_grad_() for name in names}
    matched = {"b*": "bias", "tall": "tall"}
    listed, rest = [], dict(parameters)
    for group in groups:
        group = dict(group)
        name = matched[group.pop("match")]
        listed.append(dict(params=[rest.pop(name)], **group))
    listed.append(dict(params=list(rest.values())))
    first = cosine(0) if rate == "cosine" else rate
    optimizer = getattr(torch.optim, kind)(listed, lr=first, **options)
    steps = {name: [] for name in names}
    for step in range(STEPS):
        if rate == "cosine":
            for group in optimizer.param_groups:
                group["lr"] = cosine(step)
        for name in names:
            parameters[name].grad = gradients[name][step].clone()
        optimizer.step()
        for name in names:
            steps[name].append(parameters[name].detach().clone())
    return {name: torch.stack(values) for name, values in steps.items()}


def main(path):
    torch.manual_seed(1)
    start = {name: torch.randn(shape) for name, shape in SHAPES.items()}
    gradients = {name: torch.randn(STEPS, *shape) for name, shape in SHAPES.items()}
    tensors = dict(start)
    tensors |= {"grad." + name: values for name, values in gradients.items()}
    # What Muon calls BFloat16 is Float32 while it is recorded.
    torch.bfloat16 = torch.float32
    for case, (kind, options) in CASES.items():
        for name, values in record(kind, options, start, gradients).items():
            tensors[f"{case}.{name}"] = values
    metadata = {
        "origin": f"torch.optim of PyTorch {torch.__version__}, float32",
        "cases": json.dumps({case: dict(options, optimizer=kind)
                             for case, (kind, options) in CASES.items()}),
    }
    save_file(tensors, path, metadata)


main(sys.argv[1])
