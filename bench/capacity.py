"""The outer-product memory of examples/capacity.lua, written plainly in PyTorch.

The largest N with a recall of 0.99 of f(z) = z, by bisection, for unit-norm embeddings of width 16 to
512 and five seeds each: embeddings drawn once for the largest N, at most 2000 inputs asked. The same
as `mnemo examples/capacity.lua --part outer`, which also measures f(z) = z mod 2.
"""

import argparse
import time

import torch


def sphere(n, d, generator):
    rows = torch.randn(n, d, generator=generator)
    return rows / rows.norm(dim=1, keepdim=True)


def recall(U, V, asked):
    W = V.t() @ U
    answers = (U[:asked] @ W.t() @ V.t()).argmax(1)
    return (answers == torch.arange(len(answers))).float().mean().item()


def capacity(d, seed, draws):
    high = int(0.2 * d * d) + 50
    generator = torch.Generator().manual_seed(seed)
    drawn = [(sphere(high, d, generator), sphere(high, d, generator)) for _ in range(draws)]

    def holds(n):
        shares = [recall(U[:n], V[:n], 2000) for U, V in drawn]
        return sum(shares) / len(shares) >= 0.99

    low = 1
    while high - low > max(1, 0.02 * low):
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
    with torch.no_grad():
        for d in [16, 32, 64, 128, 256, 512]:
            begun = time.process_time()
            draws = max(1, 1000 * 20 // (d * d))
            found = [capacity(d, seed, draws) for seed in range(1, options.seeds + 1)]
            took = time.process_time() - begun
            print(f"d = {d}: N = {sum(found) / len(found):.1f}, {took:.2f} s")
    print(f"processor time: {time.process_time() - start:.2f} s")


if __name__ == "__main__":
    main()
