"""Images made from a seed: smooth colours with rectangles and ellipses on them."""
import numpy as np


def image(seed, h, w):
    """(h, w, 3) uint8 blue-green-red."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:h, 0:w].astype(np.float64)
    out = np.full((h, w, 3), 128.0)
    for channel in range(3):
        for _ in range(3):
            across, down = rng.uniform(-4, 4, 2)
            phase = rng.uniform(0, 2 * np.pi)
            out[:, :, channel] += 35 * np.cos(across * x / w + down * y / h + phase)
    for i in range(8):
        centre_x, centre_y = rng.uniform(0, w), rng.uniform(0, h)
        half_w, half_h = rng.uniform(0.05, 0.3) * w, rng.uniform(0.05, 0.3) * h
        u, v = (x + 0.5 - centre_x) / half_w, (y + 0.5 - centre_y) / half_h
        inside = (u * u + v * v <= 1) if i % 2 else np.maximum(abs(u), abs(v)) <= 1
        out[inside] = 0.3 * out[inside] + 0.7 * rng.uniform(0, 255, 3)
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)
