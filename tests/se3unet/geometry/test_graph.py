import numpy as np
import pytest
import torch

from se3unet.geometry import graph as room
from se3unet.geometry.graph import KNNGraph, connect, envelope, gather
from tests.se3unet.clouds import CLOUDS, FAR, collinear, duplicated, lattice, motions, random_cloud

pytestmark = pytest.mark.numeric


def all_distances(points):
    distances = np.linalg.norm(points.numpy()[:, None] - points.numpy()[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    return distances


def test_gather_picks_within_the_sample():
    x = torch.arange(24.0).view(2, 4, 3)
    index = torch.tensor([[[0, 3]], [[1, 1]]])
    assert torch.equal(gather(x, index), torch.stack([x[0, [0, 3]], x[1, [1, 1]]]).unsqueeze(1))


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_neighbours_are_the_nearest_other_points(cloud, dtype):
    points = cloud().to(dtype)
    graph = KNNGraph(7)(points.unsqueeze(0))
    distances = all_distances(points.double())
    found = np.take_along_axis(distances, graph.neighbours[0].numpy(), 1)
    np.testing.assert_allclose(found, np.sort(distances, 1)[:, :7], rtol=1e-10)
    assert all(len(set(row)) == 7 for row in graph.neighbours[0].tolist())
    assert graph.distances.dtype == graph.vectors.dtype == graph.envelope.dtype == dtype


def test_vectors_point_from_source_to_target():
    points = random_cloud().unsqueeze(0)
    graph = KNNGraph(4)(points)
    i, rank = 17, 2
    j = int(graph.neighbours[0, i, rank])
    assert torch.equal(graph.vectors[0, i, rank], points[0, i] - points[0, j])
    assert graph.distances[0, i, rank] == pytest.approx(float((points[0, i] - points[0, j]).norm()))


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_tree_and_exhaustive_search_agree(cloud, monkeypatch):
    points = cloud()
    ranks = room.priorities(points.unsqueeze(0))[0]
    exhaustive = room._search_all(points, ranks, 6)
    assert torch.equal(room._search_tree(points, ranks, 6), exhaustive)
    monkeypatch.setattr(room, "CHUNK_DISTANCES", 200)
    assert torch.equal(room._search_all(points, ranks, 6), exhaustive)


def test_all_other_points_can_be_neighbours():
    points = random_cloud(8).unsqueeze(0)
    assert torch.equal(KNNGraph(7)(points).neighbours.sort(-1).values[0, 2], torch.tensor([0, 1, 3, 4, 5, 6, 7]))


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_neighbours_do_not_read_the_frame(cloud):
    points = cloud()
    expected = KNNGraph(7)(points.unsqueeze(0))
    for rotation, translation in motions():
        graph = KNNGraph(7)((points @ rotation.T + translation).unsqueeze(0))
        assert torch.equal(graph.neighbours, expected.neighbours)
        assert float((graph.vectors - expected.vectors @ rotation.T).abs().max()) < 1e-14
        assert float((graph.envelope - expected.envelope).abs().max()) < 1e-12


@pytest.mark.parametrize("cloud", [random_cloud, lattice], ids=["random", "lattice"])
def test_neighbours_follow_a_permutation(cloud):
    points = cloud()
    order = torch.randperm(len(points), generator=torch.Generator().manual_seed(0))
    graph, permuted = KNNGraph(7)(points.unsqueeze(0)), KNNGraph(7)(points[order].unsqueeze(0))
    assert torch.equal(order[permuted.neighbours], graph.neighbours[:, order])


def test_samples_do_not_meet():
    batch = torch.stack([random_cloud(), collinear(), duplicated()])
    graph = KNNGraph(5)(batch)
    for index, sample in enumerate(batch):
        assert torch.equal(KNNGraph(5)(sample.unsqueeze(0)).neighbours[0], graph.neighbours[index])


def test_duplicates_are_neighbours_at_distance_zero():
    graph = KNNGraph(4)(duplicated().unsqueeze(0))
    assert float(graph.distances.max()) == 0
    assert float(graph.envelope.max()) == 0
    assert not (graph.neighbours[0] == torch.arange(60).unsqueeze(-1)).any()


def test_the_envelope_falls_to_zero_at_the_rim():
    distances = torch.linspace(0, 2, 9, dtype=torch.float64, requires_grad=True)
    weights = envelope(distances, distances[-1])
    assert weights[0] == 1
    assert weights[-1] == 0
    assert (weights.diff() < 0).all()
    (slope,) = torch.autograd.grad(weights[-2], distances)
    assert slope.isfinite().all()
    assert envelope(torch.tensor([0.5, 1.0, 1.5]), torch.tensor(1.0)).tolist() == [0.87890625, 0, 0]
    assert envelope(torch.full((3,), 0.7), torch.tensor(0.7)).tolist() == [0, 0, 0]
    assert envelope(torch.zeros(3), torch.tensor(0.0)).tolist() == [0, 0, 0]


def test_neighbours_count_by_their_presence():
    points = random_cloud().unsqueeze(0)
    plain = KNNGraph(20)(points)
    assert torch.equal(plain.reach, plain.distances[..., -1])
    assert torch.equal(plain.presence, torch.ones(1, 60, dtype=torch.float64))
    presence = torch.linspace(0.1, 1, 60, dtype=torch.float64).unsqueeze(0)
    graph = KNNGraph(20)(points, presence)
    assert torch.equal(graph.envelope, envelope(plain.distances, graph.reach) * presence[0, plain.neighbours])
    widest = (envelope(plain.distances, plain.reach) * presence[0, plain.neighbours]).sum(-1)
    assert 0 < float((widest > 6).double().mean()) < 1
    torch.testing.assert_close(graph.envelope.sum(-1), widest.clamp(max=6))
    assert torch.equal(graph.reach == plain.reach, widest <= 6)


def test_a_point_that_is_not_present_does_not_count():
    points = random_cloud()
    absent = torch.ones(1, 60, dtype=torch.float64)
    absent[0, 7] = 1e-12
    graph = KNNGraph(20)(points.unsqueeze(0), absent)
    others = torch.arange(60) != 7
    without = KNNGraph(20)(points[others].unsqueeze(0), absent[:, others])
    is_free = (graph.reach < graph.distances[..., -1])[:, others]
    assert float(is_free.double().mean()) > 0.9
    torch.testing.assert_close(graph.reach[:, others][is_free], without.reach[is_free])


@pytest.mark.slow
def test_the_reach_has_the_derivative_of_what_it_solves():
    points, presence = random_cloud(30).unsqueeze(0), torch.linspace(0.5, 1, 30, dtype=torch.float64).unsqueeze(0)
    knn = KNNGraph(20)
    assert torch.autograd.gradcheck(lambda x: knn(x, presence).reach, points.requires_grad_())


def test_a_neighbour_that_is_replaced_had_no_weight():
    """A point crosses the rim of a neighbourhood: the enveloped sum over it moves as little as the point."""
    angles = torch.linspace(0, 2 * torch.pi, 6, dtype=torch.float64)[:5]
    ring = torch.stack([angles.cos(), angles.sin(), 0 * angles], -1) * torch.tensor([[0.5], [0.6], [0.7], [1.0], [1.0]])
    sums = []
    for shift in (-1e-6, 1e-6):
        points = torch.cat([torch.zeros(1, 3, dtype=torch.float64), ring])
        points[-1] *= 1 + shift
        graph = KNNGraph(4)(points.unsqueeze(0))
        values = torch.arange(6, dtype=torch.float64)[graph.neighbours[0, 0]]
        sums.append((graph.neighbours[0, 0, -1], (graph.envelope[0, 0] * values).sum()))
    assert sums[0][0] != sums[1][0]
    assert float(sums[0][1] - sums[1][1]) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_gradients_are_finite(cloud):
    points = cloud().unsqueeze(0).requires_grad_()
    graph = KNNGraph(4)(points)
    (graph.envelope.sum() + graph.distances.sum() + graph.vectors.square().sum()).backward()
    assert points.grad.isfinite().all()


def test_connect_takes_given_neighbours():
    points = random_cloud().unsqueeze(0) + FAR
    graph = KNNGraph(3)(points)
    assert torch.equal(connect(points, graph.neighbours).vectors, graph.vectors)


def test_too_few_points_are_an_error():
    with pytest.raises(ValueError, match="positions: expected more than neighbours=5 points, got 5"):
        KNNGraph(5)(torch.zeros(1, 5, 3))
    with pytest.raises(ValueError, match="neighbours: expected 1 or more, got 0"):
        KNNGraph(0)
