"""Masks as COCO run lengths: column by column, zeros first."""
import numpy as np


def encode(mask):
    """The compressed string of an (h, w) array of zeros and ones."""
    flat = np.asarray(mask, dtype=np.uint8).flatten(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    bounds = np.concatenate([[0], edges, [flat.size]])
    counts = np.diff(bounds).tolist()
    if flat.size and flat[0]:
        counts.insert(0, 0)
    return to_string(counts)


def to_string(counts):
    text = []
    for i, count in enumerate(counts):
        x = count - counts[i - 2] if i > 2 else count
        more = True
        while more:
            bits, x = x & 31, x >> 5
            more = x != (-1 if bits & 16 else 0)
            text.append(chr(48 + (bits | 32 if more else bits)))
    return "".join(text)


def from_string(text):
    counts, x, shift = [], 0, 0
    for char in text:
        bits = ord(char) - 48
        x |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            if bits & 16:
                x -= 1 << shift
            counts.append(x + counts[-2] if len(counts) > 2 else x)
            x, shift = 0, 0
    return counts


def decode(text, h, w):
    """The (h, w) bool mask of a compressed string."""
    counts = from_string(text)
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(h, w, order="F")
