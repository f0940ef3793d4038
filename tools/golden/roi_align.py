"""Windows of fixed size, each cut from the pyramid map that suits its box."""
import torch
from torchvision.ops import roi_align

import boxes as bx

STRIDES = (4, 8, 16, 32)


def extract(pyramid, boxes, side):
    """(n, 4) boxes in input pixels to (n, C, side, side): bin averages over as many
    samples as a bin is long in cells, rounded up; boxes are shifted by half a cell."""
    maps = pyramid[:len(STRIDES)]
    out = boxes.new_zeros(len(boxes), maps[0].shape[1], side, side)
    level = bx.levels(boxes)
    for i, (x, stride) in enumerate(zip(maps, STRIDES)):
        index = torch.nonzero(level == i)[:, 0]
        if len(index):
            out[index] = roi_align(x, [boxes[index]], side, spatial_scale=1 / stride,
                                   sampling_ratio=0, aligned=True)
    return out
