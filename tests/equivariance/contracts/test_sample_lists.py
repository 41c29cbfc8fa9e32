"""Lists of samples, edges and masks among the values of one call: recognized, declared and transformed."""

import pytest
import torch

import equivariance as eq
from equivariance.contracts.assumptions import assume
from equivariance.contracts.contract import Contract
from equivariance.contracts.graph_fields import edges_among
from equivariance.contracts.inputs import inputs_of
from equivariance.contracts.masks import mask_among
from equivariance.contracts.nested import leaves, transform
from equivariance.contracts.sample_lists import listed_samples
from equivariance.errors import ArgumentError
from equivariance.groups import permutation, samples, translation
from equivariance.representations.formatting import as_python
from tests.equivariance.helpers.specimens import normal

CLOUDS = [normal(2, 3), normal(3, 3, seed=1)]
SPEC = Contract({"clouds": eq.SampleList("cartesian_points")}, None).inputs["clouds"]


def test_a_list_of_samples_is_transformed_sample_by_sample():
    turned = transform(CLOUDS, SPEC, permutation([1, 0, 4, 3, 2], sizes=(2, 3)))
    assert torch.equal(turned[0], CLOUDS[0].flip(0))
    assert torch.equal(turned[1], CLOUDS[1].flip(0))
    assert torch.equal(transform(CLOUDS, SPEC, translation([1, 0, 0]))[1], CLOUDS[1] + torch.tensor([1.0, 0, 0]))
    chosen = transform(tuple(CLOUDS), SPEC, samples([1, 1, 0], of=2))
    assert type(chosen) is tuple
    assert [len(cloud) for cloud in chosen] == [3, 3, 2]
    assert [path for path, _, _ in leaves(CLOUDS, SPEC, "clouds")] == ["clouds[0]", "clouds[1]"]


def test_an_element_for_other_samples_is_an_error():
    with pytest.raises(ArgumentError, match="samples='some of 3 samples': expected some of 2, the entries of value"):
        transform(CLOUDS, SPEC, samples([0], of=3))
    with pytest.raises(ArgumentError, match=r"order='samples of \(1, 1, 3\) nodes': expected 2 samples"):
        transform(CLOUDS, SPEC, permutation(range(5), sizes=(1, 1, 3)))


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({"x": CLOUDS}, {"x": (2, 3)}),
        ({"x": tuple(CLOUDS), "z": [torch.arange(2), torch.arange(3)]}, {"x": (2, 3), "z": (2, 3)}),
        ({"clouds": [normal(4, 3), normal(4, 3)]}, {"clouds": (4, 4)}),
        ({"mols": [{"pos": c, "z": torch.arange(len(c))} for c in CLOUDS]}, {"mols": (2, 3)}),
        ({"x": (normal(4, 3), normal(4, 3))}, {}),
        ({"x": [normal(4, 3), normal(4, 3)]}, {}),
        ({"levels": [normal(8, 5), normal(4, 5)]}, {}),
        ({"mols": [{"z": torch.arange(3)}, {"z": torch.arange(2)}]}, {}),
    ],
)
def test_lists_of_samples_are_recognized(named, expected):
    assert listed_samples(named) == expected


def test_the_assumption_is_made_once_for_all_entries():
    arguments = {"coords": CLOUDS, "z": [torch.arange(2), torch.arange(3)], "charge": normal(2)}
    given = inputs_of(torch.nn.Identity(), arguments)
    assert [a.place for a in given.assumptions] == ["coords[i]", "z[i]", "charge"]
    declared = eval(as_python(given.specs), {"eq": eq})
    assert declared == given.specs
    assert declared["coords"] == eq.SampleList(eq.CartesianPoints(nodes=0, batch=None))
    assert declared["charge"] == eq.Invariant(nodes=None, batch=0)


def test_fields_of_each_sample_have_their_own_axes():
    mols = [{"pos": c, "z": torch.arange(len(c)), "q": normal(1)} for c in CLOUDS]
    found = {a.path[-1]: a.representation for a in assume({"mols": mols}, ())}
    assert found["z"] == eq.Invariant(nodes=0, batch=None)
    assert found["q"] == eq.Invariant(nodes=None, batch=None)


ENDS = torch.tensor([0, 1, 2]), torch.tensor([1, 2, 0])


@pytest.mark.parametrize(
    "values",
    [
        {"edge_index": torch.stack(ENDS)},
        {"edges": ENDS},
        {"edge_src": ENDS[0], "edge_dst": ENDS[1]},
        {"idx_i": ENDS[0], "idx_j": ENDS[1]},
        {"row": ENDS[0], "col": ENDS[1]},
    ],
    ids=str,
)
def test_edges_are_recognized(values):
    assert torch.equal(edges_among(values), torch.stack(ENDS))
    found = {a.path: a.representation for a in assume({"pos": normal(3, 3), "edge_attr": normal(3, 2), **values}, ())}
    assert found["edge_attr",] == eq.Invariant(nodes=None, batch=None, edges=0)
    listed = [law for path, law in found.items() if path[0] in values]
    assert all(law.edges is not None and law.nodes is None for law in listed)


@pytest.mark.parametrize(
    "values", [{"edge_index": torch.zeros(2, 3)}, {"src": ENDS[0]}, {"src": ENDS[0], "dst": ENDS[1][:2]}, {"n": ENDS}]
)
def test_other_values_list_no_edges(values):
    assert edges_among(values) is None


def test_nodes_are_counted_without_positions():
    found = {a.path[0]: a.representation for a in assume({"h": normal(4, 2), "edge_index": torch.stack(ENDS)}, ())}
    assert found["h"] == eq.Invariant(nodes=0, batch=None)


VALID = torch.tensor([[True, True, True], [True, False, False]])
FILLED = normal(2, 3, 3) * VALID[..., None]


@pytest.mark.parametrize(
    ("name", "mask", "points", "recognized"),
    [
        ("mask", VALID, FILLED, True),
        ("mask", VALID, normal(2, 3, 3), True),
        ("node_mask", VALID.float()[..., None], FILLED, True),
        ("padding_mask", ~VALID, FILLED, True),
        ("residue_mask", VALID, FILLED, True),
        ("ligand_mask", VALID, normal(2, 3, 3), False),
        ("mask", torch.where(VALID, 0.0, -torch.inf), FILLED, False),
        ("pair_mask", torch.ones(2, 3, 3, dtype=torch.bool), FILLED, False),
        ("fixed", VALID, FILLED, False),
    ],
)
def test_masks_are_recognized(name, mask, points, recognized):
    assert mask_among({name: mask, "pos": points}, points) == (eq.Mask.of(VALID) if recognized else None)
