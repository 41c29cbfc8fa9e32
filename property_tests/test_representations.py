"""Representations represent: D(gh) = D(g) D(h), and every action is an action."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from equivariance import CartesianPoints, Concatenated, GraphFields, Invariant, Irreps, NodeIndices
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import leaves, transform
from equivariance.groups import Transform, inversion, rotation, samples
from equivariance.representations.wigner import wigner_d
from equivariance.strategies import irreps, permutations, rigid_motions, rotations

DEGREES = range(7)
PARITIES = (1, -1)
NODES, SAMPLES = 4, 3


@st.composite
def orthogonal(draw: st.DrawFn) -> Transform:
    """All of O(3)."""
    element = draw(rotations())
    return inversion() @ element if draw(st.booleans()) else element


@pytest.mark.parametrize("parity", PARITIES)
@pytest.mark.parametrize("degree", DEGREES)
@given(g=orthogonal(), h=orthogonal())
def test_wigner_matrices_are_a_homomorphism(degree, parity, g, h):
    product = wigner_d(degree, parity, g) @ wigner_d(degree, parity, h)
    torch.testing.assert_close(wigner_d(degree, parity, g @ h), product, atol=1e-12, rtol=0)


@pytest.mark.parametrize("degree", DEGREES)
@given(g=orthogonal())
def test_wigner_matrices_are_orthogonal_and_undone_by_the_inverse(degree, g):
    matrix, eye = wigner_d(degree, -1, g), torch.eye(2 * degree + 1, dtype=torch.float64)
    torch.testing.assert_close(matrix @ matrix.T, eye, atol=1e-12, rtol=0)
    torch.testing.assert_close(wigner_d(degree, -1, g.inverse()), matrix.T, atol=1e-12, rtol=0)


@given(st.tuples(*[st.floats(-3, 3)] * 3))
def test_degree_one_is_scipys_matrix_in_the_order_x_y_z(vector):
    expected = torch.from_numpy(Rotation.from_rotvec(vector).as_matrix())
    torch.testing.assert_close(wigner_d(1, 1, rotation(vector)), expected, atol=1e-14, rtol=0)


@given(g=orthogonal(), vector=st.tuples(*[st.floats(-2, 2)] * 3), degree=st.sampled_from(DEGREES))
def test_wigner_matrices_turn_spherical_harmonics(g, vector, degree):
    """Y(R x) = D(R) Y(x), with e3nn's harmonics at points that the matrices were not computed from."""
    from e3nn import o3

    point = torch.tensor(vector, dtype=torch.float64)
    matrix = torch.tensor(g.matrix, dtype=torch.float64)
    turned, still = (o3.spherical_harmonics(degree, p, normalize=False) for p in (matrix @ point, point))
    expected = wigner_d(degree, (-1) ** degree, g) @ still
    torch.testing.assert_close(turned, expected, atol=1e-12 * (1 + float(point.norm()) ** degree), rtol=1e-12)


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(g=rigid_motions(10), h=rigid_motions(10), spec=irreps(4, 2))
def test_motions_act(g, h, spec):
    for representation, values in (
        (Irreps(str(spec)), numbers(2, spec.dim)),
        (CartesianPoints(), numbers(2, 3)),
        (CartesianPoints(1), numbers(2, 3, 4)),
        (Invariant(), numbers(2, 5)),
    ):
        once = representation.transform(values, g @ h)
        twice = representation.transform(representation.transform(values, h), g)
        torch.testing.assert_close(once, twice, atol=1e-12, rtol=1e-12)
        assert once.shape == values.shape


@given(g=orthogonal(), h=orthogonal(), spec=irreps(4, 2))
def test_improper_elements_act(g, h, spec):
    representation, values = Irreps(str(spec)), numbers(2, spec.dim)
    once = representation.transform(values, g @ h)
    torch.testing.assert_close(
        once, representation.transform(representation.transform(values, h), g), atol=1e-12, rtol=0
    )
    back = representation.transform(once, (g @ h).inverse())
    torch.testing.assert_close(back, values, atol=1e-12, rtol=0)


NUMBERED = torch.tensor([[1, 3], [0, 0], [3, 2], [2, 1]])
"""Each of four nodes holds two node numbers."""

PERMUTED = {
    "first axis": (Irreps("1x1o"), numbers(NODES, 3)),
    "second axis": (Irreps("1x1o", nodes=1), numbers(2, NODES, 3)),
    "negative axis": (CartesianPoints(nodes=-2), numbers(2, NODES, 3)),
    "concatenated": (Invariant(nodes=0, batch=0), numbers(SAMPLES * NODES, 2)),
    "no nodes": (Invariant(nodes=None), numbers(7)),
    "numbers": (NodeIndices(), NUMBERED),
    "numbers of a batch": (NodeIndices(nodes=1, batch=0), torch.stack([NUMBERED, NUMBERED.flip(0)])),
    "numbers through a batch": (
        NodeIndices(nodes=0, batch=0, per_sample=NODES),
        torch.cat([NUMBERED + NODES * i for i in range(SAMPLES)]),
    ),
    "numbers without nodes": (NodeIndices(nodes=None), torch.tensor([3, 1])),
    "numbers of a pooled cloud": (NodeIndices(nodes=None, permuted=False), torch.tensor([1, 0])),
}


@pytest.mark.parametrize("name", PERMUTED)
@given(g=permutations(NODES), h=permutations(NODES))
def test_permutations_act(name, g, h):
    representation, values = PERMUTED[name]
    twice = representation.transform(representation.transform(values, h), g)
    assert torch.equal(representation.transform(values, g @ h), twice)
    assert torch.equal(representation.transform(representation.transform(values, g), g.inverse()), values)


@given(g=permutations(NODES))
def test_node_numbers_point_at_the_same_nodes_afterwards(g):
    names, moved = numbers(NODES), NodeIndices().transform(NUMBERED, g)
    reordered = Invariant().transform(names, g)
    assert torch.equal(reordered[moved], Invariant().transform(names[NUMBERED], g))


@st.composite
def selections(draw: st.DrawFn, of: int) -> Transform:
    return samples(draw(st.lists(st.integers(0, of - 1), min_size=1, max_size=4)), of=of)


SELECTED = {
    "first axis": (Irreps("1x1o"), numbers(SAMPLES, 3)),
    "second axis": (Irreps("1x1o", nodes=0, batch=1), numbers(NODES, SAMPLES, 3)),
    "concatenated": (Invariant(nodes=0, batch=0), numbers(SAMPLES * NODES, 2)),
    "no samples": (Invariant(batch=None), numbers(7)),
    "numbers": (NodeIndices(nodes=1, batch=0), torch.stack([NUMBERED] * SAMPLES)),
    "numbers through a batch": (
        NodeIndices(nodes=0, batch=Concatenated(0), per_sample=NODES),
        torch.cat([NUMBERED + NODES * i for i in range(SAMPLES)]),
    ),
}


@pytest.mark.parametrize("name", SELECTED)
@given(data=st.data())
def test_selections_act(name, data):
    representation, values = SELECTED[name]
    h = data.draw(selections(SAMPLES))
    g = data.draw(selections(len(h.samples)))
    twice = representation.transform(representation.transform(values, h), g)
    assert torch.equal(representation.transform(values, g @ h), twice)


@given(data=st.data(), sizes=st.lists(st.integers(1, 4), min_size=2, max_size=4))
def test_selections_of_samples_of_any_size_take_each_whole(data, sizes):
    chosen = data.draw(selections(len(sizes)))
    owners = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    local = torch.cat([torch.arange(size) for size in sizes])
    through = torch.arange(len(owners))
    layout = Concatenated(0, tuple(sizes))
    rows = [r for i in chosen.samples for r in (owners == i).nonzero().flatten().tolist()]
    assert Invariant(batch=layout).transform(owners, chosen).tolist() == owners[rows].tolist()
    assert NodeIndices(nodes=None, batch=layout).transform(local, chosen).tolist() == local[rows].tolist()
    counted = NodeIndices(nodes=None, batch=layout, per_sample=tuple(sizes)).transform(through, chosen)
    assert counted.tolist() == list(range(len(rows)))


@given(g=rigid_motions(10), order=permutations(NODES), chosen=selections(SAMPLES))
def test_motions_permutations_and_selections_commute(g, order, chosen):
    representation, values = CartesianPoints(nodes=1, batch=0), numbers(SAMPLES, NODES, 3)
    expected = representation.transform(values, g @ order @ chosen)
    for parts in ((g, order, chosen), (chosen, g, order), (order, chosen, g)):
        result = values
        for part in parts:
            result = representation.transform(result, part)
        torch.testing.assert_close(result, expected, atol=1e-12, rtol=0)


def graphs():
    dgl = pytest.importorskip("dgl", reason="needs DGL: pip install -e '.[dgl]'")
    source, target = torch.tensor([0, 1, 2, 3, 0, 2]), torch.tensor([1, 2, 3, 0, 2, 0])
    parts = []
    for seed in range(SAMPLES):
        part = dgl.graph((source, target), num_nodes=NODES)
        part.ndata["x"], part.ndata["n"] = numbers(NODES, 3, seed=seed), NUMBERED[:, 0] + NODES * seed
        part.edata["v"], part.edata["d"] = numbers(6, 3, seed=seed), numbers(6, seed=seed)
        parts.append(part)
    return dgl.batch(parts)


FIELDS = Contract(
    {
        "g": GraphFields(
            {"x": "cartesian_points", "n": NodeIndices(per_sample=NODES)},
            {"v": "1x1o", "d": None},
        )
    },
    None,
).inputs["g"]


@given(data=st.data())
def test_graphs_are_acted_on(data):
    given_graph = graphs()
    kinds = st.sampled_from([rigid_motions(10), permutations(NODES)])
    h, g = (data.draw(data.draw(kinds)) for _ in range(2))
    once, twice = transform(given_graph, FIELDS, g @ h), transform(transform(given_graph, FIELDS, h), FIELDS, g)
    for (path, left, _), (_, right, _) in zip(leaves(once, FIELDS), leaves(twice, FIELDS), strict=True):
        torch.testing.assert_close(left, right, atol=1e-12, rtol=0, msg=path)


@given(h=selections(SAMPLES), data=st.data())
def test_graphs_of_a_batch_are_selected(h, data):
    given_graph = graphs()
    g = data.draw(selections(len(h.samples)))
    fields = Contract({"g": GraphFields({"x": "cartesian_points"}, {"v": "1x1o", "d": None})}, None).inputs["g"]
    given_graph.ndata.pop("n")
    once, twice = transform(given_graph, fields, g @ h), transform(transform(given_graph, fields, h), fields, g)
    assert once.batch_num_nodes().tolist() == [NODES] * len(g.samples)
    for (_, left, _), (_, right, _) in zip(leaves(once, fields), leaves(twice, fields), strict=True):
        assert torch.equal(left, right)
