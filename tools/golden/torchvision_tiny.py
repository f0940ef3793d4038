"""The golden case torchvision_tiny: torchvision's second Mask R-CNN
(maskrcnn_resnet50_fpn_v2: batch norm in pyramid and heads, two convolutions in the RPN),
narrow, on two small images. The network and its rules are torchvision's own."""
import numpy as np
import torch
from torch import nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, FastRCNNPredictor
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import AnchorGenerator, RPNHead
from torchvision.models.resnet import Bottleneck, ResNet

import coco
from expected import Arrays
from files import digest, write_json, write_png, write_safetensors
from images import image
from seeds import Unfit, first_fit
from weights import normalise_outputs, randomise

DEPTHS, BASE, CHANNELS, FC_CHANNELS = (1, 1, 2, 1), 4, 12, 24
CATEGORIES = {"disc": 1, "square": 2, "ring": 3, "cross": 4, "rest": 5}
SCALE = 128, 96
MODEL_SEED = 3
IMAGES = {301: (70, 90), 302: (101, 50)}
DETECTIONS = range(10, 81)
SCORE_GAP = 5e-6  # the least one between neighbouring proposals
MASKS_STORED = 20
# Runs with every weight off by this part of it must decide as the others do.
DISTURBANCES, DISTURBANCE = 6, 2**-20


class Body(ResNet):
    """torchvision's ResNet, as narrow as wanted."""

    def __init__(self):
        nn.Module.__init__(self)
        self._norm_layer, self.inplanes, self.dilation = nn.BatchNorm2d, BASE, 1
        self.groups, self.base_width = 1, 64
        self.conv1 = nn.Conv2d(3, BASE, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(BASE)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for i, depth in enumerate(DEPTHS):
            stage = self._make_layer(Bottleneck, BASE << i, depth, 2 if i else 1)
            self.add_module(f"layer{i + 1}", stage)


def network():
    norm, outputs = nn.BatchNorm2d, len(CATEGORIES) + 1
    backbone = BackboneWithFPN(Body(), {f"layer{i + 1}": str(i) for i in range(4)},
                               [4 * BASE << i for i in range(4)], CHANNELS,
                               norm_layer=norm)
    anchors = AnchorGenerator(tuple((32 << i,) for i in range(5)), ((0.5, 1.0, 2.0),) * 5)
    convs = [CHANNELS] * 4
    return MaskRCNN(
        backbone, min_size=min(SCALE), max_size=max(SCALE), rpn_anchor_generator=anchors,
        rpn_head=RPNHead(CHANNELS, 3, conv_depth=2),
        box_head=FastRCNNConvFCHead((CHANNELS, 7, 7), convs, [FC_CHANNELS],
                                    norm_layer=norm),
        box_predictor=FastRCNNPredictor(FC_CHANNELS, outputs),
        mask_head=MaskRCNNHeads(CHANNELS, convs, 1, norm_layer=norm),
        mask_predictor=MaskRCNNPredictor(CHANNELS, CHANNELS, outputs)).eval()


class Input:
    """An image and what the network gets of it, in float32 for every run."""

    def __init__(self, model, seed, size):
        self.image, self.size = image(seed, *size), size
        rgb = self.image[:, :, ::-1].transpose(2, 0, 1)
        x = torch.from_numpy(np.ascontiguousarray(rgb)).float() / 255
        self.images = model.transform([x])[0]

    def run(self, model, dtype=torch.float32):
        """The outputs of one forward pass, and of the layers named in it."""
        seen = {}

        def see(module, name):
            return module.register_forward_hook(
                lambda _, __, out: seen.setdefault(name, out))

        hooks = [see(model.backbone.body, "stages"), see(model.rpn.head, "rpn"),
                 see(model.roi_heads.box_predictor, "boxes"),
                 see(model.roi_heads.mask_predictor, "mask_logits")]
        filter_proposals = model.rpn.filter_proposals

        def keep_scores(*args):
            seen["proposals"], seen["proposal_scores"] = filter_proposals(*args)
            return seen["proposals"], seen["proposal_scores"]

        model.rpn.filter_proposals = keep_scores
        model.to(dtype)
        images = ImageList(self.images.tensors.to(dtype), self.images.image_sizes)
        seen["fpn"] = model.backbone(images.tensors)
        proposals, _ = model.rpn(images, seen["fpn"])
        found, _ = model.roi_heads(seen["fpn"], proposals, images.image_sizes)
        seen["mask_probabilities"] = found[0]["masks"][:, 0]
        seen["found"] = model.transform.postprocess(found, images.image_sizes,
                                                    [self.size])[0]
        model.to(torch.float32)
        model.rpn.filter_proposals = filter_proposals
        for hook in hooks:
            hook.remove()
        return seen


def rows(maps):
    """(n, channels) of maps (1, channels, h, w)."""
    return torch.cat([x.permute(0, 2, 3, 1).flatten(0, 2) for x in maps])


@torch.no_grad()
def build():
    """Random weights, with the last layers set so that the heads say something."""
    model = network()
    randomise(model, MODEL_SEED)
    source = Input(model, MODEL_SEED, (70, 90))
    head, heads = model.rpn.head, model.roi_heads
    normalise_outputs(head.cls_logits, rows(source.run(model)["rpn"][0]), -1.5, 1.5)
    normalise_outputs(head.bbox_pred, rows(source.run(model)["rpn"][1]), 0.0, 0.12)
    boxes = heads.box_predictor
    normalise_outputs(boxes.cls_score, source.run(model)["boxes"][0], 0.0, 1.5)
    normalise_outputs(boxes.bbox_pred, source.run(model)["boxes"][1], 0.0, 2.5)
    while len(source.run(model)["found"]["boxes"]) > 60:
        boxes.cls_score.bias[0] += 0.25
    normalise_outputs(heads.mask_predictor.mask_fcn_logits,
                      rows([source.run(model)["mask_logits"]]), 0.0, 2.0)
    return model


@torch.no_grad()
def disturbed(model, seed):
    rng = np.random.default_rng(seed)
    other = network()
    other.load_state_dict(model.state_dict())
    for p in other.parameters():
        noise = torch.from_numpy(rng.uniform(-1, 1, p.shape))
        p.copy_(p.double() * (1 + DISTURBANCE * noise))
    return other


def examine(runs):
    """Raise Unfit unless all runs decide alike; the last one is exact."""
    exact = runs[-1]
    scores = exact["proposal_scores"][0]
    if len(exact["found"]["boxes"]) not in DETECTIONS:
        raise Unfit(f"{len(exact['found']['boxes'])} detections")
    if len(exact["found"]["labels"].unique()) < 3:
        raise Unfit("fewer than 3 classes detected")
    if -torch.diff(scores).max() < SCORE_GAP:
        raise Unfit("two proposals of nearly the same score")
    for run in runs[:-1]:
        for name in ("labels", "masks"):
            a, b = ((r["found"][name] > 0.5) if name == "masks" else r["found"][name]
                    for r in (run, exact))
            if a.shape != b.shape or (a != b).any():
                raise Unfit(f"other {name}")
        for a, b in ((run["proposals"][0], exact["proposals"][0]),
                     (run["found"]["boxes"], exact["found"]["boxes"])):
            if a.shape != b.shape or (a - b).abs().max() > 1e-2:
                raise Unfit("other boxes")


def arrays(out32, out64):
    """By file: what is compared, under the names by which densepred traces it."""
    files = {name: Arrays() for name in ("backbone", "fpn", "rpn", "boxes", "masks")}

    def put(file, name, get):
        files[file].put(name, get(out32), get(out64), whole=False)

    for i in range(4):
        put("backbone", f"stage{i + 1}", lambda out: out["stages"][str(i)])
    for i, level in enumerate(out64["fpn"]):
        put("fpn", f"p{i + 2}", lambda out: out["fpn"][level])
        for k, name in enumerate(("cls", "reg")):
            put("rpn", f"rpn_{name}_p{i + 2}", lambda out: out["rpn"][k][i])
    boxes = files["boxes"]
    boxes.put("proposals", out32["proposals"][0], out64["proposals"][0])
    boxes.put("proposals.scores", out32["proposal_scores"][0],
              out64["proposal_scores"][0])
    # The background comes first there and last here, and its deltas are not used.
    put("boxes", "bbox_cls", lambda out: out["boxes"][0].roll(-1, 1))
    put("boxes", "bbox_reg", lambda out: out["boxes"][1][:, 4:])
    boxes.put("detections", out32["found"]["boxes"], out64["found"]["boxes"])
    boxes.put("detections.scores", out32["found"]["scores"], out64["found"]["scores"])
    boxes["detections.labels"] = out64["found"]["labels"].int() - 1
    put("masks", "mask_probabilities",
        lambda out: out["mask_probabilities"][:MASKS_STORED])
    return files


def write_configs(folder):
    classes = [{"name": name, "id": number, "colour": [50 * i, 250 - 50 * i, 128]}
               for i, (name, number) in enumerate(CATEGORIES.items())]
    write_json(folder / "classes.json", {"name": "tiny", "classes": classes})
    write_json(folder / "config.json", {
        "base": "../../../configs/_base_/torchvision_mask_rcnn_v2.json",
        "dataset": "classes.json",
        "input": {"scale": SCALE},
        "backbone": {"type": "resnet", "depths": DEPTHS, "base_channels": BASE},
        "neck": {"out_channels": CHANNELS},
        "rpn_head": {"feat_channels": CHANNELS},
        "bbox_head": {"conv_out_channels": CHANNELS, "fc_out_channels": FC_CHANNELS,
                      "num_classes": len(CATEGORIES)},
        "mask_head": {"conv_out_channels": CHANNELS, "num_classes": len(CATEGORIES)}})


def records(found, number):
    rows = torch.cat([found["boxes"], found["scores"][:, None],
                      found["labels"][:, None] - 1], 1)
    return coco.records(rows, found["masks"][:, 0] > 0.5, number,
                        list(CATEGORIES.values()))


@torch.no_grad()
def write(folder):
    model = build()
    others = [disturbed(model, i) for i in range(DISTURBANCES)]
    write_safetensors(folder / "model.safetensors", model.state_dict())
    write_configs(folder)
    about, cases = {"model_seed": MODEL_SEED, "images": {}}, []
    for number, size in IMAGES.items():

        def attempt(seed):
            source = Input(model, seed, size)
            runs = [source.run(other, torch.float64) for other in others]
            runs += [source.run(model), source.run(model, torch.float64)]
            examine(runs)
            return source, *runs[-2:]

        seed, (source, out32, out64) = first_fit(attempt)
        write_png(folder / f"{number:012}.png", source.image)
        files = arrays(out32, out64)
        for name, tensors in files.items():
            write_safetensors(folder / f"{number}_{name}.safetensors", tensors)
        write_json(folder / f"{number}_results.json", records(out64["found"], number))
        x = source.images.tensors[0].numpy()
        cases.append({
            "image": f"{number:012}.png", "id": number, "size": size,
            "config": "config.json", "resized_size": source.images.image_sizes[0],
            "input_shape": x.shape, "input_f32_chw_sha256": digest(x),
            "proposals": len(out64["proposals"][0]),
            "detections": len(out64["found"]["boxes"])})
        about["images"][number] = {
            "seed": seed, "noise": {name: a.noise() for name, a in files.items()}}
    write_json(folder / "cases.json", cases)
    return about
