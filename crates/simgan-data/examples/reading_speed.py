"""Compares how fast Rust and Python read data sets: one thread each, in turn, best and median of several rounds.

    cargo build -p simgan-data --example reading_speed
    python reading_speed.py --program target/debug/examples/reading_speed \
        [--mat FILE…] [--unityeyes FOLDER] [--packed FILE] [--rounds N]

Needs numpy, scipy and pillow. Both sides do the same work: read a whole `.mat` file; parse, decode and crop a UnityEyes
pair to 140×84 around the lid margin and resize it to 55×35 in gray; assemble float batches of 512 packed images in
random order. Pillow is timed decoding colour (`convert("L")`), luma alone (`draft`) and luma at half size.
"""

import argparse, json, os, statistics, struct, subprocess, time

os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np
import scipy.io
from PIL import Image


def mat(paths):
    for path in paths:
        scipy.io.loadmat(path)
    return len(paths)


def point(text):
    return [float(number) for number in text.strip("()").split(",")]


def pairs(folder, draft):
    stems = sorted(os.path.join(folder, name[:-4]) for name in os.listdir(folder) if name.endswith(".jpg"))
    for stem in stems:
        with open(stem + ".json") as file:
            record = json.load(file)
        image = Image.open(stem + ".jpg")
        width, height = image.size
        if draft:
            image.draft("L", (width // draft, height // draft))
        scale = width / image.size[0]
        gaze = point(record["eye_details"]["look_vec"])
        margin = np.array([point(p)[:2] for p in record["interior_margin_2d"]])
        x, y = margin.mean(0)
        left, top = round(x - 70), round(height - y - 42)
        box = tuple(int(v / scale) for v in (left, top, left + 140, top + 84))
        image = image.convert("L").crop(box).resize((55, 35), Image.BILINEAR)
        np.asarray(image), gaze
    return len(stems)


def packed(path):
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        info = json.loads(file.read(length))["images"]
    data = np.memmap(path, np.uint8, "r", 8 + length + info["data_offsets"][0], tuple(info["shape"]))
    order = np.random.default_rng(1).permutation(len(data))
    started = time.perf_counter()
    for i in range(100):
        indices = np.take(order, range(512 * i, 512 * (i + 1)), mode="wrap")
        data[indices].astype(np.float32) / 127.5 - 1
    return (time.perf_counter() - started) / 51200


def per_item(work):
    started = time.perf_counter()
    n = work()
    return (time.perf_counter() - started) / n


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--mat", nargs="+")
    parser.add_argument("--unityeyes")
    parser.add_argument("--packed")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    rust = lambda *words: float(subprocess.run([options.program, *words], check=True, capture_output=True).stdout)
    sides = {}
    if options.mat:
        sides[".mat, Rust"] = lambda: rust("mat", *options.mat)
        sides[".mat, scipy"] = lambda: per_item(lambda: mat(options.mat))
    if options.unityeyes:
        sides["UnityEyes, Rust"] = lambda: rust("unityeyes", options.unityeyes)
        for name, draft in [("colours", 0), ("luma", 1), ("luma at half size", 2)]:
            sides[f"UnityEyes, Pillow, {name}"] = lambda draft=draft: per_item(lambda: pairs(options.unityeyes, draft))
    if options.packed:
        sides["packed, Rust"] = lambda: rust("packed", options.packed)
        sides["packed, numpy"] = lambda: packed(options.packed)
    times = {name: [] for name in sides}
    for _ in range(options.rounds):
        for name, run in sides.items():
            times[name].append(run())
    for name, secs in times.items():
        best, median = min(secs), statistics.median(secs)
        first = statistics.median(times[name.split(",")[0] + ", Rust"])
        print(f"{name:36} best {best * 1e6:9.1f} us  median {median * 1e6:9.1f} us  {median / first:5.2f} x Rust")


main()
