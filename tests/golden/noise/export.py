"""Writes case.safetensors beside itself: a refiner with noise, and the losses of noise and film, from PyTorch.

usage: python export.py
needs: pip install torch safetensors numpy
"""
import pathlib, sys

import torch
from safetensors.torch import save_file

folder = pathlib.Path(__file__).parent
sys.path.insert(0, str(folder.parent))
from torch_simgan import Refiner

torch.manual_seed(7)
tensors = {}

refiner = Refiner(2 + 3, features=6, blocks=2, kernel=3, stem_kernel=3, border="replicate")
refiner.head = torch.nn.Conv2d(6, 2, 1)
synthetic, noise = torch.rand(3, 2, 7, 5) * 2 - 1, torch.randn(3, 3)
direction = torch.randn(3, 2, 7, 5)
planes = noise[:, :, None, None].expand(3, 3, 7, 5)
refined = refiner(torch.cat([synthetic, planes], 1))
(refined * direction).sum().backward()
tensors |= {"refiner/synthetic": synthetic, "refiner/noise": noise, "refiner/direction": direction,
            "refiner/refined": refined}
for name, parameter in refiner.named_parameters():
    tensors |= {f"parameter/{name}": parameter, f"gradient/{name}": parameter.grad}

# The first image is within the bound, the second beyond it, the third has pixels that do not differ.
first, second = torch.rand(3, 2, 7, 5) * 0.1, torch.rand(3, 2, 7, 5) * 0.1
first[1] += 1.5
first[2, :, 2:5] = second[2, :, 2:5]
noises = torch.randn(2, 3, 4)
first.requires_grad_()
distance = (noises[0] - noises[1]).pow(2).mean(1).sqrt()
value = ((first - second).abs().flatten(1).mean(1) / distance).clamp(max=0.2).mean()
value.backward()
tensors |= {"diversity/first": first, "diversity/second": second, "diversity/noises": noises,
            "diversity/value": value, "diversity/gradient": first.grad}

frames = [torch.rand(2, 1, 5, 8) * 2 - 1 for _ in range(4)]
frames[0].requires_grad_()
value = ((frames[1] - frames[0]) - (frames[3] - frames[2])).abs().mean()
value.backward()
tensors |= {f"film/{at}": frame for at, frame in enumerate(frames)}
tensors |= {"film/value": value, "film/gradient": frames[0].grad}

save_file({name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()},
          folder / "case.safetensors")
