"""The kernels against their formulas, missing vertices, and channels."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from equivariance_zoo.cprfa import corrected, published
from equivariance_zoo.cprfa.channels import Channels

SEEDS, ANGLES = st.integers(0, 999), st.floats(-3.1, 3.1)
CORRECTED = {
    "translation": corrected.translation_kernel,
    "scale": corrected.scale_kernel,
    "in_plane": corrected.in_plane_kernel,
    "out_of_plane": lambda observed, model, there: corrected.out_of_plane_kernel(observed, there),
    "shape": lambda observed, model, there: corrected.shape_kernel(observed, there),
}


def drawn(seed, count=9, dimensions=2):
    generator = torch.Generator().manual_seed(seed)
    return (20 * torch.randn(2, count, dimensions, generator=generator, dtype=torch.float64)).unbind()


def turn(angle):
    c, s = math.cos(angle), math.sin(angle)
    return torch.tensor([[c, s], [-s, c]], dtype=torch.float64)


def everywhere(points):
    return torch.ones(points.shape[:-1], dtype=torch.bool)


@given(SEEDS)
def test_printed_kernels_are_the_formulas(seed):
    y, other = drawn(seed)
    third = torch.arange(9).roll(-1)
    i, j, k = 2, 7, 8
    assert torch.equal(published.translation_kernel(y, other)[i, j], y[i] - other[j])
    assert torch.isclose(published.scale_kernel(y)[i, j], (y[i] - y[j]).norm())
    area = torch.linalg.det(torch.stack([y[i], y[j]])).abs()
    assert torch.isclose(published.in_plane_kernel(y)[i, j], area / (y[i].norm() * y[j].norm()))
    first, second = y[i] - y[j], y[j] - y[k]
    cosine = (first / first.norm()) @ (second / second.norm())
    assert torch.isclose(published.out_of_plane_kernel(y, third)[i, j], cosine)


@given(SEEDS, ANGLES, st.floats(0.1, 10))
def test_corrected_kernels_read_off_a_similarity(seed, angle, scale):
    model, _ = drawn(seed)
    shift = torch.tensor([13.0, -7.0], dtype=torch.float64)
    observed, there = scale * model @ turn(angle) + shift, everywhere(model)
    off = ~torch.eye(9, dtype=torch.bool)
    assert (corrected.scale_kernel(observed, model, there)[off] - math.log(scale)).abs().max() < 1e-10
    found = corrected.in_plane_kernel(observed, model, there)[off]
    assert (found - torch.tensor([math.cos(angle), math.sin(angle)], dtype=torch.float64)).abs().max() < 1e-10
    left = corrected.translation_kernel(observed, scale * model @ turn(angle), there)
    assert (left - shift).abs().max() < 1e-10


@given(SEEDS)
def test_the_out_of_plane_kernel_is_the_mean_of_the_printed_one(seed):
    y, _ = drawn(seed, 5)
    mean = torch.zeros(5, 5, dtype=torch.float64)
    for j in range(5):
        for k in {*range(5)} - {j}:
            mean[:, j] += published.out_of_plane_kernel(y, torch.full((5,), k).where(torch.arange(5) == j, 0))[:, j] / 4
    ours = corrected.out_of_plane_kernel(y, everywhere(y))[..., 0]
    assert (ours - mean)[~torch.eye(5, dtype=torch.bool)].abs().max() < 1e-12


@pytest.mark.parametrize("name", CORRECTED)
@pytest.mark.parametrize("filler", [float("nan"), float("inf"), 1e6])
def test_missing_vertices_are_ignored_whatever_they_hold(name, filler):
    observed, model = drawn(3)
    there = torch.tensor([True] * 6 + [False] * 3)
    gone = torch.where(there[:, None], observed, filler)
    found, part = (CORRECTED[name](o, m, t) for o, m, t in (
        (gone, model, there), (observed[:6], model[:6], there[:6]),
    ))  # fmt: skip
    if name == "translation":
        assert torch.equal(found[:6], part)
        assert not found[6:].any()
    else:
        assert (found[:6, :6] - part).abs().max() < 1e-14
        assert not found[6:].any()
        assert not found[:, 6:].any()
        assert not found[range(9), range(9)].any()


@pytest.mark.parametrize("name", CORRECTED)
@given(SEEDS)
def test_corrected_kernels_follow_the_order_of_the_vertices(name, seed):
    observed, model = drawn(seed)
    there, order = torch.arange(9) % 4 > 0, torch.randperm(9, generator=torch.Generator().manual_seed(seed))
    found = CORRECTED[name](observed, model, there)
    moved = CORRECTED[name](observed[order], model[order], there[order])
    assert (moved - (found[order] if name == "translation" else found[order][:, order])).abs().max() < 1e-12


def test_a_zero_of_a_hidden_vertex_says_perpendicular_and_a_mask_does_not():
    observed, _ = drawn(0)
    there = torch.arange(9) > 3
    shown = published.hidden(published.scale_kernel(observed), there)
    assert not shown[:4].any()
    assert not shown[:, :4].any()
    masked = corrected.with_mask(corrected.in_plane_kernel(observed, observed, there), there)
    assert masked.shape == (9, 9, 3)
    assert masked[..., 2].sum() == 5 * 4


def test_the_mean_over_rows_of_hidden_vertices_is_biased_and_the_masked_mean_is_not():
    """C1: with a true shift (13, -7); the half of larger x is hidden."""
    model, _ = drawn(1, 40)
    shift = torch.tensor([13.0, -7.0], dtype=torch.float64)
    there = model[:, 0] < model[:, 0].median()
    printed = published.translation_kernel(model + shift, model)[there].mean((0, 1))
    assert (printed - shift).norm() > 5
    ours = corrected.translation_kernel(model + shift, model, there).sum(0) / there.sum()
    assert (ours - shift).norm() < 1e-12


def test_kernels_take_channels():
    observed, model = drawn(0, 16)
    channels = Channels.shuffled(range(8), range(8, 16), seed=1)
    ours, theirs = channels.of(observed), channels.of(model)
    whole = corrected.in_plane_kernel(observed, model, everywhere(observed))
    by_channel = corrected.in_plane_kernel(ours, theirs, everywhere(ours))
    assert by_channel.shape == (3, 8, 8, 2)
    for matrix, rows in zip(by_channel, channels.vertices, strict=True):
        assert (matrix - whole[rows][:, rows]).abs().max() < 1e-14


def test_channels_are_sides_and_every_second_vertex_of_both():
    channels = Channels.shuffled(range(8), range(8, 16), seed=1)
    sets = [{*row.tolist()} for row in channels.vertices]
    assert sets == [{*range(8)}, {*range(8, 16)}, {*range(0, 16, 2)}]
    assert torch.equal(channels.vertices, Channels.shuffled(range(8), range(8, 16), seed=1).vertices)
    assert not torch.equal(channels.vertices, Channels.shuffled(range(8), range(8, 16), seed=2).vertices)
    for wrong in ((range(4), range(6)), (range(3), range(3))):
        with pytest.raises(ValueError, match="left, right"):
            Channels.shuffled(*wrong, seed=0)
