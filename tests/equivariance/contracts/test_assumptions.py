"""Assumptions about inputs by name, shape, dtype and range, and their words."""

import pytest
import torch

import equivariance as eq
from equivariance.contracts.assumptions import assume
from equivariance.contracts.relations import with_differences
from equivariance.errors import ArgumentError
from equivariance.groups import samples
from equivariance.representations import CartesianPoints, Invariant, Irreps, NodeIndices, as_representation
from equivariance.representations.formatting import as_python, in_words
from equivariance.representations.sizes import SampleStarts
from tests.equivariance.helpers.specimens import normal


def assumed(**values):
    return {a.path[-1]: a for a in assume(values, ())}


@pytest.mark.parametrize("name", ["pos", "positions", "coords", "xyz", "R", "r", "cart_coords", "node_xyz", "atomPos"])
def test_names_of_positions(name):
    found = assumed(**{name: normal(5, 3)})[name]
    assert isinstance(found.representation, CartesianPoints)
    assert "its name" in found.why
    assert not found.asked


@pytest.mark.parametrize("name", ["vel", "forces", "vec", "cell", "edge_shifts", "dipole", "old_forces", "delta_pos"])
def test_names_of_vectors(name):
    found = assumed(**{name: normal(5, 3)})[name]
    assert found.representation == Irreps("1x1o")
    assert not found.asked


@pytest.mark.parametrize("name", ["z", "atomic_numbers", "charges", "unit_shifts", "edge_cell_shift", "pbc"])
def test_names_of_what_no_motion_changes(name):
    found = assumed(**{name: normal(5, 3)})[name]
    assert type(found.representation) is Invariant
    assert not found.asked


@pytest.mark.parametrize("name", ["x", "h", "feats", "v", "foo", "frac_coords", "edge_pos", "atom_r"])
def test_a_last_axis_of_three_that_nobody_names_is_asked_about(name):
    assert assumed(**{name: normal(5, 3)})[name].asked
    assert not assumed(**{name: normal(5, 4)})[name].asked
    assert not assumed(**{name: normal(3)})[name].asked
    assert not assumed(**{name: torch.ones(5, 3, dtype=torch.int64)})[name].asked


def differences(dtype=torch.float32, batch=()):
    pos = normal(*batch, 6, 3, dtype=dtype)
    return pos, pos[..., [1, 2, 5, 0], :] - pos[..., [0, 2, 3, 4], :]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("batch", [(), (2,)])
def test_differences_of_positions_are_told_by_their_values(dtype, batch):
    pos, edge_attr = differences(dtype, batch)
    (_, found) = with_differences(assume({"pos": pos, "edge_attr": edge_attr}, ()))
    assert found.representation.blocks == Irreps("1x1o").blocks
    assert found.why == "its rows are differences of rows of pos"
    assert not found.asked


def test_positions_under_another_name_are_told_by_their_values():
    pos, _ = differences()
    (found, _) = with_differences(assume({"x": pos[[3, 1]], "pos": pos}, ()))
    assert isinstance(found.representation, CartesianPoints)
    assert found.why == "its rows are rows of pos"


@pytest.mark.parametrize(
    "other",
    [
        normal(4, 3, seed=1),
        torch.zeros(4, 3),
        torch.eye(3),
        torch.empty(0, 3),
        differences()[1] * torch.tensor([1, 1, 1.001]),
        torch.full((4, 3), torch.nan),
    ],
)
def test_other_numbers_are_asked_about(other):
    for pos in (differences()[0], normal(6, 3).round(), torch.full((6, 3), torch.nan)):
        (_, found) = with_differences(assume({"pos": pos, "edge_attr": other}, ()))
        assert found.asked


def test_whole_numbers_are_told_by_name_and_range():
    edges = torch.tensor([[0, 1, 2], [1, 2, 4]])
    found = assumed(pos=normal(5, 3), edge_index=edges, edge_src=edges[0], z=torch.arange(5), mask=torch.ones(5).bool())
    assert isinstance(found["edge_index"].representation, NodeIndices)
    assert "from 0 to 4" in found["edge_index"].why
    assert isinstance(found["edge_src"].representation, NodeIndices)
    assert type(found["z"].representation) is Invariant
    assert type(found["mask"].representation) is Invariant
    with pytest.raises(
        ArgumentError, match="edge_index='node numbers from 0 to 4': expected numbers below 3, the nodes"
    ):
        assumed(pos=normal(3, 3), edge_index=edges)


def test_axes_come_from_the_fields_around():
    edges = torch.tensor([[0, 1, 2, 3, 4, 5], [1, 2, 0, 4, 3, 3]])
    batch, ptr = torch.tensor([0, 0, 0, 1, 1, 1, 1]), torch.tensor([0, 3, 7])
    found = assumed(
        pos=normal(7, 3), h=normal(7, 4), edge_index=edges, edge_attr=normal(6, 2), batch=batch, ptr=ptr,
        u=normal(2, 5), cell=normal(6, 3),
    )  # fmt: skip
    nodes, on_edges = eq.Concatenated(0, (3, 4)), eq.Concatenated(0, (3, 3))
    assert found["pos"].representation == CartesianPoints(nodes=0, batch=nodes)
    assert found["h"].representation == Invariant(nodes=0, batch=nodes)
    assert found["edge_attr"].representation == Invariant(nodes=None, batch=on_edges, edges=0)
    assert found["edge_index"].representation == NodeIndices(
        nodes=None, batch=eq.Concatenated(1, (3, 3)), per_sample=(3, 4), edges=1
    )
    assert found["batch"].representation == NodeIndices(nodes=0, batch=nodes, permuted=False, per_sample=1)
    assert found["ptr"].representation == SampleStarts((3, 4))
    assert found["u"].representation == Invariant(nodes=None, batch=0)
    assert found["cell"].representation == Irreps("1x1o", nodes=None, batch=eq.Concatenated(0, (3, 3)))


def test_samples_on_an_axis_of_their_own():
    found = assumed(coors=normal(2, 5, 3), feats=normal(2, 5, 8), label=normal(2, 8), scale=normal(1))
    assert found["coors"].representation == CartesianPoints(nodes=1, batch=0)
    assert found["feats"].representation == Invariant(nodes=1, batch=0)
    assert found["label"].representation == Invariant(nodes=None, batch=0)
    assert found["scale"].representation == Invariant(nodes=None, batch=None)


def test_samples_that_do_not_lie_one_after_the_other_are_refused():
    with pytest.raises(ArgumentError, match=r"batch=.*expected samples one after the other"):
        assumed(pos=normal(4, 3), batch=torch.tensor([0, 1, 0, 1]))


def test_containers_are_searched():
    found = [a.place for a in assume({"data": {"pos": normal(4, 3), "rest": [normal(4), (normal(4, 3),)]}}, ())]
    assert found == ["data['pos']", "data['rest'][0]", "data['rest'][1][0]"]


@pytest.mark.parametrize(
    ("spec", "python", "words"),
    [
        (CartesianPoints(), '"cartesian_points"', "cartesian_points"),
        (Invariant(), "None", "unchanged"),
        (Irreps("2x1o"), '"2x1o"', "2x1o"),
        (Irreps("2x1o", nodes=0), 'eq.Irreps("2x1o", nodes=0)', "2x1o, nodes on axis 0"),
        (
            NodeIndices(nodes=None, batch=eq.Concatenated(1, (3, 4)), per_sample=(3, 4)),
            "eq.NodeIndices(nodes=None, batch=eq.Concatenated(1, (3, 4)), per_sample=(3, 4))",
            "node numbers, samples on axis 1",
        ),
        (SampleStarts((3, 4)), "eq.SampleStarts(sizes=(3, 4))", "starts of the samples"),
        ({"a": [Invariant()]}, '{"a": [None]}', "a: unchanged"),
    ],
)
def test_the_line_that_declares_it_rebuilds_it(spec, python, words):
    assert as_python(spec) == python
    assert in_words(spec) == words
    if not isinstance(spec, dict):
        assert as_representation(eval(python, {"eq": eq}), "spec") == spec


def test_starts_are_counted_again_for_the_selected_samples():
    law = SampleStarts((3, 4, 2))
    assert law.transform(torch.tensor([0, 3, 7, 9]), samples([2, 0], of=3)).tolist() == [0, 2, 5]
    with pytest.raises(ArgumentError, match="samples="):
        law.transform(torch.tensor([0, 3, 7, 9]), samples([0], of=2))


def test_one_axis_does_not_list_nodes_and_samples():
    def centred(pos):
        return (pos - pos.mean(-2, keepdim=True)).norm(dim=-1)

    cloud, samples = normal(7, 3), normal(2, 7, 3)
    expected = r"group='batch': expected samples beside the nodes .* and pos \[7, 3\] has one axis for both: give"
    with pytest.raises(ArgumentError, match=expected):
        eq.check(centred, (cloud,), group=["se3", "permutation", "batch"], samples=2)
    assert eq.check(centred, (samples,), group=["se3", "permutation", "batch"], samples=2).ok
    assert eq.check(centred, (cloud,), group=["se3", "permutation"], samples=2).ok
