"""Trains the two small models that ship: Mask R-CNN and UperNet on the drawn town.

One backbone learns both tasks at once, then the segmentor goes on alone with its copy. Usage:

    build/release/tools/toytown town --count 6000 --seed 1
    /usr/bin/python3 tools/train/train.py town configs/toytown

About half an hour on two processors. The weights are a running mean over the last steps.
"""
import argparse
import ctypes
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "golden"))

from files import read_safetensors, write_safetensors  # noqa: E402
from mask_rcnn import MaskRCNN  # noqa: E402
from upernet import UPerHead  # noqa: E402

from losses import DetectionLoss, cosine, segmentation_loss  # noqa: E402
from town import Town  # noqa: E402

DEPTHS, DIMS = (2, 2, 4, 1), (32, 64, 128, 256)
CHANNELS, FC_CHANNELS, MASK_CHANNELS, SEGMENT_CHANNELS = 64, 128, 32, 32
THINGS, CLASSES = 10, 16
BATCH, RATE, DECAY, WARM, CLIP = 8, 1.5e-3, 0.05, 100, 5.0
MEAN_DECAY = 0.995
SEGMENT_RATE, RARE = 7e-4, 0.25  # classes weigh by their pixels to the power of -RARE


M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of malloc.h


def keep_memory():
    """Let malloc keep what is freed: giving large tensors back to the system and touching
    them anew takes longer than computing them."""
    libc = ctypes.CDLL(None)
    libc.mallopt(M_MMAP_MAX, 0)
    libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


class Both(nn.Module):
    """Mask R-CNN, and UperNet's head on the same backbone."""

    def __init__(self):
        super().__init__()
        self.detector = MaskRCNN(DEPTHS, DIMS, CHANNELS, FC_CHANNELS, MASK_CHANNELS, THINGS)
        self.decode_head = UPerHead(DIMS, SEGMENT_CHANNELS, CLASSES)
        for name, value in self.named_parameters():
            self.start(name, value)

    @torch.no_grad()
    def start(self, name, value):
        if name.endswith("gamma"):
            value.fill_(0.3)
        elif name.endswith("bias") and "norm" not in name:
            value.zero_()
        elif value.dim() < 2:
            return
        elif any(part in name for part in ("rpn_cls", "rpn_reg", "fc_cls", "conv_seg")):
            value.normal_(0, 0.01)
        elif "fc_reg" in name:
            value.normal_(0, 0.001)
        elif "backbone" in name:
            nn.init.trunc_normal_(value, std=(1 / value[0].numel()) ** 0.5)
        else:
            nn.init.kaiming_normal_(value, nonlinearity="relu")


def parameter_groups(parameters):
    """Weight decay for matrices only."""
    matrices = [p for p in parameters if p.dim() > 1]
    vectors = [p for p in parameters if p.dim() <= 1]
    return [{"params": matrices, "weight_decay": DECAY},
            {"params": vectors, "weight_decay": 0.0}]


class Mean:
    """A running mean of all parameters and buffers."""

    def __init__(self, model):
        self.values = {k: v.clone() for k, v in model.state_dict().items()}

    def update(self, model, step):
        keep = min(MEAN_DECAY, (1 + step) / (10 + step))
        for name, value in model.state_dict().items():
            if value.dtype.is_floating_point:
                self.values[name].lerp_(value, 1 - keep)


SAVED = ("mask_rcnn_convnext_toytown", "upernet_convnext_toytown")


def save(values, folder, names):
    """The checkpoints of these names, float16."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {k: np.asarray(v.to(torch.float16)) for k, v in values.items()
               if v.dtype.is_floating_point}
    detector = {k[len("detector."):]: v for k, v in tensors.items()
                if k.startswith("detector.")}
    segmentor = {k: v for k, v in detector.items() if k.startswith("backbone.")}
    segmentor.update({k: v for k, v in tensors.items() if k.startswith("decode_head.")})
    for name, kept in zip(SAVED, (detector, segmentor)):
        if name in names:
            write_safetensors(folder / f"{name}.safetensors", kept)


def load(model, folder):
    """The checkpoints of `save` again."""
    detector, segmentor = (read_safetensors(folder / f"{name}.safetensors") for name in SAVED)
    values = {"detector." + k: v for k, v in detector.items()}
    values.update({k: v for k, v in segmentor.items() if k.startswith("decode_head.")})
    missing = model.load_state_dict({k: v.float() for k, v in values.items()}, strict=False)
    assert all(name.endswith("num_batches_tracked") for name in missing.missing_keys)


class Log:
    """Prints the means of the losses every few steps."""

    def __init__(self, every):
        self.every, self.sums, self.started = every, {}, time.time()

    def add(self, step, losses):
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0) + value.item()
        if (step + 1) % self.every == 0:
            means = (f"{k} {v / self.every:.3f}" for k, v in self.sums.items())
            print(f"step {step + 1}, {time.time() - self.started:.0f} s: " + ", ".join(means),
                  flush=True)
            self.sums = {}


def batches(town, steps, seed):
    """Images in a new order each time round, half of them mirrored."""
    draw, order = torch.Generator().manual_seed(seed), []
    for _ in range(steps):
        if len(order) < BATCH:
            order = torch.randperm(len(town), generator=draw).tolist()
        rows, order = order[:BATCH], order[BATCH:]
        mirrored = (torch.rand(BATCH, generator=draw) < 0.5).tolist()
        images, labels, things = town.batch(rows, mirrored)
        yield images.contiguous(memory_format=torch.channels_last), labels, things


def descend(model, parts, losses_of, data, steps, rate, every):
    """Minimise the sum of losses_of(step, batch) over `parts`. Returns the running mean."""
    parameters = [p for part in parts for p in part.parameters()]
    optimizer = torch.optim.AdamW(parameter_groups(parameters), lr=rate)
    mean, log = Mean(model), Log(every)
    for step, batch in enumerate(data):
        for group in optimizer.param_groups:
            group["lr"] = rate * cosine(step, steps, WARM)
        losses = losses_of(step, batch)
        optimizer.zero_grad()
        sum(losses.values()).backward()
        nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()
        mean.update(model, step)
        log.add(step, losses)
    return mean.values


def train_both(args, town, model):
    """Detector and segmentor on one backbone."""
    detection = DetectionLoss(model.detector, args.seed)

    def losses_of(step, batch):
        images, labels, things = batch
        maps = model.detector.backbone(images)
        losses = detection(maps, things, images.shape[2:])
        logits = model.decode_head(maps)["logits"]
        losses["segment"] = segmentation_loss(logits, labels, step % 2)
        return losses

    data = batches(town, args.steps, args.seed)
    return descend(model, [model], losses_of, data, args.steps, RATE, args.every)


def train_segmentor(args, town, model):
    """The segmentor on, with a backbone of its own, and with an eye on rare classes."""
    weight = town.label_counts(CLASSES).pow(-RARE)
    weight /= weight.mean()

    def losses_of(step, batch):
        images, labels, _ = batch
        logits = model.decode_head(model.detector.backbone(images))["logits"]
        return {"segment": segmentation_loss(logits, labels, step % 2, weight)}

    data = batches(town, args.segment_steps, args.seed + 1)
    return descend(model, [model.detector.backbone, model.decode_head], losses_of, data,
                   args.segment_steps, SEGMENT_RATE, args.every)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("town", type=Path, help="a folder that tools/toytown wrote")
    parser.add_argument("out", type=Path, help="folder of the two checkpoints")
    parser.add_argument("--steps", type=int, default=1100,
                        help="of eight images, for both; 0: go on from the checkpoints")
    parser.add_argument("--segment-steps", type=int, default=600,
                        help="for the segmentor alone")
    parser.add_argument("--every", type=int, default=50, help="steps between lines of the log")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    keep_memory()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    town, model = Town(args.town), Both().to(memory_format=torch.channels_last)
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {len(town)} images",
          flush=True)
    if args.steps > 0:
        save(train_both(args, town, model), args.out, SAVED)
    load(model, args.out)
    save(train_segmentor(args, town, model), args.out, SAVED[1:])


if __name__ == "__main__":
    main()
