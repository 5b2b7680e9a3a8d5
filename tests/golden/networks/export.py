"""Writes case.safetensors beside itself: networks, images, outputs and every gradient of sum(output * probe), from
PyTorch.

usage: python export.py
needs: pip install torch safetensors numpy
"""
import pathlib, sys

import torch
from safetensors.torch import save_file

folder = pathlib.Path(__file__).parent
sys.path.insert(0, str(folder.parent))
from torch_simgan import Discriminator, GazeEstimator, Refiner

torch.manual_seed(1)
EYE = [("conv", 3, 2, 6), ("conv", 3, 2, 5), ("max_pool", 3, 1), ("conv", 3, 1, 4), ("conv", 1, 1, 3)]
HAND = [("conv", 7, 4, 6), ("conv", 5, 2, 5), ("max_pool", 3, 2), ("conv", 3, 2, 4), ("conv", 1, 1, 3)]
cases = {
    "refiner_replicate": (Refiner(1, 5, 2, 3, 3, "replicate"), (3, 1, 7, 10)),
    "refiner_zeros": (Refiner(3, 5, 2, 3, 7, "zeros"), (2, 3, 11, 8)),
    "discriminator_eye": (Discriminator(1, EYE, True), (2, 1, 35, 55)),
    "discriminator_hand": (Discriminator(3, HAND, True), (2, 3, 53, 38)),
    "discriminator_global": (Discriminator(1, EYE, False), (2, 1, 14, 23)),
    "gaze": (GazeEstimator(1, [4, 3, 5, 4, 6], 6 * 2 * 3, [7]), (2, 1, 23, 30)),
}
tensors = {}
for name, (network, shape) in cases.items():
    images = (torch.rand(shape) * 2 - 1).requires_grad_()
    output = network(images)
    probe = torch.rand(output.shape) - 0.5
    (output * probe).sum().backward()
    saved = {"images": images, "output": output, "probe": probe, "gradient.images": images.grad}
    for parameter, value in network.named_parameters():
        saved[f"parameter.{parameter}"], saved[f"gradient.{parameter}"] = value, value.grad
    tensors |= {f"{name}/{key}": value.detach().clone().contiguous() for key, value in saved.items()}
save_file(tensors, folder / "case.safetensors")
