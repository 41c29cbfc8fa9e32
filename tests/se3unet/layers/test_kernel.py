import pytest
import torch
from scipy.spatial.transform import Rotation

from se3unet.geometry.edges import EdgeChunk
from se3unet.geometry.frames import aligning_frames, frame_of
from se3unet.geometry.radial import radial_basis
from se3unet.layers.dense.basis import KernelBasis
from se3unet.layers.kernel import EdgeLinear
from tests.se3unet.layers.dense.dense_oracle import kernel, on_edge
from tests.se3unet.so3_oracle import (
    edge_vectors,
    haar_rotations,
    largest,
    largest_difference,
    matrix,
    random_fibers,
    rotate_fibers,
    wigner_d,
)

OUTS = ("2x0e+5x1e+1x2e", "1x0e+2x1e")
CASES = {
    "two outputs": ("3x0e+2x1e+4x2e", OUTS, "concatenate"),
    "added": ("3x0e+2x1e+4x2e", OUTS, "add"),
    "no vectors in": ("2x0e+1x2e", ("1x1e+2x2e",), "concatenate"),
    "higher degrees out": ("2x0e+1x1e", ("1x0e+2x1e+3x2e",), "concatenate"),
    "lower degrees out": ("2x0e+1x1e+2x3e", ("2x0e+1x1e",), "add"),
    "scalars": ("2x0e", ("3x0e",), "concatenate"),
}
DAMPING = 0.8


def linear(case="two outputs"):
    torch.manual_seed(0)
    return EdgeLinear(*CASES[case]).double()


def swapped(fibers):
    """Fibers [E, C, 2l+1] as component-major ones, and back."""
    return {degree: feature.permute(2, 1, 0) for degree, feature in fibers.items()}


def chunk_of(vectors, angle=0.0):
    """Edges that each have a node of their own as source, their frames turned about them by an angle."""
    lengths = vectors.norm(dim=-1)
    directions = DAMPING * vectors.T / torch.where(lengths > 0, lengths, torch.ones_like(lengths))
    frames, about = aligning_frames(directions, 3), Rotation.from_rotvec([0.0, angle, 0.0])
    turned = [torch.einsum("ab,bce->ace", wigner_d(degree, about), frame_of(frames, degree)) for degree in (1, 2, 3)]
    frames = torch.cat([frame.flatten(0, 1) for frame in turned])
    return EdgeChunk(slice(0, None), torch.arange(len(vectors)), frames, radial_basis(lengths), DAMPING * lengths)


@pytest.fixture(params=[4_096, 1], ids=["whole", "in pieces"])
def piece(request, monkeypatch):
    """Edges that each thread contracts at once."""
    monkeypatch.setattr("se3unet.layers.kernel.PIECE", request.param)


def applied(layer, fibers, chunk):
    return [swapped(out) for out in layer.on_edges(swapped(fibers), chunk, layer.matrices())]


@pytest.mark.slow
@pytest.mark.usefixtures("piece")
@pytest.mark.parametrize("case", CASES)
def test_every_edge_gets_what_its_kernel_gives(case):
    layer, vectors = linear(case), edge_vectors(12)[:-2]
    fibers = random_fibers(layer.irreps_in, len(vectors))
    for number, actual in enumerate(applied(layer, fibers, chunk_of(vectors))):
        for edge, vector in enumerate(vectors):
            at_source = {degree: feature[edge] for degree, feature in fibers.items()}
            expected = on_edge(layer, at_source, vector, DAMPING, number)
            got = {degree: feature[edge] for degree, feature in actual.items()}
            assert largest_difference(got, expected) < 1e-12 * largest(expected)


def test_the_kernels_are_combinations_of_the_dense_basis():
    """All 2 min(i, o) + 1 equivariant kernels of a pair, and nothing else."""
    layer, vector = linear(), edge_vectors(1)[0]
    for (i, o), basis in KernelBasis(2)(vector).items():
        kernels = kernel(layer, vector, 1.0, 0, o, i).permute(1, 3, 0, 2).flatten(2).flatten(0, 1)
        columns = basis.flatten(0, 1)
        residual = columns @ torch.linalg.lstsq(columns, kernels).solution - kernels
        assert float(residual.abs().max()) < 1e-12
        assert torch.linalg.matrix_rank(kernels) == min(kernels.shape[1], 2 * min(i, o) + 1)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("rotation", haar_rotations(2), ids=lambda r: f"{r.magnitude():.3f}rad")
def test_linear_is_equivariant(rotation, case):
    layer, vectors = linear(case), edge_vectors()
    fibers = random_fibers(layer.irreps_in, len(vectors))
    before = applied(layer, fibers, chunk_of(vectors))
    after = applied(layer, rotate_fibers(fibers, rotation), chunk_of(vectors @ matrix(rotation).T))
    for one, other in zip(before, after, strict=True):
        assert largest_difference(rotate_fibers(one, rotation), other) < 1e-12 * largest(one)


@pytest.mark.parametrize("case", CASES)
def test_a_turn_of_the_frames_about_the_edges_is_not_seen(case):
    layer, vectors = linear(case), edge_vectors()
    fibers = random_fibers(layer.irreps_in, len(vectors))
    for one, other in zip(
        applied(layer, fibers, chunk_of(vectors)), applied(layer, fibers, chunk_of(vectors, 1.0)), strict=True
    ):
        assert largest_difference(one, other) < 1e-12 * largest(one)


@pytest.mark.slow
@pytest.mark.usefixtures("piece")
def test_gradients_of_features_weights_and_geometry():
    torch.manual_seed(0)
    layer = EdgeLinear("1x0e+2x1e+1x2e", ("1x0e+1x1e+1x2e", "1x1e"), "concatenate").double()
    fibers = random_fibers(layer.irreps_in, 4)
    chunk = chunk_of(edge_vectors(4)[:4])

    def outputs(frames, radial, along, matrix, *features):
        inputs = dict(enumerate(feature.permute(2, 1, 0) for feature in features))
        edges = EdgeChunk(chunk.nodes, chunk.sources, frames, radial, along)
        outs = layer.on_edges(inputs, edges, (layer.matrices()[0], matrix, layer.matrices()[2]))
        return tuple(feature for out in outs for feature in out.values())

    tensors = (chunk.frames, chunk.radial, chunk.along, layer.matrices()[1], *fibers.values())
    leaves = tuple(tensor.detach().clone().requires_grad_() for tensor in tensors)
    assert torch.autograd.gradcheck(outputs, leaves)
    assert torch.autograd.gradgradcheck(outputs, leaves)


def test_gradients_are_finite_with_zero_edges_and_reach_every_parameter():
    layer, vectors = linear(), edge_vectors().requires_grad_()
    fibers = {degree: feature.requires_grad_() for degree, feature in random_fibers(layer.irreps_in, 48).items()}
    outputs = applied(layer, fibers, chunk_of(vectors))
    sum(feature.square().sum() for output in outputs for feature in output.values()).backward()
    assert vectors.grad.isfinite().all()
    assert all(feature.grad.abs().sum() > 0 for feature in fibers.values())
    assert all(parameter.grad.abs().sum() > 0 for parameter in layer.parameters())


def test_sources_may_be_shared():
    layer, vectors = linear(), edge_vectors(6)[:6]
    fibers, shared = random_fibers(layer.irreps_in, 3), torch.tensor([2, 0, 0, 1, 2, 2])
    chunk = chunk_of(vectors)
    several = EdgeChunk(chunk.nodes, shared, chunk.frames, chunk.radial, chunk.along)
    copied = {degree: feature[shared] for degree, feature in fibers.items()}
    for one, other in zip(applied(layer, fibers, several), applied(layer, copied, chunk), strict=True):
        assert largest_difference(one, other) == 0


@pytest.mark.usefixtures("piece")
def test_autocast_lowers_the_contraction_alone():
    layer, vectors = linear().float(), edge_vectors(100).float()
    fibers = {degree: feature.float() for degree, feature in random_fibers(layer.irreps_in, 108).items()}
    chunk = chunk_of(vectors.double())
    single = EdgeChunk(chunk.nodes, chunk.sources, chunk.frames.float(), chunk.radial.float(), chunk.along.float())
    expected = applied(layer, fibers, single)
    with torch.autocast("cpu", torch.bfloat16):
        lower = applied(layer, fibers, single)
    for one, other in zip(expected, lower, strict=True):
        assert all(feature.dtype == torch.float32 for feature in other.values())
        assert 0 < largest_difference(one, other) < 0.05 * largest(one)


def test_an_untrained_linear_keeps_the_scale_of_its_input():
    torch.manual_seed(0)
    irreps, vectors = "20x0e+20x1e+20x2e", torch.nn.functional.normalize(edge_vectors(200)[:200], dim=-1) / 4
    layer = EdgeLinear(irreps, (irreps,), "concatenate").double()
    (output,) = applied(layer, random_fibers(irreps, 200), chunk_of(vectors / DAMPING))
    for degree, feature in output.items():
        assert 0.2 < float(feature.detach().square().mean()) / DAMPING ** (2 * degree) < 2


def test_what_cannot_be_built_is_an_error():
    with pytest.raises(ValueError, match="relative_positions: expected 'concatenate' or 'add', got 'sum'"):
        EdgeLinear("1e", ("1e",), "sum")
    with pytest.raises(ValueError, match=r"irreps_in: expected type-1 channels.*2x0e"):
        EdgeLinear("2x0e", ("2x0e",), "add")
