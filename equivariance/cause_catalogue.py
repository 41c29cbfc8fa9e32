"""The causes and mechanisms of findings: names, meanings and remedies.

Every report format reads the same words here. A mechanism is a more precise word than its cause. The experiments of
`_engine.causes` name both. The module finds no causes.
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


@dataclass(frozen=True)
class Mechanism:
    """One way to make a mistake: a more precise word than its cause.

    Attributes:
        name: The word in reports.
        cause: The name of the cause that it belongs to.
        meaning: One sentence that describes the mistake.
        remedy: One sentence that describes the correction.
    """

    name: str
    cause: str
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
        "insensitive",
        "An output that must change does not: what it is to measure does not reach it.",
        "Compute it from what changes: signed sines and cosines in place of norms, differences across the two sets.",
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

MECHANISMS = (
    Mechanism("position-in-proportion", "absolute-position",
        "A position enters in proportion, where a difference of positions is due.",
        "Subtract a position of the same sample before this step (x_i - x_j, or x - x.mean(0)): differences carry "
        "0 t."),
    Mechanism("position-squared", "absolute-position", "A position enters a square or a product.",
        "Take squares and products of differences of positions (|x_i - x_j|^2), not of the positions themselves."),
    Mechanism("position-bounded", "absolute-position",
        "A position enters a bounded function: a sine, a tanh, a normalization.",
        "Feed differences of positions, not the positions, into the bounded function (sine, tanh, normalization)."),
    Mechanism("position-decides", "absolute-position", "A comparison or a choice depends on positions.",
        "Decide by differences of positions, or subtract the centroid of the sample first."),
    Mechanism("points-left-behind", "absolute-position",
        "The output is declared as points and does not follow the translation.",
        "Subtract the centroid first and add it back last, or declare a vector if the output is a displacement."),
    Mechanism("grid-border", "absolute-position", "Cells near the border of a grid read the padding.",
        "Pad circularly and declare periodic=True, or declare periodic=False: cells near a border are then not "
        "compared."),
    Mechanism("cell-place", "absolute-position", "The place of a cell on the grid is used as data.",
        "Give no coordinates and no weights of single cells to the layer."),
    Mechanism("component-bias", "component-mixing", "A constant is added to the components of what turns.",
        "Drop the bias of everything that turns (bias=False); scalars may have one."),
    Mechanism("component-order", "component-mixing",
        "The components stand in another order, or with other signs, than declared.",
        "Put the components in the order that is declared: e3nn's degree 1 is x, y, z."),
    Mechanism("component-mask", "component-mixing",
        "Each component has a factor of its own: a mask, a dropout, weights.",
        "Scale or drop whole vectors: one factor for all components of an irrep."),
    Mechanism("component-matrix", "component-mixing", "A matrix acts on the components.",
        "Mix channels, not components: a weight [channels out, channels in] on tensors [..., channels, 3]."),
    Mechanism("component-nonlinearity", "component-mixing", "A nonlinear function acts on single components.",
        "Apply the nonlinearity to norms or scalars and multiply the vectors by the result (a gate)."),
    Mechanism("component-normalization", "component-mixing",
        "Components are normalized together: LayerNorm, BatchNorm or softmax over them.",
        "Normalize by norms: divide vectors by the root mean square of their norms over channels, without a mean."),
    Mechanism("component-sum", "component-mixing", "A sum, a mean or the largest of the components is no invariant.",
        "Sum over channels or nodes, not over components; take norms or scalar products for an invariant."),
    Mechanism("non-euclidean-norm", "component-mixing",
        "A length is no Euclidean norm: absolute values, a maximum, weights per axis.",
        "Take the Euclidean norm: x.norm(dim=-1), torch.cdist with p=2, squares summed with equal weights."),
    Mechanism("parity", "wrong-irrep", "The output has the other parity than the declared one.",
        "Declare the other parity (1e for a cross product, 0o for a triple product)."),
    Mechanism("mixed-parity", "wrong-irrep", "Even and odd values are added in one irrep.",
        "Keep polar and axial vectors (and scalars and pseudoscalars) in irreps of their own: 1o and 1e, 0e and 0o."),
    Mechanism("unturned-part", "wrong-irrep", "Invariant numbers stand where components should turn.",
        "Turn the numbers back before they are added (multiply by the frame that they were taken in, or by a "
        "vector), or keep them as scalars (0e)."),
    Mechanism("unchanged-output", "wrong-irrep", "The output is invariant and is declared to turn.",
        "Declare scalars (0e) where the output is invariant, or multiply it by a direction that turns."),
    Mechanism("inverse-rotation", "wrong-irrep", "The output turns with R^T in place of R.",
        "Transpose the matrix: with row vectors, x' = x @ R.T, or read the frame's vectors off its columns."),
    Mechanism("component-axis", "wrong-irrep", "The components lie on another axis than the declared one.",
        "Put the components on the last axis: [channels, 3], not [3, channels]; transpose matrices whose vectors "
        "are columns."),
    Mechanism("other-degree", "wrong-irrep", "The output transforms as irreps of other degrees.",
        "Declare the irreps that are computed, or compute those that are declared."),
    Mechanism("block-order", "wrong-irrep", "The irreps of the output stand in other blocks than the declared ones.",
        "Put the blocks in the declared order, or declare the order in which they are computed."),
    Mechanism("unturned-field", "wrong-irrep", "The cells of a field move, and its components do not turn.",
        "Declare scalars (0e), or compute components that turn."),
    Mechanism("degree", "wrong-irrep", "The output grows with another power of the scale than declared.",
        "Declare the power that is computed (degree=...), or divide by a length of the input."),
    Mechanism("fixed-axis", "frame-dependent", "A coordinate axis is built in.",
        'Take a direction from the data in place of the axis, or pass it as an input declared "1x1o" if physics '
        "gives it."),
    Mechanism("axis-angle", "frame-dependent",
        "An angle about a coordinate axis is used: an Euler angle, a polar angle.",
        "Use components in place of angles: spherical harmonics, or frames from the data."),
    Mechanism("axis-aligned-input", "frame-dependent",
        "A formula fails where something lies along a coordinate axis (gimbal lock).",
        "Use a formula without a pole: a rotation matrix or a quaternion in place of Euler angles."),
    Mechanism("frame-sign", "frame-dependent",
        "The coordinates decide on a sign that has no meaning: of an eigenvector, of a quaternion.",
        "Fix signs by geometry (towards the farthest node, say), or average over all of them."),
    Mechanism("coordinate-decides", "frame-dependent", "A comparison or a choice depends on components.",
        "Decide by what the pose does not change: distances, norms, angles between vectors."),
    Mechanism("grid-direction", "frame-dependent", "The axes of a grid, or a direction on it, are built into a kernel.",
        "Use kernels that are steerable (spherical harmonics times functions of the radius), cut off by a ball."),
    Mechanism("fixed-length", "frame-dependent",
        "A length that does not scale with the inputs is built in: a cutoff, a bias, an epsilon, a threshold.",
        "Measure lengths by a length of the input (its extent, the mean distance), or take ratios and logarithms."),
    Mechanism("handedness", "frame-dependent", "The two sides of a mirror are told apart.",
        "Average over the two sides, or tie the weights of both."),
    Mechanism("node-number", "order-dependent", "A node's own number is used as data.",
        "Drop embeddings of node numbers and weights by place; give nodes features that follow them."),
    Mechanism("running-sum", "order-dependent",
        "Nodes read those before them in the list: a running sum, a causal mask, a recurrence.",
        "Sum over all nodes, or over the neighbours (scatter, index_add); drop causal masks and recurrences over "
        "nodes."),
    Mechanism("neighbour-cap", "order-dependent", "A cap on the number of neighbours keeps the first ones in the list.",
        "Keep every neighbour within the cutoff (raise max_num_neighbors), or the nearest ones: topk of the "
        "distances with largest=False, not the first in the list."),
    Mechanism("list-neighbour", "order-dependent", "Each node reads the next ones in the list.",
        "Take neighbours by distance or by edges, not by place in the list."),
    Mechanism("list-distance", "order-dependent", "The distance of two nodes in the list, |i - j|, is used.",
        "Use distances between positions, or features of edges, in place of |i - j|."),
    Mechanism("special-node", "order-dependent", "A node is special by its number.",
        "Choose the special node by geometry (the one nearest to the centroid), or use the mean of all."),
    Mechanism("tie-by-order", "order-dependent", "Node numbers decide between equal values.",
        "Break ties by geometry (a second distance), or use a stable sort on a key that all orders share."),
    Mechanism("joined-orders", "order-dependent", "Two lists that follow different orders are joined row by row.",
        "Make both lists from one list of pairs, or gather the second by the numbers in the first."),
    Mechanism("row-order", "order-dependent", "The same rows come in another order, by place and not by node or edge.",
        "Return rows in the order of the nodes or edges that were given, or declare that no axis lists them "
        "(nodes=None)."),
    Mechanism("edge-place", "order-dependent", "The place of an edge in the list is used.",
        "Sum over the edges of each node (index_add, scatter); let no place in the list of edges enter."),
    Mechanism("sorted-edges", "order-dependent", "Edges are taken as sorted by a node.",
        "Add by the node numbers (index_add, scatter), or sort the edges first, inside of the network."),
    Mechanism("coordinate-sort", "order-dependent", "Rows or columns are sorted by something that turns.",
        "Sort by an invariant (a distance), or do not sort: aggregate by sum, mean or max."),
    Mechanism("search-order", "order-dependent", "The result of a search or a sort is used by place.",
        "Sort by distance, which all poses share, or declare eq.NodeIndices(unordered=True)."),
    Mechanism("arguments-differ", "order-dependent", "The order of two arguments is used as data.",
        "Treat both arguments alike: a sum, a product, or the mean of both orders."),
    Mechanism("batch-statistics", "batch-coupled",
        "Statistics are taken over the batch: a mean, a variance, a maximum.",
        "Take statistics per sample, or running ones in evaluation mode (track_running_stats=True, model.eval())."),
    Mechanism("batch-sum", "batch-coupled", "The result grows with the batch: a sum or a softmax runs over it.",
        "Normalize and sum per sample: over the axis of the nodes only, or by the batch vector (scatter, index_add)."),
    Mechanism("batch-place", "batch-coupled", "The place of a sample in the batch is used.",
        "Count nodes within each sample (offset node numbers by the sample's start), and read no sample by number."),
    Mechanism("missing-batch-vector", "batch-coupled", "All nodes of the batch are treated as one sample.",
        "Hand over the batch vector (batch=batch), and aggregate by it."),
    Mechanism("padding", "batch-coupled", "Padded rows are read as if they were nodes.",
        "Reduce over the rows that hold nodes only: multiply by the mask before a sum, and divide by mask.sum()."),
    Mechanism("lattice-vector-left-out", "periodic-image",
        "Periodic images are looked for along some lattice vectors only.",
        "Look for images of a node along every lattice vector: the wrap or the list of images leaves some out."),
    Mechanism("supercell", "periodic-image",
        "The result depends on the choice of the cell: a doubled cell gives another.",
        "Sum over all images of a node within a cutoff: edges with shifts, or the nearest image and a cutoff below "
        "half the width of the cell. If the network depends on the choice of the cell by design, test "
        "group=eq.groups.LatticeMoves(supercells=False)."),
    Mechanism("cells", "discretization", "Positions fall into the cells of a grid.",
        "Voxelize less: keep the exact positions beside their cells, make the cells smaller, or average over "
        "rotations."),
    Mechanism("sphere-grid", "discretization",
        "A function on the sphere is sampled on a grid of angles.",
        "Sample more finely, or stay with irreps: tensor products and gates are exact."),
    Mechanism("fine-detail", "discretization", "A field has details that are finer than its cells.",
        "Filter before a stride or a pooling (a low-pass filter, blur pooling), and use smooth kernels."),
    Mechanism("stride", "discretization", "A stride selects every second cell, or every fourth.",
        "Declare the coarser field with its spacing, or filter before the stride."),
    Mechanism("off-centre-window", "discretization",
        "A window, a padding or a stride does not lie symmetrically about the middle.",
        "Let windows lie symmetrically about the middle: odd kernels with equal padding on both sides; before a "
        "stride a filter of even size on an even grid, of odd size on an odd one."),
    Mechanism("no-response", "insensitive", "The output is the same for every amount of the transformation.",
        "Carry the information on: a signed sine and a cosine, a ratio, a difference to a second set of points."),
    Mechanism("weak-response", "insensitive", "The output responds, and by less than claimed.",
        "Claim what is computed (at_least=...), or keep the share of the output that responds."),
)  # fmt: skip
"""Every mechanism, in the order of the causes."""

_BY_NAME = {cause.name: cause for cause in CATALOGUE}
_MECHANISMS_BY_NAME = {mechanism.name: mechanism for mechanism in MECHANISMS}


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


def mechanism_named(name: str) -> Mechanism:
    """Returns the mechanism with a name.

    Args:
        name: The name of one of `MECHANISMS`.

    Raises:
        KeyError: If no mechanism has the name.
    """
    return _MECHANISMS_BY_NAME[name]
