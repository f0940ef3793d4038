"""Measures this reference against outputs of the upstream implementation.

    validate.py --golden DIR [CASE...]

DIR is a folder of golden cases of the upstream code, with its data folder beside it.
One line a case and quantity: the worst difference, what is accepted, and whether it
holds. The exit status is 1 when anything does not. Needs Pillow to decode JPEG files.
"""
import argparse
import hashlib
import json
import pathlib
import sys

import numpy as np
import torch
from PIL import Image, ImageOps

import boxes as bx
import coco
import paste
import preprocess
import rle
from mask_rcnn import MaskRCNN
from torchvision.ops import roi_align
from upernet import UPerNet

DETECTORS = ("mask_rcnn_a", "mask_rcnn_b")
SEGMENTORS = ("upernet_a", "upernet_a2", "upernet_b", "upernet_b2", "upernet_c",
              "upernet_c2")


class Table:
    """The worst value of each quantity of a case."""

    def __init__(self):
        self.rows, self.failed = {}, False

    def add(self, case, quantity, value, accept):
        worst = self.rows.get((case, quantity), (0.0, accept))[0]
        self.rows[case, quantity] = (max(worst, float(value)), accept)

    def show(self):
        print(f"{'case':12} {'quantity':34} {'worst':>10} {'accept':>9}")
        for (case, quantity), (value, accept) in self.rows.items():
            bad = not value <= accept
            self.failed |= bad
            print(f"{case:12} {quantity:34} {value:10.3g} {accept:9.3g}"
                  f"{'  FAILED' if bad else ''}")


def load_image(golden, about):
    image = ImageOps.exif_transpose(Image.open(golden.parent / about["file"]))
    return np.asarray(image.convert("RGB"))[:, :, ::-1].copy()


def differs(array, sha256):
    return int(hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest() != sha256)


def sample_error(x, stored):
    """Worst difference at the stored places, absolute and relative to the largest."""
    assert list(x.shape) == stored["shape"], (x.shape, stored["shape"])
    got = x.reshape(-1)[stored["index"]].double().numpy()
    error = np.abs(got - np.array(stored["value"])).max()
    largest = max(abs(stored["min"]), abs(stored["max"]))
    return error, error / largest


def file_error(x, path):
    stored = np.load(path)
    assert stored.shape == tuple(x.shape[1:]), (stored.shape, x.shape)
    error = np.abs(x[0].numpy() - stored).max()
    return error, error / np.abs(stored).max()


def load_state(model, folder):
    checkpoint = torch.load(folder / "model.pth", map_location="cpu")
    model.load_state_dict(checkpoint["state_dict"], strict=True)
    return model.eval()


def check_detector(table, golden, case):
    folder = golden / case
    config = json.loads((folder / "config.json").read_text())
    shape, head = config["architecture"], config["model"]["roi_head"]["mask_head"]
    model = load_state(MaskRCNN(shape["depths"], shape["dims"], shape["fpn"], shape["fc"],
                                head["conv_out_channels"], head["num_classes"]), folder)
    expected = json.loads((folder / "results.segm.json").read_text())
    for i, entry in enumerate(config["images"]):
        stored = json.loads((folder / f"image{i}.json").read_text())
        image = load_image(golden, stored["image"])
        table.add(case, "decoded pixels (hash)",
                  differs(image, stored["image"]["sha256_decoded_bgr"]), 0)
        size = preprocess.fitted_size(*image.shape[:2], shape["img_scale"])
        resized = preprocess.resize(image, *size)
        table.add(case, "resized pixels (hash)",
                  differs(resized, stored["resized_bgr"]["sha256"]), 0)
        x = preprocess.pad(preprocess.normalise(resized), 32)
        table.add(case, "network input (hash)",
                  differs(x, stored["input_sha256_f32_chw"]), 0)
        factor = preprocess.scale_factor(image.shape[:2], size)
        table.add(case, "scale factor",
                  np.abs(factor - np.float32(stored["meta"]["scale_factor"])).max(), 0)
        out = model(torch.from_numpy(x)[None], size, image.shape[:2], factor)
        check_maps(table, case, out, stored, folder, i)
        check_proposals(table, case, out, np.load(folder / f"image{i}_proposals.npy"))
        got = coco.records(out["detections"], out["masks"], entry["image_id"],
                           config["cat_ids"])
        check_records(table, case, got,
                      [r for r in expected if r["image_id"] == entry["image_id"]])
        path = folder / f"image{i}_mask_prob.npy"
        if path.exists():
            want = np.load(path)
            error = np.abs(out["mask_probabilities"][:len(want)].numpy() - want).max()
            table.add(case, "mask probability", error, 1e-3)


def check_maps(table, case, out, stored, folder, i):
    for name, key, file_name, accept, relative in (
            ("backbone, relative", "backbone", "backbone", 1e-5, True),
            ("FPN, relative", "fpn", "fpn", 1e-5, True),
            ("RPN logits", "rpn_cls", "rpncls", 1e-4, False),
            ("RPN deltas", "rpn_reg", None, 2e-5, False)):
        got = out[{"rpn_cls": "rpn_logits", "rpn_reg": "rpn_deltas"}.get(key, key)]
        for k, (x, samples) in enumerate(zip(got, stored[key])):
            table.add(case, name, sample_error(x, samples)[relative], accept)
            path = folder / f"image{i}_{file_name}{k}.npy"
            if path.exists():
                table.add(case, name, file_error(x, path)[relative], accept)


def check_proposals(table, case, out, want):
    got = out["proposals"].numpy()
    distance = np.abs(got[:, None, :4] - want[None, :, :4]).max(2)
    # Boxes of several maps, clipped to the image, can be the same: the score decides.
    score = np.where(distance <= 0.01, np.abs(got[:, None, 4] - want[None, :, 4]), np.inf)
    near = distance.min(1) <= 0.01
    lonely = (~near).sum() + abs(len(got) - len(want))
    table.add(case, "proposals without partner", lonely, 3)
    table.add(case, "proposal box, px", distance.min(1)[near].max(), 0.01)
    table.add(case, "proposal score", score.min(1)[near].max(), 1e-5)


def check_records(table, case, got, want):
    table.add(case, "detections more or less", abs(len(got) - len(want)), 0)
    unmatched, free = 0, list(want)
    for record in got:
        same = [r for r in free if r["category_id"] == record["category_id"] and
                np.abs(np.subtract(r["bbox"], record["bbox"])).max() <= 0.04]
        if not same:
            unmatched += 1
            continue
        free.remove(same[0])
        table.add(case, "detection box, px",
                  np.abs(np.subtract(same[0]["bbox"], record["bbox"])).max(), 0.02)
        table.add(case, "detection score", abs(same[0]["score"] - record["score"]), 3e-4)
        h, w = record["segmentation"]["size"]
        a = rle.decode(record["segmentation"]["counts"], h, w)
        b = rle.decode(same[0]["segmentation"]["counts"], h, w)
        area, different = b.sum(), (a != b).sum()
        allowed = 3 if area < 200 else max(20, 1e-4 * area)
        table.add(case, "mask pixels, share of allowed", different / allowed, 1)
    table.add(case, "detections without partner", unmatched, 1)


def check_segmentor(table, golden, case):
    folder = golden / case
    config = json.loads((folder / "config.json").read_text())
    model_config = config["model"]
    model = load_state(UPerNet(model_config["backbone"]["depths"],
                               model_config["backbone"]["dims"],
                               model_config["decode_head"]["channels"],
                               model_config["auxiliary_head"]["channels"],
                               model_config["decode_head"]["num_classes"]), folder)
    test, scale = config["test_cfg"], config["test_pipeline"][1]["img_scale"]
    for i in range(len(config["images"])):
        stored = json.loads((folder / f"image{i}.json").read_text())
        image = load_image(golden, stored["image"])
        table.add(case, "decoded pixels (hash)",
                  differs(image, stored["image"]["sha256_decoded_bgr"]), 0)
        if len(stored["augs"]) > 1:
            probability, variants = model.multi_scale(image, scale, torch.float32)
        else:
            size = preprocess.fitted_size(*image.shape[:2], scale)
            resized = preprocess.resize(image, *size)
            x = torch.from_numpy(preprocess.normalise(resized))[None]
            out = model(x, image.shape[:2], test.get("crop_size"), test.get("stride"))
            probability, variants = out["probability"], [{"input": x, **out}]
        check_variants(table, case, variants, stored)
        table.add(case, "probability", sample_error(probability, stored["probability"])[0],
                  1e-4)
        label = np.asarray(Image.open(folder / f"image{i}_label.png"))
        different = (probability[0].argmax(0).numpy() != label).sum()
        table.add(case, "label pixels, share", different / label.size, 1e-4)


def check_variants(table, case, variants, stored):
    windows = [w for v in variants for w in v["windows"]]
    table.add(case, "windows more or less", abs(len(windows) - len(stored["windows"])), 0)
    for v, want in zip(variants, stored["inputs"]):
        table.add(case, "network input (hash)",
                  differs(v["input"].numpy(), want["sha256_f32_chw"]), 0)
    for v, want in zip(variants, stored["logits_original_size"]):
        table.add(case, "logits, original size", sample_error(v["logits"], want)[0], 5e-4)
    for k, w in enumerate(windows):
        for x, want in zip(w["backbone"], stored["backbone"][k]):
            table.add(case, "backbone, relative", sample_error(x, want)[1], 1e-5)
        table.add(case, "head logits",
                  sample_error(w["logits"], stored["head_logits"][k])[0], 3e-4)
        table.add(case, "window logits",
                  sample_error(w["window"], stored["windows"][k]["logits"])[0], 3e-4)
        table.add(case, "psp, relative",
                  sample_error(w["psp"], stored["psp_bottleneck"][k])[1], 1e-5)
        table.add(case, "fused, relative",
                  sample_error(w["fused"], stored["fpn_bottleneck"][k])[1], 1e-5)


def check_ops(table, golden):
    folder = golden / "ops"
    load = lambda name: np.load(folder / f"{name}.npy")
    for entry in json.loads((folder / "index.json").read_text()):
        name = entry["name"]
        if not name.startswith("nms_"):
            continue
        ids = load(f"{name}_ids")
        keep, _ = bx.batched_nms(load(f"{name}_boxes"), load(f"{name}_scores"),
                                 np.zeros_like(ids) if entry["class_agnostic"] else ids,
                                 entry["nms_cfg"]["iou_threshold"],
                                 entry["nms_cfg"].get("split_thr", 10000))
        table.add("ops", f"{name} (kept list)",
                  int(not np.array_equal(keep, load(f"{name}_keep"))), 0)
    tensor = lambda name: torch.from_numpy(load(name))
    for side in (7, 14):
        out = roi_align(tensor("roialign_feat"), tensor("roialign_rois"), side, 0.125, 0,
                        True)
        table.add("ops", f"RoIAlign {side}",
                  (out - tensor(f"roialign_out{side}")).abs().max(), 1e-5)
    for key, stds in (("rpn", [1] * 4), ("s0", [.1, .1, .2, .2]),
                      ("s2", [.033, .033, .067, .067])):
        got = bx.decode(tensor("decode_boxes"), tensor("decode_deltas"), stds,
                        (797, 1203))
        want = tensor(f"decode_{key}")
        table.add("ops", f"decode {key}, relative",
                  ((got - want).abs() / want.abs().clamp(min=1)).max(), 2e-6)
    rois = tensor("levels_rois")
    table.add("ops", "levels", int((bx.levels(rois[:, -4:]) != tensor("levels")).sum()), 0)


def check_paste(table, golden):
    folder = golden / "paste_edge"
    cases = json.loads((folder / "paste.json").read_text())
    mask = torch.from_numpy(np.load(folder / "mask28.npy"))
    for row in cases["rows"]:
        box = torch.tensor(row["box"])
        if box[2] <= box[0] or box[3] <= box[1]:
            continue  # upstream has two answers here; ours is an empty mask
        masks, _ = paste.paste_all(mask.reshape(1, 28, 28), box[None], cases["size"])
        want = rle.decode(row["gpu_path_counts"], *cases["size"])
        table.add("paste_edge", "mask pixels", (masks[0].numpy() != want).sum(), 0)
        table.add("paste_edge", "RLE string", rle.encode(want) != row["gpu_path_counts"], 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--golden", type=pathlib.Path, required=True)
    parser.add_argument("cases", nargs="*", help="default: all")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cases = options.cases or ["ops", "paste_edge", *DETECTORS, *SEGMENTORS]
    table = Table()
    for case in cases:
        if case == "ops":
            check_ops(table, options.golden)
        elif case == "paste_edge":
            check_paste(table, options.golden)
        elif case in DETECTORS:
            check_detector(table, options.golden, case)
        else:
            check_segmentor(table, options.golden, case)
    table.show()
    return int(table.failed)


if __name__ == "__main__":
    with torch.no_grad():
        sys.exit(main())
