"""Rotation matrices as inputs, undeclared: their columns, or their rows, turn with the positions beside them."""

import pytest
import torch
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.specimens import normal

pytestmark = pytest.mark.numeric

TURNED = torch.linalg.qr(normal(2, 6, 3, 3, seed=1))[0]
ROTATIONS = TURNED * torch.linalg.det(TURNED)[..., None, None]
PLACES = 2 * normal(2, 6, 3, seed=2)


def local(rots, trans):
    """Places of all residues in the frame of each one, [.., N, N, 3]."""
    return torch.einsum("...nji,...nmj->...nmi", rots, trans[..., None, :, :] - trans[..., :, None, :])


class Frames(nn.Module):
    """Reads the other residues in the frame of each one; a bug reads a fixed axis, or the transposed frame."""

    def __init__(self, bug="", rows=False):
        super().__init__()
        self.linear = nn.Linear(3, 5)
        self.bug, self.rows = bug, rows

    def forward(self, rots, trans):
        frames = rots.mT if self.rows ^ (self.bug == "transposed") else rots
        features = self.linear(local(frames, trans)).tanh().sum(-2)
        return features + (trans - trans.mean(-2, keepdim=True))[..., 2:] if self.bug == "axis" else features


class Moving(Frames):
    """Returns new places: steps in the frame of each residue."""

    def forward(self, rots, trans):
        step = torch.einsum("...nij,...nj->...ni", rots, super().forward(rots, trans)[..., :3])
        return trans + step, rots


def verdicts(report):
    return {v.symmetry: v.verdict for v in report.verdicts if v.symmetry in ("translation", "rotation", "permutation")}


HOLD = dict.fromkeys(["translation", "rotation", "permutation"], "holds")


@pytest.mark.parametrize("network", [Frames(), Frames(rows=True), Moving()], ids=["columns", "rows", "moving"])
@pytest.mark.parametrize("batched", [True, False])
def test_the_vectors_of_frames_turn(network, batched):
    torch.manual_seed(0)
    args = (ROTATIONS, PLACES) if batched else (ROTATIONS[0], PLACES[0])
    report = eq.diagnose(network, args, samples=3)
    assert report.ok, report
    assert verdicts(report) == HOLD


@pytest.mark.parametrize("bug", ["axis", "transposed"])
def test_a_broken_frame_has_a_finding(bug):
    """With transposed frames, rotations are wrong as rows and as columns: both stand in one network."""

    class Both(Frames):
        def forward(self, rots, trans):
            return super().forward(rots, trans) + self.linear(local(rots, trans)).sum(-2)

    report = eq.diagnose(Both(bug), (ROTATIONS, PLACES), samples=3)
    assert verdicts(report) == HOLD | {"rotation": "broken"}, report
    assert "rotation" in {f.symmetry for f in report.findings}
