"""The generated town as tensors: images, boxes, visible parts, labels."""
import json

import numpy as np
import torch
from torchvision.io import ImageReadMode, read_image

MEAN = torch.tensor([123.675, 116.28, 103.53])[:, None, None]
STD = torch.tensor([58.395, 57.12, 57.375])[:, None, None]
IGNORED = 255  # of a label map, for the loss


def visible_part(polygons, h, w):
    """The pixels inside rectilinear polygons along pixel edges, (h, w) of 0 and 1.

    A pixel is inside when an odd number of upright edges lies left of it."""
    flips = np.zeros((h, w + 1), np.uint8)
    for polygon in polygons:
        corners = np.asarray(polygon, np.int64).reshape(-1, 2)
        for (x, y), (x_next, y_next) in zip(corners, np.roll(corners, -1, axis=0)):
            if x == x_next:
                flips[min(y, y_next):max(y, y_next), x] ^= 1
    return np.bitwise_xor.accumulate(flips, axis=1)[:, :w]


class Town:
    """A folder that tools/toytown wrote, held in memory.

    Things never share a pixel, so that one map of owners, 1 + the row of the thing, holds
    all their masks. Crowds have no row; their pixels are ignored by the labels."""

    def __init__(self, folder):
        with open(folder / "annotations/instances.json", encoding="utf-8") as file:
            truth = json.load(file)
        self.num_classes = len(truth["categories"])
        things = {image["id"]: [] for image in truth["images"]}
        for one in truth["annotations"]:
            if not one["iscrowd"]:
                things[one["image_id"]].append(one)
        self.images, self.labels, self.owners, self.boxes, self.classes = [], [], [], [], []
        for image in truth["images"]:
            name = image["file_name"]
            self.images.append(read_image(str(folder / "images" / name), ImageReadMode.RGB))
            path = folder / "labels" / name.replace(".jpg", ".png")
            self.labels.append(read_image(str(path))[0])
            self.add_things(things[image["id"]], *self.labels[-1].shape)

    def add_things(self, things, h, w):
        owners = np.zeros((h, w), np.uint8)
        for row, one in enumerate(things):
            owners[visible_part(one["segmentation"], h, w) == 1] = row + 1
        self.owners.append(torch.from_numpy(owners))
        corners = torch.tensor([one["bbox"] for one in things]).reshape(-1, 4).float()
        self.boxes.append(torch.cat([corners[:, :2], corners[:, :2] + corners[:, 2:]], dim=1))
        self.classes.append(torch.tensor([one["category_id"] - 1 for one in things]).long())

    def __len__(self):
        return len(self.images)

    def label_counts(self, classes):
        """Pixels of each class."""
        count = sum(torch.bincount(x.flatten(), minlength=classes + 1) for x in self.labels)
        return count[1:].float()

    def batch(self, rows, mirrored):
        """Images (n, 3, h, w) as the network wants them, labels (n, h, w), and for each
        image its boxes, classes, and masks (things, h, w)."""
        images, labels, things = [], [], []
        for row, mirror in zip(rows, mirrored):
            image, label, owner = self.images[row], self.labels[row], self.owners[row]
            boxes = self.boxes[row]
            if mirror:
                image, label, owner = image.flip(2), label.flip(1), owner.flip(1)
                boxes = torch.stack([image.shape[2] - boxes[:, 2], boxes[:, 1],
                                     image.shape[2] - boxes[:, 0], boxes[:, 3]], dim=1)
            images.append((image.float() - MEAN) / STD)
            label = label.long()
            labels.append(torch.where(label == 0, IGNORED, label - 1))
            numbers = torch.arange(1, len(boxes) + 1, dtype=torch.uint8)
            things.append((boxes, self.classes[row], owner == numbers[:, None, None]))
        return torch.stack(images), torch.stack(labels), things
