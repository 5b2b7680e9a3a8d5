"""Writes case.safetensors beside itself: updates of a discriminator with PyTorch's spectral norms.

Each update is one power iteration, the adversarial loss of eq. 2 on one batch, and a step of SGD.

usage: python export.py
needs: pip install torch safetensors numpy
"""
import pathlib, sys

import torch
from safetensors.torch import save_file
from torch.nn.utils.parametrizations import spectral_norm

folder = pathlib.Path(__file__).parent
sys.path.insert(0, str(folder.parent))
from torch_simgan import REFINED, Discriminator, adversarial

torch.manual_seed(11)
EYE = [("conv", 3, 2, 6), ("conv", 3, 2, 5), ("max_pool", 3, 1), ("conv", 3, 1, 4), ("conv", 1, 1, 3)]
discriminator = Discriminator(1, EYE, True)
convs = [f"conv{number}" for number in range(1, 6)]
for conv in convs:
    getattr(discriminator, conv).weight.data *= 3  # norms well away from 1
    spectral_norm(getattr(discriminator, conv))
images = (torch.rand(3, 1, 15, 22) * 2 - 1).requires_grad_()
tensors = {"images": images}


def state():
    for conv in convs:
        module = getattr(discriminator, conv)
        norm = module.parametrizations.weight
        yield f"{conv}.weight", norm.original
        yield f"{conv}.bias", module.bias
        yield f"{conv}.u", norm[0]._u
        yield f"{conv}.v", norm[0]._v


tensors |= {f"before/{name}": value.clone() for name, value in state()}
optimizer = torch.optim.SGD(discriminator.parameters(), 0.1)
for step in range(1, 4):
    optimizer.zero_grad()
    images.grad = None
    discriminator.train()
    logits = discriminator(images)  # one power iteration
    loss = adversarial(logits, REFINED)
    loss.backward()
    gradients = {f"{step}/gradient/{name}": value.grad.clone() for name, value in state() if value.requires_grad}
    tensors |= gradients | {f"{step}/logits": logits, f"{step}/loss": loss, f"{step}/gradient/images": images.grad.clone()}
    optimizer.step()
    tensors |= {f"{step}/after/{name}": value.clone() for name, value in state()}
save_file({key: value.detach().clone().contiguous() for key, value in tensors.items()}, folder / "case.safetensors")
