"""JPEG files of every chroma subsampling, with the gray values that Pillow reads from them.

    python export.py    # needs numpy, pillow >= 10.2 and safetensors

`NAME.file` holds the file, `NAME.gray` the result of `Image.convert("L")` (from decoded colours), turned upright by its
EXIF tag.
"""

import io
import pathlib

import numpy as np
from PIL import Image, ImageOps
from safetensors.numpy import save_file

HEIGHT, WIDTH = 75, 109
y, x = np.mgrid[:HEIGHT, :WIDTH]
rng = np.random.default_rng(4)
picture = np.stack([
    120 + 90 * np.sin(x / 9 + y / 23),
    128 + 100 * np.cos(y / 11 - x / 31),
    60 + 1.5 * x + 20 * ((x // 13 + y // 7) % 2),
], 2) + rng.normal(0, 3, (HEIGHT, WIDTH, 3))
colour = Image.fromarray(picture.clip(0, 255).astype(np.uint8))
turned = Image.Exif()
turned[0x0112] = 6
upright = Image.Exif()
upright[0x0112] = 1

CASES = {
    "444": dict(subsampling="4:4:4"),
    "422": dict(subsampling="4:2:2"),
    "420": dict(subsampling="4:2:0"),
    "420_restarts": dict(subsampling="4:2:0", restart_marker_blocks=5),
    "420_progressive": dict(subsampling="4:2:0", progressive=True),
    "420_optimized": dict(subsampling="4:2:0", optimize=True),
    "420_upright": dict(subsampling="4:2:0", exif=upright),
    "420_turned": dict(subsampling="4:2:0", exif=turned),
    "rgb": dict(keep_rgb=True, subsampling="4:4:4"),
    "gray": {},
}

tensors = {}
for name, options in CASES.items():
    file = io.BytesIO()
    (colour.convert("L") if name == "gray" else colour).save(file, "JPEG", quality=85, **options)
    tensors[f"{name}.file"] = np.frombuffer(file.getvalue(), np.uint8)
    image = ImageOps.exif_transpose(Image.open(file))
    tensors[f"{name}.gray"] = np.asarray(image.convert("L"))
save_file(tensors, pathlib.Path(__file__).with_name("case.safetensors"))
