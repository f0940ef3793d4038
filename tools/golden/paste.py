"""From small square mask probabilities to masks in the image."""
import torch
import torch.nn.functional as F


def paste(probability, box, size):
    """The (h, w) probabilities of one (m, m) mask pasted into its box; 0 outside, and
    everywhere when the box has no area."""
    h, w = size
    x1, y1, x2, y2 = box
    if not (x2 > x1 and y2 > y1):
        return probability.new_zeros(h, w)
    x = (torch.arange(w).to(box) + 0.5 - x1) / (x2 - x1) * 2 - 1
    y = (torch.arange(h).to(box) + 0.5 - y1) / (y2 - y1) * 2 - 1
    grid = torch.stack([x[None, :].expand(h, w), y[:, None].expand(h, w)], dim=-1)
    return F.grid_sample(probability[None, None], grid[None], align_corners=False)[0, 0]


def paste_all(probabilities, boxes, size, threshold=0.5):
    """The (n, h, w) bool masks of n detections, and how near to the threshold any
    pixel came."""
    masks, closest = [], float("inf")
    for probability, box in zip(probabilities, boxes):
        value = paste(probability, box, size)
        masks.append(value >= threshold)
        closest = min(closest, float((value - threshold).abs().min()))
    return torch.stack(masks) if masks else torch.zeros(0, *size, dtype=torch.bool), closest
