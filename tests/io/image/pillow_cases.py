"""Images of many kinds, with Pillow's pixels beside: NAME, and NAME.bgr.

usage: pillow_cases.py FOLDER [gif] [tiff] [webp]

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


def bmp(bits, header=40, compression=0, masks=(), rows=None, colours=0, down=False, pixels=None):
    stride = (W * bits + 31) // 32 * 4
    pixels = pixels or (rows or noise(stride * H))
    colours = colours or (1 << bits if bits <= 8 else 0)
    if header == 12:
        head = struct.pack("<IHHHH", 12, W, H, 1, bits)
        palette = noise(3 << bits) if bits <= 8 else b""
    else:
        head = struct.pack("<IiiHHIIiiII", header, W, -H if down else H, 1, bits, compression,
                           0, 2835, 2835, colours if bits <= 8 else 0, 0)
        head += struct.pack(f"<{len(masks)}I", *masks)
        head += b"\0" * max(0, header - len(head))
        palette = b"".join(noise(3) + b"\0" for _ in range(colours))
    at = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", at + len(pixels), 0, 0, at) + head + palette + pixels


def rle8():
    out = b""
    for y in range(H):
        out += bytes([10, y, 0, 12]) + noise(12) + bytes([W - 22, y + 100]) + b"\0\0"
    return out + b"\0\1"


def rle4():
    out = b""
    for y in range(H):
        out += bytes([9, 16 * (y % 16) + 3, 0, 12]) + noise(6) + bytes([W - 21, 0x5a]) + b"\0\0"
    return out + b"\0\1"


def tiff(tags, blocks, order="<", compress=lambda x: x):
    """tags: number to (type, values); the blocks' offsets and sizes are filled in."""
    tiled = 322 in tags
    blocks = [compress(x) for x in blocks]
    at, data = 8, b""
    places = []
    for block in blocks:
        places.append(at + len(data))
        data += block + b"\0" * (len(block) % 2)
    tags = dict(tags)
    tags[324 if tiled else 273] = (4, places)
    tags[325 if tiled else 279] = (4, [len(x) for x in blocks])
    entries, extra = b"", b""
    first = at + len(data)
    behind = first + 2 + 12 * len(tags) + 4
    for tag in sorted(tags):
        kind, values = tags[tag]
        packed = struct.pack(order + {3: "H", 4: "I"}[kind] * len(values), *values)
        count = struct.pack(order + "HHI", tag, kind, len(values))
        if len(packed) <= 4:
            entries += count + packed.ljust(4, b"\0")
        else:
            entries += count + struct.pack(order + "I", behind + len(extra))
            extra += packed
    return ((b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, first) + data +
            struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", 0) + extra)


def plain_tiff(bits, kind, samples=1, rows=H, order="<", extra=None, **more):
    row = (W * bits * samples + 7) // 8
    tags = {256: (3, [W]), 257: (3, [H]), 258: (3, [bits] * samples), 259: (3, [1]),
            262: (3, [kind]), 277: (3, [samples]), 278: (3, [rows])}
    tags.update(extra or {})
    blocks = [noise(row * min(rows, H - y)) for y in range(0, H, rows)]
    return tiff(tags, blocks, order, **more)


def tiled_tiff(bits, samples, side=16):
    tags = {256: (3, [W]), 257: (3, [H]), 258: (3, [bits] * samples), 259: (3, [1]),
            262: (3, [2 if samples > 1 else 1]), 277: (3, [samples]), 322: (3, [side]),
            323: (3, [side])}
    count = -(-W // side) * -(-H // side)
    return tiff(tags, [noise(side * side * samples * bits // 8) for _ in range(count)])


def gif(image, at=(0, 0), canvas=None, transparent=None, interlace=False):
    data = bytearray(saved(image, "GIF", interlace=interlace, optimize=False))
    if canvas:
        data[6:10] = struct.pack("<HH", *canvas)
    place = 13 + (3 << (data[10] & 7) + 1 if data[10] & 128 else 0)
    if transparent is not None:
        data[place:place] = bytes([33, 249, 4, 1, 0, 0, transparent, 0])
        place += 8
    assert data[place] == 44
    data[place + 1:place + 5] = struct.pack("<HH", *at)
    return bytes(data)


def bmp_cases():
    for bits in (1, 4, 8, 16, 24, 32):
        yield f"bmp_{bits}.bmp", bmp(bits)
        yield f"bmp_{bits}_down.bmp", bmp(bits, header=124, down=True)
    for bits in (1, 4, 8, 24):
        yield f"bmp_{bits}_os2.bmp", bmp(bits, header=12)
    yield "bmp_few.bmp", bmp(8, colours=200)
    yield "bmp_565.bmp", bmp(16, compression=3, masks=(0xf800, 0x7e0, 0x1f))
    yield "bmp_555.bmp", bmp(16, 108, 3, (0x7c00, 0x3e0, 0x1f))
    yield "bmp_xbgr.bmp", bmp(32, 124, 3, (0xff000000, 0xff0000, 0xff00, 0))
    yield "bmp_rgba.bmp", bmp(32, 124, 3, (0xff, 0xff00, 0xff0000, 0xff000000))
    yield "bmp_rle8.bmp", bmp(8, compression=1, pixels=rle8())
    yield "bmp_rle4.bmp", bmp(4, compression=2, pixels=rle4())
    yield "bmp_saved.bmp", saved(smooth("RGB"), "BMP")


def tiff_cases():
    colours = {320: (3, list(struct.unpack("<768H", noise(1536))))}
    few = {320: (3, list(struct.unpack("<48H", noise(96))))}
    for bits in (1, 2, 4, 8):
        yield f"tiff_{bits}.tif", plain_tiff(bits, 1)
        yield f"tiff_{bits}_white.tif", plain_tiff(bits, 0, rows=5)
    for order in "<>":
        name = "le" if order == "<" else "be"
        yield f"tiff_16_{name}.tif", plain_tiff(16, 1, order=order)
        yield f"tiff_rgb16_{name}.tif", plain_tiff(16, 2, 3, order=order, rows=4)
    yield "tiff_16_white.tif", plain_tiff(16, 0)
    yield "tiff_16_turned.tif", plain_tiff(16, 1, extra={274: (3, [8])})
    yield "tiff_palette.tif", plain_tiff(8, 3, extra=colours)
    yield "tiff_palette_4.tif", plain_tiff(4, 3, extra=few)
    yield "tiff_rgb.tif", plain_tiff(8, 2, 3, rows=7)
    yield "tiff_rgba.tif", plain_tiff(8, 2, 4, extra={338: (3, [2])})
    yield "tiff_rgba_multiplied.tif", plain_tiff(8, 2, 4, extra={338: (3, [1])})
    yield "tiff_rgba16_multiplied.tif", plain_tiff(16, 2, 4, extra={338: (3, [1])})
    yield "tiff_deflate.tif", plain_tiff(8, 2, 3, rows=6, extra={259: (3, [8])},
                                         compress=zlib.compress)
    yield "tiff_tiles.tif", tiled_tiff(8, 3)
    yield "tiff_tiles_16.tif", tiled_tiff(16, 3)
    yield "tiff_tiles_grey_16.tif", tiled_tiff(16, 1, 32)
    yield "tiff_tiles_grey.tif", tiled_tiff(8, 1)
    for way in range(1, 9):
        yield f"tiff_turned_{way}.tif", plain_tiff(8, 2, 3, extra={274: (3, [way])})
    for coder in ("tiff_lzw", "packbits", "tiff_adobe_deflate", "jpeg"):
        for mode in ("L", "RGB"):
            yield f"{coder}_{mode}.tif", saved(smooth(mode), "TIFF", compression=coder)
    yield "tiff_group4.tif", saved(smooth("L").convert("1"), "TIFF", compression="group4")


def gif_cases():
    palette = smooth("RGB").quantize(64)
    yield "gif.gif", gif(palette)
    yield "gif_rows.gif", gif(palette, interlace=True)
    yield "gif_grey.gif", gif(smooth("L"))
    yield "gif_placed.gif", gif(palette, at=(5, 7), canvas=(60, 50), transparent=9)
    yield "gif_beyond.gif", gif(palette, at=(9, 3), canvas=(20, 10))
    yield "gif_placed_0.gif", gif(palette, at=(5, 7), canvas=(60, 50))
    yield "gif_many.gif", saved(palette, "GIF", save_all=True,
                                append_images=[smooth("RGB").quantize(8)])


def webp_cases():
    alpha = Image.frombytes("RGBA", (W, H), noise(W * H * 4))
    yield "webp.webp", saved(smooth("RGB"), "WEBP", quality=80)
    yield "webp_small.webp", saved(smooth("RGB", 1, 1), "WEBP")
    yield "webp_lossless.webp", saved(smooth("RGB"), "WEBP", lossless=True)
    yield "webp_alpha.webp", saved(alpha, "WEBP", lossless=True, exact=True)
    yield "webp_alpha_lossy.webp", saved(alpha, "WEBP", quality=60)
    yield "webp_turned.webp", saved(smooth("RGB"), "WEBP", exif=exif(6))
    yield "webp_many.webp", saved(smooth("RGB"), "WEBP", save_all=True, lossless=True,
                                  append_images=[smooth("RGB")])


def ppm_cases():
    yield "ppm.ppm", b"P6 # colours\n# of noise\n37\t23 255\n" + noise(W * H * 3)
    yield "ppm_grey.pgm", b"P5\n37 23\n255\n" + noise(W * H)


def cases():
    yield from bmp_cases()
    yield from ppm_cases()
    if "gif" in sys.argv:
        yield from gif_cases()
    if "tiff" in sys.argv:
        yield from tiff_cases()
    if "webp" in sys.argv:
        yield from webp_cases()
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
