"""Layers on grids, each with a planted defect at the line that ends in PLANTED."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from equivariance_zoo.steerable3d.layers.lowpass import gaussian


class EvenStride(nn.Module):
    """Every second cell, from the first: on an even grid not symmetric about the middle."""

    def forward(self, fields: Tensor) -> Tensor:
        filtered = fields + 0.5 * fields.roll(1, 2) + 0.5 * fields.roll(-1, 2)
        filtered = filtered + 0.5 * filtered.roll(1, 3) + 0.5 * filtered.roll(-1, 3)
        filtered = filtered + 0.5 * filtered.roll(1, 4) + 0.5 * filtered.roll(-1, 4)
        return filtered[:, :, ::2, ::2, ::2]  # PLANTED


class BareStride(nn.Module):
    """Every second cell of an odd grid, without a filter: symmetric about the middle."""

    def forward(self, fields: Tensor) -> Tensor:
        return fields[:, :, ::2, ::2, ::2]


class AsymmetricPadding(nn.Module):
    """A blur with one cell of padding before and none behind."""

    def forward(self, fields: Tensor) -> Tensor:
        weight = gaussian(2, 1.0).to(fields)
        kernel = torch.einsum("i,j,k->ijk", weight, weight, weight).expand(fields.shape[1], 1, 2, 2, 2)
        padded = functional.pad(fields, (1, 0, 1, 0, 1, 0), mode="circular")  # PLANTED
        return functional.conv3d(padded, kernel, groups=fields.shape[1])


class OffCentrePooling(nn.Module):
    """A window of two cells that leans to one side, where one of three is due."""

    def forward(self, fields: Tensor) -> Tensor:
        scalars, others = fields.split([4, 11], dim=1)
        pooled = functional.max_pool3d(functional.pad(scalars, (0, 1) * 3, mode="circular"), 2, 1)  # PLANTED
        return torch.cat([pooled, others], dim=1)


class UnsymmetrizedKernel(nn.Module):
    """A free kernel on scalars."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(4, 1, 3, 3, 3) / 5)

    def forward(self, fields: Tensor) -> Tensor:
        scalars, others = fields.split([4, 11], dim=1)
        padded = functional.pad(scalars, (1, 1, 1, 1, 1, 1), mode="circular")
        smooth = functional.conv3d(padded, self.kernel, groups=4)  # PLANTED
        return torch.cat([smooth, others], dim=1)


class WrongGate(nn.Module):
    """Gates read the first component of each vector."""

    def forward(self, fields: Tensor) -> Tensor:
        scalars, vectors, rest = fields.split([4, 6, 5], dim=1)
        vectors = vectors.unflatten(1, (2, 3))
        gated = vectors * torch.sigmoid(3 * vectors[:, :, :1])  # PLANTED
        return torch.cat([scalars, gated.flatten(1, 2), rest], dim=1)


class BentComponents(nn.Module):
    """ReLU on all channels."""

    def forward(self, fields: Tensor) -> Tensor:
        return torch.relu(fields)  # PLANTED


class BentOddly(nn.Module):
    """A strong odd function of the components: the rotations of the cube do not mind."""

    def forward(self, fields: Tensor) -> Tensor:
        scalars, vectors, rest = fields.split([4, 6, 5], dim=1)
        size = vectors.square().mean((1, 2, 3, 4), keepdim=True).sqrt()
        bent = torch.tanh(8 * vectors / size)  # PLANTED
        return torch.cat([scalars, bent, rest], dim=1)


class VectorBias(nn.Module):
    """A bias for every channel."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(0.1 * torch.randn(15, 1, 1, 1))

    def forward(self, fields: Tensor) -> Tensor:
        return fields + self.bias  # PLANTED


class Coordinates(nn.Module):
    """The distance from the middle is added to the scalars."""

    def forward(self, fields: Tensor) -> Tensor:
        scalars, others = fields.split([4, 11], dim=1)
        axis = torch.arange(fields.shape[2]).to(fields) - (fields.shape[2] - 1) / 2
        radius = (axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2).sqrt() / 10
        return torch.cat([scalars + radius, others], dim=1)  # PLANTED


class ZeroPadding(nn.Module):
    """A blur that takes the torus for a box."""

    def forward(self, fields: Tensor) -> Tensor:
        weight = gaussian(3, 1.0).to(fields)
        kernel = torch.einsum("i,j,k->ijk", weight, weight, weight).expand(fields.shape[1], 1, 3, 3, 3)
        return functional.conv3d(fields, kernel, padding=1, groups=fields.shape[1])  # PLANTED


class SymmetricConv2d(nn.Module):
    """A convolution of images whose kernels are means over the square's rotations and mirrors."""

    def __init__(self, channels_in: int, channels_out: int, rotations: int = 4) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(channels_out, channels_in, 3, 3) / (3 * channels_in**0.5))
        self.rotations = rotations

    def forward(self, image: Tensor) -> Tensor:
        turned = [self.kernel.rot90(k, (2, 3)) for k in range(self.rotations)]
        kernel = torch.stack([*turned, *(k.flip(2) for k in turned)]).mean(0)
        return functional.conv2d(functional.pad(image, (1, 1, 1, 1), mode="circular"), kernel)  # PLANTED


class ImageNet(nn.Module):
    """Two convolutions of images, and a mean over cells."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, image: Tensor) -> Tensor:
        return torch.relu(self.second(torch.relu(self.first(image)))).mean((2, 3))
