"""Draws random expressions of models with Apple's ARKit names (jawOpen, mouthSmileLeft or mouthSmile_L)."""

import re
from collections.abc import Sequence

import numpy as np

_SIDE = re.compile(r"(.+?)(?:_[LR]|(?<!^jaw)(?<!^mouth)(?:Left|Right))")
"""Suffix of a movement of one side; jawLeft and mouthRight move the whole to one side."""

_LEFT_OUT = {"mouthClose", "tongueOut"}
"""Excluded shapes. mouthClose pushes the lips through each other if the jaw is closed; faces have no tongue."""

_MOVEMENTS = (1, 2, 3)
_LEAST_WEIGHT = 0.3
_ONE_SIDED = 0.25


def random_expression(names: Sequence[str], rng: np.random.Generator) -> dict[str, float]:
    """Draws one to three movements with weights from 0.3 to 1.

    If a movement has two sides, both move equally; in a quarter of the cases, only one moves.

    Args:
        names: The model's shapes; at least one.
        rng: The random number generator; it is advanced.

    Returns:
        The weights of the shapes that move, by name.
    """
    sides: dict[str, list[str]] = {}
    for name in names:
        if name not in _LEFT_OUT:
            match = _SIDE.fullmatch(name)
            sides.setdefault(match[1] if match else name, []).append(name)
    weights: dict[str, float] = {}
    count = min(rng.choice(_MOVEMENTS), len(sides))
    for movement in rng.choice(sorted(sides), size=count, replace=False):
        moving = sides[movement]
        if len(moving) > 1 and rng.random() < _ONE_SIDED:
            moving = [moving[rng.integers(len(moving))]]
        weights |= dict.fromkeys(moving, float(rng.uniform(_LEAST_WEIGHT, 1)))
    return weights


def name_of_expression(weights: dict[str, float]) -> str:
    """Returns the name of an expression: its movements with their weights, or "neutral"."""
    return "+".join(f"{name}:{weight:.2f}" for name, weight in weights.items()) or "neutral"
