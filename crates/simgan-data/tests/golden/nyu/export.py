"""Joints of NYU's hands in the layout of joint_data.mat: python export.py writes joint_data.mat and other.mat.

`joint_uvd[camera, frame, joint, k]` is (1000 camera + 100 frame + 10 joint + k) / 8; `other.mat` has another shape.
"""

import pathlib

import numpy as np
from scipy.io import savemat

here = pathlib.Path(__file__).parent
camera, frame, joint, k = np.mgrid[:3, :2, :4, :3]
uvd = (1000 * camera + 100 * frame + 10 * joint + k) / 8
names = np.array([["palm", "wrist", "thumb", "tip"]], dtype=object)
savemat(here / "joint_data.mat", {"joint_names": names, "joint_uvd": uvd, "joint_xyz": uvd}, do_compression=True)
savemat(here / "other.mat", {"joint_uvd": np.zeros((2, 3))})
