"""The paper's networks in PyTorch, with simgan's parameter names, for the export scripts beside it."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, features, kernel, border):
        super().__init__()
        self.conv1 = nn.Conv2d(features, features, kernel, padding=kernel // 2, padding_mode=border)
        self.conv2 = nn.Conv2d(features, features, kernel, padding=kernel // 2, padding_mode=border)

    def forward(self, features):
        return F.relu(features + self.conv2(F.relu(self.conv1(features))))


class Refiner(nn.Module):
    def __init__(self, channels, features, blocks, kernel, stem_kernel, border):
        super().__init__()
        self.stem = nn.Conv2d(channels, features, stem_kernel, padding=stem_kernel // 2, padding_mode=border)
        self.blocks = nn.Sequential(*[Block(features, kernel, border) for _ in range(blocks)])
        self.head = nn.Conv2d(features, channels, 1)

    def forward(self, synthetic):
        return torch.tanh(self.head(self.blocks(F.relu(self.stem(synthetic)))))


class Discriminator(nn.Module):
    """layers: ("conv", kernel, stride, features) or ("max_pool", kernel, stride)"""

    def __init__(self, channels, layers, local):
        super().__init__()
        self.layers, self.local, n_convs = layers, local, 0
        for layer in layers + [("conv", 1, 1, 2)]:
            if layer[0] == "conv":
                _, kernel, stride, features = layer
                n_convs += 1
                setattr(self, f"conv{n_convs}", nn.Conv2d(channels, features, kernel, stride, kernel // 2))
                channels = features

    def forward(self, images):
        n_convs = 0
        for kind, kernel, stride, *_ in self.layers:
            if kind == "conv":
                n_convs += 1
                images = F.relu(getattr(self, f"conv{n_convs}")(images))
            else:
                images = F.max_pool2d(images, kernel, stride, kernel // 2)
        logits = getattr(self, f"conv{n_convs + 1}")(images)
        return logits if self.local else logits.mean((2, 3), keepdim=True)


class GazeEstimator(nn.Module):
    """The paper's gaze network; convolutions without padding. A second input is appended to the last hidden layer's outputs."""

    def __init__(self, channels, features, flattened, hidden, outputs=3, extra=0):
        super().__init__()
        for idx, width in enumerate(features):
            setattr(self, f"conv{idx + 1}", nn.Conv2d(channels, width, 3))
            channels = width
        self.n_hidden = len(hidden)
        for idx, width in enumerate(hidden):
            setattr(self, f"hidden{idx + 1}", nn.Linear(flattened, width))
            flattened = width
        self.head = nn.Linear(flattened + extra, outputs)

    def forward(self, images, extra=None):
        for idx in range(1, 6):
            images = F.relu(getattr(self, f"conv{idx}")(images))
            if idx == 3:
                images = F.max_pool2d(images, 3, 2)
        features = F.max_pool2d(images, 2, 2).flatten(1)
        for idx in range(1, self.n_hidden + 1):
            features = F.relu(getattr(self, f"hidden{idx}")(features))
        return self.head(features if extra is None else torch.cat([features, extra], 1))


class Plain(nn.Module):
    """3x3 convolutions, each with batch normalisation, ReLU and a 2x2 pool; a hidden layer; a second input."""

    def __init__(self, channels, features, flattened, hidden, outputs, extra):
        super().__init__()
        self.n_convs = len(features)
        for idx, width in enumerate(features):
            setattr(self, f"conv{idx + 1}", nn.Conv2d(channels, width, 3, padding=1))
            setattr(self, f"norm{idx + 1}", nn.BatchNorm2d(width))
            channels = width
        self.hidden = nn.Linear(flattened, hidden)
        self.head = nn.Linear(hidden + extra, outputs)

    def forward(self, images, extra=None):
        for idx in range(1, self.n_convs + 1):
            images = F.max_pool2d(F.relu(getattr(self, f"norm{idx}")(getattr(self, f"conv{idx}")(images))), 2)
        features = F.relu(self.hidden(images.flatten(1)))
        return self.head(features if extra is None else torch.cat([features, extra], 1))


class Residual(nn.Module):
    """The residual block of the hourglass."""

    def __init__(self, given, wanted):
        super().__init__()
        half = wanted // 2
        self.norm1, self.conv1 = nn.BatchNorm2d(given), nn.Conv2d(given, half, 1)
        self.norm2, self.conv2 = nn.BatchNorm2d(half), nn.Conv2d(half, half, 3, padding=1)
        self.norm3, self.conv3 = nn.BatchNorm2d(half), nn.Conv2d(half, wanted, 1)
        if given != wanted:
            self.skip = nn.Conv2d(given, wanted, 1)

    def forward(self, maps):
        inner = self.conv1(F.relu(self.norm1(maps)))
        inner = self.conv3(F.relu(self.norm3(self.conv2(F.relu(self.norm2(inner))))))
        return inner + (self.skip(maps) if hasattr(self, "skip") else maps)


class Hourglass(nn.Module):
    def __init__(self, features, depth):
        super().__init__()
        self.skip, self.low1, self.low3 = (Residual(features, features) for _ in range(3))
        self.depth = depth
        if depth > 1:
            self.inner = Hourglass(features, depth - 1)
        else:
            self.low2 = Residual(features, features)

    def forward(self, maps):
        low = self.low1(F.max_pool2d(maps, 2))
        low = self.low3(self.inner(low) if self.depth > 1 else self.low2(low))
        return self.skip(maps) + F.interpolate(low, scale_factor=2, mode="nearest")


class StackedHourglass(nn.Module):
    """Newell et al. (2016) as released: without residual blocks in the heads."""

    def __init__(self, channels, points, stacks, features, depth):
        super().__init__()
        quarter, half = features // 4, features // 2
        self.stem = nn.ModuleDict({
            "conv": nn.Conv2d(channels, quarter, 7, 2, 3), "norm": nn.BatchNorm2d(quarter), "block1": Residual(quarter, half),
            "block2": Residual(half, half), "block3": Residual(half, features)})
        self.stacks = stacks
        for stack in range(1, stacks + 1):
            parts = {
                "hourglass": Hourglass(features, depth),
                "head": nn.ModuleDict({"conv": nn.Conv2d(features, features, 1), "norm": nn.BatchNorm2d(features)}),
                "maps": nn.Conv2d(features, points, 1)}
            if stack < stacks:
                parts |= {"features_back": nn.Conv2d(features, features, 1), "maps_back": nn.Conv2d(points, features, 1)}
            setattr(self, f"stack{stack}", nn.ModuleDict(parts))

    def forward(self, images):
        stem, results = self.stem, []
        maps = F.max_pool2d(stem["block1"](F.relu(stem["norm"](stem["conv"](images)))), 2)
        maps = stem["block3"](stem["block2"](maps))
        for number in range(1, self.stacks + 1):
            stack = getattr(self, f"stack{number}")
            features = F.relu(stack["head"]["norm"](stack["head"]["conv"](stack["hourglass"](maps))))
            results.append(stack["maps"](features))
            if number < self.stacks:
                maps = maps + stack["features_back"](features) + stack["maps_back"](results[-1])
        return torch.stack(results, 1)


REAL, REFINED = 0, 1


def adversarial(logits, target):
    """Cross-entropy per patch; the class is the channel."""
    return F.cross_entropy(logits, torch.full((logits.shape[0], *logits.shape[2:]), target))
