"""Losses between heatmaps, for the trainings of landmark networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from equivariance_zoo.faces import SIGMA
from equivariance_zoo.landmarks.metrics import IOU_THRESHOLD
from equivariance_zoo.training.fields import check_fields, setting

LOSSES = ("adaptive_wing", "cross_entropy")

HeatmapLoss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class LossSettings:
    """Settings of the loss that is minimized.

    Attributes:
        kind: "adaptive_wing" (the report's) or "cross_entropy".
        omega: Height of the Adaptive Wing loss.
        theta: Distance at which the Adaptive Wing loss becomes a straight line.
        epsilon: Unit of distance of the Adaptive Wing loss.
        alpha: Exponent of the Adaptive Wing loss in the background.
        foreground_weight: Extra weight of points whose true value is above 0.2: their loss is multiplied by
            1 + foreground_weight. The original's is 10.
        sigma: Width of the true heatmaps, in units of the normalised face.
    """

    kind: str = setting("adaptive_wing", choices=LOSSES)
    omega: float = setting(14.0, above=0)
    theta: float = setting(0.5, above=0)
    epsilon: float = setting(1.0, above=0)
    alpha: float = setting(2.1, above=1)
    foreground_weight: float = setting(10.0)
    sigma: float = setting(SIGMA, above=0)

    def __post_init__(self) -> None:
        """Checks every setting."""
        check_fields(self)


def adaptive_wing(
    input: Tensor, target: Tensor, omega: float = 14.0, theta: float = 0.5, epsilon: float = 1.0, alpha: float = 2.1
) -> Tensor:
    """Computes the Adaptive Wing loss (Wang, Bo and Li 2019, arXiv 1904.07399, eq. 3 and 4; report, section 8).

    With d = |y - x| and a = alpha - y, the loss is omega ln(1 + (d / epsilon)^a) for d < theta. Beyond theta, it is the
    straight line A d - C, a smooth continuation. If the target is high, the exponent is near 1, so that small errors
    count. In the background, it is near 2, so that small errors do not count.

    Args:
        input: x, predicted heatmaps of any shape.
        target: y, true heatmaps of the same shape, from 0 to 1.
        omega: As in the formula, above 0.
        theta: As in the formula.
        epsilon: As in the formula.
        alpha: As in the formula, above 1.

    Returns:
        The loss of each value, of the shape of the input.

    Raises:
        ValueError: If the shapes differ.
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
    """Computes the Kullback-Leibler divergence of each value: the cross entropy less the entropy of the target.

    Its gradient with respect to the logit is x - y, which does not vanish if a sigmoid saturates.

    Args:
        input: x in (0, 1), predicted heatmaps of any shape.
        target: y, true heatmaps of the same shape, from 0 to 1.

    Returns:
        The loss of each value, of the shape of the input; 0 if prediction and target agree.

    Raises:
        ValueError: If the shapes differ.
    """
    _same_shape(input, target)
    entropy = -torch.xlogy(target, target) - torch.xlogy(1 - target, 1 - target)
    return functional.binary_cross_entropy(input, target, reduction="none") - entropy


def heatmap_loss(settings: LossSettings) -> HeatmapLoss:
    """Returns the mean loss of heatmaps, loss(input, target); points of the foreground have a larger weight."""

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
