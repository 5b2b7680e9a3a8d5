"""A small synthetic data set in MPIIGaze's layout, and its content: python export.py writes case.safetensors.

`files/PATH` holds the bytes of its files, `bad/WHAT` those of day files that must be rejected. `images`, `gaze` and
`pose` hold the expected values in order: right eyes mirrored, with the gaze's x and the pose's y and z negated.
"""

import io
import pathlib

import numpy as np
from safetensors.numpy import save_file
from scipy.io import savemat

rng = np.random.default_rng(11)


def eyes(n):
    gaze = rng.normal(0, 0.2, (n, 3)) - [0, 0, 1]
    gaze /= np.linalg.norm(gaze, axis=1, keepdims=True)
    return {"gaze": gaze, "image": rng.integers(0, 256, (n, 36, 60), dtype=np.uint8), "pose": rng.normal(0, 0.3, (n, 3))}


def day(left, right, names, compress=True):
    file = io.BytesIO()
    filenames = np.array(names, dtype=object).reshape(-1, 1)
    savemat(file, {"data": {"left": left, "right": right}, "filenames": filenames}, do_compression=compress)
    return np.frombuffer(file.getvalue(), np.uint8)


tensors, images, gazes, poses = {}, [], [], []
for path, n, compress in [("p00/day01", 3, True), ("p00/day02", 1, True), ("p07/day11", 2, False)]:
    left, right = eyes(n), eyes(n)
    names = [f"{2 * i + 1:04}.jpg" for i in range(n)]
    tensors[f"files/Data/Normalized/{path}.mat"] = day(left, right, names, compress)
    for row in range(n):
        for side, sign in [(left, 1), (right, -1)]:
            images.append(side["image"][row][:, ::sign])
            gaze = side["gaze"][row].astype(np.float32).astype(float)
            gazes.append((gaze / np.sqrt((gaze**2).sum()) * [sign, 1, 1]).astype(np.float32))
            poses.append((side["pose"][row] * [1, sign, sign]).astype(np.float32))
tensors |= {"images": np.stack(images), "gaze": np.stack(gazes), "pose": np.stack(poses)}
subset = "files/Evaluation Subset/sample list for eye image/"
tensors[subset + "p00.txt"] = np.frombuffer(b"day01/0005.jpg left\nday01/0001.jpg right\r\nday02/0001.jpg left\n", np.uint8)
tensors[subset + "p07.txt"] = np.frombuffer(b"day11/0003.jpg right\n", np.uint8)

good, names = eyes(2), ["0001.jpg", "0002.jpg"]
tensors["bad/no right"] = day(good, {}, names)
tensors["bad/no image"] = day({key: good[key] for key in ["gaze", "pose"]}, good, names)
tensors["bad/size"] = day(good | {"image": good["image"][:, :35].copy()}, good, names)
tensors["bad/number"] = day(good, good | {"gaze": good["gaze"][:1].copy()}, names)
tensors["bad/doubles"] = day(good | {"image": good["image"].astype(float)}, good, names)
tensors["bad/nan"] = day(good | {"gaze": good["gaze"] * np.nan}, good, names)
tensors["bad/cut"] = day(good, good, names)[:2000]
save_file(tensors, pathlib.Path(__file__).with_name("case.safetensors"))
