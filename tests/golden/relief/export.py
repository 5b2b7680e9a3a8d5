"""Writes case.safetensors beside itself: networks that see an image's relief, a refiner that adds to the image, their
outputs and every gradient of sum(output * probe), from PyTorch.

usage: python export.py
needs: pip install torch safetensors numpy
"""
import pathlib, sys

import torch
from safetensors.torch import save_file

folder = pathlib.Path(__file__).parent
sys.path.insert(0, str(folder.parent))
from torch_simgan import Discriminator, Refiner


def neighbour(images, dim, sign):
    """The nearest pixel of at most two steps that is not -1, and whether there is one."""
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2), value=-1.0)
    height, width = images.shape[2:]

    def shifted(step):
        down, right = (sign * step, 0) if dim == 2 else (0, sign * step)
        return padded[:, :, 2 + down : 2 + down + height, 2 + right : 2 + right + width]

    near, far = shifted(1), shifted(2)
    found = torch.where(near > -1, near, far)
    return found, found > -1


def with_relief(images, gain):
    planes = []
    for dim in (3, 2):
        (before, has_before), (after, has_after) = (neighbour(images.detach(), dim, sign) for sign in (-1, 1))
        slope = gain * (after - before)
        slope = torch.sign(slope) * torch.clamp(slope.abs() - 0.25, 0, 1)
        planes.append(torch.where(has_before & has_after, slope, torch.zeros_like(slope)))
    relief = torch.stack(planes, 2).flatten(1, 2)
    return torch.cat([images, relief], 1)


class WithRelief(torch.nn.Module):
    def __init__(self, network, gain, adds):
        super().__init__()
        self.network, self.gain, self.adds = network, gain, adds

    def forward(self, images):
        output = self.network(with_relief(images, self.gain))
        return (images + output).clamp(-1, 1) if self.adds else output


def refiner(channels):
    network = Refiner(3 * channels, 5, 2, 3, 3, "replicate")
    network.head = torch.nn.Conv2d(5, channels, 1)
    return network


torch.manual_seed(5)
EYE = [("conv", 3, 2, 6), ("conv", 3, 2, 5), ("max_pool", 3, 1), ("conv", 3, 1, 4), ("conv", 1, 1, 3)]
cases = {
    "refiner": (WithRelief(refiner(1), 3, True), (3, 1, 7, 10)),
    "refiner_colour": (WithRelief(refiner(3), 2, True), (2, 3, 11, 8)),
    "discriminator": (WithRelief(Discriminator(3, EYE, True), 4, False), (2, 1, 23, 14)),
}
tensors = {}
for name, (network, shape) in cases.items():
    images = torch.rand(shape) * 2 - 1
    images = torch.where(torch.rand(shape) < 0.4, torch.full(shape, -1.0), images).requires_grad_()
    output = network(images)
    probe = torch.rand(output.shape) - 0.5
    (output * probe).sum().backward()
    saved = {"images": images, "output": output, "probe": probe, "gradient.images": images.grad}
    for parameter, value in network.network.named_parameters():
        saved[f"parameter.{parameter}"], saved[f"gradient.{parameter}"] = value, value.grad
    tensors |= {f"{name}/{key}": value.detach().clone().contiguous() for key, value in saved.items()}
save_file(tensors, folder / "case.safetensors")
