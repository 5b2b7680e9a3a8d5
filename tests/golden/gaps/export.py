"""Writes case.safetensors beside itself: the gap loss of refined images and its gradient by the decisions that pixels are
measured, from PyTorch.

usage: python export.py
needs: pip install torch safetensors numpy
"""
import pathlib

import torch
from safetensors.torch import save_file

folder = pathlib.Path(__file__).parent


def step(images, dim):
    """The next pixel of at most two that is not -1 minus the one before, or NaN."""
    images = images.movedim(dim, -1)
    padded = torch.nn.functional.pad(images, (2, 2), value=-1.0)
    n = images.shape[-1]
    at = lambda offset: padded[..., 2 + offset : 2 + offset + n]
    side = lambda sign: torch.where(at(sign) > -1, at(sign), at(2 * sign))
    before, after = side(-1), side(1)
    found = torch.where((before > -1) & (after > -1), after - before, torch.nan)
    return found.movedim(-1, dim)


def kinds(images, limits):
    """0 to 35; 0 is no kind."""
    flat, small = limits
    levels = []
    for dim in (2, 1):
        value = step(images, dim)
        level = 1 + (value >= -small).int() + (value >= -flat).int() + (value > flat).int() + (value > small).int()
        levels.append(torch.where(value.isnan(), 0, level))
    return levels[0] * 6 + levels[1]


def gap_loss(real, values, measured, shown):
    steps = torch.cat([step(real, dim).flatten() for dim in (1, 2)])
    sizes = steps[~steps.isnan()].abs().sort().values
    limits = [sizes[int(quantile * len(sizes))] for quantile in (0.6, 0.92)]
    refined = torch.where(measured > 0.5, values, -1.0)
    real_kinds, refined_kinds, whole_kinds = (kinds(images, limits) for images in (real, refined, values))
    refined_kinds = torch.where((refined_kinds == 0) & (shown > 0), whole_kinds, refined_kinds)
    # A decision counts as a number where something is shown; elsewhere a pixel is missing or not as it is.
    missing = (refined <= -1).float()
    missing = missing + ((1 - measured) - (1 - measured).detach()) * shown
    loss = 0
    for kind in range(1, 36):
        of_real, of_refined = real_kinds == kind, refined_kinds == kind
        r = (real[of_real] <= -1).double().mean() if of_real.any() else torch.tensor(0.0).double()
        if of_refined.any():
            loss = loss + of_refined.sum() * (missing[of_refined].double().mean() - r) ** 2 / (r + 0.02)
    return loss / 2 / refined.numel()


torch.manual_seed(8)
tensors = {}
for name, shape in {"wide": (3, 7, 12), "tall": (2, 19, 5), "narrow": (2, 1, 9)}.items():
    def draw(missing):
        steps = torch.round(torch.rand(shape) * 8) / 10 + torch.rand(shape) / 50 - 0.5
        return torch.where(torch.rand(shape) < missing, torch.full(shape, -1.0), steps)

    real, values = draw(0.3), draw(0.1)
    measured = (torch.rand(shape) < 0.4).float().requires_grad_()
    shown = ((values > -1) & (torch.rand(shape) < 0.9)).float()
    loss = gap_loss(real, values, measured, shown)
    loss.backward()
    saved = {"real": real, "values": values, "measured": measured, "shown": shown, "gradient": measured.grad}
    tensors |= {f"{name}/{key}": value.detach()[:, None].contiguous() for key, value in saved.items()}
    tensors[f"{name}/value"] = loss.detach().float()
save_file(tensors, folder / "case.safetensors")
