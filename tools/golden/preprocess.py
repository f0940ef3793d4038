"""From 8-bit pixels to the network's input.

The resize is OpenCV's bilinear one for 8-bit images, in its own fixed-point
arithmetic, bit for bit.
"""
import numpy as np

MEAN = np.array([123.675, 116.28, 103.53], dtype=np.float32)  # red, green, blue
STD = np.array([58.395, 57.12, 57.375], dtype=np.float32)


def fitted_size(h, w, scale):
    """(h, w) of the image after it is fitted into scale, a (long, short) pair."""
    factor = min(max(scale) / max(h, w), min(scale) / min(h, w))
    return int(h * factor + 0.5), int(w * factor + 0.5)


def _taps(before, after, clamp_weight):
    """Per output position: the two source positions and their 11-bit weights."""
    step = 1.0 / (after / before)
    at = ((np.arange(after) + 0.5) * step - 0.5).astype(np.float32)
    first = np.floor(at).astype(np.int64)
    weight = at - first.astype(np.float32)
    if clamp_weight:
        weight[(first < 0) | (first >= before - 1)] = 0
        first = np.clip(first, 0, before - 1)
    one = np.float32(1)
    a = np.rint((one - weight) * np.float32(2048)).astype(np.int64)
    b = np.rint(weight * np.float32(2048)).astype(np.int64)
    return np.clip(first, 0, before - 1), np.clip(first + 1, 0, before - 1), a, b


def resize(image, h, w):
    """Bilinear resize of (H, W, C) uint8. Columns clamp the weight at the border, rows
    clamp the two source rows; exactly half in both directions averages 2 x 2 pixels."""
    before_h, before_w = image.shape[:2]
    if (before_h, before_w) == (h, w):
        return image.copy()
    if before_h == 2 * h and before_w == 2 * w:
        x = image.astype(np.int64)
        four = x[0::2, 0::2] + x[0::2, 1::2] + x[1::2, 0::2] + x[1::2, 1::2]
        return ((four + 2) >> 2).astype(np.uint8)
    left, right, a, b = _taps(before_w, w, clamp_weight=True)
    x = image.astype(np.int64)
    rows = x[:, left] * a[:, None] + x[:, right] * b[:, None]
    top, bottom, a, b = _taps(before_h, h, clamp_weight=False)
    upper = (a[:, None, None] * (rows[top] >> 4)) >> 16
    lower = (b[:, None, None] * (rows[bottom] >> 4)) >> 16
    return ((upper + lower + 2) >> 2).astype(np.uint8)


def normalise(image):
    """(H, W, 3) uint8 blue-green-red to (3, H, W) float32 red-green-blue."""
    rgb = image[:, :, ::-1].astype(np.float32)
    inverse = 1.0 / STD.astype(np.float64)
    out = ((rgb - MEAN).astype(np.float64) * inverse).astype(np.float32)
    return np.ascontiguousarray(out.transpose(2, 0, 1))


def pad(x, divisor):
    """Zeros to the right and below, up to a multiple of divisor."""
    h, w = x.shape[1:]
    return np.pad(x, ((0, 0), (0, -h % divisor), (0, -w % divisor)))


def scale_factor(before, after):
    """x and y factors of a resize, as float32 [x, y, x, y]; sizes are (h, w)."""
    x, y = after[1] / before[1], after[0] / before[0]
    return np.array([x, y, x, y], dtype=np.float32)
