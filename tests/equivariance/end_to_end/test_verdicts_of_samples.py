"""Verdicts on samples of unequal size, on the order of edges, and on padding: sound networks beside broken ones."""

import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance.groups import edge_permutation, padding, permutation
from tests.equivariance.helpers.merged import causes_by_symmetry
from tests.equivariance.helpers.specimens import normal

pytestmark = pytest.mark.numeric

SIZES = (5, 8, 6)
EVERYTHING = ["se3", "permutation", "batch"]


def found(network, args, group=tuple(EVERYTHING), samples=4):
    report = eq.diagnose(network, args, group=list(group), samples=samples)
    assert report.symmetries, report
    return {pair for finding in report.findings for pair in causes_by_symmetry(finding)}


def evidence(network, args, symmetry, **options):
    report = eq.diagnose(network, args, samples=4, **{"group": symmetry, **options})
    (finding,) = report.findings
    assert finding.symmetry == symmetry
    return finding


def joined(rows, batch, count):
    return rows.new_zeros(count, *rows.shape[1:]).index_add(0, batch, rows)


def ring(size, reach=3):
    """The numbers of the ends of each edge, [2, size * reach]."""
    return torch.tensor([[i, (i + k) % size] for i in range(size) for k in range(1, reach + 1)]).T


class Network(nn.Module):
    """Sound messages on a graph, with one defect."""

    def __init__(self, defect=""):
        super().__init__()
        torch.manual_seed(0)
        self.defect, self.message, self.kinds = defect, nn.Linear(2, 4), nn.Embedding(5, 4)

    def messages(self, z, pos, source, target, weight):
        length = (pos[source] - pos[target]).norm(dim=-1, keepdim=True)
        if self.defect == "absolute":
            length = length + pos[source, :1]
        made = self.message(torch.cat([length, weight], -1)).tanh() * self.kinds(z)[source]
        if self.defect == "place of the edge":
            made = made * torch.linspace(1, 2, len(made), dtype=made.dtype)[:, None]
        if self.defect == "running sum over edges":
            made = made.cumsum(0)
        if self.defect == "softmax, which is sound":
            shares = made.exp()
            made = made * shares / joined(shares, target, len(pos))[target]
        return made

    def nodes(self, rows, batch):
        if self.defect == "node number":
            rows = rows * torch.arange(1, len(rows) + 1, dtype=rows.dtype)[:, None]
        if self.defect == "first node":
            first = torch.searchsorted(batch, batch)
            rows = rows + rows[first]
        if self.defect == "whole batch":
            rows = rows - rows.mean(0)
        return rows

    def forward(self, z, pos, edge_index, edge_weight, batch):
        rows = self.messages(z, pos, *edge_index, edge_weight)
        rows = self.nodes(joined(rows, edge_index[1], len(pos)), batch)
        return rows, joined(rows, batch, int(batch.max()) + 1)


def concatenated(sizes=SIZES):
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    edges = torch.cat([ring(n) + start for n, start in zip(sizes, starts, strict=True)], 1)
    batch = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    return torch.arange(sum(sizes)) % 5, normal(sum(sizes), 3), edges, normal(edges.shape[1], 1, seed=1), batch


SOUND = ["", "softmax, which is sound"]
BROKEN = {
    "absolute": {("translation", "absolute-position"), ("rotation", "frame-dependent")},
    "first node": {("permutation", "order-dependent")},
    "whole batch": {("batch", "batch-coupled")},
}


@pytest.mark.parametrize("defect", SOUND)
def test_samples_of_unequal_size_are_sound(defect):
    assert found(Network(defect), concatenated()) == set()
    assert found(Network(defect), concatenated(), ["permutation"]) == set()
    assert found(Network(defect), concatenated((5, 5)), EVERYTHING) == set()


@pytest.mark.parametrize("defect", BROKEN)
def test_samples_of_unequal_size_hide_no_defect(defect):
    assert found(Network(defect), concatenated()) == BROKEN[defect]


def test_a_permutation_of_unequal_samples_can_be_replayed():
    finding = evidence(Network("first node"), concatenated(), "permutation")
    assert finding.counterexample == permutation(cycles=[(0, 1)], sizes=SIZES)
    again = evidence(Network("first node"), concatenated(), "permutation", group=finding.counterexample)
    assert again.located == "confirmed"


class OfData(Network):
    """The same on data of PyTorch Geometric."""

    def forward(self, data):
        batch = torch.zeros(data.num_nodes, dtype=torch.int64) if data.batch is None else data.batch
        found = super().forward(data.z, data.pos, data.edge_index, data.edge_weight, batch)
        if self.defect == "read through ptr":
            return found[1] + found[0][data.ptr[:-1]]
        return found[1]


def data_of(size, seed=0):
    geometric = pytest.importorskip("torch_geometric.data", reason="needs PyTorch Geometric")
    edges = ring(size)
    return geometric.Data(
        z=torch.arange(size) % 5, pos=normal(size, 3, seed=seed), edge_index=edges,
        edge_weight=normal(edges.shape[1], 1, seed=seed + 1),
    )  # fmt: skip


def data_batch():
    geometric = pytest.importorskip("torch_geometric.data", reason="needs PyTorch Geometric")
    return geometric.Batch.from_data_list([data_of(size, size) for size in SIZES])


@pytest.mark.parametrize(
    ("defect", "expected"),
    [
        ("", set()),
        *BROKEN.items(),
        ("read through ptr", {("permutation", "order-dependent")}),
        ("place of the edge", {("permutation", "order-dependent"), ("batch", "batch-coupled")}),
    ],
)
def test_a_batch_of_pytorch_geometric(defect, expected):
    assert found(OfData(defect), data_batch()) == expected


@pytest.mark.parametrize("defect", ["", "node number"])
def test_one_data_of_pytorch_geometric(defect):
    expected = {("permutation", "order-dependent")} if defect else set()
    assert found(OfData(defect), data_of(7), ["se3", "permutation"]) == expected


class OfGraph(Network):
    """The same on graphs of DGL."""

    def forward(self, graph):
        source, target = (ends.long() for ends in graph.edges())
        batch = torch.repeat_interleave(torch.arange(graph.batch_size), graph.batch_num_nodes())
        ends = torch.stack([source, target])
        return super().forward(graph.ndata["z"], graph.ndata["pos"], ends, graph.edata["weight"], batch)[1]


@pytest.mark.parametrize(("defect", "expected"), [("", set()), *BROKEN.items()])
def test_a_batch_of_dgl(defect, expected):
    dgl = pytest.importorskip("dgl", reason="needs DGL")

    def graph(size):
        made = dgl.graph(tuple(ring(size)), num_nodes=size)
        made.ndata["z"], made.ndata["pos"] = torch.arange(size) % 5, normal(size, 3, seed=size)
        made.edata["weight"] = normal(3 * size, 1, seed=size + 1)
        return made

    assert found(OfGraph(defect), dgl.batch([graph(size) for size in SIZES])) == expected


class OfClouds(nn.Module):
    """Energies of a list of clouds."""

    def __init__(self, defect=""):
        super().__init__()
        torch.manual_seed(0)
        self.defect, self.first, self.second = defect, nn.Linear(1, 8), nn.Linear(8, 2)

    def one(self, cloud, number):
        lengths = (cloud[:, None] - cloud).square().sum(-1, keepdim=True).add(1e-2).sqrt()
        rows = self.first(lengths).tanh().sum(1)
        if self.defect == "height" and number == 1:
            rows = rows * cloud[:, 2:]
        if self.defect == "first node":
            rows = rows + rows[:1]
        return self.second(rows)

    def forward(self, clouds):
        rows = [self.one(cloud, number) for number, cloud in enumerate(clouds)]
        if self.defect == "whole batch":
            rows = [own - torch.cat(rows).mean(0) for own in rows]
        return rows if self.defect == "rows" else torch.stack([own.sum(0) for own in rows])


class OfMolecules(OfClouds):
    """The same on a list of dicts."""

    def forward(self, molecules):
        rows = [self.one(m["pos"], number) * m["charge"] for number, m in enumerate(molecules)]
        return {"energy": torch.stack([own.sum(0) for own in rows])}


CLOUDS = [normal(size, 3, seed=size) for size in SIZES]
OF_CLOUDS = {
    "": set(),
    "rows": set(),
    "first node": {("permutation", "order-dependent")},
    "whole batch": {("batch", "batch-coupled")},
}


@pytest.mark.parametrize("defect", OF_CLOUDS)
def test_a_list_of_clouds(defect):
    assert found(OfClouds(defect), (CLOUDS,)) == OF_CLOUDS[defect]


def test_every_cloud_of_a_list_moves():
    symmetries = {symmetry for symmetry, _ in found(OfClouds("height"), (CLOUDS,))}
    assert symmetries == {"translation", "rotation", "batch"}


@pytest.mark.parametrize("defect", ["", "first node"])
def test_a_list_of_dicts(defect):
    molecules = [{"pos": cloud, "charge": torch.rand(len(cloud), 1)} for cloud in CLOUDS]
    assert found(OfMolecules(defect), (molecules,)) == OF_CLOUDS[defect]


class EdgeOrder(nn.Module):
    """The place of an edge in the list enters, or does not."""

    def __init__(self, defect):
        super().__init__()
        self.defect = defect

    def forward(self, pos, edge_index):
        source, target = edge_index
        lengths = (pos[source] - pos[target]).norm(dim=1, keepdim=True)
        if self.defect == "place":
            lengths = torch.linspace(1, 2, len(source), dtype=pos.dtype)[:, None] * lengths
        if self.defect == "sorted":  # the sum over each node's edges is taken from a running sum
            running = torch.cat([lengths.new_zeros(1, 1), lengths.cumsum(0)])
            ends = target.bincount(minlength=len(pos)).cumsum(0)
            return running[ends] - running[torch.cat([ends.new_zeros(1), ends[:-1]])]
        if self.defect == "grouped":  # five edges of a node are taken to lie one after the other
            return lengths.reshape(len(pos), -1)
        return pos.new_zeros(len(pos), 1).index_add(0, target, lengths)


def all_pairs(size=6):
    target, source = (~torch.eye(size, dtype=torch.bool)).nonzero().T
    return torch.stack([source, target])


@pytest.mark.parametrize(
    ("defect", "words"), [("place", "place of an edge"), ("sorted", "sorted by it"), ("grouped", "order of the edges")]
)
def test_the_order_of_edges_matters(defect, words):
    given = (normal(6, 3), all_pairs())
    assert found(EdgeOrder(defect), given, ["e3", "permutation"]) == {("permutation", "order-dependent")}
    finding = evidence(EdgeOrder(defect), given, "permutation")
    assert words in finding.evidence
    if defect == "place":
        assert finding.counterexample == edge_permutation(cycles=[(0, 1)], size=30)
        assert finding.located == "confirmed"


def test_sums_over_edges_are_sound():
    assert found(EdgeOrder(""), (normal(6, 3), all_pairs()), ["e3", "permutation"]) == set()


@pytest.mark.parametrize("defect", ["place of the edge", "running sum over edges"])
def test_edges_are_reordered_with_what_they_carry(defect):
    assert ("permutation", "order-dependent") in found(Network(defect), concatenated(), ["permutation"])


def test_edges_in_two_vectors_and_results_for_each_edge():
    def per_edge(pos, src, dst, edge_weight):
        return (pos[src] - pos[dst]) * edge_weight

    source, target = all_pairs()
    report = eq.diagnose(per_edge, (normal(6, 3), source, target, normal(30, 1)), group=EVERYTHING[:2], samples=3)
    assert report.ok, report
    assert any(line.startswith("output [30, 3]: 1x1o, edges on axis 0") for line in report.assumptions)

    def differences(pos, src, dst):
        return (pos[src] - pos[dst]).diff(dim=0, append=pos[:1])

    assert found(differences, (normal(6, 3), source, target), ["permutation"]) == {("permutation", "order-dependent")}


class Padded(nn.Module):
    """Sums over a padded batch."""

    def __init__(self, defect=""):
        super().__init__()
        torch.manual_seed(0)
        self.defect, self.first, self.second = defect, nn.Linear(1, 4), nn.Linear(4, 2)

    def forward(self, coords, mask):
        valid = mask[..., None].to(coords.dtype)
        centre = (coords * valid).sum(-2, keepdim=True) / valid.sum(-2, keepdim=True)
        if self.defect == "mean over padding":
            centre = coords.mean(-2, keepdim=True)
        lengths = (coords - centre).norm(dim=-1, keepdim=True)
        rows = self.first(lengths).tanh()
        if self.defect == "softmax over padding":
            rows = rows * lengths.softmax(-2)
        if self.defect == "late row" and coords.shape[-2] > 8:
            rows = rows * (torch.arange(coords.shape[-2]) != 8)[:, None]
        if self.defect == "rows, which are sound":
            return rows, (coords - centre) * rows[..., :1]
        total = (rows * valid).sum(-2)
        return self.second(total / coords.shape[-2] if self.defect == "share of padding" else total)


def collate(sizes=(10, 7, 5), length=10):
    mask, coords = torch.zeros(len(sizes), length, dtype=torch.bool), torch.zeros(len(sizes), length, 3)
    for row, size in enumerate(sizes):
        coords[row, :size], mask[row, :size] = normal(size, 3, seed=row), True
    return coords, mask


PADDING = {
    "": set(),
    "rows, which are sound": set(),
    "mean over padding": {("translation", "absolute-position"), ("batch", "batch-coupled")},
    "softmax over padding": {("translation", "absolute-position"), ("batch", "batch-coupled")},
    "share of padding": {("batch", "batch-coupled")},
    "late row": {("permutation", "order-dependent")},
}


@pytest.mark.parametrize("defect", PADDING)
def test_padding(defect):
    assert found(Padded(defect), collate(), ["e3", "permutation", "batch"]) == PADDING[defect]


@pytest.mark.parametrize("defect", ["", "share of padding"])
def test_padding_of_one_cloud(defect):
    coords, mask = collate()
    assert found(Padded(defect), (coords[1], mask[1]), ["e3", "permutation", "batch"]) == PADDING[defect]


def test_the_finding_says_that_the_padding_matters():
    finding = evidence(Padded("share of padding"), collate(), "batch")
    assert "more padded row" in finding.evidence
    assert finding.counterexample in (padding(1), padding(4))
    again = evidence(Padded("share of padding"), collate(), "batch", group=finding.counterexample)
    assert again.counterexample == finding.counterexample


def test_a_batch_without_padding_gets_some():
    given = collate((6, 6), 6)
    assert found(Padded("share of padding"), given, ["e3", "batch"]) == PADDING["share of padding"]


def test_a_network_for_one_length_of_padding_is_not_blamed():
    weights = torch.rand(10)

    def total(coords, mask):
        return (coords.norm(dim=-1) * mask * (0 * weights + 1)).sum(-1)

    report = eq.diagnose(total, collate(), group="batch", samples=3)
    assert report.ok, report
    (verdict,) = report.verdicts
    assert any("the length of the padding is not tested" in remark for remark in verdict.remarks)
