"""UperNet (Xiao et al. 2018) on a ConvNeXt backbone, in PyTorch, inference only.

Parameter names are those of the published checkpoints.
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import preprocess
from convnext import ConvNeXt

BINS = (1, 2, 3, 6)
RATIOS = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)


def resize(x, size):
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


class ConvModule(nn.Module):
    """Convolution without bias, batch norm with running statistics, ReLU."""

    def __init__(self, before, after, kernel):
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(after)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class UPerHead(nn.Module):
    def __init__(self, dims, channels, num_classes):
        super().__init__()
        self.conv_seg = nn.Conv2d(channels, num_classes, 1)
        self.psp_modules = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(bins), ConvModule(dims[3], channels, 1))
            for bins in BINS)
        self.bottleneck = ConvModule(dims[3] + len(BINS) * channels, channels, 3)
        self.lateral_convs = nn.ModuleList(ConvModule(dim, channels, 1) for dim in dims[:3])
        self.fpn_convs = nn.ModuleList(ConvModule(channels, channels, 3) for _ in dims[:3])
        self.fpn_bottleneck = ConvModule(4 * channels, channels, 3)

    def forward(self, maps):
        """Four backbone maps to "psp", "fused" and "logits", the last two at stride 4."""
        size = maps[3].shape[2:]
        pooled = [resize(module(maps[3]), size) for module in self.psp_modules]
        psp = self.bottleneck(torch.cat([maps[3]] + pooled, dim=1))

        laterals = [conv(x) for conv, x in zip(self.lateral_convs, maps)] + [psp]
        for i in range(3, 0, -1):
            size = laterals[i - 1].shape[2:]
            laterals[i - 1] = laterals[i - 1] + resize(laterals[i], size)
        outs = [conv(x) for conv, x in zip(self.fpn_convs, laterals)] + [laterals[3]]
        outs = [outs[0]] + [resize(x, outs[0].shape[2:]) for x in outs[1:]]
        fused = self.fpn_bottleneck(torch.cat(outs, dim=1))
        return {"psp": psp, "fused": fused, "logits": self.conv_seg(fused)}


class AuxiliaryHead(nn.Module):
    """Only for training; its parameters are in the checkpoints."""

    def __init__(self, before, channels, num_classes):
        super().__init__()
        self.conv_seg = nn.Conv2d(channels, num_classes, 1)
        self.convs = nn.ModuleList([ConvModule(before, channels, 3)])


class UPerNet(nn.Module):
    def __init__(self, depths, dims, channels, aux_channels, num_classes):
        super().__init__()
        self.backbone = ConvNeXt(depths, dims)
        self.decode_head = UPerHead(dims, channels, num_classes)
        self.auxiliary_head = AuxiliaryHead(dims[2], aux_channels, num_classes)

    def encode_decode(self, x):
        """Every stage by name; "window" holds the logits at the size of x."""
        out = {"backbone": self.backbone(x)}
        out.update(self.decode_head(out["backbone"]))
        out["window"] = resize(out["logits"], x.shape[2:])
        return out

    def slide(self, x, crop, stride):
        """Mean of the logits of overlapping windows, and what each window gave."""
        h, w = x.shape[2:]
        total, visits, windows = 0, x.new_zeros(1, 1, h, w), []
        for top in starts(h, crop[0], stride[0]):
            for left in starts(w, crop[1], stride[1]):
                part = x[:, :, top:top + crop[0], left:left + crop[1]]
                windows.append(self.encode_decode(part))
                y = windows[-1]["window"]
                right, bottom = w - left - y.shape[3], h - top - y.shape[2]
                total = total + F.pad(y, (left, right, top, bottom))
                visits[:, :, top:top + y.shape[2], left:left + y.shape[3]] += 1
        return total / visits, windows

    @torch.no_grad()
    def forward(self, x, original, crop=None, stride=None):
        """Label one input (1, 3, H, W): whole, or in windows when crop and stride are
        given. "logits" and "probability" have the size of the original image."""
        if crop is None:
            windows = [self.encode_decode(x)]
            logits = windows[0]["window"]
        else:
            logits, windows = self.slide(x, crop, stride)
        logits = resize(logits, original)
        return {"windows": windows, "logits": logits, "probability": logits.softmax(1)}

    def multi_scale(self, image, scale, dtype):
        """Mean probability over six scales, each also mirrored."""
        probabilities, variants = 0, []
        for ratio in RATIOS:
            target = [int(side * ratio) for side in scale]
            size = preprocess.fitted_size(*image.shape[:2], target)
            resized = preprocess.resize(image, *size)
            for mirrored in (False, True):
                pixels = np.ascontiguousarray(resized[:, ::-1]) if mirrored else resized
                x = torch.from_numpy(preprocess.normalise(pixels))[None].to(dtype)
                out = self(x, image.shape[:2])
                p = out["probability"]
                probabilities = probabilities + (p.flip(3) if mirrored else p)
                variants.append({"input": x, **out})
        return probabilities / len(variants), variants


def starts(length, crop, stride):
    """Where the windows along one axis begin; the last one ends with the image."""
    count = max(length - crop + stride - 1, 0) // stride + 1
    return [max(min(i * stride + crop, length) - crop, 0) for i in range(count)]
