"""An output that obeys no law is read as positions if it has the shape of the positions that were given."""

import torch
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.specimens import normal


class Moved(nn.Module):
    """Moves each point towards the others, and applies a nonlinearity to the coordinates."""

    def __init__(self, act):
        super().__init__()
        self.act = act

    def forward(self, positions):
        apart = positions[:, None] - positions[None]
        weights = torch.exp(-apart.square().sum(-1, keepdim=True))
        return self.act(positions) + (weights * apart).mean(1)  # at fault


class Displacements(Moved):
    """Has the shape of the positions, and holds under shifts: vectors."""

    def forward(self, positions):
        apart = positions[:, None] - positions[None]
        return (torch.exp(-apart.square().sum(-1, keepdim=True)) * self.act(apart)).mean(1)


def diagnosed(network):
    torch.manual_seed(0)
    return eq.diagnose(network, normal(9, 3), samples=4)


def test_broken_positions_are_one_finding_at_their_statement():
    report = diagnosed(Moved(torch.relu))
    assert any("output [9, 3]: cartesian_points" in line for line in report.assumptions)
    (finding,) = report.findings
    assert finding.location.source.startswith("return self.act(positions)")
    assert {"translation", "rotation"} <= set(finding.symmetries)


def test_what_holds_under_shifts_stays_a_vector():
    report = diagnosed(Displacements(torch.relu))
    assert any("output [9, 3]: 1x1" in line for line in report.assumptions)


def test_the_sound_twin_is_clean():
    assert diagnosed(Moved(nn.Identity())).ok
