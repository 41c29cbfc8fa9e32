"""Permutations of samples of unequal size, of edges and beside padding, and the elements that append padding."""

import pytest

from equivariance.groups import (
    Batches,
    Elements,
    InputSizes,
    Permutations,
    edge_permutation,
    identity,
    padding,
    permutation,
    samples,
    shifted,
)
from equivariance.groups.reorderings import movable_rows, paddings, without_paddings

UNEQUAL = InputSizes(nodes=7, samples=2, segments=(3, 4))
PADDED = InputSizes(nodes=8, samples=2, segments=(4, 4), mask=(*[True] * 3, False, *[True] * 4), padded=True)
GRAPH = InputSizes(nodes=5, edges=(4, 2))


def test_samples_of_unequal_size_are_permuted_each_in_its_own_way():
    drawn = Permutations().draw(3, 0, UNEQUAL)
    assert drawn[0] == permutation(sizes=(3, 4), seed=0)
    assert len(set(drawn)) == 3
    swaps = Permutations().simplest(UNEQUAL)
    assert permutation(cycles=[(0, 1)], sizes=(3, 4)) in swaps
    assert permutation(cycles=[(3, 4)], sizes=(3, 4)) in swaps
    assert shifted(UNEQUAL).order == (1, 2, 0, 4, 5, 6, 3)


def test_padded_rows_stay():
    for element in (*Permutations().draw(4, 0, PADDED), *Permutations().simplest(PADDED), shifted(PADDED)):
        assert element.order[3] == 3
        assert element.sizes == (4, 4)
    assert [list(rows) for rows in movable_rows(PADDED)] == [[0, 1, 2], [4, 5, 6, 7]]


def test_every_drawn_element_reorders_nodes_and_edges():
    (element,) = Permutations().draw(1, 0, GRAPH)
    assert len(element.order) == 5
    assert set(element.edges[:4]) == {0, 1, 2, 3}
    assert repr(element) == "permutation(size=5, seed=0) @ edge_permutation(sizes=(4, 2), seed=1000)"


def test_as_many_edges_as_nodes_get_another_order():
    (element,) = Permutations().draw(1, 0, InputSizes(nodes=40, edges=(40,)))
    assert element.order != element.edges


def test_a_counterexample_shrinks_to_nodes_or_to_edges():
    simple = Permutations().simplest(GRAPH)
    assert all((element.order is None) != (element.edges is None) for element in simple)
    assert edge_permutation(cycles=[(0, 1)], size=6) in simple
    assert Permutations().simplest(InputSizes(edges=(2,))) == (edge_permutation(cycles=[(0, 1)], size=2),)


def test_padding_belongs_to_the_symmetry_of_batches():
    assert paddings(Batches(), PADDED) == (padding(1), padding(4))
    assert paddings(Batches(), UNEQUAL) == paddings(Permutations(), PADDED) == ()
    assert not any(element.padding for element in Batches().draw(9, 0, PADDED))
    assert Batches().draw(3, 0, InputSizes(nodes=3, padded=True)) == (identity(),)


@pytest.mark.parametrize(
    ("elements", "rest"), [((padding(2),), (identity(),)), ((samples([0], of=2), padding(2)), (samples([0], of=2),))]
)
def test_a_replayed_padding_is_apart_from_other_elements(elements, rest):
    group = Elements(elements, "batch")
    assert paddings(group, UNEQUAL) == (padding(2),)
    assert without_paddings(group) == Elements(rest, "batch")
