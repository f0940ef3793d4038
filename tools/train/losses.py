"""What Mask R-CNN and UperNet are trained to give: targets and losses.

The rules are those of the published training recipes (Ren et al. 2015, He et al. 2017,
Xiao et al. 2018); the counts of samples are smaller, as the images are.
"""
import math

import torch
import torch.nn.functional as F
from torchvision.ops import batched_nms, box_iou, roi_align

import boxes as bx
from town import IGNORED

STRIDES = (4, 8, 16, 32, 64)
ANCHOR_SCALE = 4
RATIOS = (0.5, 1.0, 2.0)
BOX_STDS = (0.1, 0.1, 0.2, 0.2)

RPN_SAMPLES, RPN_POSITIVE = 128, 0.5
RPN_BEFORE_NMS, RPN_AFTER_NMS, RPN_IOU = 300, 150, 0.7
ROI_SAMPLES, ROI_POSITIVE = 48, 0.3
MASK_SAMPLES = 14
BOX_WEIGHT = 2.0  # short training gains from exact boxes


def anchors(h, w, stride):
    """(h * w * 3, 4): row by row, cell by cell, ratios h/w of RATIOS."""
    root = torch.tensor(RATIOS).sqrt()
    half = 0.5 * ANCHOR_SCALE * stride * torch.stack([1 / root, root], dim=1)
    base = torch.cat([-half, half], dim=1)
    y, x = torch.meshgrid(torch.arange(h) * stride, torch.arange(w) * stride, indexing="ij")
    corner = torch.stack([x, y, x, y], dim=-1).reshape(-1, 1, 4).float()
    return (corner + base).reshape(-1, 4)


def encode(boxes, targets, stds):
    """The deltas that turn `boxes` into `targets`."""
    size = boxes[:, 2:] - boxes[:, :2]
    wanted = targets[:, 2:] - targets[:, :2]
    shift = (targets[:, :2] + targets[:, 2:] - boxes[:, :2] - boxes[:, 2:]) * 0.5 / size
    return torch.cat([shift, (wanted / size).log()], dim=1) / boxes.new_tensor(stds)


def assign(boxes, truth, positive, negative, best_from=None):
    """The row of truth that each box stands for; -1: background, -2: neither.

    With `best_from` the best boxes of a row that is overlapped by at least that much
    stand for it too."""
    if len(truth) == 0:
        return torch.full((len(boxes),), -1)
    overlap = box_iou(truth, boxes)
    most, row = overlap.max(0)
    out = torch.where(most >= positive, row, torch.where(most < negative, -1, -2))
    if best_from is not None:
        best = overlap.max(1).values
        for i in torch.nonzero(best >= best_from)[:, 0]:
            out[overlap[i] == best[i]] = i
    return out


def sample(assigned, count, positive_share, generator):
    """Rows drawn from positives and from background."""
    positive = torch.nonzero(assigned >= 0)[:, 0]
    negative = torch.nonzero(assigned == -1)[:, 0]
    order = torch.randperm(len(positive), generator=generator)
    positive = positive[order[:int(count * positive_share)]]
    order = torch.randperm(len(negative), generator=generator)
    return positive, negative[order[:count - len(positive)]]


class DetectionLoss:
    """The five losses of Mask R-CNN for a batch."""

    def __init__(self, model, seed):
        self.model = model
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, maps, things, size):
        pyramid = self.model.neck(maps)
        logits, deltas = self.model.rpn_head(pyramid)
        shapes = [x.shape[2:] for x in logits]
        grid = [anchors(*shape, stride) for shape, stride in zip(shapes, STRIDES)]
        logits = [x.permute(0, 2, 3, 1).flatten(1) for x in logits]
        deltas = [x.permute(0, 2, 3, 1).reshape(len(x), -1, 4) for x in deltas]
        losses = self.rpn(torch.cat(grid), torch.cat(logits, 1), torch.cat(deltas, 1), things)
        proposals = self.propose(grid, logits, deltas, size)
        losses.update(self.regions(pyramid[:4], proposals, things))
        return losses

    def rpn(self, grid, logits, deltas, things):
        scores, truth, moves, wanted = [], [], [], []
        for i, (boxes, _, _) in enumerate(things):
            rows = assign(grid, boxes, 0.7, 0.3, 0.3)
            positive, negative = sample(rows, RPN_SAMPLES, RPN_POSITIVE, self.generator)
            drawn = torch.cat([positive, negative])
            scores.append(logits[i, drawn])
            truth.append((rows[drawn] >= 0).float())
            moves.append(deltas[i, positive])
            wanted.append(encode(grid[positive], boxes[rows[positive]], (1, 1, 1, 1)))
        count = sum(len(x) for x in scores)
        return {"rpn_cls": F.binary_cross_entropy_with_logits(torch.cat(scores),
                                                              torch.cat(truth)),
                "rpn_reg": BOX_WEIGHT * (torch.cat(moves) - torch.cat(wanted)).abs().sum()
                / count}

    @torch.no_grad()
    def propose(self, grid, logits, deltas, size):
        proposals = []
        for i in range(len(logits[0])):
            boxes, scores, levels = [], [], []
            for level, anchor in enumerate(grid):
                best = logits[level][i].topk(min(RPN_BEFORE_NMS, len(anchor)))
                scores.append(best.values)
                boxes.append(bx.decode(anchor[best.indices], deltas[level][i, best.indices],
                                       (1, 1, 1, 1), size))
                levels.append(torch.full((len(best.indices),), level))
            boxes, scores, levels = torch.cat(boxes), torch.cat(scores), torch.cat(levels)
            real = ((boxes[:, 2:] - boxes[:, :2]) > 1).all(1)
            boxes, scores, levels = boxes[real], scores[real], levels[real]
            keep = batched_nms(boxes, scores, levels, RPN_IOU)[:RPN_AFTER_NMS]
            proposals.append(boxes[keep])
        return proposals

    def regions(self, pyramid, proposals, things):
        rois, classes, wanted, cut = [], [], [], []
        background = self.model.num_classes
        for i, (boxes, labels, masks) in enumerate(things):
            candidates = torch.cat([boxes, proposals[i]])
            rows = assign(candidates, boxes, 0.5, 0.5)
            positive, negative = sample(rows, ROI_SAMPLES, ROI_POSITIVE, self.generator)
            chosen = candidates[torch.cat([positive, negative])]
            rois.append(torch.cat([torch.full((len(chosen), 1), float(i)), chosen], dim=1))
            classes.append(torch.cat([labels[rows[positive]],
                                      torch.full((len(negative),), background)]))
            wanted.append(encode(candidates[positive], boxes[rows[positive]], BOX_STDS))
            few = positive[:MASK_SAMPLES]
            cut.append((rois[-1][:len(few)], labels[rows[few]],
                        mask_targets(masks, rows[few], candidates[few])))
        rois, classes, wanted = torch.cat(rois), torch.cat(classes), torch.cat(wanted)
        logits, deltas = self.model.roi_head["bbox_head"](extract(pyramid, rois, 7))
        inside = torch.nonzero(classes < background)[:, 0]
        moves = deltas.reshape(len(rois), -1, 4)[inside, classes[inside]]
        losses = {"cls": F.cross_entropy(logits, classes),
                  "reg": BOX_WEIGHT * (moves - wanted).abs().sum() / len(rois)}
        losses["mask"] = self.masks(pyramid, cut)
        return losses

    def masks(self, pyramid, cut):
        rois, labels, targets = (torch.cat(x) for x in zip(*cut))
        if len(rois) == 0:
            return pyramid[0].sum() * 0
        logits = self.model.roi_head["mask_head"](extract(pyramid, rois, 14))
        return F.binary_cross_entropy_with_logits(logits[torch.arange(len(labels)), labels],
                                                  targets)


def mask_targets(masks, rows, boxes):
    """The masks of `rows` cut to boxes, (n, 28, 28) of 0 and 1."""
    if len(rows) == 0:
        return torch.zeros(0, 28, 28)
    rois = torch.cat([rows[:, None].float(), boxes], dim=1)
    cut = roi_align(masks[:, None].float(), rois, 28, 1.0, 0, aligned=True)
    return (cut[:, 0] >= 0.5).float()


def extract(pyramid, rois, size):
    """Windows (n, C, size, size), each from the map that suits its box."""
    level = bx.levels(rois[:, 1:], len(pyramid))
    out = pyramid[0].new_zeros(len(rois), pyramid[0].shape[1], size, size)
    for i, x in enumerate(pyramid):
        rows = torch.nonzero(level == i)[:, 0]
        if len(rows):
            cut = roi_align(x, rois[rows], size, 1 / STRIDES[i], 0, aligned=True)
            out = out.index_copy(0, rows, cut)
    return out


def segmentation_loss(logits, labels, first, weight=None):
    """Cross entropy at the size of the image, on every other row from `first`, 0 or 1:
    half the work, and neighbours say much the same. `weight` is of each class."""
    logits = F.interpolate(logits, size=labels.shape[1:], mode="bilinear",
                           align_corners=False)
    return F.cross_entropy(logits[:, :, first::2], labels[:, first::2], weight,
                           ignore_index=IGNORED)


def cosine(step, steps, warm):
    """The learning rate's factor: up in a line, down by a cosine."""
    if step < warm:
        return (step + 1) / warm
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))
