"""The transforms of single small tensors, checked by hand."""

import itertools

import numpy as np
import pytest
import torch
from e3nn import o3
from scipy.spatial.transform import Rotation

from equivariance import CartesianPoints, Invariant, Irreps, NodeIndices, representations
from equivariance.errors import ArgumentError, ContractError
from equivariance.groups import identity, inversion, permutation, rotation, samples, translation
from equivariance.representations import as_representation, axes
from equivariance.representations.axes import Concatenated
from equivariance.representations.cartesian_tensor import CartesianTensor
from tests.equivariance.helpers.specimens import normal

QUARTER = rotation(Rotation.from_euler("z", 90, degrees=True))
POINTS = torch.tensor([[1.0, 0, 0], [0, 2, 0]])


def test_points_turn_and_move_as_row_vectors():
    moved = CartesianPoints().transform(POINTS, translation([0, 0, 5]) @ QUARTER)
    torch.testing.assert_close(moved, torch.tensor([[0.0, 1, 5], [-2, 0, 5]]), atol=1e-7, rtol=0)
    assert moved.dtype == torch.float32


def test_vectors_turn_and_do_not_move():
    turned = Irreps("1x1o").transform(POINTS, translation([0, 0, 5]) @ QUARTER)
    torch.testing.assert_close(turned, torch.tensor([[0.0, 1, 0], [-2, 0, 0]]), atol=1e-7, rtol=0)


@pytest.mark.parametrize(("irrep", "sign"), [("0e", 1), ("0o", -1), ("1e", 1), ("1o", -1), ("2e", 1), ("3o", -1)])
def test_inversion_acts_by_parity(irrep, sign):
    values = normal(4, o3.Irrep(irrep).dim, dtype=torch.float64)
    torch.testing.assert_close(Irreps(f"1x{irrep}").transform(values, inversion()), sign * values, atol=1e-14, rtol=0)


def test_invariants_and_identities_are_handed_on():
    values = normal(4, 2)
    assert torch.equal(Invariant().transform(values, translation([1, 2, 3]) @ QUARTER), values)
    numbers = torch.tensor([2**62 + 1])
    assert NodeIndices().transform(numbers, QUARTER) is numbers
    assert Irreps("2x0e").transform(values, identity()) is values


def test_multiplicities_and_axes_before_the_last_are_carried_along():
    values = normal(2, 5, 8, dtype=torch.float64)
    whole = Irreps("2x0e+2x1o").transform(values, QUARTER)
    first = Irreps("1x1o").transform(values[..., 2:5], QUARTER)
    second = Irreps("1x1o").transform(values[..., 5:], QUARTER)
    torch.testing.assert_close(whole, torch.cat([values[..., :2], first, second], -1), atol=1e-15, rtol=0)


def test_degree_two_transforms_as_products_of_vectors_do():
    """The symmetric traceless part of v v^T, by e3nn's own 3j, turns as the irrep 2e."""
    vectors = normal(6, 3, dtype=torch.float64)
    element = rotation([0.3, -1, 2])

    def product(v):
        return torch.einsum("ni,nj,ijk->nk", v, v, o3.wigner_3j(1, 1, 2, dtype=torch.float64))

    turned = Irreps("1x2e").transform(product(vectors), element)
    torch.testing.assert_close(turned, product(Irreps("1x1o").transform(vectors, element)), atol=1e-13, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_small_dtypes_are_rounded_once(dtype):
    values = normal(50, 3).to(dtype)
    turned = Irreps("1x1o").transform(values, rotation([1, 2, 3]))
    exact = values.double() @ torch.tensor(rotation([1, 2, 3]).matrix, dtype=torch.float64).T
    assert torch.equal(turned, exact.to(dtype))


def test_the_parts_are_the_irreps():
    values = normal(4, 8)
    parts = list(Irreps("2x0e+2x1o").parts(values))
    assert [part.label for part in parts] == ["2x0e", "2x1o"]
    assert torch.equal(torch.cat([part.values for part in parts], -1), values)


ROWS = torch.arange(12).reshape(6, 2)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_nodes_are_reordered_on_their_axis(axis):
    values = torch.arange(9).reshape(3, 3)
    order = permutation([2, 0, 1])
    moved = Invariant(nodes=axis).transform(values, order)
    assert torch.equal(moved, values.index_select(axis, torch.tensor([2, 0, 1])))


def test_nodes_of_concatenated_samples_are_reordered_in_each():
    moved = Invariant(nodes=0, batch=0).transform(ROWS, permutation([2, 0, 1]))
    assert moved[:, 0].tolist() == [4, 0, 2, 10, 6, 8]


def test_what_lists_no_nodes_stays():
    assert Invariant(nodes=None).transform(ROWS, permutation([2, 0, 1])) is ROWS
    scalar = torch.tensor(3.0)
    assert Invariant().transform(scalar, permutation([2, 0, 1])) is scalar
    assert Invariant(batch=None).transform(ROWS, samples([1], of=2)) is ROWS


def test_samples_are_selected():
    assert Invariant().transform(ROWS, samples([5, 5, 0], of=6)).tolist() == [[10, 11], [10, 11], [0, 1]]
    assert Invariant(batch=Concatenated(0)).transform(ROWS, samples([1], of=3)).tolist() == [[4, 5], [6, 7]]
    uneven = Invariant(batch=Concatenated(0, (1, 3, 2)))
    assert uneven.transform(ROWS, samples([2, 0], of=3))[:, 0].tolist() == [8, 10, 0]


def test_node_numbers_follow_their_nodes():
    """Three nodes, each pointing at the next; after the reordering each still points at the same node."""
    numbers = torch.tensor([[1], [2], [0]])
    order = permutation([2, 0, 1])
    names = np.array(["a", "b", "c"])[list(order.order)]
    moved = NodeIndices().transform(numbers, order)
    assert {names[i]: names[moved[i, 0]] for i in range(3)} == {"a": "b", "b": "c", "c": "a"}


def test_node_numbers_of_a_pooled_cloud_do_not_follow():
    numbers = torch.tensor([[1], [2], [0]])
    assert NodeIndices(nodes=None, permuted=False).transform(numbers, permutation([2, 0, 1])) is numbers


def test_node_numbers_within_samples_stay_when_samples_are_selected():
    numbers = torch.tensor([0, 1, 2, 0, 1])
    chosen = NodeIndices(nodes=None, batch=Concatenated(0, (3, 2))).transform(numbers, samples([1, 0], of=2))
    assert chosen.tolist() == [0, 1, 0, 1, 2]


@pytest.mark.parametrize(("sizes", "nodes"), [((2, 2, 2), 2), ((1, 3, 2), (1, 3, 2)), ((3, 1, 2), (4, 5, 3))])
def test_node_numbers_through_the_batch_are_counted_from_the_new_places(sizes, nodes):
    counts = (nodes,) * 3 if isinstance(nodes, int) else nodes
    within = [torch.arange(size) for size in sizes]
    starts = [0, counts[0], counts[0] + counts[1]]
    numbers = torch.cat([w + s for w, s in zip(within, starts, strict=True)])
    chosen = NodeIndices(nodes=None, batch=Concatenated(0, sizes), per_sample=nodes).transform(
        numbers, samples([2, 0], of=3)
    )
    assert chosen.tolist() == [*within[2].tolist(), *(within[0] + counts[2]).tolist()]


def test_node_numbers_through_the_batch_follow_permutations():
    numbers = torch.tensor([[1], [2], [0], [4], [5], [3]])
    moved = NodeIndices(nodes=0, batch=0, per_sample=3).transform(numbers, permutation([2, 0, 1]))
    assert moved.tolist() == [[1], [2], [0], [4], [5], [3]]
    moved = NodeIndices(nodes=0, batch=0, per_sample=3).transform(numbers, permutation([1, 0, 2]))
    assert moved.tolist() == [[2], [0], [1], [5], [3], [4]]


def test_a_set_of_neighbours_has_no_order():
    sets = NodeIndices(unordered=True)
    (part,) = sets.parts(torch.tensor([[3, 1], [0, 2]]))
    assert part.values.tolist() == [[1, 3], [0, 2]]


@pytest.mark.parametrize(
    ("representation", "tensor", "words"),
    [
        (Irreps("2x1o"), torch.zeros(4, 5), r"path='tensor of shape \(4, 5\)': expected a last axis of 6, for 2x1o"),
        (Irreps("1x0e"), torch.tensor(1.0), "expected a last axis of 1, for 1x0e"),
        (Irreps("1x0o"), torch.zeros(4, 1, dtype=torch.int64), "expected floating-point numbers, for 1x0o"),
        (
            CartesianPoints(),
            torch.zeros(4, 3, dtype=torch.int64),
            "expected floating-point numbers, for cartesian_points",
        ),
        (CartesianPoints(), torch.zeros(3, 4), "expected a last axis of 3, for cartesian_points"),
        (Irreps("1x1o", nodes=2), torch.zeros(4, 3), r"path=\(4, 3\): expected a tensor that has the axis nodes=2"),
        (Invariant(batch=Concatenated(3)), torch.zeros(4, 3), "expected a tensor that has the axis batch=3"),
        (Invariant(), torch.zeros(4, dtype=torch.complex64), "expected a real tensor"),
        (NodeIndices(), torch.zeros(4), "expected integers, for node indices"),
        (NodeIndices(), torch.zeros(4, dtype=torch.bool), "expected integers, for node indices"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(representation, tensor, words):
    with pytest.raises(ContractError, match=words):
        representation.check(tensor, "path")


@pytest.mark.parametrize(
    ("representation", "element", "words"),
    [
        (
            Invariant(),
            permutation([1, 0]),
            "order=.*permutation of 2 nodes.*expected as many on the axis nodes=0, not 6",
        ),
        (Invariant(nodes=0, batch=Concatenated(0, (2, 4))), permutation([1, 0]), r"not 6 in samples of \(2, 4\)"),
        (Invariant(nodes=0, batch=0), permutation([3, 1, 2, 0]), "order=.*permutation of 4 nodes"),
        (Invariant(batch=Concatenated(0)), samples([0], of=4), "batch=.*expected samples that add up to 6"),
        (Invariant(batch=Concatenated(0, (1, 2))), samples([0], of=2), "batch=.*expected samples that add up to 6"),
    ],
)
def test_elements_that_do_not_fit_are_refused(representation, element, words):
    with pytest.raises(ArgumentError, match=words):
        representation.transform(ROWS, element)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (None, Invariant()),
        ("cartesian_points", CartesianPoints()),
        ("8x0e + 2x1o", Irreps("8x0e+2x1o")),
        ("1o", Irreps("1x1o")),
        (o3.Irreps("2x1e"), Irreps("2x1e")),
        (o3.Irrep("2e"), Irreps("1x2e")),
        (Irreps("1o", nodes=1), Irreps("1x1o", nodes=1)),
    ],
)
def test_specifications_are_parsed_once(spec, expected):
    assert as_representation(spec, "x") == expected


@pytest.mark.parametrize(
    "value", [Irreps("2x1o", nodes=1), CartesianPoints(batch=Concatenated(0)), NodeIndices(unordered=True), Invariant()]
)
def test_representations_print_as_python_that_rebuilds_them(value):
    assert eval(repr(value), vars(representations) | vars(axes)) == value


@pytest.mark.parametrize("law", [CartesianPoints(), CartesianTensor(axes=(0,)), Irreps("1x1o"), Invariant(nodes=0)])
@pytest.mark.parametrize("axes", [*itertools.permutations(range(3))])
def test_the_strides_stay_as_views_need_them(law, axes):
    values = normal(3, 3, 3).permute(axes)
    for element in (rotation([1, 2, 3]), permutation([2, 0, 1])):
        assert law.transform(values, element).stride() == values.stride()
