"""Images of many kinds, with Pillow's pixels beside: NAME, and NAME.bgr.

usage: pillow_cases.py FOLDER

A .bgr file is height and width (32 bits, little endian) and rows of blue, green, red: what
Image.open(NAME).convert("RGB") gives.
"""
import io
import os
import random
import struct
import sys
import zlib

from PIL import Image

W, H = 37, 23
random.seed(5)
noise = random.randbytes


def smooth(mode, w=W, h=H):
    """Gradients with a little noise, which all coders keep apart."""
    bands = len(mode)
    return Image.frombytes(mode, (w, h), bytes(
        (x * (3 + 2 * c) + y * (7 - c) + random.randrange(16)) % 256
        for y in range(h) for x in range(w) for c in range(bands)))


def chunk(kind, data):
    return (struct.pack(">I", len(data)) + kind + data +
            struct.pack(">I", zlib.crc32(kind + data)))


def png(bits, color, row_bytes, extra=b""):
    rows = b"".join(b"\0" + noise(row_bytes) for _ in range(H))
    return (b"\x89PNG\r\n\x1a\n" +
            chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, bits, color, 0, 0, 0)) +
            extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif(orientation):
    return (b"Exif\0\0" +
            struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x112, 3, 1, orientation, 0, 0))


def cases():
    for bits, color, row in ((1, 0, 5), (8, 0, W), (16, 0, 2 * W), (16, 2, 6 * W),
                             (16, 4, 4 * W), (16, 6, 8 * W), (8, 6, 4 * W)):
        yield f"png_{bits}_{color}.png", png(bits, color, row)
    yield "png_palette.png", png(8, 3, W, chunk(b"PLTE", noise(300)))
    yield "png_turned.png", png(16, 0, 2 * W, chunk(b"eXIf", exif(6)[6:]))
    for mode in ("L", "RGB", "CMYK"):
        yield f"jpeg_{mode}.jpg", saved(smooth(mode), "JPEG", quality=90)
    for way in range(1, 9):
        yield f"jpeg_turned_{way}.jpg", saved(smooth("RGB"), "JPEG", exif=exif(way))
    yield "jpeg_turned_CMYK.jpg", saved(smooth("CMYK"), "JPEG", exif=exif(8))


def main(folder):
    for name, data in cases():
        path = os.path.join(folder, name)
        with open(path, "wb") as f:
            f.write(data)
        image = Image.open(path).convert("RGB")
        with open(path + ".bgr", "wb") as f:
            f.write(struct.pack("<II", image.height, image.width))
            f.write(image.tobytes("raw", "BGR"))


main(sys.argv[1])
