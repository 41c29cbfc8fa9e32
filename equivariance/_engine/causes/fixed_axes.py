"""Finds directions of the coordinate system on which a layer depends: an axis, an angle about an axis, a sign.

`rotation` and `explain` call these experiments. They run the suspect under rotations that single an axis out.
"""

from __future__ import annotations

import numpy as np
import torch

from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance._engine.causes.orders.row_matching import flipped
from equivariance._engine.instrumentation.perturbations import noisy
from equivariance.groups.elements import rotation
from equivariance.representations.base import Representation

ORDINARY = tuple(rotation(v) for v in ([0.3, -0.7, 1.1], [-1.2, 0.4, 0.5], [0.9, 0.8, -0.3]))
"""Rotations that bring no coordinate axis near another."""

MANY = (*ORDINARY, *(rotation(v) for v in ([2.0, 0.3, -1.1], [-0.4, -1.9, 0.7], [1.4, 1.3, 1.2], [-2.1, 0.8, 1.5])))
"""More rotations, for tests that a random rotation passes with probability 1/2."""

_OBLIQUE = np.array([0.48, 0.64, 0.6])
"""A unit vector near no coordinate axis."""

_JUMP = 0.03
"""Relative change of the output that a rotation by a millionth cannot make smoothly."""


def free_axis(experiment: Experiment) -> str:
    """Returns the one coordinate axis about which rotations are respected; "" if there is none or several."""
    axes = _free_axes(experiment)
    if len(axes) != 1:
        return ""
    # On one input, a clamp may affect one component only by chance. Other inputs exclude it.
    other = experiment.with_inputs(noisy(1.0, experiment.seed))
    return axes[0] if other is None or axes[0] in _free_axes(other) else ""


def _free_axes(experiment: Experiment) -> list[str]:
    angles = (1.0, 2.2, -1.7, 3.0)
    named = zip("xyz", np.eye(3), strict=True)
    return [a for a, v in named if all(experiment.respects(rotation(angle * v)) for angle in angles)]


def explain_signs(experiment: Experiment, part: str) -> Explanation | None:
    """Returns the explanation if some vectors have the opposite sign and all are right otherwise."""
    outcomes = [experiment.outcome(r) for r in MANY]
    pairs = [(o.made, o.wanted) for o in outcomes if o.made is not None and o.wanted is not None and o.comparable]
    if len(pairs) < len(outcomes) or pairs[0][0].dim() < 2 or not pairs[0][0].is_floating_point():
        return None
    found = [flipped(made, wanted, max(experiment.tolerance, 1e-9)) for made, wanted in pairs]
    if not all(f or experiment.respects(r) for f, r in zip(found, MANY, strict=True)) or not any(found):
        return None
    most = max(f for f in found if f)
    return explained(
        "frame-sign",
        f"after a rotation {most[0]} of {most[1]} rows of {part} have the opposite sign and are right otherwise: the "
        "coordinates decide on the sign, as those of eigenvectors",
    )


def explain_built_in_axis(experiment: Experiment, part: str) -> Explanation | None:
    """Returns the explanation if only rotations about one coordinate axis are respected."""
    axis = free_axis(experiment)
    if not axis:
        return None
    return explained(
        "fixed-axis",
        f"rotations about {axis} are respected and others are not: the axis {axis} is built in",
        f"Take a direction from the data in place of the axis {axis} (or, if {axis} is given by physics, pass it as an "
        'input declared "1x1o").',
    )


def explain_angle(experiment: Experiment, part: str) -> Explanation | None:
    """Returns the explanation if the layer uses an angle about a coordinate axis.

    Near the axis, a change of a millionth then moves the output a lot. If the output also jumps near an arbitrary
    direction, every line is singular, and the axis is not the reason. Frames spanned by points on a line do this.
    """
    jumps = {axis: _jump_near_line(experiment, np.eye(3)[index]) for index, axis in enumerate("xyz")}
    singular = [axis for axis, jump in jumps.items() if jump > _JUMP]
    if len(singular) not in (1, 2) or _jump_near_line(experiment, _OBLIQUE) > _JUMP:
        return None
    named, regular = " and ".join(singular), " and ".join(a for a in "xyz" if a not in singular)
    return explained(
        "axis-angle",
        f"for vectors along {named} (and not along {regular}) a change of a millionth moves {part} by "
        f"{max(jumps.values()):.2g}: an angle about an axis is used, as Euler and polar angles are",
    )


def explain_special_input(experiment: Experiment, part: str) -> Explanation | None:
    """Returns the explanation if only special rotations or special inputs show the error."""
    if all(experiment.respects(r) for r in ORDINARY):
        return explained(
            "axis-aligned-input",
            f"three ordinary rotations are respected and {experiment.element} is not: the formula fails where "
            "something lies along an axis (gimbal lock)",
        )
    other = experiment.with_inputs(noisy(1e-3, experiment.seed))
    if other is None or not all(other.respects(r) for r in [*ORDINARY, experiment.element]):
        return None
    return Explanation(
        "discrete-tie",
        f"{part} breaks on this input only: once it is moved by a thousandth, all of four rotations are respected: the "
        "example holds ties, or vectors along an axis",
    )


def _jump_near_line(experiment: Experiment, direction: np.ndarray) -> float:
    """Returns the relative distance of the outputs of two clouds near one line, a millionth apart."""
    outputs = []
    for seed in (1, 2):
        generator = torch.Generator().manual_seed(experiment.seed + seed)

        def change(
            tensor: torch.Tensor, how: Representation, _: str, generator: torch.Generator = generator
        ) -> torch.Tensor:
            if tensor.shape[-1:] != (3,) or not tensor.is_floating_point() or not how.turns:
                return tensor
            along = torch.as_tensor(direction, dtype=tensor.dtype, device="cpu")
            lengths = tensor.detach().cpu().norm(dim=-1, keepdim=True)
            noise = torch.randn(tensor.shape, generator=generator, dtype=torch.float64, device="cpu").to(tensor.dtype)
            return (lengths * (along + 1e-6 * noise)).to(tensor.device)

        other = experiment.with_inputs(change)
        if other is None or other.plain is None or not bool(torch.isfinite(other.plain).all()):
            return 0.0
        outputs.append(other.plain.double())
    plain = experiment.plain
    if plain is None or outputs[0].shape != outputs[1].shape:
        return 0.0
    return float((outputs[0] - outputs[1]).norm() / (plain.double().norm() + 1e-300))
