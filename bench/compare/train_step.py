"""Times of a training step of ConvNeXt-T in PyTorch, as bench/train_step has them of ours.

usage: train_step.py [THREADS [BATCH [SIDE [RUNS]]]]

The network is upstream's, in a few lines. For memory that the allocator keeps, as ours does,
set MALLOC_TRIM_THRESHOLD_ and MALLOC_MMAP_THRESHOLD_ to a large number; for one thread also
OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1.
"""
import resource
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class ChannelNorm(nn.Module):
    """A layer norm over the channels of (N, C, H, W)."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).pow(2).mean(1, keepdim=True)
        x = (x - mean) / torch.sqrt(variance + 1e-6)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.ones(channels))

    def forward(self, x):
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        y = self.gamma * self.pwconv2(F.gelu(self.pwconv1(y)))
        return x + y.permute(0, 3, 1, 2)


class Pool(nn.Module):
    def forward(self, x):
        return x.mean([2, 3])


def convnext_tiny():
    dims, depths, layers = (96, 192, 384, 768), (3, 3, 9, 3), []
    for stage, (channels, depth) in enumerate(zip(dims, depths)):
        if stage == 0:
            layers += [nn.Conv2d(3, channels, 4, 4), ChannelNorm(channels)]
        else:
            before = dims[stage - 1]
            layers += [ChannelNorm(before), nn.Conv2d(before, channels, 2, 2)]
        layers += [Block(channels) for _ in range(depth)]
    return nn.Sequential(*layers, Pool(), nn.LayerNorm(768, eps=1e-6), nn.Linear(768, 1000))


def now():
    return time.perf_counter(), time.process_time()


def main():
    given = [int(x) for x in sys.argv[1:]]
    threads, batch, side, runs = given + [1, 8, 224, 5][len(given):]
    torch.set_num_threads(threads)
    network = convnext_tiny()
    images, gradient = torch.randn(batch, 3, side, side), torch.randn(batch, 1000)
    passes = {"forward": [], "backward": []}
    for i in range(runs + 1):
        network.zero_grad()
        t0 = now()
        logits = network(images)
        t1 = now()
        logits.backward(gradient)
        t2 = now()
        if i > 0:
            passes["forward"].append((t1[1] - t0[1], t1[0] - t0[0]))
            passes["backward"].append((t2[1] - t1[1], t2[0] - t1[0]))
    print(f"PyTorch {torch.__version__}, ConvNeXt-T, {batch} x {side}x{side}, {threads} threads")
    for name, list_of in passes.items():
        wall = statistics.median(x[1] for x in list_of)
        print(f"{name:10} {1e3 * wall:10.1f} {1e3 * statistics.median(x[0] for x in list_of):10.1f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"MB: the process at most {peak}")


main()
