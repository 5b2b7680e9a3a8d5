"""Writes case.safetensors beside itself: the losses and their gradients from PyTorch.

usage: python export.py
needs: pip install torch safetensors numpy
"""
import pathlib, sys

import torch
from safetensors.torch import save_file

folder = pathlib.Path(__file__).parent
sys.path.insert(0, str(folder.parent))
from torch_simgan import REAL, REFINED, adversarial

torch.manual_seed(2)
tensors = {}


def record(name, inputs, loss):
    """inputs: the loss's arguments by name; the first one gets a gradient."""
    first = next(iter(inputs.values())).requires_grad_()
    value = loss(**inputs)
    value.backward()
    saved = inputs | {"value": value, "gradient": first.grad}
    tensors.update({f"{name}/{key}": tensor.detach().clone().contiguous() for key, tensor in saved.items()})


for size, (height, width) in {"local": (5, 3), "global": (1, 1)}.items():
    for target, channel in {"real": REAL, "refined": REFINED}.items():
        logits = torch.randn(4, 2, height, width) * 3
        record(f"adversarial_{size}_{target}", {"logits": logits}, lambda logits: adversarial(logits, channel))
large = torch.tensor([[[[300.0, -80.0]], [[-300.0, 90.0]]], [[[1e4, 17.5]], [[1e4, 1e4]]]])
record("adversarial_large", {"logits": large}, lambda logits: adversarial(logits, REAL))

kernel = torch.randn(4, 3, 3, 3) * 0.3


def differences(images):
    return torch.cat([images.diff(dim=3).flatten(), images.diff(dim=2).flatten()])


transforms = {
    "identity": lambda images: images,
    "derivatives": differences,
    "mean_color": lambda images: images.mean(1, keepdim=True),
    "network": lambda images: torch.tanh(torch.nn.functional.conv2d(images, kernel)),
}
for name, transform in transforms.items():
    synthetic, refined = torch.rand(2, 3, 7, 10) * 2 - 1, torch.rand(2, 3, 7, 10) * 2 - 1
    refined[0, :, 2:5] = synthetic[0, :, 2:5]  # equal pixels: the gradient of |0| is 0
    record(f"psi_{name}", {"refined": refined, "synthetic": synthetic},
           lambda refined, synthetic: (transform(refined) - transform(synthetic)).abs().mean())
record("gaze", {"predicted": torch.randn(5, 3), "target": torch.nn.functional.normalize(torch.randn(5, 3))},
       lambda predicted, target: (predicted - target).pow(2).sum(1).mean())
tensors["psi_network/kernel"] = kernel
present = torch.tensor([[1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
weights = present[:, None, :, None, None].expand(2, 2, 3, 4, 5)


def heat_maps(maps, target):
    return sum(torch.nn.functional.mse_loss(maps[:, stack], target) for stack in range(2))


def present_heat_maps(maps, target):
    return ((maps - target[:, None]).pow(2) * weights).sum() / weights[:, 0].sum()


for name, loss in {"heat_maps": heat_maps, "present_heat_maps": present_heat_maps}.items():
    record(name, {"maps": torch.randn(2, 2, 3, 4, 5), "target": torch.rand(2, 3, 4, 5)}, loss)
tensors["present_heat_maps/present"] = present
classes = torch.tensor([2, 0, 1, 2, 3])
record("cross_entropy", {"logits": torch.randn(5, 4) * 9}, lambda logits: torch.nn.functional.cross_entropy(logits, classes))
tensors["cross_entropy/classes"] = classes.float()
record("squared_error", {"predicted": torch.randn(5, 2), "target": torch.randn(5, 2)}, lambda predicted, target: torch.nn.functional.mse_loss(predicted, target))


def least_squares(logits, sign):
    score = logits[:, REAL] - logits[:, REFINED]
    return (score - sign).pow(2).mean() / 2


def hinge(logits, sign):
    score = logits[:, REAL] - logits[:, REFINED]
    return torch.relu(1 - sign * score).mean()


for name, loss in {"least_squares": least_squares, "hinge": hinge}.items():
    for target, sign in {"real": 1, "refined": -1}.items():
        logits = torch.randn(4, 2, 5, 3)
        logits[0, :, 0, 0] = torch.tensor([sign, 0.0])  # on the margin, where the gradient of the ReLU is 0
        record(f"{name}_{target}", {"logits": logits}, lambda logits: loss(logits, sign))
record("hinge_refiner", {"logits": torch.randn(4, 2, 5, 3)}, lambda logits: -(logits[:, REAL] - logits[:, REFINED]).mean())

# Weights of pixels: a derivative has the mean of its two pixels' weights.
weights = torch.rand(2, 1, 7, 10) * 3
between = torch.cat([((weights[..., 1:] + weights[..., :-1]) / 2).expand(2, 3, 7, 9).flatten(),
                     ((weights[:, :, 1:] + weights[:, :, :-1]) / 2).expand(2, 3, 6, 10).flatten()])
for name in ["identity", "derivatives", "mean_color"]:
    transform = transforms[name]
    factor = between if name == "derivatives" else weights
    record(f"weighted_{name}", {"refined": torch.rand(2, 3, 7, 10) * 2 - 1, "synthetic": torch.rand(2, 3, 7, 10) * 2 - 1},
           lambda refined, synthetic: (factor * (transform(refined) - transform(synthetic)).abs()).mean())
tensors["weights"] = weights


def divergence(refined, synthetic):
    return torch.nn.functional.kl_div(refined.log_softmax(1), synthetic.log_softmax(1), log_target=True, reduction="batchmean")


for name, (shape, loss) in {
    "direction": ((5, 3), lambda refined, synthetic: (1 - torch.nn.functional.cosine_similarity(refined, synthetic)).mean()),
    "points": ((2, 2, 3, 4, 5), lambda refined, synthetic: 2 * torch.nn.functional.mse_loss(refined, synthetic)),
    "class": ((5, 4), divergence),
    "vector": ((5, 2), lambda refined, synthetic: torch.nn.functional.mse_loss(refined, synthetic)),
}.items():
    record(f"consistency_{name}", {"refined": torch.randn(shape) * 4, "synthetic": torch.randn(shape) * 4}, loss)
save_file(tensors, folder / "case.safetensors")
