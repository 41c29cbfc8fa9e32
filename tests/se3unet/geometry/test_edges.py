import pytest
import torch

from se3unet.contracts import EdgeFrames
from se3unet.geometry import edges as edges_module
from se3unet.geometry.edges import NEAR_FIELD, EdgeGeometry
from se3unet.geometry.frames import aligning_frames, frame_of
from se3unet.geometry.graph import KNNGraph
from se3unet.geometry.radial import radial_basis
from tests.se3unet.clouds import CLOUDS, FAR, random_cloud
from tests.se3unet.so3_oracle import haar_rotations, matrix, wigner_d

pytestmark = pytest.mark.numeric


def edges_of(points, max_degree=2):
    return EdgeGeometry(max_degree)(KNNGraph(6)(points))


def along(edges, degree):
    """Returns the part of the frames that does not depend on the turn about the edge, [B, N, k, 2l+1]."""
    return frame_of(edges.frames, degree)[degree].movedim(0, -1)


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_geometry_is_equivariant(cloud):
    points = cloud().unsqueeze(0)
    expected = edges_of(points)
    for rotation in haar_rotations(2):
        turned = edges_of(points @ matrix(rotation).T)
        assert float((turned.radial - expected.radial).abs().max()) < 1e-13
        assert float((turned.along - expected.along).abs().max()) < 1e-13
        for degree in (1, 2):
            rotated = along(expected, degree) @ wigner_d(degree, rotation).T
            assert float((along(turned, degree) - rotated).abs().max()) < 1e-12
    moved = edges_of(points + FAR)
    assert all(torch.equal(getattr(moved, name), getattr(expected, name)) for name in ("frames", "radial", "along"))


def test_frames_are_damped_by_the_power_of_their_degree():
    graph = KNNGraph(6)(random_cloud().unsqueeze(0))
    ratio = graph.distances / (NEAR_FIELD * graph.distances[..., -1:])
    damping = ratio / (1 + ratio**2).sqrt()
    edges = EdgeGeometry(2)(graph)
    plain = aligning_frames((graph.vectors / graph.distances.unsqueeze(-1)).movedim(-1, 0), 2)
    for degree in (1, 2):
        torch.testing.assert_close(frame_of(edges.frames, degree), frame_of(plain, degree) * damping**degree)
    torch.testing.assert_close(edges.along, graph.distances * damping)
    assert torch.equal(edges.radial, radial_basis(graph.distances))


def test_geometry_is_continuous_where_two_points_meet():
    points = random_cloud()
    nearly = points.clone()
    points[1], nearly[1] = points[0], points[0] + 1e-9
    together, apart = edges_of(points.unsqueeze(0)), edges_of(nearly.unsqueeze(0))
    for name in ("frames", "radial", "along"):
        assert float((getattr(together, name)[..., 0, 0] - getattr(apart, name)[..., 0, 0]).abs().max()) < 1e-7


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_gradients_are_finite(cloud):
    points = cloud().unsqueeze(0).requires_grad_()
    edges = edges_of(points)
    (edges.along.sum() + edges.radial.square().sum() + edges.frames.square().sum()).backward()
    assert points.grad.isfinite().all()


def test_chunks_hold_every_edge_once(monkeypatch):
    monkeypatch.setattr(edges_module, "edges_at_once", lambda _device: 100)
    edges = edges_of(torch.stack([random_cloud(seed=1), random_cloud(seed=2)]))
    chunks = list(edges.chunks())
    assert [len(range(120)[chunk.nodes]) for chunk in chunks] == [*[16] * 7, 8]
    first, second = edges.graph.neighbours
    assert torch.equal(torch.cat([chunk.sources for chunk in chunks]), torch.cat([first, second + 60]).flatten())
    for name in ("frames", "radial", "along"):
        assert torch.equal(torch.cat([getattr(chunk, name) for chunk in chunks], -1), getattr(edges, name).flatten(-3))


def test_frames_stay_rotations_under_autocast():
    points = random_cloud().unsqueeze(0).float()
    with torch.autocast("cpu", torch.bfloat16):
        lower = edges_of(points)
    assert torch.equal(lower.frames, edges_of(points).frames)


def test_the_contract_compares_the_rows_along_the_edges():
    frames = edges_of(random_cloud().unsqueeze(0)).frames
    parts = list(EdgeFrames(2, nodes=2, batch=1).parts(frames))
    shapes = [(part.label, tuple(part.values.shape)) for part in parts]
    assert shapes == [("1x1e", (3, 1, 60, 6)), ("1x2e", (5, 1, 60, 6))]


def test_degree_zero_alone_has_no_frames():
    with pytest.raises(ValueError, match="max_degree: expected 1 or more, got 0"):
        EdgeGeometry(0)
