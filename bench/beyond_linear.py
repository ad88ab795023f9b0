"""The memories of examples/beyond_linear.lua, written plainly in PyTorch.

The largest N that each holds at d = 4, 6, ..., 16, up to 65536 pairs, by bisection over five seeds, and
recall under noise on the query at d = 16, N = 65536: 300 inputs are asked of each seed. The same as
`mnemo examples/beyond_linear.lua`, which also trains an MLP.
"""

import argparse
import time

import torch

COUNT, ASKED = 65536, 300


def sphere(n, d, generator):
    rows = torch.randn(n, d, generator=generator)
    return rows / rows.norm(dim=1, keepdim=True)


def linear(x, U, V):
    return x @ (U.t() @ V)


def nearest(x, U, V):
    return x


def attention(beta):
    return lambda x, U, V: (beta * x @ U.t()).softmax(1) @ V


def threshold(b):
    return lambda x, U, V: (x @ U.t() - b).relu() @ V


MEMORIES = {
    "linear": linear,
    "attention 10": attention(10),
    "attention 40": attention(40),
    "threshold 0.5": threshold(0.5),
    "threshold 0.9": threshold(0.9),
}


def recall(answer, U, V, x, own=False):
    """Inputs in blocks of 16, so that no matrix of all scores is made."""
    right = 0
    for first in range(0, len(x), 16):
        scores = answer(x[first : first + 16], U, V) @ (U if own else V).t()
        right += (scores.argmax(1) == torch.arange(first, first + len(scores))).sum().item()
    return right / len(x)


def capacity(answer, U, V):
    def holds(n):
        sets = max(1, min(ASKED // n, COUNT // n))
        parts = [slice(i * n, (i + 1) * n) for i in range(sets)]
        return sum(recall(answer, U[p], V[p], U[p][:ASKED]) for p in parts) / sets >= 0.99

    if holds(COUNT):
        return COUNT
    low, high = 1, COUNT
    while high - low > max(1, 0.03 * low):
        middle = (low + high) // 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    start = time.process_time()
    full = set()
    with torch.no_grad():
        for d in [4, 6, 8, 10, 12, 14, 16]:
            drawn = []
            for seed in range(1, options.seeds + 1):
                generator = torch.Generator().manual_seed(seed)
                drawn.append((sphere(COUNT, d, generator), sphere(COUNT, d, generator), generator))
            for name, answer in MEMORIES.items():
                if name in full:
                    continue
                found = [capacity(answer, U, V) for U, V, _ in drawn]
                print(f"d = {d}, {name}: N = {sum(found) / len(found):.1f}")
                if sum(found) / len(found) >= 0.95 * COUNT:
                    full.add(name)
        noisy = [("nearest", nearest), ("attention 40", attention(40)), ("threshold 0.9", threshold(0.9))]
        for name, answer in noisy:
            shares = []
            for noise in [0, 0.25, 0.5, 0.75, 1]:
                share = 0
                for U, V, generator in drawn:
                    x = U[:ASKED] + noise * sphere(ASKED, d, generator)
                    x = x / x.norm(dim=1, keepdim=True)
                    share += recall(answer, U, V, x, own=name == "nearest") / len(drawn)
                shares.append(f"{share:.3f}")
            print(f"noise, {name}: {' '.join(shares)}")
    print(f"processor time: {time.process_time() - start:.2f} s")


if __name__ == "__main__":
    main()
