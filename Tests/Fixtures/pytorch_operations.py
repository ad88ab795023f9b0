"""Records what PyTorch gives for the operations of tools/pytorch_operations.lua.

    mnemo tools/pytorch.lua --expressions |
      python Tests/Fixtures/pytorch_operations.py Tests/Fixtures/pytorch-operations.safetensors

Needs torch and safetensors. The file holds the inputs, by name; the results of an expression E, as
"E #1", "E #2", …; and, where an input x has a gradient, "E d/dx": that of the sum over all results
of floating point, times 1, 2, … 7, 1, 2, … in row-major order.
"""

import sys

import torch
import torch.nn.functional as F
from safetensors.torch import save_file


def inputs():
    """The inputs, the same at every call."""
    torch.manual_seed(1)
    s = torch.randn(4, 4)
    made = {
        "x": torch.randn(3, 4), "y": torch.randn(3, 4), "p": torch.rand(3, 4) + 0.1,
        "v": torch.randn(4), "a": torch.randn(2, 3, 4), "w": torch.randn(5, 4),
        "b": torch.randn(5), "s": s @ s.T + torch.eye(4), "logits": torch.randn(3, 5),
        "q": torch.randn(2, 6, 8), "k": torch.randn(2, 6, 8), "u": torch.randn(2, 6, 8),
    }
    made = {name: value.requires_grad_() for name, value in made.items()}
    made["mask"] = torch.tensor(
        [[1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]], dtype=torch.bool)
    made["ids"] = torch.tensor([2, 0, 2])
    made["targets"] = torch.tensor([3, 0, 1])
    return made


def weighted(result):
    """A number that depends on every element of a result."""
    weights = torch.arange(result.numel()) % 7 + 1
    return (result.reshape(-1) * weights).sum()


def plain(value):
    """A tensor as the file holds it: of its own, integers in 32 bits."""
    value = value.detach().clone().contiguous()
    return value.float() if value.is_floating_point() else value.to(torch.int32)


recorded = {name: plain(value) for name, value in inputs().items()}
for line in sys.stdin:
    expression = line.rstrip("\n")
    given = inputs()
    results = eval(expression, {"torch": torch, "F": F}, dict(given))
    results = [results] if isinstance(results, torch.Tensor) else list(results)
    for number, result in enumerate(results, 1):
        recorded[f"{expression} #{number}"] = plain(result)
    float_results = [r for r in results if r.is_floating_point() and r.requires_grad]
    if float_results and "//" not in expression:  # torch has no derivative of it
        sum(weighted(result) for result in float_results).backward()
        for name, value in given.items():
            if value.grad is not None:
                recorded[f"{expression} d/d{name}"] = plain(value.grad)
save_file(recorded, sys.argv[1])
