"""The golden case ops: one file an operator, each with several cases "0", "1", ...

What is a sum of terms a * b has "N.y", the float64 result, and "N.y.magnitude", the same
sum over absolute values: a float32 result in any order of summation is within
(terms + 1) * 2^-23 * magnitude. Other floats have "N.y" and "N.y.noise" (expected.py).
The rest (kept lists, levels, bytes, masks) is exact. Layouts are PyTorch's.
"""
import numpy as np
import torch
import torch.nn.functional as F
from torchvision.ops import roi_align

import boxes as bx
import preprocess
import rle
from expected import Arrays
from files import write_safetensors
from paste import paste_all
from images import image
from seeds import Unfit, first_fit


def normal(rng, *shape):
    return torch.from_numpy(rng.standard_normal(shape).astype(np.float32))


def sum_of_products(out, case, op, x, weight, bias):
    """op(x, weight, bias) in float64, and over absolute values."""
    out[f"{case}.x"], out[f"{case}.weight"], out[f"{case}.bias"] = x, weight, bias
    double = [t.double() for t in (x, weight, bias)]
    out[f"{case}.y"] = op(*double)
    out[f"{case}.y.magnitude"] = op(*[t.abs() for t in double]).float()


def convolutions(rng, shapes, kernel, **options):
    """Cases of (C in, C out, H, W)."""
    out = Arrays()
    op = lambda x, w, b: F.conv2d(x, w, b, **options)
    for case, (before, after, h, w) in enumerate(shapes):
        inner = 1 if "groups" in options else before
        sum_of_products(out, case, op, normal(rng, 1, before, h, w),
                        normal(rng, after, inner, kernel, kernel), normal(rng, after))
    return out


def conv3x3(rng):
    shapes = ((3, 4, 1, 1), (1, 1, 2, 3), (5, 7, 6, 9), (12, 20, 8, 8), (20, 12, 3, 17))
    return convolutions(rng, shapes, 3, padding=1)


def conv1x1(rng):
    shapes = ((3, 5, 1, 1), (16, 16, 4, 4), (40, 7, 3, 5), (9, 33, 7, 2))
    return convolutions(rng, shapes, 1)


def conv4x4_stride4(rng):
    shapes = ((3, 8, 4, 4), (3, 12, 8, 12), (3, 16, 15, 22))
    return convolutions(rng, shapes, 4, stride=4)


def conv2x2_stride2(rng):
    shapes = ((4, 6, 2, 2), (8, 16, 6, 8), (12, 9, 7, 11), (16, 24, 3, 2))
    return convolutions(rng, shapes, 2, stride=2)


def dwconv7x7(rng):
    out = Arrays()
    for case, (c, h, w) in enumerate(((1, 1, 1), (3, 2, 9), (8, 7, 7), (20, 5, 13))):
        op = lambda x, weight, b: F.conv2d(x, weight, b, padding=3, groups=x.shape[1])
        sum_of_products(out, case, op, normal(rng, 1, c, h, w), normal(rng, c, 1, 7, 7),
                        normal(rng, c))
    return out


def deconv2x2_stride2(rng):
    out = Arrays()
    op = lambda x, weight, b: F.conv_transpose2d(x, weight, b, stride=2)
    shapes = ((1, 1, 1, 1), (5, 3, 2, 4), (16, 12, 7, 5))
    for case, (before, after, h, w) in enumerate(shapes):
        sum_of_products(out, case, op, normal(rng, 1, before, h, w),
                        normal(rng, before, after, 2, 2), normal(rng, after))
    return out


def linear(rng):
    out = Arrays()
    shapes = ((1, 1, 1), (3, 17, 5), (9, 64, 33), (2, 300, 20))
    for case, (n, before, after) in enumerate(shapes):
        sum_of_products(out, case, F.linear, normal(rng, n, before),
                        normal(rng, after, before), normal(rng, after))
    return out


def both(out, name, op, *inputs):
    """op on float32 and on float64 inputs."""
    out.put(name, op(*inputs), op(*[t.double() for t in inputs]))


def layer_norm(rng):
    """Rows of C: usual, far from zero, nearly constant, constant. A row of little spread
    magnifies the rounding of its mean, so its magnitude is 2 max|x| |weight| / deviation
    + |bias|, of 2 C + 8 terms."""
    out = Arrays()
    for case, c in enumerate((1, 3, 8, 40)):
        x = normal(rng, 12, c) * 3
        x[3:6] += 100
        x[6:9] = x[6:9] * 1e-3 + 2
        x[9:12] = x[9:12, :1]
        weight, bias = normal(rng, c), normal(rng, c)
        out.update({f"{case}.x": x, f"{case}.weight": weight, f"{case}.bias": bias})
        x, weight, bias = x.double(), weight.double(), bias.double()
        out[f"{case}.y"] = F.layer_norm(x, (c,), weight, bias, 1e-6)
        deviation = torch.sqrt(x.var(1, unbiased=False, keepdim=True) + 1e-6)
        largest = x.abs().amax(1, keepdim=True)
        magnitude = 2 * largest * weight.abs() / deviation + bias.abs()
        out[f"{case}.y.magnitude"] = magnitude.float()
    return out


def gelu(_):
    x = torch.cat([torch.arange(-12 * 128, 12 * 128 + 1) / 128,
                   torch.tensor([-0.0, 1e-30, -1e-30, 1e-6, -1e-6, 50.0, -50.0, 3e38, -3e38])])
    return {"0.x": x, "0.y": F.gelu(x.double())}


def roi_windows(rng):
    """Boxes inside, across the border, outside, tiny, empty and huge."""
    boxes = [[4, 6, 60, 50], [0, 0, 96, 80], [-30, -20, 40, 30], [70, 60, 140, 130],
             [200, 10, 260, 50], [-90, -90, -20, -20], [33, 21, 33.4, 21.3],
             [12, 12, 12, 40], [12, 40, 60, 40], [20, 20, 20, 20], [-500, -400, 700, 600],
             [0.3, 0.7, 95.6, 2.1]]
    corner = rng.uniform(-5, 70, (8, 2))
    boxes += np.concatenate([corner, corner + rng.uniform(1, 60, (8, 2))], axis=1).tolist()
    boxes, x = torch.tensor(boxes, dtype=torch.float32), normal(rng, 1, 2, 20, 24)
    out = Arrays({"0.x": x, "0.boxes": boxes, "1.x": x, "1.boxes": boxes})
    for case, side in enumerate((7, 14)):
        op = lambda x, b: roi_align(x, [b], side, spatial_scale=0.25, sampling_ratio=0,
                                    aligned=True)
        both(out, f"{case}.y", op, x, boxes)
    return out


def bilinear(rng):
    """The size of y says to what x is resized."""
    out = Arrays()
    sizes = (((1, 1), (3, 4)), ((2, 3), (4, 6)), ((5, 7), (11, 9)), ((9, 12), (4, 5)),
             ((8, 6), (8, 6)), ((3, 16), (24, 7)))
    for case, (before, after) in enumerate(sizes):
        x = out[f"{case}.x"] = normal(rng, 1, 3, *before)
        op = lambda x: F.interpolate(x, size=after, mode="bilinear", align_corners=False)
        both(out, f"{case}.y", op, x)
    return out


def adaptive_avg_pool(rng):
    out = Arrays()
    shapes = ((1, 1, 1), (1, 2, 6), (5, 7, 2), (5, 7, 3), (16, 17, 6))
    for case, (h, w, bins) in enumerate(shapes):
        x = out[f"{case}.x"] = normal(rng, 1, 4, h, w)
        both(out, f"{case}.y", lambda x: F.adaptive_avg_pool2d(x, bins), x)
    return out


def image_resize(_):
    """8-bit pixels; the size of y says to what x is resized."""
    out = {}
    sizes = (((7, 9), (13, 20)), ((30, 22), (11, 9)), ((16, 12), (8, 6)), ((1, 1), (5, 3)),
             ((1, 17), (4, 40)), ((17, 1), (5, 3)), ((6, 6), (6, 6)), ((12, 10), (6, 11)),
             ((8, 6), (4, 6)), ((5, 8), (1, 1)))
    for case, (before, after) in enumerate(sizes):
        x = out[f"{case}.x"] = image(case, *before)
        out[f"{case}.y"] = preprocess.resize(x, *after)
    return out


def fitted_size(_):
    """Rows h, w, long side, short side, and the h and w that are fitted into them."""
    rows = []
    for scale in ((1333, 800), (2048, 512), (2560, 640), (128, 96)):
        for h, w in ((480, 640), (640, 480), (427, 640), (500, 333), (1, 1), (1, 3),
                     (37, 50), (2000, 100), (800, 1333), (333, 800), (1201, 797),
                     (612, 612), (4000, 3001)):
            rows.append([h, w, *scale, *preprocess.fitted_size(h, w, scale)])
    return {"0.rows": np.array(rows, dtype=np.int32)}


def normalise(_):
    """What each 8-bit value of each channel, red, green, blue, becomes."""
    grey = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    return {"0.y": preprocess.normalise(grey)[:, 0]}


def anchors(_):
    out = {}
    grids = ((2, 3, 4), (1, 2, 8), (3, 1, 16), (1, 1, 32), (2, 2, 64))
    for case, (h, w, stride) in enumerate(grids):
        out[f"{case}.grid"] = np.array([h, w, stride], dtype=np.int32)
        out[f"{case}.y"] = bx.anchors(h, w, stride)
    return out


def random_boxes(rng, n, size):
    centre, extent = rng.uniform(0, size, (n, 2)), rng.uniform(2, size / 3, (n, 2))
    rows = np.concatenate([centre - extent / 2, centre + extent / 2], axis=1)
    return rows.clip(0, size).astype(np.float32)


def decode(rng):
    """Three deltas a box, clipped to 90 x 120; the first are extreme."""
    boxes = torch.from_numpy(random_boxes(rng, 40, 120))
    deltas = normal(rng, 40, 12)
    deltas[:6] *= 30
    out = Arrays()
    all_stds = ((1, 1, 1, 1), (.1, .1, .2, .2), (.033, .033, .067, .067))
    for case, stds in enumerate(all_stds):
        stds = torch.tensor(stds, dtype=torch.float32)
        out[f"{case}.boxes"], out[f"{case}.deltas"], out[f"{case}.stds"] = boxes, deltas, stds
        op = lambda b, d: bx.decode(b, d, stds.tolist(), (90, 120))
        both(out, f"{case}.y", op, boxes, deltas)
    return out


def level_of_box(_):
    """Sides around the borders between levels, no area, one side only, huge."""
    sides = [0, 1, 55.9, 56, 111.9, 111.9999, 112, 112.1, 223.9, 223.9999, 224, 447.9,
             447.9999, 448, 449, 895, 896, 5000]
    rows = [[10, 20, 10 + s, 20 + s] for s in sides]
    rows += [[0, 0, 300, 0], [0, 0, 600, 80], [5.25, 3.5, 700.75, 40.125]]
    boxes = torch.tensor(rows, dtype=torch.float32)
    return {"0.boxes": boxes, "0.levels": bx.levels(boxes).int()}


def batched_nms(rng):
    """Random boxes; many equal scores; overlaps of exactly the threshold; copies; one
    id; none."""
    n = 200
    loose, coarse = random_boxes(rng, n, 100), np.round(random_boxes(rng, n, 40))
    scores, ties = rng.random(n), rng.integers(1, 6, n) / 8
    ids, one = rng.integers(0, 4, n), np.zeros(n)
    exact = [[0, 0, 4, 4], [0, 0, 4, 2], [0, 0, 2, 4], [0, 0, 4, 3], [10, 0, 12, 1],
             [11, 0, 13, 1], [0, 0, 4, 4], [0, 0, 4, 4]]
    cases = ((loose, scores, ids, 0.7), (loose, scores, one, 0.5), (coarse, ties, ids, 0.5),
             (np.array(exact), np.array([8, 7, 6, 5, 4, 3, 2, 2]) / 8,
              np.array([0, 0, 0, 0, 0, 0, 0, 1]), 0.5),
             (np.zeros((0, 4)), np.zeros(0), np.zeros(0), 0.5))
    out = {}
    for case, (boxes, scores, ids, threshold) in enumerate(cases):
        boxes, scores = boxes.astype(np.float32), scores.astype(np.float32)
        ids = ids.astype(np.int32)
        keep, _ = bx.batched_nms(boxes, scores, ids, threshold)
        out.update({f"{case}.boxes": boxes, f"{case}.scores": scores, f"{case}.ids": ids,
                    f"{case}.threshold": np.array([threshold], dtype=np.float32),
                    f"{case}.keep": keep.astype(np.int32)})
    return out


def mask_paste(_):
    """A 28 x 28 mask pasted into 45 x 61 pixels; no value is near the threshold."""
    size = (45, 61)
    boxes = torch.tensor([[10, 5, 30, 25], [10.2, 5.7, 30.9, 25.1], [0, 0, 61, 45],
                          [50.3, 40.1, 61, 45], [-8.5, -6.25, 20, 15], [40, 30, 80, 70],
                          [20, 20, 20.6, 20.4], [30, 10, 33, 44], [7, 12, 60, 13.5],
                          [100, 10, 140, 40], [20, 5, 20, 25], [12, 9, 40, 9],
                          [-300, -200, 400, 300]])

    def attempt(seed):
        rng = np.random.default_rng(seed)
        coarse = torch.from_numpy(rng.uniform(0, 1, (1, 1, 7, 7)).astype(np.float32))
        mask = F.interpolate(coarse, size=28, mode="bilinear", align_corners=True)[0]
        masks, closest = paste_all(mask.expand(len(boxes), 28, 28), boxes, size)
        if closest < 5e-6:
            raise Unfit("a pixel too near to the threshold")
        return mask, masks

    mask, masks = first_fit(attempt)[1]
    out = {"0.mask": mask[0], "0.boxes": boxes, "0.y": masks}
    for i, pasted in enumerate(masks):
        text = rle.encode(pasted.numpy()).encode()
        out[f"0.rle{i}"] = np.frombuffer(text, dtype=np.uint8)
    return out


OPS = (conv3x3, conv1x1, conv4x4_stride4, conv2x2_stride2, dwconv7x7, deconv2x2_stride2,
       linear, layer_norm, gelu, roi_windows, bilinear, adaptive_avg_pool, image_resize,
       fitted_size, normalise, anchors, decode, level_of_box, batched_nms, mask_paste)


@torch.no_grad()
def write(folder):
    """Write the case; returns what the manifest says about it."""
    about = {"noise": {}}
    for seed, op in enumerate(OPS):
        tensors = op(np.random.default_rng(seed))
        write_safetensors(folder / f"{op.__name__}.safetensors", tensors)
        if isinstance(tensors, Arrays) and tensors.noise():
            about["noise"][op.__name__] = tensors.noise()
    return about
