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
    """The paper's gaze network; convolutions without padding."""

    def __init__(self, channels, features, flattened, hidden):
        super().__init__()
        for idx, width in enumerate(features):
            setattr(self, f"conv{idx + 1}", nn.Conv2d(channels, width, 3))
            channels = width
        self.n_hidden = len(hidden)
        for idx, width in enumerate(hidden):
            setattr(self, f"hidden{idx + 1}", nn.Linear(flattened, width))
            flattened = width
        self.head = nn.Linear(flattened, 3)

    def forward(self, images):
        for idx in range(1, 6):
            images = F.relu(getattr(self, f"conv{idx}")(images))
            if idx == 3:
                images = F.max_pool2d(images, 3, 2)
        features = F.max_pool2d(images, 2, 2).flatten(1)
        for idx in range(1, self.n_hidden + 1):
            features = F.relu(getattr(self, f"hidden{idx}")(features))
        return self.head(features)


REAL, REFINED = 0, 1


def adversarial(logits, target):
    """Cross-entropy per patch; the class is the channel."""
    return F.cross_entropy(logits, torch.full((logits.shape[0], *logits.shape[2:]), target))
