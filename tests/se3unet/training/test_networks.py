"""Products in bfloat16 keep the equivariance, within what bfloat16 can tell apart."""

import pytest
import torch
from torch import nn

import equivariance
from equivariance import CartesianPoints, Invariant
from se3unet.training.networks import build
from tests.se3unet.so3_oracle import perturb
from tests.se3unet.training.small import small_faces, small_settings

STEP = 2.0**-8
"""The spacing of bfloat16 below 1, relative."""


class Lowered(nn.Module):
    """A network as Lightning runs it with bf16-mixed."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, positions):
        with torch.autocast("cpu", torch.bfloat16):
            return self.model(positions).float()


def network():
    torch.manual_seed(0)
    model = build(small_settings()).eval().requires_grad_(False)
    perturb(model)
    return model


def examined(model):
    law = CartesianPoints(nodes=1, batch=0), Invariant(nodes=1, batch=0)
    return equivariance.check(model, (small_faces(1).positions,), law[:1], law[1], group="se3", samples=1)


@pytest.mark.slow
def test_the_harness_finds_nothing_in_bfloat16():
    report = examined(Lowered(network()))
    assert report.ok, str(report)
    errors = {row.symmetry: row.reached_working for row in report.layers}
    assert 1e-6 < errors["rotation"] < 4 * STEP
    assert errors["translation"] < 4 * STEP


def test_a_break_near_rounding_in_bfloat16_can_still_be_told():
    model, points = network(), small_faces(1).positions
    changes = []
    for share in (0.0, 0.05):
        handle = model.embed.register_forward_hook(
            lambda _, given, fibers, share=share: {**fibers, 1: fibers[1] + share * given[0].unsqueeze(-2)}
        )
        before, after = (Lowered(model)(cloud) for cloud in (points, points + 8))
        changes.append(float((after - before).norm() / before.norm()))
        handle.remove()
    assert changes[0] < 4 * STEP < changes[1]


def test_lowered_and_full_precision_agree():
    model, points = network(), small_faces(2).positions
    difference = (Lowered(model)(points) - model(points)).norm() / model(points).norm()
    assert 0 < float(difference) < 4 * STEP


@pytest.mark.parametrize("layer", ["geometry.0", "graph"])
def test_graphs_and_frames_stay_in_full_precision(layer):
    model, seen = network(), []
    model.get_submodule(layer).register_forward_hook(lambda _, __, output: seen.append(output))
    Lowered(model)(small_faces(1).positions)
    (output,) = seen
    tensors = [output.frames, output.radial] if layer == "geometry.0" else [output.vectors, output.envelope]
    assert {tensor.dtype for tensor in tensors} == {torch.float32}
