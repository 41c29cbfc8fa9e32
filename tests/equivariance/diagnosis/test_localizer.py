"""Which layer is blamed: exactly the broken one, for what its own code does."""

import math
from dataclasses import dataclass

import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance import Contract
from tests.equivariance.helpers.specimens import Applied, Mix, Scale, Stack, normal, relative

pytestmark = pytest.mark.numeric

VECTORS = normal(6, 4, 3)


def told(findings):
    return {(layer, symmetry, f.cause) for f in findings for layer in f.layers for symmetry in f.symmetries}


def diagnosed(*layers, group="so3", samples=4, **options):
    return eq.diagnose(Stack(*layers), VECTORS, "1x1o", "1x1o", group=group, samples=samples, **options)


def row_of(report, layer, symmetry="rotation", call=0):
    return next(r for r in report.layers if (r.layer, r.symmetry, r.call) == (layer, symmetry, call))


@pytest.mark.parametrize("broken", [0, 3, 9])
def test_one_broken_layer_of_many_is_blamed_alone(broken):
    layers = [Mix() if i == broken else Scale(seed=i) for i in range(10)]
    report = diagnosed(*layers)
    assert told(report.findings) == {(f"layers.{broken}", "rotation", "component-mixing")}
    for index in range(10):
        row = row_of(report, f"layers.{index}")
        assert (row.introduced > 1e-3) == (index == broken)
        assert (row.accumulated > 1e-3) == (index >= broken)
        assert (row.contributed > 1e-3) == (index == broken)
        assert row.verdict == ("structural" if index == broken else "clean")


def test_the_blamed_line_is_the_statement_at_fault():
    (finding,) = diagnosed(Scale(), Mix()).findings
    assert finding.located == "confirmed"
    assert finding.location.file.endswith("specimens.py")
    assert finding.location.source == "return x + self.size * x @ self.weight.to(x)"
    with open(finding.location.file) as file:
        assert finding.location.source in file.readlines()[finding.location.line - 1]


def test_a_break_deep_in_nested_modules_is_blamed_by_its_path():
    report = diagnosed(Scale(), Stack(Scale(), Stack(Mix(), Scale())), Scale())
    assert told(report.findings) == {("layers.1.layers.1.layers.0", "rotation", "component-mixing")}
    assert row_of(report, "layers.1.layers.1").introduced < 1e-12


def test_two_breaks_are_two_findings_with_their_own_contributions():
    small = Applied(lambda x: x + 1e-4 * x.roll(1, -1).abs())
    report = diagnosed(Scale(), small, Scale(), Mix(size=0.5))
    assert [f.layers for f in report.findings] == [("layers.3",), ("layers.1",)]
    first, second = report.findings
    assert first.contributed == pytest.approx(first.error, rel=0.5)
    assert 1e-6 < second.contributed < 1e-2


def test_layers_of_one_class_are_one_finding_with_the_largest_contribution_first():
    report = diagnosed(Scale(), Mix(size=1e-4), Scale(), Mix(size=0.5))
    (finding,) = report.findings
    assert finding.layers == ("layers.3", "layers.1")
    assert finding.contributed == pytest.approx(finding.error, rel=0.5)
    assert 1e-6 < row_of(report, "layers.1").contributed < 1e-2


def test_two_symmetries_are_two_findings():
    report = diagnosed(Mix(), Applied(lambda x: x + x.flip(0)), group=["so3", "permutation"])
    assert told(report.findings) == {
        ("layers.0", "rotation", "component-mixing"),
        ("layers.1", "permutation", "order-dependent"),
    }


class Positions(nn.Module):
    """Glue that hands its argument, positions or differences, to a layer of vectors."""

    def __init__(self, layer, before, after=lambda x: x):
        super().__init__()
        self.layer, self.before, self.after = layer, before, after

    def forward(self, positions):
        return self.after(self.layer(self.before(positions)))


def test_glue_that_hands_positions_on_as_a_feature_is_blamed():
    network = Positions(Scale(), lambda x: x.unsqueeze(0).expand(4, -1, -1).transpose(0, 1).contiguous())
    report = eq.diagnose(network, normal(6, 3), "cartesian_points", "1x1o", samples=4)
    assert told(report.findings) == {("", "translation", "absolute-position")}
    assert "hands to layer as x" in report.findings[0].part
    assert row_of(report, "layer", "translation").introduced < 1e-12
    assert row_of(report, "layer", "translation").accumulated > 0.1


def test_a_break_that_later_layers_cancel_is_a_note():
    report = eq.diagnose(
        Positions(Scale(6), lambda x: x, relative), normal(6, 3), "cartesian_points", "1x1o", group="se3", samples=4
    )
    sound = eq.diagnose(Positions(Scale(6), relative), normal(6, 3), "cartesian_points", "1x1o", group="se3", samples=4)
    assert sound.ok
    assert not sound.notes
    cancelling = Positions(Applied(lambda x: x * 2), lambda x: x, relative)
    report = eq.diagnose(cancelling, normal(6, 3), "cartesian_points", "1x1o", group="se3", samples=4)
    assert report.ok
    assert told(report.notes) == {("layer", "translation", "absolute-position")}
    assert report.notes[0].error > 0.1
    assert report.notes[0].contributed < 1e-12


class Twice(nn.Module):
    """Calls one layer twice; ``second`` acts on what the layer gets the second time."""

    irreps_in = irreps_out = "1x1o"

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(self.layer(x))


class BrokenLater(Scale):
    """Sound in its first call of a pass, broken in the second."""

    def forward(self, x):
        odd = x.shape[-2] == 4
        return super().forward(x)[..., :3, :] if odd else x * torch.tensor([1, 1, 2.0]).to(x)


def test_the_second_call_of_a_layer_is_told_from_the_first():
    report = eq.diagnose(Twice(BrokenLater()), VECTORS, "1x1o", "1x1o", group="so3", samples=4)
    assert told(report.findings) == {("layer", "rotation", "frame-dependent")}
    assert row_of(report, "layer", call=0).verdict == "clean"
    assert row_of(report, "layer", call=1).verdict == "structural"


def test_a_shared_layer_goes_by_its_first_name():
    shared = Mix()
    network = Stack(Scale(), shared, Scale(), shared)
    report = eq.diagnose(network, VECTORS, "1x1o", "1x1o", group="so3", samples=4)
    assert told(report.findings) == {("layers.1", "rotation", "component-mixing")}
    assert {(r.layer, r.call) for r in report.layers if r.layer == "layers.1"} == {("layers.1", 0), ("layers.1", 1)}
    assert eq.diagnose(network, VECTORS, "1x1o", "1x1o", group="so3", samples=2, layers="layers.3").findings


@dataclass(frozen=True)
class Features:
    vectors: torch.Tensor
    others: dict
    label: str = "features"


class Nested(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.register_buffer("factor", torch.tensor(factor))

    def forward(self, given):
        scalars = given.others["scalars"][0] * 2
        return Features(given.vectors * 3, {"scalars": [scalars], "pair": (given.vectors * self.factor, None, 7)})


SPEC = Features("1x1o", {"scalars": [None], "pair": ("1x1o", None, None)}, None)


@pytest.mark.parametrize(("factor", "ok"), [([1.0, 1.0, 1.0], True), ([1.0, 1.0, 2.0], False)])
def test_nested_dataclasses_dicts_and_lists_pass_between_layers(factor, ok):
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = Nested(factor), Nested([1.0, 1.0, 1.0])

        def forward(self, given):
            return self.second(self.first(given))

    given = Features(VECTORS, {"scalars": [normal(6)], "ignored": None})
    contracts = {"*": Contract({"given": SPEC}, SPEC)}
    report = eq.diagnose(Network(), given, SPEC, SPEC, group=["so3", "permutation"], contracts=contracts, samples=3)
    assert report.ok or not ok
    assert told(report.findings) | told(report.notes) == (set() if ok else {("first", "rotation", "frame-dependent")})
    if not ok:
        (found,) = [*report.findings, *report.notes]
        assert "['pair'][0]" in found.part


def test_contracts_by_glob_reach_layers_that_state_nothing():
    class Silent(nn.Module):
        def __init__(self, layer):
            super().__init__()
            self.inner = layer

        def forward(self, v):
            return self.inner.forward(v)

    contracts = {"layers.*": Contract({"v": "1x1o"}, "1x1o")}
    network = Stack(*(Silent(layer) for layer in (Scale(), Mix(), Scale())))
    for layer in network.layers:
        layer.inner.__class__ = type("Plain", (type(layer.inner),), {"irreps_in": None})
    report = eq.diagnose(
        network, VECTORS, "1x1o", "1x1o", group="so3", contracts={"layers.?": contracts["layers.*"]}, samples=4
    )
    assert told(report.findings) == {("layers.1", "rotation", "component-mixing")}


def test_code_without_a_contract_counts_as_its_callers():
    class Silent(nn.Module):
        def forward(self, x):
            return x * torch.tensor([1, 1, 2.0]).to(x)

    report = diagnosed(Scale(), Stack(Scale(), Silent()), Scale())
    assert told(report.findings) == {("layers.1", "rotation", "frame-dependent")}


def test_control_flow_that_reads_the_pose_is_found():
    class Branch(nn.Module):
        irreps_in = irreps_out = "1x1o"

        def __init__(self):
            super().__init__()
            self.one, self.other = Scale(seed=1), Scale(seed=2)

        def forward(self, x):
            return self.one(x) if x[0, 0, 0] > 0 else self.other(x)

    report = diagnosed(Scale(), Branch(), Scale(), samples=8)
    assert {(layer, symmetry) for f in report.findings for layer in f.layers for symmetry in f.symmetries} == {
        ("layers.1", "rotation")
    }


def test_a_number_of_calls_that_depends_on_the_pose_is_found():
    class Loop(nn.Module):
        irreps_in = irreps_out = "1x1o"

        def __init__(self):
            super().__init__()
            self.step = Scale()

        def forward(self, x):
            for _ in range(1 + int(x[0, 0, 0] > 0)):
                x = self.step(x)
            return x

    report = diagnosed(Loop(), samples=8)
    assert {(layer, symmetry) for f in report.findings for layer in f.layers for symmetry in f.symmetries} == {
        ("layers.0", "rotation")
    }


def test_an_output_whose_shape_depends_on_the_pose_is_found():
    report = eq.check(lambda x: x[x[:, 2] > 0], normal(9, 3), "1x1o", "1x1o", group="so3", samples=4)
    assert [f.symmetry for f in report.findings] == ["rotation"]
    assert math.isinf(report.findings[0].error)
    assert "shape" in report.findings[0].evidence


@pytest.mark.slow
def test_only_the_layers_asked_for_are_reported():
    report = diagnosed(Scale(), Mix(), Mix(seed=1), layers="layers.2")
    assert {layer for f in report.findings for layer in f.layers} == {"layers.2"}
    assert {r.layer for r in report.layers} == {"layers.2"}
    assert {f.layer for f in diagnosed(Scale(), Mix(), layers="mix").findings} == {"layers.1"}
    assert diagnosed(Scale(), Mix(), layers="layers.0").ok


@pytest.mark.parametrize("seed", range(5))
def test_sound_networks_give_no_finding_whatever_the_seed(seed):
    torch.manual_seed(seed)
    layers = [Scale(seed=seed), Applied(lambda x: x / (1 + x.norm(dim=-1, keepdim=True))), Scale(seed=seed + 9)]
    groups = ["e3", "permutation", "batch"]
    report = eq.diagnose(Stack(*layers), normal(6, 4, 3, seed=seed), "1x1o", "1x1o", group=groups, samples=6, seed=seed)
    assert report.ok, report
    assert not report.notes, report


@pytest.mark.slow
def test_everything_is_the_same_for_the_same_seed():
    first, second = (str(diagnosed(Scale(), Mix(), group=["e3", "permutation", "batch"])) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("place", [0, 4])
def test_a_break_in_one_of_two_blocks_of_an_irrep_is_found(place):
    class Swapped(nn.Module):
        def forward(self, x):
            x = x.clone()
            x[:, place] += x[:, 1]
            return x

    (finding,) = eq.diagnose(Swapped(), normal(5, 5), "1x0e+1x1o+1x0e", "1x0e+1x1o+1x0e", group="so3").findings
    assert finding.symmetry == "rotation"
    assert f"1x0e at {place}:{place + 1}" in finding.part


@pytest.mark.parametrize("broken", [False, True])
def test_an_argument_may_be_called_output(broken):
    class Layer(nn.Module):
        def __init__(self, clips):
            super().__init__()
            self.clips = clips

        def forward(self, output):
            return output.relu() if self.clips else output.norm(dim=-1, keepdim=True) * output

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = Layer(False), Layer(broken)

        def forward(self, output):
            return self.second(self.first(output))

    report = eq.diagnose(Network(), normal(5, 3), "1x1o", "1x1o", group="so3")
    assert [(f.layer, f.cause) for f in report.findings] == [("second", "component-mixing")] * broken
    assert not report.notes
    assert all(row.introduced < 1e-13 for row in report.layers if row.layer != "second" or not broken)
    if broken:
        assert report.findings[0].location.source.startswith("return output.relu()")


def test_layers_that_need_views_are_followed():
    """A replaced value has the memory layout of the value that it replaces."""

    class Rows(nn.Module):
        def forward(self, v):
            return v.view(v.shape[0], -1).view(v.shape) * 2

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.rows, self.again = Rows(), Rows()

        def forward(self, v):
            return self.again(self.rows(v))

    law = eq.CartesianTensor(axes=(1,))
    report = eq.diagnose(Network(), normal(5, 3, 4), law, law)
    assert report.ok
    assert [row.layer for row in report.layers if row.symmetry == "rotation"] == ["", "rows", "again"]
