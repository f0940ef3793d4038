"""Feature pyramid network (Lin et al. 2017), in PyTorch.

Parameter names are those of the published checkpoints, without the "neck." prefix.
"""
import torch.nn.functional as F
from torch import nn


class PlainConv(nn.Module):
    """A convolution with bias, one level deeper in the parameter names: "conv.weight"."""

    def __init__(self, before, after, kernel):
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, padding=kernel // 2)

    def forward(self, x):
        return self.conv(x)


class FPN(nn.Module):
    """Four backbone maps to P2 ... P6, all of the same number of channels."""

    def __init__(self, dims, channels):
        super().__init__()
        self.lateral_convs = nn.ModuleList(PlainConv(dim, channels, 1) for dim in dims)
        self.fpn_convs = nn.ModuleList(PlainConv(channels, channels, 3) for _ in dims)

    def forward(self, maps):
        laterals = [conv(x) for conv, x in zip(self.lateral_convs, maps)]
        for i in range(len(laterals) - 1, 0, -1):
            size = laterals[i - 1].shape[2:]
            laterals[i - 1] = laterals[i - 1] + F.interpolate(laterals[i], size=size)
        pyramid = [conv(x) for conv, x in zip(self.fpn_convs, laterals)]
        pyramid.append(pyramid[-1][:, :, ::2, ::2])
        return pyramid
