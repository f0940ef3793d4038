"""The golden case upernet_tiny: a small UperNet on an odd-sized image and on one of a
single column, in windows, whole, and over six scales with mirroring."""
import torch

import preprocess
from expected import Arrays
from files import digest, write_json, write_png, write_safetensors
from images import image
from seeds import Unfit, first_fit
from upernet import RATIOS, UPerNet
from weights import normalise_outputs, randomise

SHAPE = dict(depths=(1, 2, 1, 1), dims=(8, 12, 20, 36), channels=16, aux_channels=8,
             num_classes=7)
CLASSES = {"water": 1, "sand": 2, "grass": 3, "rock": 5, "path": 8, "sky": 13, "rest": 21}
MODEL_SEED = 1
SCALE = (240, 96)
CROP, STRIDE = (64, 80), (43, 53)
# image id: height, width
IMAGES = {201: (37, 53), 202: (3, 1)}
MODES = ("slide", "whole", "multi_scale")
LEAST_MARGIN = 1e-5  # between the two most likely classes of any pixel


def build(seed):
    model = UPerNet(**SHAPE).eval()
    randomise(model, seed)
    maps = run(model, image(seed, *IMAGES[201]), "whole", torch.float32)
    logits = maps["windows"][0]["logits"][0].flatten(1).t()
    normalise_outputs(model.decode_head.conv_seg, logits, 0.0, 3.0)
    return model


def run(model, image, mode, dtype):
    """The output of UPerNet.forward, with "resized" and "input"; of multi_scale, those
    of its twelve variants, with the final "probability"."""
    model.to(dtype)
    if mode == "multi_scale":
        probability, variants = model.multi_scale(image, SCALE, dtype)
        out = {"probability": probability, "variants": variants}
    else:
        size = preprocess.fitted_size(*image.shape[:2], SCALE)
        resized = preprocess.resize(image, *size)
        x = preprocess.normalise(resized)
        windows = (CROP, STRIDE) if mode == "slide" else ()
        out = model(torch.from_numpy(x)[None].to(dtype), image.shape[:2], *windows)
        out.update(resized=resized, input=x)
    model.to(torch.float32)
    return out


def examine(outs):
    for mode, pair in outs.items():
        for out in pair:
            first, second = out["probability"].topk(2, dim=1).values[0]
            if (first - second).min() < LEAST_MARGIN:
                raise Unfit(f"{mode}: a label decided by {(first - second).min():.1e}")
    if len(outs["whole"][1]["probability"].argmax(1).unique()) < 2:
        raise Unfit("only one label")


def arrays(mode, out32, out64, whole):
    """What is compared of one mode, under the names by which densepred traces it: of
    the first window all its stages, of the twelve variants their logits."""
    result = Arrays()
    if mode == "multi_scale":
        windows = [[v["windows"][0] for v in out["variants"]] for out in (out32, out64)]
        for i, (first32, first64) in enumerate(zip(*windows)):
            result.put(f"window{i}.logits", first32["logits"], first64["logits"], False)
    else:
        first32, first64 = out32["windows"][0], out64["windows"][0]
        prefix = "window0." if len(out64["windows"]) > 1 else ""
        for i in range(4):
            result.put(f"{prefix}stage{i + 1}", first32["backbone"][i],
                       first64["backbone"][i], whole)
        for key, name in (("psp", "psp_bottleneck"), ("fused", "fpn_bottleneck"),
                          ("logits", "logits")):
            result.put(prefix + name, first32[key], first64[key], whole)
    result.put("probability", out32["probability"], out64["probability"], False)
    result["labels"] = out64["probability"][0].argmax(0).byte()
    return result


def write_configs(folder):
    classes = [{"name": name, "id": number, "colour": [30 * i, 200 - 30 * i, 90]}
               for i, (name, number) in enumerate(CLASSES.items())]
    write_json(folder / "classes.json", {"name": "tiny", "classes": classes})
    write_json(folder / "config_slide.json", {
        "base": "../../../configs/_base_/upernet.json",
        "dataset": "classes.json",
        "input": {"scale": SCALE},
        "backbone": {"type": "convnext", "depths": SHAPE["depths"], "dims": SHAPE["dims"]},
        "decode_head": {"channels": SHAPE["channels"], "num_classes": SHAPE["num_classes"]},
        "test": {"mode": "slide", "crop_size": CROP, "stride": STRIDE}})
    write_json(folder / "config_whole.json",
               {"base": "config_slide.json", "test": {"mode": "whole"}})
    write_json(folder / "config_multi_scale.json",
               {"base": "config_slide.json",
                "test": {"mode": "whole", "ratios": RATIOS, "flip": True}})


def write(folder):
    """Write the case; returns what the manifest says about it."""
    write_configs(folder)
    model = build(MODEL_SEED)
    write_safetensors(folder / "model.safetensors", model.state_dict())
    about, cases = {"model_seed": MODEL_SEED, "images": {}}, []
    for number, size in IMAGES.items():

        def attempt(seed):
            image = image(1000 * number + seed, *size)
            outs = {mode: [run(model, image, mode, dtype)
                           for dtype in (torch.float32, torch.float64)] for mode in MODES}
            examine(outs)
            return image, outs

        seed, (image, outs) = first_fit(attempt)
        write_png(folder / f"{number:012}.png", image)
        about["images"][number] = {"seed": seed, "noise": {}}
        for mode, (out32, out64) in outs.items():
            tensors = arrays(mode, out32, out64, whole=number == 201 and mode == "slide")
            write_safetensors(folder / f"{number}_{mode}.safetensors", tensors)
            about["images"][number]["noise"][mode] = tensors.noise()
        source = outs["whole"][0]
        cases.append({
            "image": f"{number:012}.png", "id": number, "size": size,
            "resized_size": source["resized"].shape[:2],
            "resized_bgr_sha256": digest(source["resized"]),
            "input_shape": source["input"].shape,
            "input_f32_chw_sha256": digest(source["input"])})
    write_json(folder / "cases.json", cases)
    return about
