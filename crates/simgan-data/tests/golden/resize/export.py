"""Resized images as Pillow makes them: python export.py writes case.safetensors beside itself."""

import pathlib

import numpy as np
from PIL import Image, ImageOps
from safetensors.numpy import save_file

rng = np.random.default_rng(7)
tensors = {}
for i, (size, target) in enumerate([((37, 23), (11, 9)), ((9, 14), (21, 10)), ((64, 48), (55, 35)), ((5, 31), (5, 3))]):
    noise = rng.integers(0, 256, (size[1], size[0]), dtype=np.uint8)
    image = Image.fromarray(noise)
    tensors[f"{i}.input"] = noise
    tensors[f"{i}.stretch"] = np.array(image.resize(target, Image.Resampling.BILINEAR))
    tensors[f"{i}.cover"] = np.array(ImageOps.fit(image, target, Image.Resampling.BILINEAR))
save_file(tensors, pathlib.Path(__file__).with_name("case.safetensors"))
