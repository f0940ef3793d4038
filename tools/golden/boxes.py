"""Boxes: anchors, deltas, pyramid levels, non-maximum suppression.

Boxes are rows x1 y1 x2 y2 in pixels. Every function computes in the type of its
input, so that a float64 run measures the rounding of the float32 one.
"""
import math

import numpy as np
import torch

MAX_LOG_SCALE = abs(math.log(16 / 1000))


def anchors(h, w, stride):
    """(h * w * 3, 4) float32: row by row, cell by cell, ratios h/w of 1/2, 1, 2."""
    root = torch.sqrt(torch.tensor([0.5, 1.0, 2.0]))
    half_w = 0.5 * (stride * (1 / root) * 8)
    half_h = 0.5 * (stride * root * 8)
    base = torch.stack([-half_w, -half_h, half_w, half_h], dim=1)
    y, x = torch.meshgrid(torch.arange(h) * stride, torch.arange(w) * stride, indexing="ij")
    corner = torch.stack([x, y, x, y], dim=-1).reshape(-1, 1, 4).float()
    return (corner + base).reshape(-1, 4)


def decode(boxes, deltas, stds, size):
    """Apply (n, 4 * k) deltas to (n, 4) boxes: (n, 4 * k), clipped to size = (h, w)."""
    n = boxes.shape[0]
    deltas = deltas.reshape(n, -1, 4) * deltas.new_tensor(stds)
    dx, dy, dw, dh = deltas.unbind(-1)
    dw = dw.clamp(-MAX_LOG_SCALE, MAX_LOG_SCALE)
    dh = dh.clamp(-MAX_LOG_SCALE, MAX_LOG_SCALE)
    x1, y1, x2, y2 = boxes[:, :, None].unbind(1)
    w, h = x2 - x1, y2 - y1
    centre_x, centre_y = (x1 + x2) * 0.5 + w * dx, (y1 + y2) * 0.5 + h * dy
    w, h = w * dw.exp(), h * dh.exp()
    out = torch.stack([(centre_x - w * 0.5).clamp(0, size[1]),
                       (centre_y - h * 0.5).clamp(0, size[0]),
                       (centre_x + w * 0.5).clamp(0, size[1]),
                       (centre_y + h * 0.5).clamp(0, size[0])], dim=-1)
    return out.reshape(n, -1)


def levels(boxes, count=4):
    """The index of the pyramid map that each box is cut from."""
    side = torch.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    return torch.floor(torch.log2(side / 56 + 1e-6)).clamp(0, count - 1).long()


def nms(boxes, scores, threshold):
    """Greedy suppression. Returns the kept indices, best first, equal scores by index,
    and how near to the threshold the overlap of any compared pair came."""
    boxes, scores = np.asarray(boxes), np.asarray(scores)
    threshold = boxes.dtype.type(threshold)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = np.argsort(-scores, kind="stable")
    keep, closest = [], np.inf
    while len(left):
        best, left = left[0], left[1:]
        keep.append(best)
        low = np.maximum(boxes[best, :2], boxes[left, :2])
        high = np.minimum(boxes[best, 2:], boxes[left, 2:])
        extent = np.maximum(high - low, 0)
        inter = extent[:, 0] * extent[:, 1]
        union = area[best] + area[left] - inter
        with np.errstate(invalid="ignore"):
            margin = np.abs(inter / union - threshold)
        closest = np.nanmin(margin, initial=closest)
        left = left[~(inter > threshold * union)]
    return np.array(keep, dtype=np.int64), float(closest)


def batched_nms(boxes, scores, ids, threshold, split=10000):
    """Suppression within equal ids: boxes of different ids are moved apart; from
    `split` boxes on, the ids are also taken one by one."""
    boxes, scores, ids = np.asarray(boxes), np.asarray(scores), np.asarray(ids)
    if len(boxes) == 0:
        return np.zeros(0, dtype=np.int64), np.inf
    step = boxes.max() + boxes.dtype.type(1)
    apart = boxes + (ids.astype(boxes.dtype) * step)[:, None]
    if len(boxes) < split:
        return nms(apart, scores, threshold)
    parts, closest = [], np.inf
    for one in np.unique(ids):
        index = np.flatnonzero(ids == one)
        keep, margin = nms(apart[index], scores[index], threshold)
        parts.append(index[keep])
        closest = min(closest, margin)
    keep = np.sort(np.concatenate(parts))
    return keep[np.argsort(-scores[keep], kind="stable")], closest
