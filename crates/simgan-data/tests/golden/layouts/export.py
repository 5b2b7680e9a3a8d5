"""Image files of every layout, each with the pixels that other decoders read: python export.py writes case.safetensors.

`NAME.file` holds the bytes of a file and `NAME.pixels` its pixels `[height, width, channels]`, alpha last; or `NAME.refused`
a part of the reason for which it is to be refused. JPEG's pixels are libjpeg-turbo's, read by Pillow; TIFF's are tifffile's
and, where it reads the layout, libtiff's, read by Pillow; those of the others are Pillow's. Needs Pillow, tifffile and imagecodecs.
"""

import io
import itertools
import json
import pathlib
import struct
import zlib

import jpeg
import numpy as np
import tiff
import tifffile
from PIL import Image

tensors = {}
random = np.random.default_rng(17)


def add(name, data, pixels=None, refused=None):
    assert f"{name}.file" not in tensors, name
    tensors[f"{name}.file"] = np.frombuffer(data, np.uint8)
    if refused:
        tensors[f"{name}.refused"] = np.frombuffer(refused.encode(), np.uint8)
    else:
        tensors[f"{name}.pixels"] = np.ascontiguousarray(pixels.reshape(*pixels.shape[:2], -1))


def smooth(height, width, n, kind=np.uint8):
    """Smooth pixels with a little noise, so that compression does something."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [0.5 + 0.4 * np.sin(x * (0.5 + 0.2 * c) + 0.6 * y + c) for c in range(n)]
    pixels = np.stack(planes, -1) + random.normal(0, 0.02, (height, width, n))
    if kind == np.float32:
        return (pixels * 1000).astype(kind)
    top = np.iinfo(kind).max
    return np.clip(pixels * top, 0, top).astype(kind)


def pillow(data, mode=None):
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
        return np.array(image.convert(mode) if mode else image)
    except Exception:
        return None


# TIFF -----------------------------------------------------------------------------------------------------------------
COMPRESSIONS = {"none": 1, "lzw": 5, "deflate": 8, "packbits": 32773}
SHAPES = {"strip": {}, "strips": {"rows": 4}, "tiles": {"tile": (16, 16)}}
KINDS = {
    "gray8": (1, np.uint8, {}), "gray16": (1, np.uint16, {}), "float": (1, np.float32, {}),
    "rgb8": (3, np.uint8, {}), "rgb16": (3, np.uint16, {}), "rgbfloat": (3, np.float32, {}),
    "rgba8": (4, np.uint8, {"extra": [2]}), "rgba16": (4, np.uint16, {"extra": [1]}), "grayalpha8": (2, np.uint8, {"extra": [2]}),
    "unspecified": (4, np.uint8, {"extra": [0]}),
}
forms = itertools.cycle(itertools.product("<>", (False, True)))


def add_tiff(name, pixels, shows=None, refused=None, form=None, **options):
    order, big = form or next(forms)
    data = tiff.encode([(pixels, options)], order, big)
    name = f"tiff_{name}_{'little' if order == '<' else 'big'}{'_big' if big else ''}"
    if refused:
        return add(name, data, refused=refused)
    raw = tifffile.imread(io.BytesIO(data), series=0)
    if options.get("planar"):
        raw = np.moveaxis(raw, 0, -1)
    assert np.array_equal(raw.reshape(pixels.shape), pixels, equal_nan=True), name
    shows = pixels if shows is None else shows
    libtiff = pillow(data, "RGB" if options.get("photometric") == 3 else None)
    # Pillow does not swap the bytes of some big-endian values, and takes planes of gray and alpha for pixels.
    is_right = (order == "<" or shows.dtype == np.uint8) and not (options.get("planar") and shows.shape[2] == 2)
    if libtiff is not None and is_right and libtiff.dtype == shows.dtype and libtiff.size == shows.size:
        assert np.array_equal(libtiff.reshape(shows.shape), shows, equal_nan=True), name
        compared.append(name)
    add(name, data, shows)


compared = []
for (kind, (n, dtype, options)), (packing, number), (shape, chunks) in itertools.product(
    KINDS.items(), COMPRESSIONS.items(), SHAPES.items()
):
    size = (19, 21) if shape == "tiles" else (7, 13)
    for planar in ([False, True] if n > 1 and kind in ("rgb8", "rgb16", "rgba8", "rgbfloat") else [False]):
        if planar and shape == "strip":
            continue
        add_tiff(f"{kind}_{packing}_{shape}{'_planar' if planar else ''}", smooth(*size, n, dtype), compression=number,
                 planar=planar, **chunks, **options)
for kind, packing, predictor, planar in itertools.product(KINDS, ("lzw", "deflate"), (2, 3), (False, True)):
    n, dtype, options = KINDS[kind]
    if (predictor == 3) != (dtype == np.float32) or planar and n == 1:
        continue
    add_tiff(f"{kind}_{packing}_predictor{predictor}{'_planar' if planar else ''}", smooth(7, 13, n, dtype),
             compression=COMPRESSIONS[packing], predictor=predictor, planar=planar, rows=3, **options)
add_tiff("float_predictor2", smooth(5, 6, 1, np.float32), compression=5, predictor=2)
for bits, (colour, photometric), (packing, number), fill in itertools.product(
    (1, 2, 4, 8), {"gray": 1, "white": 0, "palette": 3}.items(), COMPRESSIONS.items(), (1, 2)
):
    if bits == 8 and (colour == "gray" or packing in ("none", "packbits")) and fill == 1:
        continue
    top = (1 << bits) - 1
    pixels = (smooth(7, 13, 1).astype(int) * top // 255).astype(np.uint8)
    options = {"palette": list(map(int, random.integers(0, 65536, 3 * (top + 1))))} if colour == "palette" else {}
    gray = (pixels.astype(int) * 255 // top).astype(np.uint8)
    if colour == "palette":
        gray = (np.array(options["palette"]).reshape(3, -1).T >> 8).astype(np.uint8)[pixels[:, :, 0]]
    shows = 255 - gray if colour == "white" else gray
    if fill == 2:
        data = tiff.encode([(pixels, dict(bits=bits, photometric=photometric, compression=number, fill=2, **options))])
        add(f"tiff_{colour}{bits}_{packing}_fill2", data, shows)
    else:
        add_tiff(f"{colour}{bits}_{packing}", pixels, shows, bits=bits, photometric=photometric, compression=number, **options)
add_tiff("white16", (w := smooth(5, 7, 1, np.uint16)), 65535 - w, photometric=0)
add_tiff("deflate_old", smooth(7, 13, 3), compression=32946)
add_tiff("tiles_rgb16_predictor", smooth(35, 20, 3, np.uint16), compression=5, predictor=2, tile=(16, 16))
add_tiff("tiles_float_predictor", smooth(35, 20, 1, np.float32), compression=8, predictor=3, tile=(16, 16))
nan = smooth(5, 7, 1, np.float32)
nan[1, 2], nan[3, 3] = np.nan, np.inf
add_tiff("not_measured", nan)
add("tiff_no_lengths", tiff.encode([(p := smooth(7, 13, 1), {"no_lengths": True})]), p)
small = (smooth(2, 3, 3), {"subfile": 1})
add("tiff_thumbnail_first", tiff.encode([small, (p := smooth(7, 13, 3), {})]), p)
add("tiff_thumbnail_last", tiff.encode([(p := smooth(7, 13, 3), {"subfile": 0}), small]), p)
for orientation in range(1, 9):
    p = smooth(5, 3, 3)
    data = tiff.encode([(p, {"orientation": orientation})])
    shows = {1: p, 2: p[:, ::-1], 3: p[::-1, ::-1], 4: p[::-1], 5: p.swapaxes(0, 1), 6: np.rot90(p, -1),
             7: p[::-1, ::-1].swapaxes(0, 1), 8: np.rot90(p)}[orientation]
    add(f"tiff_orientation{orientation}", data, shows)
REFUSED = {
    "cmyk": (4, np.uint8, {"photometric": 5}, "CMYK"), "ycbcr": (3, np.uint8, {"photometric": 6}, "YCbCr"),
    "lab": (3, np.uint8, {"photometric": 8}, "Lab"), "five": (5, np.uint8, {"extra": [0, 0]}, "5 channels"),
    "three_gray": (3, np.uint8, {"photometric": 1, "extra": [0, 0]}, "3 channels"),
    "signed": (1, np.uint8, {"sample_format": 2}, "signed"), "u32": (1, np.uint32, {}, "32 bits"),
    "complex": (1, np.uint16, {"sample_format": 5}, "complex"), "f16": (1, np.float16, {}, "16-bit floating"),
    "f64": (1, np.float64, {}, "64-bit floating"), "zstd": (1, np.uint8, {"compression": 50000}, "Zstandard"),
    "jpeg": (3, np.uint8, {"compression": 7}, "JPEG"), "fax": (1, np.uint8, {"compression": 4}, "fax"),
    "jpeg2000": (1, np.uint8, {"compression": 34712}, "JPEG 2000"), "webp": (1, np.uint8, {"compression": 50001}, "WebP"),
    "lzma": (1, np.uint8, {"compression": 34925}, "LZMA"), "unknown": (1, np.uint8, {"compression": 777}, "compression 777"),
    "mask": (1, np.uint8, {"subfile": 4}, "mask"),
}
for name, (n, dtype, options, reason) in REFUSED.items():
    pixels = (smooth(5, 7, n, np.float32)).astype(dtype) if dtype in (np.float16, np.float64) else smooth(5, 7, n, dtype)
    for form in (("<", False), (">", True)):
        add_tiff(f"refused_{name}", pixels, refused=reason, form=form, **options)
twelve = np.packbits(((smooth(5, 8, 1, np.uint16)[:, :, 0] >> 4)[:, :, None] >> np.arange(12)[::-1] & 1).astype(np.uint8).reshape(5, -1), axis=1)
add("tiff_refused_12bit", tiff.encode([(twelve[:, :, None], {})]).replace(struct.pack("<HHIHH", 258, 3, 1, 8, 0), struct.pack("<HHIHH", 258, 3, 1, 12, 0)), refused="12 bits")
for n in (2, 3):
    add(f"tiff_refused_{n}pages", tiff.encode([(smooth(5, 7, 1), {})] * n), refused=f"{n} pages")

# JPEG -----------------------------------------------------------------------------------------------------------------
SCANS = {"one": [[0, 1, 2]], "three": [[0], [1], [2]], "y_cc": [[0], [1, 2]], "yc_c": [[0, 1], [2]]}
CHROMA = [((1, 1), (1, 1)), ((2, 1), (1, 1)), ((2, 2), (2, 2)), ((1, 2), (1, 2)), ((2, 1), (2, 1))]


def counts_blocks(factors, *sides):
    """Whether our decoder counts the blocks of components that are in scans of their own as libjpeg does."""
    for axis, length in enumerate(sides):
        densest = max(f[axis] for f in factors)
        for f in factors:
            expected = min(-(-length // (8 * densest)) * f[axis], -(-length // 8))
            if expected != -(-(-(-length * f[axis] // densest)) // 8):
                return False
    return True


LUMA = [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1), (1, 4), (4, 2), (3, 1), (3, 2)]
FOURS = itertools.product([(13, 29), (29, 13)], [(1, 4), (2, 4), (4, 1), (4, 2)], [CHROMA[0], CHROMA[3], CHROMA[4]], SCANS.items())
ALL = itertools.product([(17, 19)], LUMA, CHROMA, SCANS.items())
for size, luma, chroma, (scan, scans) in itertools.chain(ALL, FOURS):
    factors = [luma, *chroma]
    if any(len(s) > 1 and sum(factors[c][0] * factors[c][1] for c in s) > 10 for s in scans):
        continue
    planes = [p.astype(int) for p in np.moveaxis(smooth(*size, 3), -1, 0)]
    planes = [(p + np.roll(p, 1, 1) + np.roll(p, 1, 0)) // 3 for p in planes]
    data = jpeg.encode(planes, factors, scans, restart=(0, 0, 1, 2)[len(tensors) // 2 % 4])
    shows = pillow(data, "RGB")
    if shows is not None and len(scans) > 1 and not counts_blocks(factors, size[1], size[0]):
        add(f"jpeg_refused_{'_'.join(f'{h}{v}' for h, v in factors)}_{scan}_{size[0]}", data, refused="sampling factors")
    elif shows is not None:
        add(f"jpeg_{'_'.join(f'{h}{v}' for h, v in factors)}_{scan}_{size[0]}", data, shows)
for factors, restart in itertools.product([(1, 1), (2, 2), (2, 1)], (0, 1, 3)):
    data = jpeg.encode([smooth(17, 13, 1)[:, :, 0].astype(int)], [factors], [[0]], restart=restart)
    add(f"jpeg_gray_{factors[0]}{factors[1]}_restart{restart}", data, pillow(data, "L"))
for size, subsampling, progressive in itertools.product([(1, 1), (3, 8), (8, 5), (9, 17), (16, 16), (17, 17), (17, 32), (33, 18)], ("4:4:4", "4:2:2", "4:2:0"), (False, True)):
    file = io.BytesIO()
    Image.fromarray(smooth(*size, 3)).save(file, "JPEG", quality=90, subsampling=subsampling, progressive=progressive)
    name = f"jpeg_pillow_{size[0]}x{size[1]}_{subsampling.replace(':', '')}{'_progressive' if progressive else ''}"
    add(name, file.getvalue(), pillow(file.getvalue()))
four = [p.astype(int) for p in np.moveaxis(smooth(9, 9, 4), -1, 0)]
for name, app in {"cmyk": b"", "ycck": jpeg.segment(0xEE, b"Adobe\0\x64\0\0\0\0\2")}.items():
    add(f"jpeg_refused_{name}", jpeg.encode(four, [(1, 1)] * 4, [[0, 1, 2, 3]], app=app), refused="CMYK")
rgb = jpeg.encode(four[:3], [(1, 1)] * 3, [[0, 1, 2]], app=jpeg.segment(0xEE, b"Adobe\0\x64\0\0\0\0\0"))
add("jpeg_rgb", rgb, pillow(rgb))
plain = jpeg.encode(four[:3], [(1, 1)] * 3, [[0, 1, 2]])
add("jpeg_refused_two", jpeg.encode(four[:2], [(1, 1)] * 2, [[0, 1]]), refused="2 channels")
add("jpeg_refused_arithmetic", jpeg.encode(four[:3], [(1, 1)] * 3, [[0, 1, 2]], sof=0xC9), refused="arithmetic")
add("jpeg_refused_lossless", jpeg.encode(four[:3], [(1, 1)] * 3, [[0, 1, 2]], sof=0xC3), refused="lossless")
add("jpeg_refused_no_end", plain[:-2], refused="ends too early")
add("jpeg_refused_cut", plain[: len(plain) // 2 + 200], refused="ends too early")


# PNG ------------------------------------------------------------------------------------------------------------------
def png(pixels, bits, colour, extra=b""):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, n = pixels.shape
    rows = [b"\0" + tiff.pack_row(row.reshape(-1), bits, ">") for row in pixels]
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunk(k, d) for k, d in extra or []) + chunk(b"IDAT", zlib.compress(b"".join(rows))) + chunk(b"IEND", b"")


for bits in (1, 2, 4, 8, 16):
    top = (1 << bits) - 1
    for size in ((7, 13), (1, 1), (3, 9)):
        level = (smooth(*size, 1, np.uint16).astype(int) * top // 65535).astype(np.uint16 if bits == 16 else np.uint8)
        add(f"png_gray{bits}_{size[0]}", png(level, bits, 0), level if bits == 16 else (level.astype(int) * 255 // top).astype(np.uint8))
        if bits <= 8:
            palette = random.integers(0, 256, (top + 1, 3)).astype(np.uint8)
            add(f"png_palette{bits}_{size[0]}", png(level, bits, 3, [(b"PLTE", palette.tobytes())]), palette[level[:, :, 0]])
        if bits >= 8:
            dtype = np.uint16 if bits == 16 else np.uint8
            for n, colour in ((3, 2), (2, 4), (4, 6)):
                p = smooth(*size, n, dtype)
                add(f"png_{n}channels{bits}_{size[0]}", png(p, bits, colour), p)
animated = png(smooth(5, 7, 1), 8, 0, [(b"acTL", struct.pack(">II", 1, 0))])
add("png_refused_animated", animated, refused="animated")

# PNM, BMP, WebP, GIF --------------------------------------------------------------------------------------------------
for name, n, top in itertools.product(("binary", "text"), (1, 3), (255, 65535, 1000, 15)):
    p = smooth(5, 7, n, np.uint16).astype(int) * top // 65535
    letter = {(1, "binary"): "5", (3, "binary"): "6", (1, "text"): "2", (3, "text"): "3"}[n, name]
    head = f"P{letter} # a comment\n7 5\n{top}\n".encode()
    body = p.astype(">u2" if top > 255 else "u1").tobytes() if name == "binary" else " ".join(map(str, p.flatten())).encode()
    full = 65535 if top > 255 else 255
    add(f"pnm_{n}_{top}_{name}", head + body, ((p * full + top // 2) // top).astype(np.uint16 if top > 255 else np.uint8))
bits = (smooth(5, 13, 1)[:, :, 0] > 127)
add("pnm_bits_binary", b"P4\n13 5\n" + np.packbits(bits, axis=1).tobytes(), np.where(bits, 0, 255).astype(np.uint8))
add("pnm_bits_text", b"P1\n13 5\n" + "".join(str(int(b)) for b in bits.flatten()).encode(), np.where(bits, 0, 255).astype(np.uint8))
for n, name in ((1, "GRAYSCALE"), (2, "GRAYSCALE_ALPHA"), (3, "RGB"), (4, "RGB_ALPHA")):
    p = smooth(5, 7, n)
    head = f"P7\nWIDTH 7\nHEIGHT 5\nDEPTH {n}\nMAXVAL 255\nTUPLTYPE {name}\nENDHDR\n".encode()
    add(f"pnm_pam{n}", head + p.tobytes(), p)
for mode, n in (("L", 1), ("RGB", 3)):
    for size in ((7, 13), (1, 1)):
        file = io.BytesIO()
        p = smooth(*size, n)
        Image.fromarray(p[:, :, 0] if n == 1 else p).save(file, "BMP")
        add(f"bmp_{mode}_{size[0]}", file.getvalue(), p)
for n, lossless in itertools.product((3, 4), (True, False)):
    file = io.BytesIO()
    Image.fromarray(smooth(7, 13, n)).save(file, "WEBP", lossless=lossless, exact=True, quality=95)
    add(f"webp_{n}_{'lossless' if lossless else 'lossy'}", file.getvalue(), pillow(file.getvalue()))
frames = [Image.fromarray(smooth(7, 13, 3)) for _ in range(2)]
for kind, name in (("WEBP", "webp"), ("GIF", "gif"), ("PNG", "png2")):
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:])
    add(f"{name}_refused_animated", file.getvalue(), refused="animated")
file = io.BytesIO()
frames[0].quantize(16).save(file, "GIF")
add("gif_one", file.getvalue(), pillow(file.getvalue(), "RGB"))

DTYPES = {"uint8": "U8", "uint16": "U16", "float32": "F32"}
header, at, body = {}, 0, []
for name, tensor in tensors.items():
    data = tensor.astype(tensor.dtype.newbyteorder("<")).tobytes()
    header[name] = {"dtype": DTYPES[tensor.dtype.name], "shape": tensor.shape, "data_offsets": [at, at + len(data)]}
    at += len(data)
    body.append(data)
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
path = pathlib.Path(__file__).with_name("case.safetensors")
path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(body))
n_refused = sum(name.endswith(".refused") for name in tensors)
print(f"{len(tensors) // 2} files, {n_refused} of them refused, {len(compared)} TIFF files read by libtiff too, {path.stat().st_size} bytes")
