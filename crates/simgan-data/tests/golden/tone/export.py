"""Writes case.json beside itself: equalised images as OpenCV makes them, matched ones as NumPy does.

usage: python export.py
needs: pip install numpy opencv-python-headless
"""
import json, pathlib

import cv2
import numpy as np

random = np.random.default_rng(5)


def image(height, width, darkest, brightest):
    """Darker at the left, with repeated levels."""
    ramp = np.linspace(darkest, brightest, width)[None, :] + random.normal(0, 12, (height, width))
    return np.clip(np.round(ramp), 0, 255).astype(np.uint8)


def percentiles(images):
    return np.mean([np.percentile(image / 255, range(101)) for image in images], axis=0)


def matched(image, reference):
    """Each level becomes the reference's value at the rank of the middle of the level's pixels."""
    counts = np.bincount(image.ravel(), minlength=256)
    ranks = (np.cumsum(counts) - counts / 2) / image.size
    return np.round(255 * np.interp(100 * ranks, range(101), reference))[image]


references = [image(7, 11, 20, 90), image(7, 11, 100, 250), image(7, 11, 60, 61)]
reference = percentiles(references)
cases = []
for shape in [(7, 11, 40, 80), (13, 5, 0, 255), (1, 9, 200, 254)]:
    picture = image(*shape)
    cases.append({
        "image": picture.tolist(),
        "equalized": cv2.equalizeHist(picture).tolist(),
        "matched": matched(picture, reference).astype(int).tolist(),
    })
case = {"references": [picture.tolist() for picture in references], "percentiles": reference.tolist(), "cases": cases}
(pathlib.Path(__file__).parent / "case.json").write_text(json.dumps(case) + "\n")
