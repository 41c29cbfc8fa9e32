"""Finds values inside a call that come with the opposite sign after a rotation, and are right otherwise.

q and -q are one rotation, v and -v one eigenvector. A convention that reads coordinates then decides on the sign.
`rotation` calls the experiment for outputs that jump. `fixed_axes` compares the signs of the output itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance._engine.causes.fixed_axes import MANY
from equivariance._engine.causes.orders.row_matching import flipped
from equivariance._engine.instrumentation.operations import Operation
from equivariance._engine.instrumentation.tape import Tape
from equivariance._engine.laws.forms import IrrepLaw
from equivariance._engine.localization.slicing import divergence
from equivariance.groups.elements import Transform

_MOST_OPERATIONS = 2000
"""Number of operations of a call whose results are compared."""

_MOST_ENTRIES = 100_000
"""Largest number of entries of a value that is compared."""

_SAME = 1e-8
"""Relative distance of two rows that are equal up to rounding."""


def explain_inner_signs(experiment: Experiment, text: str) -> Explanation | None:
    """Returns the explanation if rows of a value inside the call keep their law up to a sign, and some change it.

    Args:
        experiment: The suspect under rotations.
        text: What is known of the output, in words.
    """
    elements = MANY[:4]
    tapes = [experiment.recorded(element) for element in (Transform(), *elements)]
    plain = tapes[0]
    if plain is None or any(tape is None or divergence(plain, tape) is not None for tape in tapes):
        return None
    others = [tape for tape in tapes[1:] if tape is not None]
    for event, number in _floats(plain):
        found = _flips(number, plain, others, elements)
        if found:
            place = event.place
            where = f" at {Path(place.file).name}:{place.line}" if place else ""
            return explained(
                "frame-sign", f"{text}; after a rotation {found[0]} of {found[1]} rows of what is made{where} have the "
                "opposite sign and are right otherwise: the coordinates decide on the sign",
            )  # fmt: skip
    return None


def _floats(tape: Tape) -> Iterator[tuple[Operation, int]]:
    """Yields the floating-point values that operations make, of two entries or more, in order."""
    for event in tape.events[:_MOST_OPERATIONS]:
        for number in event.writes if event.reads else ():
            value = tape.values[number]
            if value.is_floating_point() and value.dim() and 1 < value.numel() <= _MOST_ENTRIES:
                yield event, number


def _flips(number: int, plain: Tape, others: list[Tape], elements: tuple[Transform, ...]) -> tuple[int, int] | None:
    """Returns the largest number of rows with the opposite sign and the number of rows; None if a row is wrong."""
    value = plain.values[number].detach().cpu().double()
    made = [tape.values[number].detach().cpu().double() for tape in others]
    if any(m.shape != value.shape for m in made) or not bool(value.any()):
        return None
    laws = [None, *(IrrepLaw(((axis, (1,)),)) for axis, length in enumerate(value.shape) if length == 3)]
    for law in laws:
        pairs = [
            (_rows(m, law), _rows(value if law is None else law.apply(value, e), law))
            for m, e in zip(made, elements, strict=True)
        ]
        found = [flipped(*pair, _SAME) for pair in pairs]
        same = [float((a - b).norm()) <= _SAME * float(b.norm()) for a, b in pairs]
        if any(found) and all(f or s for f, s in zip(found, same, strict=True)):
            return max(f for f in found if f)
    return None


def _rows(value: Tensor, law: IrrepLaw | None) -> Tensor:
    """Returns the entries along the axis that turns, or along the last one, as rows."""
    axis = -1 if law is None else law.axes[0][0]
    return value.movedim(axis, -1).reshape(-1, value.shape[axis])
