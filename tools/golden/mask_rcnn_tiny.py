"""The golden case mask_rcnn_tiny: a small Mask R-CNN on two small images, and on a
third at a larger scale, where boxes reach the upper pyramid maps and the limits of 1000
proposals and 100 detections cut. Results are decided by no hair: see examine."""
from typing import NamedTuple

import torch

import coco
import preprocess
import roi_align
from expected import Arrays
from files import digest, write_json, write_png, write_safetensors
from mask_rcnn import MaskRCNN
from images import image
from seeds import Unfit, first_fit
from weights import normalise_outputs, randomise

SHAPE = dict(depths=(1, 1, 2, 1), dims=(8, 16, 24, 40), channels=12, fc_channels=32,
             mask_channels=12, num_classes=5)
CATEGORIES = {"disc": 1, "square": 2, "ring": 4, "cross": 7, "rest": 90}
MODEL_SEED = 7
SCALE, WIDE_SCALE = (128, 96), (320, 256)


class Case(NamedTuple):
    h: int
    w: int
    scale: tuple
    detections: range  # how many are wanted
    score_gap: float  # the least one between neighbouring proposals
    whole: bool  # whether arrays are stored whole


# A thousand proposals cannot all be far apart: those of 103 may come in another order.
IMAGES = {101: Case(70, 90, SCALE, range(15, 81), 5e-6, True),
          102: Case(101, 50, SCALE, range(10, 81), 5e-6, False),
          103: Case(66, 83, WIDE_SCALE, range(100, 101), 4e-7, False)}
MASKS_STORED = 20
# The least distance of a decision from its threshold, for float32 in any order of sums.
LEAST_MARGINS = {"rpn_top_k": 5e-6, "rpn_nms": 1e-5, "rpn_cut": 5e-6, "box_score": 1e-5,
                 "box_nms": 1e-5, "box_cut": 1e-5, "mask": 2e-5}


class Input:
    """An image and what the network gets of it."""

    def __init__(self, image, scale):
        self.image, self.scale = image, scale
        self.original = image.shape[:2]
        self.size = preprocess.fitted_size(*self.original, scale)
        self.resized = preprocess.resize(image, *self.size)
        self.x = preprocess.pad(preprocess.normalise(self.resized), 32)
        self.factor = preprocess.scale_factor(self.original, self.size)

    def run(self, model, dtype=torch.float32):
        model.to(dtype)
        out = model(torch.from_numpy(self.x)[None].to(dtype), self.size, self.original,
                    self.factor)
        model.to(torch.float32)
        return out


@torch.no_grad()
def build(seed):
    """Random weights, with the last layers set so that the heads say something."""
    model = MaskRCNN(**SHAPE).eval()
    randomise(model, seed)
    sources = [Input(image(seed, c.h, c.w), c.scale) for c in IMAGES.values()]

    def outputs(name):
        """The rows of one output over all sources."""
        maps = [x for source in sources for x in source.run(model)[name]]
        return torch.cat([x[None] if x.dim() == 1 else x[0].flatten(1).t() for x in maps])

    rpn, box_head = model.rpn_head, model.roi_head["bbox_head"]
    mask_head = model.roi_head["mask_head"]
    normalise_outputs(rpn.rpn_cls, outputs("rpn_logits"), -1.5, 1.5)
    normalise_outputs(rpn.rpn_reg, outputs("rpn_deltas"), 0.0, 0.12)
    normalise_outputs(box_head.fc_cls, outputs("box_logits"), 0.0, 1.5)
    normalise_outputs(box_head.fc_reg, outputs("box_deltas"), 0.0, 0.5)
    while len(sources[0].run(model)["detections"]) > 60:
        box_head.fc_cls.bias[-1] += 0.25
    out = sources[0].run(model)
    logits = mask_head(roi_align.extract(out["fpn"], out["proposals"][:, :4], 14))
    rows = logits.permute(0, 2, 3, 1).flatten(0, 2)
    normalise_outputs(mask_head.conv_logits, rows, 0.0, 2.0)
    return model


def examine(out32, out64, case):
    """Raise Unfit unless both runs decide alike, and not by a hair."""
    if len(out64["detections"]) not in case.detections:
        raise Unfit(f"{len(out64['detections'])} detections")
    if len(out64["detections"][:, 5].unique()) < 3:
        raise Unfit("fewer than 3 classes detected")
    for name, least in LEAST_MARGINS.items():
        for out in (out32, out64):
            if out["margins"][name] < least:
                raise Unfit(f"{name} decided by {out['margins'][name]:.1e}")
    for name, least in (("proposals", case.score_gap), ("detections", 1e-5)):
        rows = out64[name]
        if (rows[:, 2:4] - rows[:, :2]).min() <= 0:
            raise Unfit(f"{name}: a box without area")
        if -torch.diff(rows[:, 4]).max() < least:
            raise Unfit(f"{name}: two scores too near to each other")
        if len(out32[name]) != len(rows) or (out32[name] - rows).abs().max() > 1e-3:
            raise Unfit(f"{name}: not the same in float32")
    if (out32["box_logits"] - out64["box_logits"]).abs().max() > 1e-4:
        raise Unfit("box logits: a window of other samples in float32")


def arrays(out32, out64, case):
    """By file: what is compared, under the names by which densepred traces it."""
    files = {name: Arrays() for name in ("backbone", "fpn", "rpn", "boxes", "masks")}
    for i in range(4):
        files["backbone"].put(f"stage{i + 1}", out32["backbone"][i], out64["backbone"][i],
                              case.whole)
    for i in range(5):
        files["fpn"].put(f"p{i + 2}", out32["fpn"][i], out64["fpn"][i], case.whole)
        for kind, name in (("logits", "cls"), ("deltas", "reg")):
            files["rpn"].put(f"rpn_{name}_p{i + 2}", out32[f"rpn_{kind}"][i],
                             out64[f"rpn_{kind}"][i], case.whole)
    boxes = files["boxes"]
    for name in ("proposals", "detections"):
        boxes.put(name, out32[name][:, :4], out64[name][:, :4])
        boxes.put(f"{name}.scores", out32[name][:, 4], out64[name][:, 4])
    boxes["detections.labels"] = out64["detections"][:, 5].int()
    if case.score_gap > 1e-6:  # their rows are in the order of the proposals
        boxes.put("bbox_cls", out32["box_logits"], out64["box_logits"], whole=False)
        boxes.put("bbox_reg", out32["box_deltas"], out64["box_deltas"], whole=False)
    files["masks"].put("mask_probabilities", out32["mask_probabilities"][:MASKS_STORED],
                       out64["mask_probabilities"][:MASKS_STORED], case.whole)
    return files


def write_configs(folder):
    classes = [{"name": name, "id": number, "colour": [50 * i, 250 - 50 * i, 128]}
               for i, (name, number) in enumerate(CATEGORIES.items())]
    write_json(folder / "classes.json", {"name": "tiny", "classes": classes})
    channels, num_classes = SHAPE["channels"], SHAPE["num_classes"]
    write_json(folder / "config.json", {
        "base": "../../../configs/_base_/mask_rcnn_fpn.json",
        "dataset": "classes.json",
        "input": {"scale": SCALE},
        "backbone": {"type": "convnext", "depths": SHAPE["depths"], "dims": SHAPE["dims"]},
        "neck": {"out_channels": channels},
        "rpn_head": {"feat_channels": channels},
        "bbox_head": {"fc_out_channels": SHAPE["fc_channels"], "num_classes": num_classes},
        "mask_head": {"conv_out_channels": SHAPE["mask_channels"],
                      "num_classes": num_classes}})
    write_json(folder / "config_wide.json",
               {"base": "config.json", "input": {"scale": WIDE_SCALE}})


def write(folder):
    """Write the case; returns what the manifest says about it."""
    write_configs(folder)
    model = build(MODEL_SEED)
    with (folder / "model.pth").open("wb") as file:
        torch.save({"meta": {"CLASSES": tuple(CATEGORIES)},
                    "state_dict": model.state_dict()}, file)
    about, cases = {"model_seed": MODEL_SEED, "images": {}}, []
    for number, case in IMAGES.items():

        def attempt(seed):
            source = Input(image(1000 * number + seed, case.h, case.w), case.scale)
            outs = source.run(model), source.run(model, torch.float64)
            examine(*outs, case)
            return source, *outs

        seed, (source, out32, out64) = first_fit(attempt)
        write_png(folder / f"{number:012}.png", source.image)
        files = arrays(out32, out64, case)
        for name, tensors in files.items():
            write_safetensors(folder / f"{number}_{name}.safetensors", tensors)
        write_json(folder / f"{number}_results.json",
                   coco.records(out64["detections"], out64["masks"], number,
                                list(CATEGORIES.values())))
        cases.append({
            "image": f"{number:012}.png", "id": number, "size": source.original,
            "config": "config.json" if case.scale == SCALE else "config_wide.json",
            "resized_size": source.size, "resized_bgr_sha256": digest(source.resized),
            "input_shape": source.x.shape, "input_f32_chw_sha256": digest(source.x),
            "proposals": len(out64["proposals"]), "detections": len(out64["detections"])})
        about["images"][number] = {
            "seed": seed,
            "margins": {name: value for name, value in out64["margins"].items()
                        if value < float("inf")},
            "noise": {name: tensors.noise() for name, tensors in files.items()}}
    write_json(folder / "cases.json", cases)
    return about
