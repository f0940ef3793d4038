"""Writes the golden files of tests/golden, and their manifest: make.py DIR"""
import argparse
import pathlib
import platform

import numpy as np
import torch
import torchvision

import mask_rcnn_tiny
import op_cases
import roadmap
import torchvision_tiny
import upernet_tiny
from files import digest, write_json

CASES = {"ops": op_cases, "mask_rcnn_tiny": mask_rcnn_tiny, "upernet_tiny": upernet_tiny,
         "roadmap": roadmap, "torchvision_tiny": torchvision_tiny}


def write_case(folder, name):
    case = folder / name
    case.mkdir(parents=True, exist_ok=True)
    for old in case.iterdir():
        old.unlink()
    about = CASES[name].write(case)
    about["files"] = {path.name: {"bytes": path.stat().st_size, "sha256": digest(path)}
                      for path in sorted(case.iterdir())}
    return about


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    torch.set_num_threads(1)
    write_json(folder / "MANIFEST.json", {
        "tool": "tools/golden/make.py",
        "versions": {"python": platform.python_version(), "torch": torch.__version__,
                     "torchvision": torchvision.__version__, "numpy": np.__version__},
        "cases": {name: write_case(folder, name) for name in CASES}})


if __name__ == "__main__":
    main()
