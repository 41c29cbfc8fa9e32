"""Samples of unequal size, edges and padding, as representations transform them."""

import pytest
import torch

from equivariance.errors import ArgumentError, ContractError
from equivariance.groups import (
    edge_permutation,
    inversion,
    padding,
    permutation,
    samples,
    translation,
)
from equivariance.representations import CartesianPoints, Concatenated, Invariant, Mask, NodeIndices
from equivariance.representations.formatting import as_python, in_words
from tests.equivariance.helpers.specimens import normal

ORDER = permutation([2, 0, 1, 4, 3], sizes=(3, 2))
JOINED = Concatenated(0, (3, 2))
MASK = torch.tensor([[True, True, True, False], [True, True, False, False]])
POINTS = CartesianPoints(nodes=1, batch=0, mask=Mask.of(MASK))


def test_each_sample_is_permuted_in_its_own_way():
    rows = torch.arange(5)
    assert Invariant(nodes=0, batch=JOINED).transform(rows, ORDER).tolist() == [2, 0, 1, 4, 3]
    apart = torch.arange(8).reshape(2, 4)
    element = permutation([1, 0, 2, 3, 4, 6, 5, 7], sizes=(4, 4))
    assert Invariant(nodes=1, batch=0).transform(apart, element).tolist() == [[1, 0, 2, 3], [4, 6, 5, 7]]
    assert Invariant(nodes=0, batch=1).transform(apart.T, element).T.tolist() == [[1, 0, 2, 3], [4, 6, 5, 7]]


def test_pairs_of_nodes_follow_on_both_axes():
    table = torch.arange(9.0).reshape(3, 3)
    law = Invariant(nodes=0, pairs=1, batch=None)
    assert law.transform(table, permutation([2, 0, 1])).tolist() == [[8, 6, 7], [2, 0, 1], [5, 3, 4]]
    assert in_words(law) == "unchanged, nodes on axis 0, pairs with nodes on axis 1"
    assert as_python(law) == "eq.Invariant(nodes=0, batch=None, pairs=1)"
    vectors = normal(3, 3, 3)
    moved = CartesianPoints(nodes=0, pairs=1, batch=None).transform(vectors, permutation([2, 0, 1]))
    assert torch.equal(moved, vectors[[2, 0, 1]][:, [2, 0, 1]])
    with pytest.raises(ContractError, match="pairs=2"):
        Invariant(nodes=0, pairs=2).check(table, "z")


def test_pairs_of_nodes_are_permuted_and_selected_in_their_samples():
    blocks = torch.arange(25.0).reshape(5, 5)
    joined = Invariant(nodes=0, pairs=1, batch=JOINED)
    order = list(ORDER.order)
    assert torch.equal(joined.transform(blocks, ORDER), blocks[order][:, order])
    assert torch.equal(joined.transform(blocks, samples([1], of=2)), blocks[3:, 3:])
    apart = torch.arange(18.0).reshape(2, 3, 3)
    element = permutation([1, 0, 2, 3, 5, 4], sizes=(3, 3))
    moved = Invariant(nodes=1, pairs=2, batch=0).transform(apart, element)
    assert torch.equal(moved[0], apart[0][[1, 0, 2]][:, [1, 0, 2]])
    assert torch.equal(moved[1], apart[1][[0, 2, 1]][:, [0, 2, 1]])


def test_padded_rows_and_columns_of_pairs_stay_and_are_not_compared():
    law = CartesianPoints(nodes=1, pairs=2, batch=0, mask=Mask.of(MASK))
    table = normal(2, 4, 4, 3)
    valid = MASK[:, :, None] & MASK[:, None, :]
    moved = law.transform(table, translation([1.0, 0, 0]))
    assert torch.equal(moved[~valid], table[~valid])
    assert torch.equal(moved[valid], table[valid] + torch.tensor([1.0, 0, 0]))
    assert not law.compared(table, translation([1.0, 0, 0]))[~valid].any()
    assert law.transform(table, padding(2)).shape == (2, 6, 6, 3)


@pytest.mark.parametrize(
    ("law", "numbers", "expected"),
    [
        (NodeIndices(nodes=None, batch=None, per_sample=(3, 2)), [0, 2, 4, -1], [1, 0, 3, -1]),
        (NodeIndices(nodes=None, batch=Concatenated(0, (2, 2))), [0, 2, 0, 1], [1, 0, 1, 0]),
        (NodeIndices(nodes=None, batch=0), [[0, 2], [0, 1]], [[1, 0], [1, 0]]),
    ],
    ids=["through the batch", "within samples that lie one after the other", "within samples on their own axis"],
)
def test_node_numbers_follow_their_nodes(law, numbers, expected):
    assert law.transform(torch.tensor(numbers), ORDER).tolist() == expected


def test_an_order_for_other_samples_is_an_error():
    with pytest.raises(ArgumentError, match=r"order='permutation in samples of \(3, 2\) nodes': .*nodes=0, not 6"):
        Invariant(nodes=0, batch=Concatenated(0, (3, 3))).transform(torch.arange(6), ORDER)
    with pytest.raises(ArgumentError, match=r"order=.*axis nodes=1, not \(4, 4\)"):
        Invariant(nodes=1, batch=0).transform(torch.zeros(2, 4), ORDER)


def test_edges_are_reordered_with_what_they_carry():
    element = permutation([1, 0, 2]) @ edge_permutation([2, 0, 1])
    edges = NodeIndices(nodes=None, batch=None, edges=1)
    assert edges.transform(torch.tensor([[0, 1, 2], [1, 2, 0]]), element).tolist() == [[2, 1, 0], [1, 0, 2]]
    assert Invariant(nodes=None, batch=None, edges=0).transform(torch.arange(3), element).tolist() == [2, 0, 1]
    assert Invariant(nodes=None, batch=None).transform(torch.arange(3), element).tolist() == [0, 1, 2]
    with pytest.raises(ArgumentError, match="edges='permutation of 3 edges': expected as many on the axis edges=0"):
        Invariant(nodes=None, batch=None, edges=0).transform(torch.arange(4), element)
    assert in_words(edges) == "node numbers, edges on axis 1"
    assert as_python(edges) == "eq.NodeIndices(nodes=None, batch=None, edges=1)"


@pytest.mark.parametrize("element", [translation([1, 2, 3]), inversion()])
def test_padded_rows_do_not_move(element):
    points = normal(2, 4, 3)
    moved = POINTS.transform(points, element)
    assert torch.equal(moved[~MASK], points[~MASK])
    assert not torch.isclose(moved[MASK], points[MASK]).any(dim=0).all()
    bare = CartesianPoints(nodes=1, batch=0).transform(points, element)
    assert torch.equal(moved[MASK], bare[MASK])


def test_padding_is_appended_and_not_compared():
    points = normal(2, 4, 3) * MASK[..., None]
    longer = POINTS.transform(points, padding(2))
    assert longer.shape == (2, 6, 3)
    assert torch.equal(longer[:, :4], points)
    assert not longer[:, 4:].any()
    kept = POINTS.compared(torch.ones(2, 6, 3), padding(2))
    assert kept.sum() == 3 * MASK.sum()
    chosen = POINTS.compared(torch.ones(1, 4, 3), samples([1], of=2))
    assert chosen.sum() == 3 * MASK[1].sum()


def test_new_padding_copies_the_old():
    kinds = torch.tensor([[5, 6, 7, -1], [5, 6, -1, -1]])
    law = Invariant(nodes=1, batch=0, mask=Mask.of(MASK))
    assert law.transform(kinds, padding(1)).tolist() == [[5, 6, 7, -1, -1], [5, 6, -1, -1, -1]]
    full = Invariant(nodes=0, batch=None, mask=Mask.of(torch.tensor([True, True])))
    assert full.transform(torch.tensor([5, 6]), padding(1)).tolist() == [5, 6, 0]


def test_a_mask_has_one_axis_or_two():
    with pytest.raises(ArgumentError, match=r"mask=\(1, 2, 3\): expected a tensor \[samples, nodes\] or \[nodes\]"):
        Mask.of(torch.ones(1, 2, 3))
