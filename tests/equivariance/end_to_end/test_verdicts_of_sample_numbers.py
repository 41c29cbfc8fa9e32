"""Samples one after the other, whose numbers no conventional name tells: the data or a run show them, which is told."""

import pytest
import torch
from torch import nn

import equivariance as eq
from tests.equivariance.helpers.specimens import normal

pytestmark = pytest.mark.numeric

SIZES = (4, 3, 5)
NUMBERS = torch.arange(3).repeat_interleave(torch.tensor(SIZES))
POS, KINDS, CELLS = normal(12, 3, seed=1), torch.arange(1, 13) % 4, normal(3, 3, 3, seed=2)
COUNTS = torch.tensor(SIZES)


def near():
    """Edges within the samples, [2, E]."""
    found = (torch.cdist(POS, POS) < 4) & (NUMBERS[:, None] == NUMBERS)
    return found.fill_diagonal_(False).nonzero().T.contiguous()


def verdicts(report):
    return {v.symmetry: v.words for v in report.verdicts if v.symmetry in ("permutation", "batch")}


def energies(pos, kinds, numbers, count, bug):
    """One energy for each sample; the bugs read other samples, or the order of the atoms."""
    centre = pos.new_zeros(count, 3).index_add(0, numbers, pos) / torch.bincount(numbers, minlength=count)[:, None]
    found = pos.new_zeros(count).index_add(0, numbers, (pos - centre[numbers]).norm(dim=1) * (1 + kinds))
    if bug == "batch":
        return found + 0.1 * found.mean()
    first = torch.searchsorted(numbers, torch.arange(count))
    return found * (1 + (pos[first] - centre).norm(dim=1)) if bug == "order" else found


class ByName(nn.Module):
    def __init__(self, bug=""):
        super().__init__()
        self.bug = bug

    def forward(self, pos, z, system_ids):
        return energies(pos, z, system_ids, int(system_ids[-1]) + 1, self.bug)


class ByCounts(ByName):
    def forward(self, pos, z, owner, num_atoms):
        return energies(pos, z, owner, len(num_atoms), self.bug)


class ByCells(ByName):
    def forward(self, pos, z, segment, cell):
        return energies(pos, z, segment, len(cell), self.bug) + 0.01 * torch.linalg.det(cell) ** 2


class ByEdges(ByName):
    def forward(self, pos, z, part, edge_src, edge_dst):
        bonds = torch.exp(-(pos[edge_src] - pos[edge_dst]).norm(dim=1))
        return energies(
            pos, z + pos.new_zeros(len(pos)).index_add(0, edge_dst, bonds), part, int(part[-1]) + 1, self.bug
        )


class ByRows(ByName):
    """Nothing but the rows of the output shows the samples."""

    def forward(self, pos, z, which):
        return energies(pos, z, which, int(which[-1]) + 1, self.bug)


class InADict(ByName):
    def forward(self, inputs):
        return {"energy": energies(inputs["R"], inputs["Z"], inputs["image_idx"], len(inputs["N"]), self.bug)}


NETWORKS = {
    ByName: ((POS, KINDS, NUMBERS), "system_ids"),
    ByCounts: ((POS, KINDS, NUMBERS, COUNTS), "owner"),
    ByCells: ((POS, KINDS, NUMBERS, CELLS), "segment"),
    ByEdges: ((POS, KINDS, NUMBERS, *near()), "part"),
    ByRows: ((POS, KINDS, NUMBERS), "which"),
    InADict: (({"R": POS, "Z": KINDS, "image_idx": NUMBERS, "N": COUNTS},), "inputs['image_idx']"),
}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(("bug", "broken"), [("", None), ("batch", "batch"), ("order", "permutation")])
def test_samples_are_permuted_within_and_selected_as_a_whole(network, bug, broken):
    args, name = NETWORKS[network]
    report = eq.diagnose(network(bug), args, samples=4)
    expected = {s: "broken" if s == broken else "holds" for s in ("permutation", "batch")}
    doubt = f", if {name} [12] numbers the samples"
    assert verdicts(report) == {symmetry: verdict + doubt for symmetry, verdict in expected.items()}, report
    assert {f.symmetry for f in report.findings} == ({broken} if broken else set())
    assert not report.complete


def test_the_sizes_of_the_samples_are_no_node_numbers():
    report = eq.diagnose(ByCounts(), (POS, KINDS, NUMBERS, COUNTS), samples=2)
    assert "num_atoms [3]: unchanged, samples on axis 0 (the sizes of the samples)" in report.assumptions


def kinds_of_rings(pos, ring):
    """Numbers in order that are kinds: each atom gets a row of a table."""
    table = torch.arange(12.0, dtype=pos.dtype).reshape(3, 4)
    return table[ring] * (pos - pos.mean(0)).norm(dim=1, keepdim=True)


def numbers_of_residues(pos, residue):
    """All atoms interact, and those of other residues less."""
    apart = (residue[:, None] - residue).abs()
    return (torch.exp(-torch.cdist(pos, pos)) / (1 + apart)).sum()


def as_many_features_as_kinds(pos, ring):
    """Three features of the whole, of three kinds: the number of features stays."""
    weights = torch.arange(9.0, dtype=pos.dtype).reshape(3, 3)
    return weights[ring].sum(0) * torch.pdist(pos).sum()


@pytest.mark.parametrize("network", [kinds_of_rings, numbers_of_residues, as_many_features_as_kinds])
def test_numbers_in_order_that_are_kinds_move_with_all_nodes(network):
    report = eq.diagnose(network, (POS, NUMBERS), samples=3)
    assert report.ok, report
    assert verdicts(report) == {"permutation": "holds"}
    assert not any("sample numbers" in line for line in report.assumptions)
