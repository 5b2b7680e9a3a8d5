"""Writes case.safetensors beside itself: whole updates of R and of D through the real losses, from PyTorch.

Each optimizer starts from the same weights and makes three updates on the same batch: the refiner's of eq. 4 with
the discriminator fixed, the discriminator's of eq. 2 with the refiner fixed.

usage: python export.py
needs: pip install torch safetensors numpy
"""
import copy, pathlib, sys

import torch
from safetensors.torch import save_file

folder = pathlib.Path(__file__).parent
sys.path.insert(0, str(folder.parent))
from torch_simgan import REAL, REFINED, Discriminator, Refiner, adversarial

torch.manual_seed(3)
EYE = [("conv", 3, 2, 6), ("conv", 3, 2, 5), ("max_pool", 3, 1), ("conv", 3, 1, 4), ("conv", 1, 1, 3)]
LAMBDA = 0.7
refiner, discriminator = Refiner(1, 5, 2, 3, 3, "replicate"), Discriminator(1, EYE, True)
synthetic, real = torch.rand(3, 1, 15, 22) * 2 - 1, torch.rand(3, 1, 15, 22) * 2 - 1
tensors = {"synthetic": synthetic, "real": real}


def refiner_loss(refiner, discriminator):
    refined = refiner(synthetic)
    return adversarial(discriminator(refined), REAL) + LAMBDA * (refined - synthetic).abs().mean()


def discriminator_loss(refiner, discriminator):
    refined = refiner(synthetic).detach()
    return adversarial(discriminator(refined), REFINED) + adversarial(discriminator(real), REAL)


# kind: constructor and the norm that gradients are clipped to
optimizers = {
    "sgd": (lambda parameters: torch.optim.SGD(parameters, 0.1), None),
    "sgd_momentum": (lambda parameters: torch.optim.SGD(parameters, 0.1, momentum=0.9), None),
    "sgd_momentum_clip": (lambda parameters: torch.optim.SGD(parameters, 0.1, momentum=0.9), 0.05),
    "adam": (lambda parameters: torch.optim.Adam(parameters, 0.003, betas=(0.5, 0.99)), None),
    "adam_clip": (lambda parameters: torch.optim.Adam(parameters, 0.003, betas=(0.5, 0.99)), 0.05),
}
losses = {"refiner": (0, refiner_loss), "discriminator": (1, discriminator_loss)}
for network_idx, network in enumerate([refiner, discriminator]):
    for parameter, value in network.named_parameters():
        tensors[f"{list(losses)[network_idx]}/{parameter}"] = value
for trained, (trained_idx, loss_of) in losses.items():
    for kind, (make, clip_norm) in optimizers.items():
        pair = copy.deepcopy([refiner, discriminator])
        network = pair[trained_idx]
        optimizer = make(network.parameters())
        for step in range(1, 4):
            optimizer.zero_grad()
            loss = loss_of(*pair)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(network.parameters(), clip_norm or float("inf"))
            optimizer.step()
            tensors[f"{trained}/{kind}/{step}/loss"], tensors[f"{trained}/{kind}/{step}/norm"] = loss, norm
            if step in (1, 3):
                for parameter, value in network.named_parameters():
                    tensors[f"{trained}/{kind}/{step}/{parameter}"] = value.clone()
save_file({key: value.detach().clone().contiguous() for key, value in tensors.items()}, folder / "case.safetensors")
