"""PyTorch's results and gradients, the reference of the tests in tests/kernels.

usage: python export.py      (writes conv2d.safetensors, max_pool2d.safetensors, batch_norm.safetensors and linear.safetensors beside itself)
needs: pip install torch safetensors numpy
"""
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

here = pathlib.Path(__file__).parent
torch.manual_seed(0)


def draw(*shape):
    return (torch.rand(shape, dtype=torch.float64) * 2 - 1).float().double()


def conv_case(tensors, name, input, weight, stride, padding, border, relu):
    bias = draw(weight.shape[0])
    pad = F.pad(input, (padding,) * 4, mode=border)
    residual = draw(*F.conv2d(pad, weight, bias, stride).shape)
    if name == "zero-activation":  # some results are exactly 0, where PyTorch's ReLU has the derivative 0
        weight, bias = weight.round(), bias.round()
        input, residual = input.round(), residual.round()
    arguments = {"input": input, "weight": weight, "bias": bias, "residual": residual}
    arguments = {key: value.clone().requires_grad_() for key, value in arguments.items()}
    padded = F.pad(arguments["input"], (padding,) * 4, mode=border)
    out = F.conv2d(padded, arguments["weight"], arguments["bias"], stride) + arguments["residual"]
    out = F.relu(out) if relu else out
    direction = draw(*out.shape)
    (out * direction).sum().backward()
    store = {"out": out.detach(), "direction": direction}
    for key, value in arguments.items():
        store[key], store[f"{key}.gradient"] = value.detach(), value.grad
    tensors.update({f"{name}.{key}": value.float().contiguous() for key, value in store.items()})


convolutions = {}
conv_case(convolutions, "gaze-stem", draw(2, 1, 9, 13), draw(8, 1, 3, 3), 1, 1, "constant", True)
conv_case(convolutions, "replicate", draw(2, 3, 7, 6), draw(4, 3, 3, 3), 1, 1, "replicate", False)
conv_case(convolutions, "stride-2", draw(2, 3, 7, 8), draw(4, 3, 3, 3), 2, 1, "constant", True)
conv_case(convolutions, "stride-4", draw(1, 2, 17, 22), draw(3, 2, 7, 7), 4, 3, "constant", False)
conv_case(convolutions, "zero-activation", draw(2, 2, 4, 5), draw(3, 2, 1, 1), 1, 0, "constant", True)
save_file(convolutions, here / "conv2d.safetensors")

pools = {}
for kernel, stride, padding, shape in [(3, 1, 1, (2, 3, 9, 14)), (3, 2, 0, (1, 2, 7, 8)), (2, 2, 0, (1, 2, 7, 5)), (3, 2, 1, (1, 1, 1, 9))]:
    name = f"{kernel}-{stride}-{padding}"
    input = (draw(*shape) * 3).round().requires_grad_()  # rounded: ties
    out = F.max_pool2d(input, kernel, stride, padding)
    direction = draw(*out.shape)
    (out * direction).sum().backward()
    store = {"input": input.detach(), "out": out.detach(), "direction": direction, "gradient": input.grad}
    pools.update({f"{name}.{key}": value.float().contiguous() for key, value in store.items()})
save_file(pools, here / "max_pool2d.safetensors")

norms = {}
for relu in [False, True]:
    for train in [False, True]:
        arguments = {"input": draw(3, 5, 7, 4) * 2 + 1, "weight": draw(5), "bias": draw(5)}
        arguments = {key: value.clone().requires_grad_() for key, value in arguments.items()}
        running = {"running_mean": draw(5), "running_var": draw(5).abs() + 0.2}
        store = {key: value.clone() for key, value in running.items()}
        out = F.batch_norm(arguments["input"], **running, weight=arguments["weight"], bias=arguments["bias"], training=train)
        out = F.relu(out) if relu else out
        direction = draw(*out.shape)
        (out * direction).sum().backward()
        store |= {"out": out.detach(), "direction": direction}
        store |= {f"{key}.after": value for key, value in running.items()}
        for key, value in arguments.items():
            store[key], store[f"{key}.gradient"] = value.detach(), value.grad
        norms.update({f"{relu}-{train}.{key}".lower(): value.float().contiguous() for key, value in store.items()})
input = draw(2, 3, 3, 5).requires_grad_()
out = F.interpolate(input, scale_factor=2, mode="nearest")
direction = draw(*out.shape)
(out * direction).sum().backward()
store = {"input": input.detach(), "out": out.detach(), "direction": direction, "gradient": input.grad}
norms.update({f"upsample.{key}": value.float().contiguous() for key, value in store.items()})
save_file(norms, here / "batch_norm.safetensors")

layers = {}
for relu in [False, True]:
    arguments = {"input": draw(19, 75), "weight": draw(67, 75), "bias": draw(67)}
    arguments = {key: value.clone().requires_grad_() for key, value in arguments.items()}
    out = F.linear(**arguments)
    out = F.relu(out) if relu else out
    direction = draw(*out.shape)
    (out * direction).sum().backward()
    store = {"out": out.detach(), "direction": direction}
    for key, value in arguments.items():
        store[key], store[f"{key}.gradient"] = value.detach(), value.grad
    layers.update({f"{relu}.{key}".lower(): value.float().contiguous() for key, value in store.items()})
save_file(layers, here / "linear.safetensors")
