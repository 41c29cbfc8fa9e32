import pytest
import torch
from scipy.spatial.transform import Rotation

from se3unet.geometry.frames import aligning_frames, frame_of, frame_rows, turn
from tests.se3unet.so3_oracle import edge_vectors, wigner_d

pytestmark = pytest.mark.numeric

DEGREES = (1, 2, 3)
# Both poles of the charts, where they meet (z = 0, z = -0), and random directions.
SPECIAL = torch.tensor([[1.0, 0, -0.0], [1, 1, 0], [1, -1, -1e-30], [1e-9, 0, -1]])
DIRECTIONS = torch.nn.functional.normalize(torch.cat([edge_vectors(12)[:-2], SPECIAL]), dim=-1).T


def frames_of(directions):
    return [frame_of(aligning_frames(directions, max(DEGREES)), degree) for degree in DEGREES]


def test_frames_are_rotations_that_turn_each_edge_to_y():
    frames = frames_of(DIRECTIONS)[0].permute(2, 0, 1)
    torch.testing.assert_close(frames @ frames.mT, torch.eye(3, dtype=torch.float64).expand_as(frames))
    torch.testing.assert_close(torch.linalg.det(frames), torch.ones(len(frames), dtype=torch.float64))
    turned = (frames @ DIRECTIONS.T.unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(turned, torch.tensor([0.0, 1, 0], dtype=torch.float64).expand_as(turned))


@pytest.mark.parametrize("degree", DEGREES)
def test_frames_of_every_degree_are_the_wigner_matrices_of_the_first(degree):
    frames = frames_of(DIRECTIONS)
    for edge, matrix in enumerate(frames[0].unbind(-1)):
        expected = wigner_d(degree, Rotation.from_matrix(matrix.numpy()))
        torch.testing.assert_close(frames[degree - 1][..., edge], expected, atol=1e-13, rtol=0)


@pytest.mark.parametrize("length", [1.0, 0.3, 1e-5, 0.0])
def test_frames_fade_with_the_power_of_their_degree(length):
    for degree, whole, faded in zip(DEGREES, frames_of(DIRECTIONS), frames_of(length * DIRECTIONS), strict=True):
        torch.testing.assert_close(faded, length**degree * whole, atol=1e-15 * length**degree, rtol=1e-12)


def test_frames_keep_the_axes_behind():
    directions = DIRECTIONS[:, :12].reshape(3, 2, 3, 2)
    frames = aligning_frames(directions, 2)
    assert frames.shape == (frame_rows(2), 2, 3, 2) == (34, 2, 3, 2)
    assert torch.equal(frames.flatten(1), aligning_frames(directions.flatten(1), 2))


@pytest.mark.slow
def test_gradients_of_frames():
    directions = (0.7 * DIRECTIONS[:, :12]).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: aligning_frames(x, 3), (directions,))
    zero = torch.zeros(3, 2, dtype=torch.float64, requires_grad=True)
    aligning_frames(zero, 3).sum().backward()
    assert zero.grad.isfinite().all()


def test_derivatives_stay_bounded_next_to_the_poles():
    near = torch.tensor([[1e-7, 0, 1], [1e-7, 0, -1], [1, 0, 1e-7], [1, 0, -1e-7]], dtype=torch.float64)
    unit = torch.nn.functional.normalize(near, dim=-1).T
    jacobian = torch.autograd.functional.jacobian(lambda x: aligning_frames(x, 2), unit)
    assert float(jacobian.abs().max()) < 10


def test_turning_multiplies_by_the_matrix_of_each_edge():
    generator = torch.Generator().manual_seed(0)
    frame, rows = (torch.randn(*shape, 7, generator=generator, dtype=torch.float64) for shape in ((3, 5), (5, 2)))
    frame, rows = frame.requires_grad_(), rows.requires_grad_()
    torch.testing.assert_close(turn(frame, rows.unbind()), torch.einsum("abe,bce->ace", frame, rows))
    assert torch.autograd.gradcheck(lambda f, x: turn(f, x.unbind()), (frame, rows))
    assert torch.autograd.gradgradcheck(lambda f, x: turn(f, x.unbind()), (frame, rows))


def test_constants_made_in_inference_mode_serve_training_later():
    from se3unet.geometry import frames

    frames._raising.cache_clear()
    with torch.inference_mode():
        aligning_frames(DIRECTIONS, 2)
    directions = DIRECTIONS.clone().requires_grad_()
    aligning_frames(directions, 2).sum().backward()
    assert directions.grad is not None


def test_frames_compile_to_one_graph_and_nothing_is_warned_of():
    compiled = torch.compile(lambda x: aligning_frames(x, 3), backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(DIRECTIONS), aligning_frames(DIRECTIONS, 3))
