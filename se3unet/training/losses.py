"""Losses between heatmaps."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from se3unet.metrics import IOU_THRESHOLD
from se3unet.training.settings import LossSettings

HeatmapLoss = Callable[[Tensor, Tensor], Tensor]


def adaptive_wing(
    input: Tensor, target: Tensor, omega: float = 14.0, theta: float = 0.5, epsilon: float = 1.0, alpha: float = 2.1
) -> Tensor:
    """Adaptive Wing loss of each value (Wang, Bo and Li 2019, arXiv 1904.07399, eq. 3 and 4; report, section 8).

    With d = |y - x| and a = alpha - y it is omega ln(1 + (d / epsilon)^a) for d < theta, and the straight line
    A d - C that continues it smoothly beyond: the exponent is near 1 where the target is high, so that small errors
    matter there, and near 2 in the background, where they do not.

    Args:
        input: x, predicted heatmaps of any shape.
        target: y, true ones of that shape, from 0 to 1.
        omega: as in the formula, above 0.
        theta: the same.
        epsilon: the same.
        alpha: the same, above 1.

    Returns:
        the loss of each value, of the shape of the input.

    Raises:
        ValueError: the shapes differ.
    """
    _same_shape(input, target)
    distance, power = (target - input).abs(), alpha - target
    # The derivative of d^a at 0 needs 0^(a - 1), which is 0; its own derivative would need log 0.
    near = torch.where(distance > 0, distance, torch.ones_like(distance)) / epsilon
    curve = torch.where(distance > 0, omega * torch.log1p(near**power), torch.zeros_like(distance))
    at_theta = (theta / epsilon) ** power
    slope = omega / (1 + at_theta) * power * at_theta / theta
    line = slope * (distance - theta) + omega * torch.log1p(at_theta)
    return torch.where(distance < theta, curve, line)


def cross_entropy(input: Tensor, target: Tensor) -> Tensor:
    """Kullback-Leibler divergence of each value, as probabilities: their cross entropy less that of the target.

    Its gradient with respect to the logit is x - y, which does not vanish where a sigmoid saturates.

    Args:
        input: x in (0, 1), predicted heatmaps of any shape.
        target: y, true ones of that shape, from 0 to 1.

    Returns:
        the loss of each value, 0 where they agree, of the shape of the input.

    Raises:
        ValueError: the shapes differ.
    """
    _same_shape(input, target)
    entropy = -torch.xlogy(target, target) - torch.xlogy(1 - target, 1 - target)
    return functional.binary_cross_entropy(input, target, reduction="none") - entropy


def heatmap_loss(settings: LossSettings) -> HeatmapLoss:
    """The mean loss of heatmaps, loss(input, target), as set: points of the foreground count more."""

    def loss(input: Tensor, target: Tensor) -> Tensor:
        if settings.kind == "cross_entropy":
            each = cross_entropy(input, target)
        else:
            each = adaptive_wing(input, target, settings.omega, settings.theta, settings.epsilon, settings.alpha)
        return (each * (1 + settings.foreground_weight * (target > IOU_THRESHOLD))).mean()

    return loss


def _same_shape(input: Tensor, target: Tensor) -> None:
    if input.shape != target.shape:
        raise ValueError(f"input, target: expected one shape, got {list(input.shape)} and {list(target.shape)}")
