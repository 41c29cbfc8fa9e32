"""Losses between heatmaps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from equivariance_zoo.faces import SIGMA
from equivariance_zoo.landmarks.metrics import IOU_THRESHOLD
from equivariance_zoo.training.settings import choice, number

LOSSES = ("adaptive_wing", "cross_entropy")

HeatmapLoss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class LossSettings:
    """What is minimized.

    Attributes:
        kind: "adaptive_wing" (the report's) or "cross_entropy".
        omega: of the Adaptive Wing loss, its height.
        theta: of the same, the distance at which it becomes a straight line.
        epsilon: of the same, its unit of distance.
        alpha: of the same, its exponent in the background.
        foreground_weight: how much more than others count points whose true value is above 0.2: their loss is
            multiplied by 1 + foreground_weight. The original's is 10.
        sigma: width of the true heatmaps, in units of the normalised face.
    """

    kind: str = "adaptive_wing"
    omega: float = 14.0
    theta: float = 0.5
    epsilon: float = 1.0
    alpha: float = 2.1
    foreground_weight: float = 10.0
    sigma: float = SIGMA

    def __post_init__(self) -> None:
        """Check every setting."""
        choice("kind", self.kind, LOSSES)
        for name in ("omega", "theta", "epsilon", "sigma"):
            number(name, getattr(self, name), above=0)
        number("alpha", self.alpha, above=1)
        number("foreground_weight", self.foreground_weight, least=0)


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
