"""The causes of findings: names, meanings and remedies.

Every report format reads the same words here. The experiments of `_engine.causes` name a cause, and may give a more
precise remedy. The module finds no causes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """One kind of mistake.

    Attributes:
        name: The word in reports.
        meaning: One sentence that describes the mistake.
        remedy: One sentence that describes the usual correction, or "" if none is known.
    """

    name: str
    meaning: str
    remedy: str


CATALOGUE = (
    Cause(
        "absolute-position",
        "A position is used where only differences of positions may enter, so the result changes with the origin.",
        "Use differences of positions: x_i - x_j, or subtract the centroid of the sample first.",
    ),
    Cause(
        "component-mixing",
        "The components of an irrep are mixed, shifted or bent one by one.",
        "Act on invariants (norms, scalars) and multiply the vectors by the result; leave single components alone.",
    ),
    Cause(
        "wrong-irrep",
        "The output obeys another transformation law than the declared one: a parity, an order, R for its inverse.",
        "Declare the representation that is computed, or compute the one that is declared.",
    ),
    Cause(
        "frame-dependent",
        "A fixed axis or frame of the coordinates is built in: an Euler angle, an up direction, a grid of directions.",
        (
            "Build directions from the data (differences of positions, cross products of them), not from fixed axes "
            "or angles about them."
        ),
    ),
    Cause(
        "order-dependent",
        "The order of nodes or edges is used as data.",
        "Aggregate over nodes by sum, mean or max, and let no node number or place in a list enter.",
    ),
    Cause(
        "batch-coupled",
        "The result for one sample depends on the other samples of the batch.",
        "Aggregate per sample: reduce over the axis of the nodes only, or by the batch vector (scatter, index_add).",
    ),
    Cause(
        "periodic-image",
        "A node is told from its periodic images, so the result changes with the cell in which it is given.",
        (
            "Take differences to the nearest image, d - round(d @ inv(cell)) @ cell, within a cutoff below half the "
            "cell; or use edges with shifts."
        ),
    ),
    Cause(
        "discrete-tie",
        "A selection flips when its input is rounded differently: a neighbour search, a sort or a maximum has ties.",
        "Break ties by geometry that all poses share, or let the weights of what is selected fade to zero.",
    ),
    Cause(
        "precision",
        "The error stops falling at the precision of float32: a constant or a conversion has lost the other digits.",
        "Keep constants in float64 and cast them where they are used: tensor.to(x), or math.sqrt, math.pi.",
    ),
    Cause(
        "ill-conditioned",
        "Rounding is amplified: the law holds in exact arithmetic.",
        "Keep away from the singularity: clamp, use a stable formula (atan2 for acos), centre before subtracting.",
    ),
    Cause(
        "discretization",
        "A grid stands for space, and the law holds for its own symmetries only.",
        (
            "Work on the positions themselves, or make the grid finer: the error is of the size of a cell; or align "
            "the grid with the data (principal axes)."
        ),
    ),
    Cause(
        "discontinuous",
        "A value jumps where generic inputs lie: noise in the last bit of any input changes the result.",
        (
            "Make the value continuous there: the sine and cosine of an angle in place of the angle, a weight that "
            "fades to zero before a selection, no threshold at a value that the construction always gives."
        ),
    ),
    Cause(
        "nondeterministic",
        "The same input gives another result in a second call.",
        "Seed, or switch off in evaluation mode, what draws random numbers.",
    ),
    Cause(
        "not-finite",
        "The result holds NaN or infinity.",
        "Guard the operation: clamp its argument, or replace x / |x| by x / max(|x|, eps).",
    ),
    Cause(
        "vanishing",
        "An output that is zero everywhere proves nothing.",
        "Give inputs and weights for which the output is not zero: perturb them, or load trained ones.",
    ),
    Cause(
        "undeclared-input",
        "A tensor that looks like geometry has no declared law and was not transformed.",
        "Declare the representation of this input.",
    ),
    Cause(
        "unknown",
        "The law is broken, and no experiment told why.",
        "",
    ),
)
"""Every cause, in the order of the documentation."""


CAUSES = tuple(cause.name for cause in CATALOGUE)
"""The names of the causes that a finding may have."""

_BY_NAME = {cause.name: cause for cause in CATALOGUE}


def cause_named(name: str) -> Cause:
    """Returns the cause with a name.

    Args:
        name: One of `CAUSES`.

    Raises:
        KeyError: If no cause has the name.
    """
    return _BY_NAME[name]


def remedy(name: str) -> str:
    """Returns the standard remedy of a cause, or "" if it has none.

    Args:
        name: One of `CAUSES`.

    Raises:
        KeyError: If no cause has the name.
    """
    return cause_named(name).remedy
