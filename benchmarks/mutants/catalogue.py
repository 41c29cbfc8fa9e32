"""Names the operators, and says for each which statement is the right answer. Written before the first run.

`operators` holds the changes themselves, `mutate` applies them.
"""

from __future__ import annotations

from dataclasses import dataclass

CHANGED = "changed"
"""The right answer is the statement that holds the changed node."""
RECEIVED = "received"
"""The changed value obeys a law, but another one: the statement that receives it is right too."""
CALLED = "called"
"""The change is in a constructor: the right answer is the statement that calls the changed layer."""


@dataclass(frozen=True)
class Operator:
    """One kind of mistake.

    Attributes:
        name: The name that decides the part of the split.
        change: The change in words.
        right: `CHANGED`, `RECEIVED` or `CALLED`.
        mechanism: The `mechanism` of a finding that is right, or "" if several are.
        origin: The fix in a public repository whose opposite this is, or "".
    """

    name: str
    change: str
    right: str = CHANGED
    mechanism: str = ""
    origin: str = ""


_EGNN = "lucidrains/egnn-pytorch"
_SE3 = "lucidrains/se3-transformer-pytorch"
_EQUIFORMER = "lucidrains/equiformer-pytorch"
_TORCHMD = "torchmd/torchmd-net"
_BIAS, _MASK = "component-bias", "component-mask"

CATALOGUE = (
    # Components.
    Operator("constant-on-components", "a constant is added to every component", CHANGED, _BIAS),
    Operator("constant-on-some-channels", "a constant is added to every second entry of the last axis", CHANGED, _BIAS),
    Operator("nonlinearity-on-components", "ReLU on components"),
    Operator("absolute-value-on-components", "the absolute value of components"),
    Operator("components-normalized", "layer normalization over the last axis", CHANGED, "component-normalization"),
    Operator("components-in-another-order", "components in a cyclic order", CHANGED, "component-order"),
    Operator("components-clamped", "components are clamped"),
    Operator("components-rounded", "components are rounded to one decimal"),
    Operator("component-dropout", "dropout on components", CHANGED, _MASK),
    Operator("axis-stretched", "each component has a factor of its own", CHANGED, _MASK),
    Operator("fixed-axis", "the last component stands for a length"),
    Operator("l1-for-l2", "the norm of components is L1", CHANGED, "non-euclidean-norm"),
    Operator("maximum-for-sum", "the maximum over an axis stands for its sum or mean"),
    Operator(
        "bias-after-scaling", "a constant is added to the scaled components", CHANGED, _BIAS,
        f"{_EGNN}@04228e828a92ef0933eb37c86be1b9870777f2e7: CoorsNorm adds no bias any more",
    ),
    Operator(
        "bias-in-linear-of-vectors", "a linear map without a bias gets one", CALLED, _BIAS,
        f"{_TORCHMD}@798468dff61fd6c6f034a177c8b120800dec275b, ORNL/HydraGNN#511: maps of vectors lose their bias",
    ),
    # Positions.
    Operator("absolute-for-relative", "x_i stands for x_i - x_j", RECEIVED),
    Operator("sum-for-difference", "x_i + x_j stands for x_i - x_j"),
    Operator(
        "coordinates-not-kept", "the second term of a sum is left out", RECEIVED, "",
        f"{_EGNN}@99426ac732a74d2f512dd75d1f02e6fc2eba31b2: the old coordinates are added to their change",
    ),
    # Exchanged.
    Operator("arguments-exchanged", "two arguments of one shape are exchanged"),
    Operator(
        "halves-exchanged", "two halves are put together, or taken apart, in the other order", RECEIVED, "",
        f"{_EGNN}@3ce93512f851a0d8d60e305df18c79b47af6b40c, issue #10: coordinates and features change places",
    ),
    Operator(
        "index-axes-exchanged", "one end of an edge stands for the other", RECEIVED, "",
        f"{_SE3}@f6d616b7d828f2ed32046a0da6449498161ad9b3: the list of neighbours held the numbers of the centres",
    ),
    Operator(
        "atan2-arguments", "the arguments of atan2 are exchanged", CHANGED, "",
        f"{_EQUIFORMER}@040e4279c37630c5f0bd249e111fdaa7ace2059e: other arguments of atan2 for the third angle",
    ),
    Operator("cross-product-sign", "the arguments of a cross product are exchanged"),
    # Axes.
    Operator("transpose-left-out", "a transpose is left out", RECEIVED),
    Operator("transpose-put-in", "the last two axes, of one length, are exchanged", RECEIVED),
    Operator("reduction-axis", "a sum, mean or norm runs over another axis"),
    Operator(
        "softmax-axis", "a softmax runs over another axis", CHANGED, "",
        f"{_EQUIFORMER}@d9e58e437b2f533a762ee9280beb1f3375ceb970: attention on the wrong dimension",
    ),
    Operator(
        "new-axis-moved", "an axis of length 1 is inserted at another place", RECEIVED, "",
        f"{_EGNN}@24872cd5bb60a4ed12d90bdb267dd5de1d82cda1: mask[:, :, None] * mask[:, None, :] for neighbours",
    ),
    # Left out.
    Operator("index-offset-dropped", "an offset of indices is left out", RECEIVED),
    Operator("batch-vector-left-out", "all nodes are in sample 0", RECEIVED, "missing-batch-vector"),
    Operator(
        "mask-left-out", "a mask is not applied", RECEIVED, "",
        "leffff/graphormer-pyg@f56d6487f05ffc105a0f977b303ce596338a23fc, issue #14: attention from graph to graph",
    ),
    Operator(
        "clone-dropped", "a copy is left out before memory is changed", RECEIVED, "",
        f"{_EGNN}@878dd8e47754edb50658d79f2a8e1d412448dc26: distances may hold values of the mask",
    ),
    Operator(
        "dtype-dropped", "a new tensor has the default dtype", RECEIVED, "",
        f"{_TORCHMD}@664a4d234a10c680580733aed67b7f6fcbff8dc8: distances in float32 in a network in float64",
    ),
    Operator("float32-constant", "a value is rounded to float32"),
    # Order and other samples.
    Operator("sorted", "the entries of a list are sorted", RECEIVED),
    Operator("capped", "all but the first four entries of a list are zero"),
    Operator("node-numbers", "the number in the list is added"),
    Operator("running-sum", "a running sum over a list"),
    Operator(
        "next-in-order", "the value of the entry before in the list", CHANGED, "",
        "a-r-j/ProteinWorkshop#58: directions to the next node in the list cross from one graph to the next",
    ),
    Operator("mean-over-everything", "the mean over the whole batch is subtracted"),
)  # fmt: skip
