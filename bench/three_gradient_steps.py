#!/usr/bin/env python3
"""The three gradient steps of bench/three_gradient_steps.lua in PyTorch, plainly written.

Processor seconds of three steps and of the recall and accuracy after them, on one thread:

python3 bench/three_gradient_steps.py [SEQUENCES]
"""

import json
import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
N, T, K, PART = 32, 64, 5, 512


def sequences(count, seed):
    """Tokens [count, T + 1] and which occurrence of a trigger each of the first T is, from 1."""
    draw = torch.Generator().manual_seed(seed)
    triggers = torch.rand(count, N, generator=draw).argsort(1)[:, :K]
    after = torch.full((count, N), -1)
    after.scatter_(1, triggers, torch.randint(N, (count, K), generator=draw))
    z = torch.randint(N, (count, T + 1), generator=draw)
    for t in range(T):
        output = after.gather(1, z[:, t : t + 1])[:, 0]
        z[:, t + 1] = torch.where(output >= 0, output, z[:, t + 1])
    is_trigger = after.gather(1, z[:, :T]) >= 0
    seen = F.one_hot(z[:, :T], N).cumsum(1).gather(2, z[:, :T, None])[..., 0]
    return z, seen * is_trigger


class Model:
    def __init__(self, cross_talk):
        self.cross_talk = cross_talk
        copied = N + T if cross_talk else N
        unit = torch.eye(N + T + copied + N)
        self.E, self.P, self.U = unit[:N], unit[N : N + T], unit[N + T + copied :]
        self.copy = torch.zeros_like(unit)
        self.copy[N + T : N + T + copied] = unit[:copied]
        self.wk0, self.wk1, self.wo1 = (torch.zeros_like(unit) for _ in range(3))
        self.mask = torch.ones(T, T).tril() == 0

    def attend(self, queries, keys, values):
        scores = (queries @ keys.mT).masked_fill(self.mask, -torch.inf)
        return scores.softmax(-1) @ values

    def logits(self, z):
        e = self.E[z]
        x = e + self.P
        read, positions = (x, x) if self.cross_talk else (e, self.P.expand_as(e))
        copied = self.attend(positions, positions @ self.wk0.T, read) @ self.copy.T
        if self.cross_talk:
            x = x + copied
            return (x + self.attend(x, x @ self.wk1.T, x) @ self.wo1.T) @ self.U.T
        return self.attend(e, copied @ self.wk1.T, e) @ self.wo1.T @ self.U.T


def step(model, name, size, count, seed):
    weight = getattr(model, name).requires_grad_()
    z, occurrence = sequences(count, seed)
    places = occurrence == 2
    for part in range(0, count, PART):
        own = places[part : part + PART]
        logits = model.logits(z[part : part + PART, :T])[own]
        loss = F.cross_entropy(logits, z[part : part + PART, 1:][own], reduction="sum")
        (loss / places.sum()).backward()
    setattr(model, name, weight.detach() - size * weight.grad)


def recall(matrix, inputs, outputs):
    answers = (inputs @ matrix.T @ outputs.T).argmax(1)
    return (answers == torch.arange(len(inputs))).float().mean().item()


def run(cross_talk, sizes, count):
    model = Model(cross_talk)
    for i, name in enumerate(("wo1", "wk1", "wk0")):
        step(model, name, sizes[i], count, i)
    with torch.no_grad():
        z, occurrence = sequences(512, 99)
        hits = (model.logits(z[:, :T]).argmax(-1) == z[:, 1:])[occurrence >= 2]
        return {
            "wo1": recall(model.wo1, model.E, model.U),
            "wk1": recall(model.wk1.T, model.E, model.E @ model.copy.T),
            "wk0": recall(model.wk0.T, model.P[1:], model.P[:-1]),
            "accuracy": hits.float().mean().item(),
        }


count = int(sys.argv[1]) if len(sys.argv) > 1 else 8192
for cross_talk, sizes in ((True, (320, 2e4, 200)), (False, (320, 4e5, 2e6))):
    least, found = float("inf"), None
    for _ in range(2):
        start = time.process_time()
        found = run(cross_talk, sizes, count)
        least = min(least, time.process_time() - start)
    line = {"bench": "three_gradient_steps", "cross_talk": cross_talk, "sequences": count}
    print(json.dumps(line | {"cpu_s": round(least, 3)} | found), flush=True)
