"""Writes case.safetensors beside itself: the estimators in training, their gradients, one update by Adam with the gradient clipped to a
norm of 1, and what the updated networks say outside training, from PyTorch.

Computed in f64: a bias before a batch normalisation has no gradient, and rounding errors should not look like one.

usage: python export.py
needs: pip install torch safetensors numpy
"""
import pathlib, sys

import torch
from safetensors.torch import save_file

folder = pathlib.Path(__file__).parent
sys.path.insert(0, str(folder.parent))
from torch_simgan import GazeEstimator, Plain, StackedHourglass

torch.manual_seed(4)
networks = {
    "hourglass": (StackedHourglass(2, 3, 2, 8, 2), (3, 2, 32, 48), 0),
    "plain": (Plain(2, [4, 5], 5 * 2 * 3, 6, 3, 2), (3, 2, 9, 14), 2),
    "gaze": (GazeEstimator(2, [4, 3, 5, 4, 6], 6 * 2 * 3, [7], 4, 2), (3, 2, 23, 30), 2),
}
tensors = {}


def draw(*shape):
    """Numbers that f32 holds exactly."""
    return (torch.rand(shape) * 2 - 1).double()


def record(case, key, value):
    tensors[f"{case}/{key}"] = value.detach().float().clone().contiguous()


for case, (network, shape, n_extra) in networks.items():
    for name, value in network.state_dict().items():
        if "norm" in name and "num_batches" not in name:
            value.copy_(draw(*value.shape).abs() + 0.5 if "mean" not in name else draw(*value.shape))
    network.double()
    state = lambda: {name: value for name, value in network.state_dict().items() if "num_batches" not in name}
    for name, value in state().items():
        record(case, f"before.{name}", value)
    inputs = [draw(*shape).requires_grad_()] + ([draw(shape[0], n_extra)] if n_extra else [])
    output = network(*inputs)
    probe = draw(*output.shape)
    loss = (output * probe).mean()
    loss.backward()
    record(case, "images", inputs[0])
    record(case, "gradient.images", inputs[0].grad)
    if n_extra:
        record(case, "extra", inputs[1])
    for key, value in {"output": output, "probe": probe}.items():
        record(case, key, value)
    for name, value in network.named_parameters():
        record(case, f"gradient.{name}", value.grad)
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    torch.optim.Adam(network.parameters(), 0.003).step()
    for name, value in state().items():
        record(case, f"after.{name}", value)
save_file(tensors, folder / "case.safetensors")
