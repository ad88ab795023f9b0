#!/usr/bin/env python3
"""Gradient descent of examples/gradient_dynamics.lua in PyTorch: processor seconds.

python3 bench/gradient_dynamics.py [steps]

All six runs side by side; losses, margins and the sharpness in closed form at every step.
`mnemo --threads 1 bench/experiment.lua gradient_dynamics` is the other side.
"""

import json
import math
import sys
import time

import torch

torch.set_num_threads(1)
steps = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
runs = [(lr, c) for lr in (1.0, 10.0) for c in (-0.5, 0.5, 0.95)]


start = time.process_time()
U = torch.tensor([[[1, 0], [c, math.sqrt(1 - c**2)]] for _, c in runs])
lr = torch.tensor([[[lr]] for lr, _ in runs])
p, V, W = torch.tensor([0.75, 0.25]), torch.eye(2), torch.zeros(len(runs), 2, 2)
scores = []
for step in range(steps + 1):
    scores.append(U @ W.transpose(1, 2))
    excess = (scores[-1].softmax(2) - V) * p[:, None]
    W = W - lr * (excess.transpose(1, 2) @ U)
margins = torch.stack(scores)
margins = (margins[..., 0] - margins[..., 1]) * torch.tensor([1.0, -1.0])
h = 2 * p * margins.sigmoid() * (-margins).sigmoid()
c = torch.tensor([c for _, c in runs])
both = h.sum(2)
sharp = (both + (both**2 - 4 * (1 - c**2) * h.prod(2)).sqrt()) / 2
loss = (torch.nn.functional.softplus(-margins) * p).sum(2)
print(json.dumps({
    "bench": "gradient_dynamics", "torch": torch.__version__, "steps": steps,
    "cpu_s": round(time.process_time() - start, 3),
    "final_loss": [float(f"{x:.4g}") for x in loss[-1].tolist()],
    "least_margin": round(margins.min().item(), 3), "greatest_loss": round(loss.max().item(), 4),
    "sharpness_at_start": [round(x, 4) for x in sharp[0].tolist()],
}))
