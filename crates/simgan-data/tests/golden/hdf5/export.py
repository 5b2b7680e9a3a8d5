"""Writes files in the layout of Kaggle's gaze.h5 and real_gaze.h5, some that deviate from it, and a folder in that of
BlenderProc's HDF5 writer.

    pip install h5py numpy
    python export.py
"""

import pathlib

import h5py
import numpy as np

here = pathlib.Path(__file__).parent
N, ROWS, COLUMNS = 11, 5, 7
values = np.fromfunction(lambda i, y, x: (i * 37 + y * 11 + x * 3) % 251, (N, ROWS, COLUMNS)).astype(np.uint8)
look = np.array([[0.1 * i - 0.5, 0.05 * i, -1, 0] for i in range(N)])


def write(name, images, **others):
    with h5py.File(here / name, "w") as file:
        group = file.create_group("image")
        for i, image in images:
            group.create_dataset(f"{i}", data=image)
        for other, data in others.items():
            file[other] = data


# Named "0" to "10": "10" comes before "2". Written in another order.
by_name = sorted(range(N), key=str)
write("gaze.h5", reversed([(i, values[i]) for i in range(N)]), look_vec=look[by_name], path=[b"1.jpg"] * N)
write("real_gaze.h5", [(i, (values[i] / 255).astype(np.float32)) for i in range(3)])
write("three.h5", [(i, values[i] / 255) for i in range(3)], look_vec=look[:3, :3].astype(np.float32))
write("short_look_vec.h5", [(i, values[i]) for i in range(3)], look_vec=look[:2])
write("zero_look_vec.h5", [(0, values[0])], look_vec=look[:1] * 0)
write("integer_look_vec.h5", [(0, values[0])], look_vec=look[:1].astype(int))
write("sizes.h5", [(0, values[0]), (1, values[1][1:])])
write("stack.h5", [(0, values)])
write("bright_floats.h5", [(0, values[3].astype(np.float32))])
write("integers.h5", [(0, values[0].astype(np.int64))])
write("empty.h5", [])
with h5py.File(here / "no_group.h5", "w") as file:
    file["image"] = values

# BlenderProc's bproc.writer.write_hdf5: one file per frame, each data set compressed.
(here / "blenderproc").mkdir(exist_ok=True)
for i in [0, 2, 10]:
    with h5py.File(here / "blenderproc" / f"{i}.hdf5", "w") as file:
        colors = np.fromfunction(lambda y, x, c: (i * 37 + y * 11 + x * 3 + c * 50) % 251, (ROWS, COLUMNS, 3))
        maps = b'[{"idx": 1, "category_id": 3}]'
        for name, data in [("colors", colors.astype(np.uint8)), ("depth", colors[..., 0].astype(np.float32)),
                           ("category_id_segmaps", colors[..., 0].astype(np.uint8))]:
            file.create_dataset(name, data=data, compression="gzip")
        file["instance_attribute_maps"] = np.bytes_(maps)
        file["blender_proc_version"] = np.bytes_(b"2.8.0")
