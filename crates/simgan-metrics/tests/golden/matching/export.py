"""Writes case.json beside itself: histogram and Fourier matching as NumPy computes them, distances as SciPy does.

usage: python export.py
needs: pip install numpy scipy
"""
import json, pathlib

import numpy as np
from scipy.stats import wasserstein_distance

random = np.random.default_rng(11)


def images(count, channels, height, width, levels):
    return (random.integers(0, levels, (count, channels, height, width)) * (2 / (levels - 1)) - 1).round(4)


def histogram_matched(plane, target):
    """Equals scikit-image's match_histograms."""
    _, place, counts = np.unique(plane.ravel(), return_inverse=True, return_counts=True)
    values, target_counts = np.unique(target.ravel(), return_counts=True)
    ranks, target_ranks = np.cumsum(counts) / plane.size, np.cumsum(target_counts) / target.size
    return np.interp(ranks, target_ranks, values)[place].reshape(plane.shape)


def fourier_matched(image, target, beta):
    """Equals FDA_source_to_target_np by the authors of FDA, clipped."""
    source, other = np.fft.fft2(image), np.fft.fft2(target)
    amplitude, phase = np.fft.fftshift(np.abs(source), axes=(-2, -1)), np.angle(source)
    target_amplitude = np.fft.fftshift(np.abs(other), axes=(-2, -1))
    _, height, width = image.shape
    reach = int(np.floor(min(height, width) * beta))
    rows = slice(height // 2 - reach, height // 2 + reach + 1)
    columns = slice(width // 2 - reach, width // 2 + reach + 1)
    amplitude[:, rows, columns] = target_amplitude[:, rows, columns]
    changed = np.fft.ifftshift(amplitude, axes=(-2, -1)) * np.exp(1j * phase)
    return np.clip(np.real(np.fft.ifft2(changed)), -1, 1)


def gradient(images):
    here = images[..., :-1, :-1]
    return np.hypot(images[..., :-1, 1:] - here, images[..., 1:, :-1] - here)


matched = []
for channels, height, width, levels, beta in [(1, 7, 11, 6, 0.0), (3, 9, 6, 40, 0.2), (2, 8, 5, 256, 0.45), (1, 12, 14, 256, 0.25)]:
    image, target = images(1, channels, height, width, levels)[0], images(1, channels, height, width, 2 * levels)[0]
    target = (0.4 * target + 0.3).round(4)
    matched.append({
        "beta": beta,
        "image": image.tolist(),
        "target": target.tolist(),
        "histogram": [histogram_matched(a, b).tolist() for a, b in zip(image, target)],
        "fourier": fourier_matched(image, target, beta).tolist(),
    })

distances = []
for left_count, right_count in [(2, 3), (4, 1)]:
    left, right = images(left_count, 1, 5, 8, 20), images(right_count, 1, 6, 7, 256) ** 2
    distances.append({
        "left": left.tolist(),
        "right": right.round(4).tolist(),
        "intensity": wasserstein_distance(left.ravel(), right.round(4).ravel()),
        "gradient": wasserstein_distance(gradient(left).ravel(), gradient(right.round(4)).ravel()),
    })

case = {"matched": matched, "distances": distances}
(pathlib.Path(__file__).parent / "case.json").write_text(json.dumps(case) + "\n")
