#!/usr/bin/env python3
"""The scans of examples/scaling_laws.lua in PyTorch, by the same formulas: processor seconds.

One thing is done in another order, because it is faster here: the sums over classes that depend on
the width are made at each width, not all in one product.

python3 bench/scaling_laws.py [trials]

Prints the seconds of one thread, and the mean errors of q = p and of the threshold z <= d/8, so
that both can be seen to measure the same. `mnemo --threads 1 bench/experiment.lua scaling_laws
--trials 100` is the other side: it makes the tables as well, and leaves out the figure.
"""

import json
import sys
import time

import torch

torch.set_num_threads(1)
torch.manual_seed(1)
trials = int(sys.argv[1]) if len(sys.argv) > 1 else 100
classes, dim = 5, 1000
widths = [10, 16, 26, 33, 54, 88, 112, 183, 233, 379, 483, 784, 1000]
sizes = [10, 39, 156, 625, 2500, 10000]
thresholds = [2, 8, 32]


def draw_schemes(p):
    """Schemes that are the same for every d, and the ranks of inputs of the others."""
    n = len(p)
    ids = torch.multinomial(p, sizes[-1], replacement=True)
    fixed, ranks = [torch.ones(n), p], [torch.arange(1.0, n + 1)]
    for size in sizes:
        counts = torch.bincount(ids[:size], minlength=n).float()
        seen = (counts > 0).float()
        fixed += [counts, seen]
        rank = (counts + torch.rand(n)).argsort(descending=True).argsort().float() + 1
        ranks.append(torch.where(seen > 0, rank, torch.inf))
    fixed += [(counts >= s).float() for s in thresholds]
    return torch.stack(fixed), torch.stack(ranks)


def trial(p):
    """Errors by width and scheme."""
    n = len(p)
    E, V = torch.randn(n, dim), torch.randn(classes, dim)
    fixed, ranks = draw_schemes(p)
    by_class = E.reshape(n // classes, classes, dim).transpose(0, 1)
    targets = torch.arange(n) % classes

    def class_sums(q, d):
        return q.reshape(len(q), n // classes, classes).permute(2, 0, 1) @ by_class[:, :, :d]

    fixed_sums, errors = class_sums(fixed, dim), []
    schemes = len(fixed) + len(ranks)
    for d in widths:
        sums = torch.cat([fixed_sums[:, :, :d], class_sums((ranks <= d / 8).float(), d)], 1)
        outputs = V[:, :d] / V[:, :d].norm(dim=1, keepdim=True)
        mixed = (outputs @ outputs.T) @ sums.reshape(classes, schemes * d)
        scores = mixed.reshape(classes * schemes, d) @ E[:, :d].T
        right = scores.reshape(classes, schemes, n).argmax(0) == targets
        errors.append(1 - right.float() @ p)
    return torch.stack(errors)


def scan(n):
    p = torch.arange(1.0, n + 1) ** -2
    p /= p.sum()
    return torch.stack([trial(p) for _ in range(trials)]).mean(0)


start = time.process_time()
large = scan(1000)
first = time.process_time() - start
scan(100)
print(json.dumps({
    "bench": "scaling_laws", "torch": torch.__version__, "trials": trials,
    "cpu_s": round(time.process_time() - start, 3), "cpu_s_of_1000": round(first, 3),
    "q_p": [round(x, 4) for x in large[:, 1].tolist()],
    "threshold": [round(x, 4) for x in large[:, 2 + 2 * len(sizes) + len(thresholds)].tolist()],
}))
