"""The causes of findings: names, meanings and remedies.

Read by the engine, which puts a remedy in each finding, and by `report.sarif`, which shows a rule for each cause. The
module finds no causes; `_engine.causes` does.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """The description of a cause.

    Attributes:
        meaning: One sentence.
        remedy: One sentence.
    """

    meaning: str
    remedy: str


RULES = {
    "absolute-position": Rule(
        "A position is used where only differences of positions may enter, so the result changes with the origin.",
        "Use differences of positions, or subtract the centroid of each sample first.",
    ),
    "component-mixing": Rule(
        "The components of an irrep are mixed, shifted or bent one by one.",
        "Drop the bias; let nonlinearities and normalization act on norms; mix channels, never x, y and z.",
    ),
    "wrong-irrep": Rule(
        "The output obeys another transformation law than the declared one: a parity, an order, R for its inverse.",
        "Declare the law that is computed, or compute the one that is declared.",
    ),
    "frame-dependent": Rule(
        "A fixed axis or frame of the coordinates is built in: an Euler angle, an up direction, a grid of directions.",
        "Build frames from the input, or expand in spherical harmonics.",
    ),
    "order-dependent": Rule(
        "The order of nodes or edges is used as data.",
        "Aggregate with a symmetric function; break ties by geometry; sort stably.",
    ),
    "batch-coupled": Rule(
        "The result for one sample depends on the other samples of the batch.",
        "Compute statistics, offsets and neighbour searches per sample.",
    ),
    "discrete-tie": Rule(
        "A selection flips when its input is rounded differently: a neighbour search, a sort or a maximum has ties.",
        "Select by a margin, or weigh what is selected by a function that vanishes at the boundary.",
    ),
    "precision": Rule(
        "The error stops falling at the precision of float32: a constant or a conversion has lost the other digits.",
        "Compute the constant in float64 and convert it where it is used.",
    ),
    "ill-conditioned": Rule(
        "Rounding is amplified: the law holds in exact arithmetic.",
        "Keep away from differences of nearly equal numbers and from divisions by small ones.",
    ),
    "discretization": Rule(
        "A grid stands for space, and the law holds for its own symmetries only.",
        "Refine the grid, or state the law as approximate.",
    ),
    "nondeterministic": Rule(
        "The same input gives another result in a second call.",
        "Leave arguments unchanged, and draw random numbers in training mode only.",
    ),
    "not-finite": Rule(
        "The result holds NaN or infinity.",
        "Guard norms, divisions and logarithms at zero.",
    ),
    "vanishing": Rule(
        "An output that is zero everywhere proves nothing.",
        "Test with inputs and weights for which the output is not zero.",
    ),
    "undeclared-input": Rule(
        "A tensor that looks like geometry has no declared law and was not transformed.",
        "Declare how the tensor transforms.",
    ),
    "unknown": Rule(
        "The law is broken, and no experiment told why.",
        "Replay the counterexample and follow the activations.",
    ),
}
"""One rule for each of `CAUSES`."""


CAUSES = (
    "absolute-position",
    "component-mixing",
    "wrong-irrep",
    "frame-dependent",
    "order-dependent",
    "batch-coupled",
    "discrete-tie",
    "precision",
    "ill-conditioned",
    "discretization",
    "nondeterministic",
    "not-finite",
    "vanishing",
    "undeclared-input",
    "unknown",
)
"""The causes that a finding may name."""


REMEDIES = {
    "absolute-position": "Use differences of positions: x_i - x_j, or subtract the centroid of the sample first.",
    "component-mixing": (
        "Act on invariants (norms, scalars) and multiply the vectors by the result; leave single components alone."
    ),
    "wrong-irrep": "Declare the representation that is computed, or compute the one that is declared.",
    "frame-dependent": (
        "Build directions from the data (differences of positions, cross products of them), not from fixed axes or "
        "angles about them."
    ),
    "order-dependent": "Aggregate over nodes by sum, mean or max, and let no node number or place in a list enter.",
    "batch-coupled": (
        "Aggregate per sample: reduce over the axis of the nodes only, or by the batch vector (scatter, index_add)."
    ),
    "discrete-tie": "Break ties by geometry that all poses share, or let the weights of what is selected fade to zero.",
    "precision": "Keep constants in float64 and cast them where they are used: tensor.to(x), or math.sqrt, math.pi.",
    "ill-conditioned": (
        "Keep away from the singularity: clamp, use a stable formula (atan2 for acos), centre before subtracting."
    ),
    "discretization": (
        "Work on the positions themselves, or make the grid finer: the error is of the size of a cell; or align the "
        "grid with the data (principal axes)."
    ),
    "nondeterministic": "Seed, or switch off in evaluation mode, what draws random numbers.",
    "not-finite": "Guard the operation: clamp its argument, or replace x / |x| by x / max(|x|, eps).",
    "vanishing": "Give inputs and weights for which the output is not zero: perturb them, or load trained ones.",
    "undeclared-input": "Declare the representation of this input.",
}


def remedy(cause: str) -> str:
    """Returns the standard remedy of a cause, or "" if there is none.

    Args:
        cause: One of `CAUSES`.
    """
    return REMEDIES.get(cause, "")
