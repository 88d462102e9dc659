"""The zoo's ResNet-50 in PyTorch: as many weights, the same strides, other names."""

import torch
from torch import nn


def _scaled(units, width):
    return max(8, 8 * round(units * width / 8)) if width != 1 else units


def _conv_bn(inputs, filters, size, stride=1):
    return nn.Sequential(
        nn.Conv2d(inputs, filters, size, stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01),  # Keras's
    )


class Block(nn.Module):
    def __init__(self, inputs, units, stride, width):
        super().__init__()
        inner, outer = _scaled(units, width), _scaled(4 * units, width)
        self.reduce = _conv_bn(inputs, inner, 1, stride)
        self.conv = _conv_bn(inner, inner, 3)
        self.expand = _conv_bn(inner, outer, 1)
        plain = stride == 1 and inputs == outer
        self.shortcut = nn.Identity() if plain else _conv_bn(inputs, outer, 1, stride)

    def forward(self, x):
        y = torch.relu_(self.reduce(x))
        y = torch.relu_(self.conv(y))
        return torch.relu_(self.expand(y) + self.shortcut(x))


class ResNet50(nn.Sequential):
    """Log-mel patches `[batch, 1, 96, 64]` -> logits `[batch, classes]`."""

    def __init__(self, width, classes, bottleneck=None):
        units = _scaled(64, width)
        parts = [_conv_bn(1, units, 7), nn.ReLU(inplace=True)]
        # Without padding, with windows that hang over the end: TensorFlow's "same".
        parts.append(nn.MaxPool2d(3, 2, ceil_mode=True))
        for stage, blocks in enumerate((3, 4, 6, 3)):
            for block in range(blocks):
                stride = 2 if stage and not block else 1
                parts.append(Block(units, 64 << stage, stride, width))
                units = _scaled(256 << stage, width)
        parts += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        if bottleneck:
            parts.append(nn.Linear(units, bottleneck))
            units = bottleneck
        super().__init__(*parts, nn.Linear(units, classes))
