"""The golden case roadmap: the steps from ResNet-50 to ConvNeXt-T (Liu et al. 2022, tables
10 and 11), small, as classifiers. One class a kind of block; names are those that
backbone/roadmap.c documents.
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import convnext
from expected import Arrays
from files import write_json, write_safetensors
from images import image
from weights import randomise

DEPTHS = (2, 1, 2, 1)
CLASSES = 7
SIDE = 45  # of the image: no stride divides it
MODEL_SEED, PICTURE_SEED = 1, 3
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def conv(inputs, outputs, k=1, stride=1, groups=1):
    return nn.Conv2d(inputs, outputs, k, stride, k // 2, groups=groups, bias=False)


def shortcut(inputs, outputs, stride, norm):
    return nn.Sequential(conv(inputs, outputs, 1, stride), norm(outputs))


class Bottleneck(nn.Module):
    """Steps 0 to 6: 1 x 1, 3 x 3, 1 x 1."""

    def __init__(self, inputs, hidden, outputs, stride, first, depthwise):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, hidden), nn.BatchNorm2d(hidden)
        self.conv2 = conv(hidden, hidden, 3, stride, hidden if depthwise else 1)
        self.bn2 = nn.BatchNorm2d(hidden)
        self.conv3, self.bn3 = conv(hidden, outputs), nn.BatchNorm2d(outputs)
        if first and (stride > 1 or inputs != outputs):
            self.downsample = shortcut(inputs, outputs, stride, nn.BatchNorm2d)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (self.downsample(x) if hasattr(self, "downsample") else x))


class MovedUp(nn.Module):
    """Steps 7 to 9: k x k, 1 x 1, 1 x 1, each with a norm and an activation."""

    def __init__(self, inputs, outputs, stride, k, activation):
        super().__init__()
        hidden = 4 * outputs
        self.conv1, self.bn1 = conv(inputs, inputs, k, stride, inputs), nn.BatchNorm2d(inputs)
        self.conv2, self.bn2 = conv(inputs, hidden), nn.BatchNorm2d(hidden)
        self.conv3, self.bn3 = conv(hidden, outputs), nn.BatchNorm2d(outputs)
        if stride > 1:
            self.downsample = shortcut(inputs, outputs, stride, nn.BatchNorm2d)
        self.activation = activation

    def forward(self, x):
        y = self.activation(self.bn1(self.conv1(x)))
        y = self.activation(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.activation(
            y + (self.downsample(x) if hasattr(self, "downsample") else x))


class OneActivation(nn.Module):
    """Step 10: of step 9's activations the one between the 1 x 1 convolutions stays."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        hidden = 4 * outputs
        self.conv1, self.bn1 = conv(inputs, inputs, 7, stride, inputs), nn.BatchNorm2d(inputs)
        self.conv2, self.bn2 = conv(inputs, hidden), nn.BatchNorm2d(hidden)
        self.conv3, self.bn3 = conv(hidden, outputs), nn.BatchNorm2d(outputs)
        if stride > 1:
            self.downsample = shortcut(inputs, outputs, stride, nn.BatchNorm2d)

    def forward(self, x):
        y = F.gelu(self.bn2(self.conv2(self.bn1(self.conv1(x)))))
        y = self.bn3(self.conv3(y))
        return y + (self.downsample(x) if hasattr(self, "downsample") else x)


class OneNorm(nn.Module):
    """Steps 11 and 12: a norm after the depthwise convolution only."""

    def __init__(self, inputs, outputs, stride, norm, name):
        super().__init__()
        self.conv1 = conv(inputs, inputs, 7, stride, inputs)
        self.add_module(name, norm(inputs))
        self.conv2, self.conv3 = conv(inputs, 4 * outputs), conv(4 * outputs, outputs)
        if stride > 1:
            self.downsample = shortcut(inputs, outputs, stride, norm)
        self.name = name

    def forward(self, x):
        y = getattr(self, self.name)(self.conv1(x))
        y = self.conv3(F.gelu(self.conv2(y)))
        return y + (self.downsample(x) if hasattr(self, "downsample") else x)


class Network(nn.Module):
    """Stem, four stages, mean, linear layer. `block(inputs, stage, stride, first)`."""

    def __init__(self, width, outputs, block, patchify, norm=nn.BatchNorm2d, name="bn1",
                 last="head"):
        super().__init__()
        self.conv1 = (nn.Conv2d(3, width, 4, 4, bias=False) if patchify
                      else conv(3, width, 7, 2))
        self.add_module(name, norm(width))
        inputs = width
        for s in range(4):
            blocks = []
            for i in range(DEPTHS[s]):
                blocks.append(block(inputs, s, 2 if s and not i else 1, i == 0))
                inputs = outputs << s
            self.add_module(f"layer{s + 1}", nn.Sequential(*blocks))
        self.add_module(last, nn.Linear(inputs, CLASSES))
        self.patchify, self.name, self.last = patchify, name, last

    def forward(self, x):
        x = getattr(self, self.name)(self.conv1(x))
        if not self.patchify:
            x = F.max_pool2d(F.relu(x), 3, 2, 1)
        maps = []
        for s in range(4):
            x = getattr(self, f"layer{s + 1}")(x)
            maps.append(x)
        return maps, getattr(self, self.last)(x.mean((2, 3)))


class ConvNeXt(convnext.ConvNeXt):
    """Step 13: separate downsampling, as a classifier; maps as they go on."""

    def __init__(self, width):
        dims = [width << s for s in range(4)]
        super().__init__(DEPTHS, dims)
        for s in range(4):
            delattr(self, f"norm{s}")
        self.norm = nn.LayerNorm(dims[3], eps=convnext.EPS)
        self.head = nn.Linear(dims[3], CLASSES)

    def forward(self, x):
        maps = []
        for downsample, stage in zip(self.downsample_layers, self.stages):
            x = stage(downsample(x))
            maps.append(x)
        return maps, self.head(self.norm(x.mean((2, 3))))


def wide_ends(patchify, depthwise, last="head"):
    """Steps 0 to 5, whose widths are alike here."""
    m = 2

    def block(inputs, s, stride, first):
        return Bottleneck(inputs, m << s, 4 * m << s, stride, first, depthwise)

    return Network(m, 4 * m, block, patchify, last=last)


def inverted():
    m = 3

    def block(inputs, s, stride, first):
        return Bottleneck(inputs, 4 * m << s, m << s, stride, first, True)

    return Network(m, m, block, True)


def moved_up(k, activation):
    m = 3

    def block(inputs, s, stride, _first):
        return MovedUp(inputs, m << s, stride, k, activation)

    return Network(m, m, block, True)


def one_activation():
    m = 3

    def block(inputs, s, stride, _first):
        return OneActivation(inputs, m << s, stride)

    return Network(m, m, block, True)


def one_norm(norm, name):
    m = 3

    def block(inputs, s, stride, _first):
        return OneNorm(inputs, m << s, stride, norm, name)

    return Network(m, m, block, True, norm, name)


# Steps 1 and 2 are step 0, and step 5 is step 4, in other sizes. Step 0 has the names of
# torchvision's ResNet to the last, the others those of ConvNeXt's head.
STEPS = {
    "step00": lambda: wide_ends(False, False, "fc"),
    "step03": lambda: wide_ends(True, False),
    "step04": lambda: wide_ends(True, True),
    "step06": inverted,
    "step07": lambda: moved_up(3, F.relu),
    "step08_kernel5": lambda: moved_up(5, F.relu),
    "step08_kernel7": lambda: moved_up(7, F.relu),
    "step08_kernel9": lambda: moved_up(9, F.relu),
    "step08_kernel11": lambda: moved_up(11, F.relu),
    "step09": lambda: moved_up(7, F.gelu),
    "step10": one_activation,
    "step11": lambda: one_norm(nn.BatchNorm2d, "bn1"),
    "step12": lambda: one_norm(convnext.ChannelNorm, "ln1"),
    "step13": lambda: ConvNeXt(3),
}


def network_input(image):
    rgb = torch.from_numpy(np.ascontiguousarray(image[:, :, ::-1])).permute(2, 0, 1)
    mean, std = (torch.tensor(v)[:, None, None] for v in (MEAN, STD))
    return ((rgb.float() / 255 - mean) / std)[None]


@torch.no_grad()
def arrays(model, x):
    (maps32, logits32), (maps64, logits64) = model(x), model.double()(x.double())
    model.float()
    result = Arrays()
    for s in range(4):
        result.put(f"stage{s + 1}", maps32[s], maps64[s])
    result.put("logits", logits32[:, :, None, None], logits64[:, :, None, None])
    return result


def write(folder):
    """Write the case; returns what the manifest says about it."""
    write_json(folder / "classes.json", {"name": "tiny", "count": CLASSES})
    image = image(PICTURE_SEED, SIDE, SIDE)
    write_safetensors(folder / "image.safetensors", {"bgr": image})
    about = {"model_seed": MODEL_SEED, "image_seed": PICTURE_SEED, "noise": {}}
    for name, build in STEPS.items():
        model = build().eval()
        randomise(model, MODEL_SEED)
        expected = arrays(model, network_input(image))
        write_safetensors(folder / f"{name}.safetensors", model.state_dict())
        write_safetensors(folder / f"{name}_maps.safetensors", expected)
        about["noise"][name] = expected.noise()
    return about
