"""Image files as written by other programs, with the pixels that Pillow reads: python export.py writes case.safetensors.

`NAME.file` holds the bytes of a file, `NAME.pixels` its pixels [height, width, channels]; a file without pixels is of a
kind that must be rejected.
"""

import io
import pathlib

import numpy as np
from PIL import Image, ImageOps
from safetensors.numpy import save_file

y, x = np.mgrid[0:7, 0:11]
gray = (20 + 15 * x + 9 * y).astype(np.uint8)
rgb = np.stack([gray, 255 - gray, (40 + 3 * x * y).astype(np.uint8)], axis=-1)
gray_image, rgb_image = Image.fromarray(gray), Image.fromarray(rgb)
palette = rgb_image.quantize(8)
exif = Image.Exif()
exif[0x112] = 6

tensors = {}


def add(name, image, kind, shows=None, refused=False, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    tensors[f"{name}.file"] = np.frombuffer(file.getvalue(), np.uint8)
    if refused:
        return
    if shows is None:
        shows = ImageOps.exif_transpose(Image.open(io.BytesIO(file.getvalue())))
    pixels = np.array(shows)
    tensors[f"{name}.pixels"] = pixels.reshape(*pixels.shape[:2], -1)


add("png_palette", palette, "PNG", palette.convert("RGB"))
add("png_one_bit", gray_image.convert("1"), "PNG", gray_image.convert("1").convert("L"))
add("png_transparent", palette, "PNG", palette.convert("RGB"), transparency=3)
add("jpeg_progressive", rgb_image, "JPEG", quality=90, progressive=True)
add("jpeg_gray_restarts", gray_image, "JPEG", quality=90, restart_marker_blocks=1)
add("jpeg_subsampled", rgb_image, "JPEG", quality=90, subsampling="4:4:4", optimize=True)
add("jpeg_turned", rgb_image, "JPEG", quality=95, subsampling="4:4:4", exif=exif)
add("jpeg_cmyk", rgb_image.convert("CMYK"), "JPEG", refused=True)
add("tiff_lzw", rgb_image, "TIFF", compression="tiff_lzw")
add("tiff_deflate", gray_image, "TIFF", compression="tiff_adobe_deflate")
add("tiff_packbits", gray_image, "TIFF", compression="packbits")
add("tiff_turned", gray_image, "TIFF", exif=exif)
add("tiff_cmyk", rgb_image.convert("CMYK"), "TIFF", refused=True)
add("bmp_gray", gray_image, "BMP")
add("bmp_palette", palette, "BMP", palette.convert("RGB"))
add("bmp_one_bit", gray_image.convert("1"), "BMP", gray_image.convert("1").convert("L"))
save_file(tensors, pathlib.Path(__file__).with_name("case.safetensors"))
