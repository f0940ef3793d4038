"""Mask R-CNN (He et al. 2017) on a feature pyramid, in PyTorch, inference only.

Parameter names are those of the published checkpoints. A model turned to float64 by
.double() computes everything in float64, decisions included.
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import boxes as bx
import roi_align
from convnext import ConvNeXt
from fpn import FPN, PlainConv
from paste import paste_all

RPN_STRIDES = (4, 8, 16, 32, 64)
RPN_STDS = (1.0, 1.0, 1.0, 1.0)
RPN_BEFORE_NMS = 1000  # of each map
RPN_AFTER_NMS = 1000
RPN_IOU = 0.7
BOX_STDS = (0.1, 0.1, 0.2, 0.2)
BOX_IOU = 0.5
BOX_SCORE = 0.05
BOX_COUNT = 100


class RPNHead(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.rpn_conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.rpn_cls = nn.Conv2d(channels, 3, 1)
        self.rpn_reg = nn.Conv2d(channels, 12, 1)

    def forward(self, pyramid):
        """Logits (1, 3, H, W) and deltas (1, 12, H, W) of each map."""
        hidden = [F.relu(self.rpn_conv(x)) for x in pyramid]
        return [self.rpn_cls(x) for x in hidden], [self.rpn_reg(x) for x in hidden]


class SharedFCBoxHead(nn.Module):
    def __init__(self, channels, fc_channels, num_classes):
        super().__init__()
        self.fc_cls = nn.Linear(fc_channels, num_classes + 1)
        self.fc_reg = nn.Linear(fc_channels, 4 * num_classes)
        self.shared_fcs = nn.ModuleList([nn.Linear(channels * 49, fc_channels),
                                         nn.Linear(fc_channels, fc_channels)])

    def forward(self, windows):
        """(n, C, 7, 7) to (n, classes + 1) logits, background last, and
        (n, 4 * classes) deltas."""
        x = windows.flatten(1)
        for fc in self.shared_fcs:
            x = F.relu(fc(x))
        return self.fc_cls(x), self.fc_reg(x)


class FCNMaskHead(nn.Module):
    def __init__(self, channels, hidden, num_classes):
        super().__init__()
        self.convs = nn.ModuleList(
            PlainConv(channels if i == 0 else hidden, hidden, 3) for i in range(4))
        self.upsample = nn.ConvTranspose2d(hidden, hidden, 2, stride=2)
        self.conv_logits = nn.Conv2d(hidden, num_classes, 1)

    def forward(self, windows):
        """(n, C, 14, 14) to (n, classes, 28, 28) logits."""
        x = windows
        for conv in self.convs:
            x = F.relu(conv(x))
        return self.conv_logits(F.relu(self.upsample(x)))


class MaskRCNN(nn.Module):
    def __init__(self, depths, dims, channels, fc_channels, mask_channels, num_classes):
        super().__init__()
        self.backbone = ConvNeXt(depths, dims)
        self.neck = FPN(dims, channels)
        self.rpn_head = RPNHead(channels)
        self.roi_head = nn.ModuleDict({
            "bbox_head": SharedFCBoxHead(channels, fc_channels, num_classes),
            "mask_head": FCNMaskHead(channels, mask_channels, num_classes)})
        self.num_classes = num_classes

    @torch.no_grad()
    def forward(self, x, resized, original, factor):
        """Detect in one input (1, 3, H, W). `resized` is the (h, w) of the image in it,
        before padding; `original` that of the image; `factor` scale_factor's array.
        Returns every stage by name; "margins" tells how near each decision came."""
        out = {"margins": {}}
        out["backbone"] = self.backbone(x)
        out["fpn"] = self.neck(out["backbone"])
        out["rpn_logits"], out["rpn_deltas"] = self.rpn_head(out["fpn"])
        self.propose(out, resized)
        self.classify(out, resized, torch.as_tensor(factor).to(x))
        self.segment(out, original, torch.as_tensor(factor).to(x))
        return out

    def propose(self, out, resized):
        """Adds "proposals" (n, 5): boxes and scores, best first."""
        scores, boxes, ids, margins = [], [], [], []
        for i, stride in enumerate(RPN_STRIDES):
            logits = out["rpn_logits"][i][0].permute(1, 2, 0).reshape(-1)
            deltas = out["rpn_deltas"][i][0].permute(1, 2, 0).reshape(-1, 4)
            anchors = bx.anchors(*out["rpn_logits"][i].shape[2:], stride).to(deltas)
            score = logits.sigmoid()
            if len(score) > RPN_BEFORE_NMS:
                ranked, order = score.sort(descending=True, stable=True)
                margins.append(cut_margin(ranked, RPN_BEFORE_NMS))
                order = order[:RPN_BEFORE_NMS]
                score, deltas, anchors = score[order], deltas[order], anchors[order]
            scores.append(score)
            boxes.append(bx.decode(anchors, deltas, RPN_STDS, resized))
            ids.append(torch.full_like(score, i))
        scores, boxes, ids = torch.cat(scores), torch.cat(boxes), torch.cat(ids)
        keep, closest = bx.batched_nms(boxes, scores, ids, RPN_IOU)
        out["margins"]["rpn_cut"] = cut_margin(scores[keep], RPN_AFTER_NMS)
        keep = torch.from_numpy(keep[:RPN_AFTER_NMS])
        out["proposals"] = torch.cat([boxes[keep], scores[keep, None]], dim=1)
        out["margins"]["rpn_top_k"] = min(margins, default=float("inf"))
        out["margins"]["rpn_nms"] = closest

    def classify(self, out, resized, factor):
        """Adds "box_logits" and "box_deltas", a row a proposal, and "detections"
        (n, 6): boxes in the original image, scores, labels, best first."""
        proposals = out["proposals"][:, :4]
        windows = roi_align.extract(out["fpn"], proposals, 7)
        logits, deltas = self.roi_head["bbox_head"](windows)
        out["box_logits"], out["box_deltas"] = logits, deltas

        # Upstream takes a proposal that ends at 0 for padding and blanks it.
        real = (proposals[:, 3:4] != 0).to(logits)
        scores = (logits * real).softmax(1)[:, :-1]
        boxes = bx.decode(proposals, deltas * real, BOX_STDS, resized)
        boxes = boxes.reshape(len(boxes), -1, 4) / factor
        rows, labels = torch.nonzero(scores > np.float32(BOX_SCORE), as_tuple=True)
        scores_kept, boxes_kept = scores[rows, labels], boxes[rows, labels]
        keep, closest = bx.batched_nms(boxes_kept, scores_kept, labels, BOX_IOU)
        out["margins"]["box_cut"] = cut_margin(scores_kept[keep], BOX_COUNT)
        keep = torch.from_numpy(keep[:BOX_COUNT])
        out["detections"] = torch.cat([boxes_kept[keep], scores_kept[keep, None],
                                       labels[keep, None].to(boxes)], dim=1)
        out["margins"]["box_nms"] = closest
        out["margins"]["box_score"] = float((scores - BOX_SCORE).abs().min())

    def segment(self, out, original, factor):
        """Adds "mask_probabilities" (n, 28, 28) of the detected classes and "masks"
        (n, h, w)."""
        detections = out["detections"]
        boxes, labels = detections[:, :4] * factor, detections[:, 5].long()
        windows = roi_align.extract(out["fpn"], boxes, 14)
        logits = self.roi_head["mask_head"](windows)
        probabilities = logits[torch.arange(len(labels)), labels].sigmoid()
        out["mask_probabilities"] = probabilities
        out["masks"], closest = paste_all(probabilities, boxes / factor, original)
        out["margins"]["mask"] = closest


def cut_margin(ranked, count):
    """How far the last score taken is above the first one left out."""
    return float(ranked[count - 1] - ranked[count]) if len(ranked) > count else float("inf")
