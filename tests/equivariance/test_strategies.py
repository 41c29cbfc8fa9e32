"""The strategies reach special inputs, and a failure shrinks to a simple one.

The first failure that Hypothesis meets depends on the modules that are imported (it draws constants from them), and a
shrink ends at a local minimum. So a test demands sizes and simple values. It demands one example only where every
shrink ends there.
"""

import pytest
import torch
from hypothesis import Phase, assume, find, given, settings
from hypothesis import strategies as st

from equivariance import strategies
from equivariance.errors import ArgumentError
from equivariance.groups import cube_rotations, identity, permutation, rotation, translation
from equivariance.representations import CartesianPoints, Irreps
from tests.equivariance.helpers.specimens import relative


def simplest(strategy, condition=lambda _: True):
    """Returns the example that a failure of `condition` shrinks to, for every profile.

    Without explanations: for these Hypothesis varies the shrunk example, and find() returns the last that it has tried.
    """
    phases = [phase for phase in Phase if phase != Phase.explain]
    return find(
        strategy, condition, settings=settings(max_examples=2000, derandomize=True, database=None, phases=phases)
    )


def rank(cloud):
    return int(torch.linalg.matrix_rank(cloud - cloud.mean(0)))


@pytest.mark.parametrize("strategy", [strategies.rotations(), strategies.translations(), strategies.rigid_motions()])
def test_motions_shrink_to_the_identity(strategy):
    assert simplest(strategy) == identity()


def test_rotations_shrink_to_a_rotation_of_the_cube_or_about_one_axis():
    assert simplest(strategies.rotations(), lambda g: g.angle > 0.1) in cube_rotations()
    assert simplest(strategies.rotations(), lambda g: 0.1 < g.angle < 0.3) == rotation([0, 0, 0.25])


@pytest.mark.parametrize("least", [0, 1e-9, 3.3, 700])
def test_translations_shrink_to_the_shortest_along_an_axis(least):
    shortest = (int(least * 8) + 1) / 8
    assert simplest(strategies.translations(), lambda g: g.distance > least) == translation([0, 0, shortest])


def test_rigid_motions_shrink_to_the_one_part_that_matters():
    assert simplest(strategies.rigid_motions(), lambda g: g.distance > 0) == translation([0, 0, 0.125])
    assert simplest(strategies.rigid_motions(), lambda g: g.angle > 0).distance == 0


def test_permutations_shrink_to_one_exchange():
    exchange = simplest(strategies.permutations(7), lambda g: g.order != tuple(range(7)))
    assert exchange == permutation(cycles=[(5, 6)], size=7)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (lambda x: True, [[0, 0, 0]]),
        (lambda x: len(x) > 2, [[0, 0, 0]] * 3),
        (lambda x: x.norm() > 0, [[0, 0, 1]]),
        (lambda x: len(x) > 3 and len(x.unique(dim=0)) < len(x), [[0, 0, 0]] * 4),
        (lambda x: len(x) > 3 and rank(x) == 1, [[0, 0, 0]] * 3 + [[0, 0, 1]]),
        (lambda x: len(x) > 3 and rank(x) == 2, [[0, 0, 0]] * 2 + [[0, 1, 0], [0, 0, 1]]),
        (lambda x: rank(x) == 3, [[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]]),
        (lambda x: 0 < x.abs().max() < 1e-6, [[0, 0, 2.0**-30]]),
        (lambda x: x.abs().max() > 1e6, [[0, 0, 2.0**30]]),
    ],
    ids=["any", "three", "not zero", "duplicates", "collinear", "coplanar", "solid", "tiny", "huge"],
)
def test_clouds_shrink_to_few_points_at_simple_places(condition, expected):
    cloud = simplest(strategies.point_clouds(max_points=6), condition)
    assert len(cloud) == len(expected)
    assert sorted(cloud.abs().flatten().tolist())[-3:] == sorted(v for point in expected for v in point)[-3:]


def distances(cloud):
    return (cloud[:, None] - cloud).norm(dim=-1)[*torch.triu_indices(len(cloud), len(cloud), 1)]


@pytest.mark.parametrize(
    "condition",
    [
        lambda x: len(x) > 4 and rank(x) == 3 and len(distances(x).unique()) == len(distances(x)),
        lambda x: len(x) > 4 and rank(x) == 3 and len(distances(x).unique()) < len(distances(x)) - 2,
        lambda x: len(x) > 4 and rank(x) == 1 and len(x.unique(dim=0)) == len(x),
        lambda x: len(x) > 4 and rank(x) == 2 and len(x.unique(dim=0)) == len(x),
        lambda x: len(x) > 4 and len(x.unique(dim=0)) == 2,
        lambda x: len(x) > 4 and bool(((x[0] - x[1:]) == 0).sum(1).eq(2).any()),
    ],
    ids=["generic", "ties", "collinear", "coplanar", "duplicates", "axis-aligned edge"],
)
def test_clouds_of_every_kind_are_drawn(condition):
    generate = settings(max_examples=500, derandomize=True, database=None, phases=[Phase.generate])
    find(strategies.point_clouds(5, 8), condition, settings=generate)


@settings(max_examples=50)
@given(strategies.point_clouds(), strategies.translations())
def test_translates_of_clouds_are_exact(cloud, element):
    shifted = cloud + torch.tensor(element.vector, dtype=torch.float64)
    assert torch.equal(shifted - torch.tensor(element.vector, dtype=torch.float64), cloud)


@settings(max_examples=50)
@given(st.data(), st.integers(1, 6), st.integers(0, 6))
def test_clouds_have_the_size_that_was_asked_for(data, least, more):
    cloud = data.draw(strategies.point_clouds(least, least + more))
    assert cloud.dtype == torch.float64
    assert cloud.dim() == 2
    assert least <= len(cloud) <= least + more
    assert cloud.shape[1] == 3


@settings(max_examples=50)
@given(st.data(), st.floats(1e-6, 1e9))
def test_translations_keep_their_bound(data, longest):
    assert data.draw(strategies.translations(longest)).distance <= longest * (1 + 1e-12)


def test_short_translations_are_drawn_below_an_eighth():
    assert simplest(strategies.translations(1e-3), lambda g: g.distance > 0).distance == 2.0**-20


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (lambda i: True, "1x0e"),
        (lambda i: i.lmax > 1, "1x2e"),
        (lambda i: any(part.ir.p < 0 for part in i), "1x0o"),
        (lambda i: len(i) > 2, "1x0e+1x0e+1x0e"),
        (lambda i: i.dim > 2 and i.lmax == 0, "3x0e"),
    ],
)
def test_irreps_shrink_to_one_scalar(condition, expected):
    assert str(simplest(strategies.irreps(), condition)) == expected


@settings(max_examples=50)
@given(st.data(), st.integers(0, 4), st.integers(1, 3))
def test_irreps_keep_their_bounds(data, degree, multiplicity):
    drawn = data.draw(strategies.irreps(degree, multiplicity))
    assume(len(drawn) > 0)
    assert drawn.lmax <= degree
    assert max(part.mul for part in drawn) <= multiplicity


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: strategies.translations(0).example(), r"max_norm=0: expected a positive length of at most 1e\+150"),
        (lambda: strategies.translations("a").example(), "max_norm='a': expected a positive length"),
        (lambda: strategies.translations(1e300).example(), r"max_norm=1e\+300: expected a positive length"),
        (lambda: strategies.permutations(0), "size=0: expected at least one node"),
        (lambda: strategies.point_clouds(3, 2).example(), "min_points=3: expected 1 ... max_points=2"),
        (lambda: strategies.graphs(3, 2).example(), "min_points=3: expected 1 ... max_points=2"),
        (lambda: strategies.irreps(-1), "max_degree=-1: expected at least 0"),
        (lambda: strategies.irreps(1, 0), "max_multiplicity=0: expected at least 1"),
    ],
)
@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_impossible_bounds_are_refused(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("condition", "nodes", "edges"),
    [
        (lambda g: True, 1, 0),
        (lambda g: len(g.positions) > 2, 3, 0),
        (lambda g: g.edge_index.shape[1] > 0, 2, 1),
        (lambda g: g.edge_index.shape[1] > 1, 2, 2),
        (lambda g: g.edge_index.shape[1] == 6, 3, 6),
        (lambda g: g.edge_index.shape[1] > 0 and len(g.edge_index.unique()) < len(g.positions), 3, 1),
        (lambda g: bool(g.edge_index[1].bincount().gt(1).any()), 3, 2),
    ],
    ids=["any", "three nodes", "an edge", "two edges", "complete", "a lone node", "two edges to a node"],
)
def test_graphs_shrink_to_few_edges_on_few_points(condition, nodes, edges):
    positions, edge_index = simplest(strategies.graphs(max_points=5), condition)
    assert nodes <= len(positions) <= nodes + 1
    assert not positions.any()
    assert edge_index.shape == (2, edges)


@settings(max_examples=50)
@given(st.data(), st.integers(1, 4), st.integers(0, 4))
def test_graphs_have_edges_among_their_nodes(data, least, more):
    positions, edge_index = data.draw(strategies.graphs(least, least + more))
    assert least <= len(positions) <= least + more
    assert edge_index.dtype == torch.int64
    assert edge_index.shape[0] == 2
    assert ((edge_index >= 0) & (edge_index < len(positions))).all()
    assert (edge_index[0] != edge_index[1]).all()
    assert len(set(map(tuple, edge_index.T.tolist()))) == edge_index.shape[1]


@pytest.mark.parametrize(
    "condition",
    [
        lambda g: g.edge_index.shape[1] == len(g.positions) * (len(g.positions) - 1) > 12,
        lambda g: g.edge_index.shape[1] > 4 and {*map(tuple, g.edge_index.flip(0).T.tolist())} == edges_of(g),
        lambda g: g.edge_index.shape[1] > 4 and not {*map(tuple, g.edge_index.flip(0).T.tolist())} & edges_of(g),
        lambda g: g.edge_index.shape[1] > 1 and bool((lengths_of(g) == 0).all()) and bool(g.positions.norm() > 0),
        lambda g: g.edge_index.shape[1] > 1 and len(g.edge_index.unique()) < len(g.positions) - 1,
    ],
    ids=["complete", "both ways", "one way", "of length zero", "lone nodes"],
)
def test_graphs_of_every_kind_are_drawn(condition):
    generate = settings(max_examples=1000, derandomize=True, database=None, phases=[Phase.generate])
    find(strategies.graphs(2, 6), condition, settings=generate)


def lengths_of(graph):
    return (graph.positions[graph.edge_index[1]] - graph.positions[graph.edge_index[0]]).norm(dim=-1)


def edges_of(graph):
    return set(map(tuple, graph.edge_index.T.tolist()))


# Networks with one mistake each, and the example that their authors get to see. Clouds are given in the order of the
# nodes; every network takes positions [N, 3].


def positions_as_features(x):
    return 1.0 * x


def sees_the_origin_from_afar(x):
    return (x.norm(dim=1, keepdim=True) > 100).double()


def pads_small_clouds(x):
    return (relative(x) if len(x) <= 3 else x).norm(dim=1, keepdim=True)


def overflows_a_cutoff(x):
    return relative(x).norm(dim=1, keepdim=True) + (x * (x.abs() > 1000)).sum(1, keepdim=True)


def height(x):
    return relative(x)[:, 2:]


def pointwise_nonlinearity(x):
    return relative(x).relu()


def azimuth(x):
    return torch.atan2(x[:, 1] - x[0, 1], x[:, 0] - x[0, 0])[:, None]


def distance_to_the_first(x):
    return (x - x[:1]).norm(dim=1, keepdim=True)


def number_of_the_nearest(x):
    nearest = (torch.cdist(x, x) + 1e9 * torch.eye(len(x))).argmin(1)
    return (nearest - torch.arange(len(x))).double()[:, None]


def what_its_author_sees(network, gives, elements):
    takes, gives = CartesianPoints(nodes=0), Irreps(gives, nodes=0)

    def fails(drawn):
        x, g = drawn
        made, wanted = network(takes.transform(x, g)), gives.transform(network(x), g)
        return bool((made - wanted).norm() > 1e-6 * (1 + wanted.norm()))

    least, most = (3, 3) if elements is MIXED else (1, 6)
    return simplest(st.tuples(strategies.point_clouds(least, most), elements), fails)


MOVED, MIXED = strategies.translations(), strategies.permutations(3)


@pytest.mark.parametrize(
    ("network", "gives", "elements", "points", "coordinates", "changes"),
    [
        (positions_as_features, "1x1o", MOVED, 1, 0, 1),
        (sees_the_origin_from_afar, "1x0e", strategies.rigid_motions(), 1, 0, 1),
        (pads_small_clouds, "1x0e", MOVED, 4, 0, 1),
        (overflows_a_cutoff, "1x0e", MOVED, 1, 1, 1),
        (distance_to_the_first, "1x0e", MIXED, 3, 1, 2),
        (number_of_the_nearest, "1x0e", MIXED, 3, 0, 2),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_failing_network_shrinks_to_the_fewest_points_and_the_smallest_element(
    network, gives, elements, points, coordinates, changes
):
    x, g = what_its_author_sees(network, gives, elements)
    assert len(x) == points
    assert int((x != 0).sum()) == coordinates
    moved = (
        [a != b for a, b in zip(g.order, range(3), strict=True)] if elements is MIXED else [v != 0 for v in g.vector]
    )
    assert sum(moved) == changes


@pytest.mark.parametrize(("network", "gives"), [(height, "1x0e"), (pointwise_nonlinearity, "1x1o"), (azimuth, "1x0e")])
def test_a_network_that_breaks_rotation_shrinks_to_a_turned_axis(network, gives):
    x, g = what_its_author_sees(network, gives, strategies.rotations())
    assert len(x) == 2
    assert sorted((x[1] - x[0]).abs().tolist()) == [0, 0, 1]
    assert g in cube_rotations() or torch.as_tensor(g.matrix).abs().max() == 1
