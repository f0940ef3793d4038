"""Writers of the files of a golden case; the same input gives the same bytes."""
import hashlib
import json
import struct
import zlib

import numpy as np
import torch

NAMES = {"float16": "F16", "float32": "F32", "float64": "F64", "int64": "I64",
         "int32": "I32", "uint8": "U8", "bool": "BOOL"}


def write_safetensors(path, tensors):
    """Arrays by name, in the order given. (The package safetensors would do the same.)"""
    header, offset, parts = {}, 0, []
    for name, value in tensors.items():
        array = np.asarray(value.detach() if isinstance(value, torch.Tensor) else value)
        data = array.tobytes()  # row-major, whatever the strides
        header[name] = {"dtype": NAMES[array.dtype.name], "shape": list(array.shape),
                        "data_offsets": [offset, offset + len(data)]}
        parts.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


def read_safetensors(path):
    """What write_safetensors wrote, as tensors."""
    data = path.read_bytes()
    (size,) = struct.unpack_from("<Q", data)
    types, out = {v: k for k, v in NAMES.items()}, {}
    for name, about in json.loads(data[8:8 + size]).items():
        first, end = (8 + size + at for at in about["data_offsets"])
        array = np.frombuffer(data[first:end], types[about["dtype"]])
        out[name] = torch.from_numpy(array.reshape(about["shape"]).copy())
    return out


def write_png(path, image):
    """(H, W, 3) uint8 blue-green-red."""
    h, w = image.shape[:2]
    rgb = np.ascontiguousarray(image[:, :, ::-1]).reshape(h, w * 3)
    difference = rgb.copy()
    difference[:, 3:] -= rgb[:, :-3]
    rows = np.concatenate([np.full((h, 1), 1, np.uint8), difference], axis=1)

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    path.write_bytes(b"\x89PNG\r\n\x1a\n"
                     + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(rows.tobytes(), 9))
                     + chunk(b"IEND", b""))


def write_json(path, value):
    """A list with one element a line, anything else indented."""
    if isinstance(value, list):
        text = "[\n" + ",\n".join(json.dumps(x) for x in value) + "\n]"
    else:
        text = json.dumps(value, indent=1)
    path.write_text(text + "\n")


def digest(content):
    """SHA-256 of an array's bytes, or of a file's."""
    data = content.tobytes() if isinstance(content, np.ndarray) else content.read_bytes()
    return hashlib.sha256(data).hexdigest()
