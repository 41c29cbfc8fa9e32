"""PyTorch Geometric's data as arguments: sound and broken under every symmetry."""

import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import cloned, leaves, transform
from equivariance.errors import ArgumentError, ContractError, UndeclaredTensorError
from equivariance.groups import permutation, rotation, samples
from tests.equivariance.helpers.specimens import normal

pytest.importorskip("torch_geometric", reason="needs PyTorch Geometric: pip install -e '.[dev]'")
from torch_geometric.data import Batch, Data, HeteroData

GROUPS = ["e3", "permutation", "batch"]
PER_SAMPLE = eq.Invariant(nodes=None, batch=0)
UNCHANGED = dict.fromkeys(("x", "z", "edge_attr", "charge"))


def molecule(seed=0, nodes=5):
    edges = torch.tensor([[i, (i + k) % nodes] for i in range(nodes) for k in (1, 2)]).T
    return Data(
        pos=normal(nodes, 3, seed=seed), x=normal(nodes, 4, seed=seed + 100), edge_index=edges,
        z=torch.arange(nodes) + seed, edge_attr=normal(2 * nodes, 2, seed=seed + 200),
        charge=normal(1, seed=seed + 300),
    )  # fmt: skip


def batched(count=3, nodes=5):
    return Batch.from_data_list([molecule(seed, nodes) for seed in range(count)])


def bare(data):
    """Only the ``batch`` vector tells its samples."""
    return Data(**{name: data[name] for name in ("pos", "x", "edge_index", "z", "edge_attr", "charge", "batch")})


class Energy(nn.Module):
    """Sound: messages of distances and features, summed over nodes and samples."""

    def __init__(self):
        super().__init__()
        self.message = nn.Linear(7, 8)

    def geometry(self, data, source, target):
        return (data.pos[target] - data.pos[source]).norm(dim=-1, keepdim=True)

    def pool(self, data, values):
        batch = torch.zeros(data.num_nodes, dtype=torch.int64) if data.batch is None else data.batch
        count = int(batch.max()) + 1
        return torch.zeros(count, 8, dtype=values.dtype).index_add(0, batch, values) * data.charge[:, None]

    def forward(self, data):
        source, target = data.edge_index
        geometry = self.geometry(data, source, target)
        values = self.message(torch.cat([data.x[source], geometry, data.edge_attr], -1)).tanh()
        return self.pool(data, torch.zeros(data.num_nodes, 8, dtype=values.dtype).index_add(0, target, values))


class Absolute(Energy):
    def geometry(self, data, source, target):
        return data.pos[target].norm(dim=-1, keepdim=True)


class Axis(Energy):
    def geometry(self, data, source, target):
        return data.pos[target, 2:] - data.pos[source, 2:]


class Numbered(Energy):
    def geometry(self, data, source, target):
        return super().geometry(data, source, target) * (1 + source[:, None])


class Coupled(Energy):
    def pool(self, data, values):
        return super().pool(data, values - values.mean(0))


def symmetries(module, data, **options):
    report = eq.check(module, data, irreps_out=PER_SAMPLE, group=GROUPS, samples=4, **options)
    return {symmetry for f in report.findings for symmetry in f.symmetries}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (Energy, set()),
        (Absolute, {"translation"}),
        (Axis, {"rotation", "inversion"}),
        (Numbered, {"permutation", "batch"}),
        (Coupled, {"batch"}),
    ],
)
@pytest.mark.parametrize("data", [batched, lambda: bare(batched())], ids=["Batch", "Data with batch"])
def test_nothing_needs_to_be_declared(layer, expected, data):
    torch.manual_seed(0)
    assert symmetries(layer(), data()) == expected


def test_one_molecule_is_one_sample():
    assert symmetries(Energy(), molecule()) == set()
    assert symmetries(Numbered(), molecule()) == {"permutation", "batch"}  # the second copy has other numbers


def test_samples_of_different_sizes():
    data = Batch.from_data_list([molecule(0, 5), molecule(1, 7)])
    options = {"irreps_out": PER_SAMPLE, "group": GROUPS, "samples": 4}
    assert eq.check(Energy(), data, **options).ok
    assert {f.symmetry for f in eq.check(Coupled(), data, **options).findings} == {"batch"}
    assert {f.symmetry for f in eq.check(Numbered(), data, **options).findings} == {"permutation", "batch"}
    with pytest.raises(ArgumentError, match=r"order=.*permutation of 5 nodes.*samples of \(5, 7\) nodes"):
        eq.check(Energy(), data, irreps_out=PER_SAMPLE, group=permutation(size=5, seed=0))


def test_the_report_says_what_the_fields_were_taken_for():
    lines = eq.check(Energy(), batched(), irreps_out=PER_SAMPLE, samples=1).assumptions
    assert any(line.startswith("data['pos'] [15, 3]: cartesian_points") for line in lines)
    assert any(line.startswith("data['x'] [15, 4]: unchanged (its last axis is not 3)") for line in lines)
    assert any('irreps_in={"data": {' in line for line in lines)


class Pushed(Energy):
    """Sound if ``v`` is a vector."""

    def geometry(self, data, source, target):
        return ((data.pos[target] - data.pos[source]) * data.v[source]).sum(-1, keepdim=True)


def test_a_field_that_looks_like_geometry_is_tried():
    data = batched()
    data.v = normal(15, 3)
    report = eq.check(Pushed(), data, irreps_out=PER_SAMPLE, group="e3", samples=3)
    assert report.ok, report
    assert any(
        line.startswith("data['v'] [15, 3]: 1x1o (its last axis is 3; the output is right so")
        for line in report.assumptions
    )
    assert symmetries(Pushed(), data, irreps_in={"data": {**UNCHANGED, "v": "1x1o"}}) == set()


def test_declared_fields_are_believed_and_must_be_whole():
    data = batched()
    assert symmetries(Absolute(), data, irreps_in={"data": {**UNCHANGED, "pos": None}}) == set()
    with pytest.raises(UndeclaredTensorError, match=r"data\['x'\]"):
        eq.check(Energy(), data, {"data": {"edge_attr": None, "z": None, "charge": None}}, PER_SAMPLE)
    with pytest.raises(ContractError, match=r"\['velocity'\]: expected names among its fields, "):
        eq.check(Energy(), data, {"data": {"velocity": "1x1o"}}, PER_SAMPLE)
    with pytest.raises(ContractError, match=r"expected a dict of representations by field name"):
        eq.check(Energy(), data, {"data": "1x1o"}, PER_SAMPLE)


SPEC = Contract({"data": UNCHANGED}, None).inputs["data"]


def edges_by_position(data):
    source, target = data.edge_index
    return sorted(map(tuple, torch.cat([data.pos[source], data.pos[target]], -1).tolist()))


def test_a_permutation_renumbers_nodes_and_keeps_edges():
    data = batched()
    moved = transform(data, SPEC, permutation(size=5, seed=1))
    assert edges_by_position(moved) == edges_by_position(data)
    assert not torch.equal(moved.pos, data.pos)
    assert torch.equal(moved.edge_attr, data.edge_attr)
    assert torch.equal(moved.batch, data.batch)
    assert {tuple(r) for r in torch.cat([moved.x, moved.z[:, None]], -1).tolist()} == {
        tuple(r) for r in torch.cat([data.x, data.z[:, None]], -1).tolist()
    }


@pytest.mark.parametrize("cut", [False, True])
def test_samples_are_selected_as_the_library_puts_them_together(cut):
    parts = [molecule(0, 5), molecule(1, 7), molecule(2, 4)]
    data = Batch.from_data_list(parts)
    moved = transform(bare(data) if cut else data, SPEC, samples([2, 0], of=3))
    wanted = Batch.from_data_list([parts[2], parts[0]])
    for name in ("pos", "x", "z", "edge_index", "edge_attr", "charge", "batch", "ptr"):
        assert torch.equal(moved[name], wanted[name]), name


def test_the_given_data_is_never_changed():
    data = batched()
    before = {name: data[name].clone() for name in data.to_dict()}
    transform(data, SPEC, rotation([0, 0, 1]) @ permutation(size=5, seed=1))
    transform(data, SPEC, samples([1], of=3))
    cloned(data).pos.zero_()
    assert all(torch.equal(data[name], value) for name, value in before.items())


def test_fields_are_visited_with_the_axes_that_the_data_know():
    found = {path: law for path, _, law in leaves(batched(), SPEC, "data")}
    assert found["data['x']"] == eq.Invariant(nodes=0, batch=eq.Concatenated(0, (5, 5, 5)))
    assert found["data['edge_attr']"] == eq.Invariant(nodes=None, batch=eq.Concatenated(0, (10, 10, 10)), edges=0)
    assert found["data['charge']"] == eq.Invariant(nodes=None, batch=eq.Concatenated(0, (1, 1, 1)))
    assert found["data['ptr']"] == eq.SampleStarts((5, 5, 5))


def test_several_kinds_of_nodes_are_refused():
    data = HeteroData()
    data["atom"].x = normal(3, 4)
    with pytest.raises(ContractError, match=r"HeteroData.*expected data with one kind of nodes"):
        eq.check(lambda data: data["atom"].x, data, None, None)
