"""Planted defects on grids are found with their statement, and sound networks are left alone."""

import pytest
import torch
from torch import nn

import equivariance as eq
from benchmarks.grid.layers import ImageNet, SymmetricConv2d
from benchmarks.grid.scenes import INPUT, PLANTED, Net, contracts, diagnosed, hidden, planted_line, smooth
from equivariance import Contract, Grid

pytestmark = pytest.mark.numeric


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_defect_is_found_on_the_lattice(name):
    check_findings(name, diagnosed(name, "lattice"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["EvenStride", "WrongGate", "Coordinates"])
def test_it_is_found_where_no_layer_is_declared(name):
    check_findings(name, diagnosed(name, "lattice", declared=False))


def check_findings(name, report):
    symmetry, cause, words = PLANTED[name]
    assert [(f.layer, f.symmetry, f.located) for f in report.findings] == [("middle", symmetry, "confirmed")], report
    (finding,) = report.findings
    assert finding.location.line == planted_line(name)
    assert finding.cause == cause
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(finding.evidence)


@pytest.mark.slow
def test_what_the_lattice_respects_is_found_between_its_cells():
    assert diagnosed("BentOddly", "lattice").ok
    (finding,) = diagnosed("BentOddly", "so3").findings
    assert (finding.layer, finding.cause, finding.location.line) == (
        "middle", "component-mixing", planted_line("BentOddly")
    )  # fmt: skip
    assert "all elements of the lattice are respected" in finding.evidence


@pytest.mark.slow
def test_a_sound_network_is_at_the_floor_of_its_grids():
    torch.manual_seed(0)
    net = Net(nn.Identity()).eval()
    known = contracts(net, 1.0) | {"middle": Contract({"input": hidden()}, hidden())}
    report = eq.diagnose(net, smooth(2, 12, 12, 12), INPUT, hidden(), group="se3", contracts=known, samples=4)
    assert report.ok, report
    assert {row.verdict for row in report.layers} == {"clean", "grid"}
    assert "the grid leaves 6.0% open" in "\n".join(report.assumptions)


@pytest.mark.slow
def test_a_rough_example_is_tested_on_the_lattice_alone():
    torch.manual_seed(0)
    net = Net(nn.Identity()).eval()
    noise = torch.randn(2, 1, 8, 8, 8)
    report = eq.diagnose(net, noise, INPUT, hidden(), group="se3", samples=4)
    assert report.ok, report
    assert max(row.accumulated for row in report.layers) < 1e-12
    assert "and no others; smooth the example for those" in "\n".join(report.assumptions)


class TestImages:
    IMAGE = Grid(irreps="3x0e", axes=(2, 3), periodic=True)

    def image(self):
        return smooth(6, 16, 16).reshape(2, 3, 16, 16)

    def test_an_ordinary_cnn_respects_shifts_and_not_quarter_turns(self):
        torch.manual_seed(0)
        convs = [nn.Conv2d(i, o, 3, padding=1, padding_mode="circular") for i, o in ((3, 8), (8, 4))]
        report = eq.diagnose(ImageNet(*convs), self.image(), self.IMAGE, None, group="lattice", samples=4)
        assert {
            (layer, symmetry, f.cause) for f in report.findings for layer in f.layers for symmetry in f.symmetries
        } >= {("first", "rotation", "frame-dependent")}
        assert not [f for f in report.findings if "translation" in f.symmetries]

    def test_symmetric_kernels_respect_the_square_and_its_mirrors(self):
        torch.manual_seed(0)
        net = ImageNet(SymmetricConv2d(3, 8), SymmetricConv2d(8, 4))
        report = eq.diagnose(net, self.image(), self.IMAGE, None, group=["lattice", "inversion"], samples=4)
        assert report.ok, report
        assert report.symmetries == ("translation", "rotation", "inversion")

    def test_a_kernel_that_is_not_quite_symmetric_is_found(self):
        torch.manual_seed(0)
        net = ImageNet(SymmetricConv2d(3, 8), SymmetricConv2d(8, 4, rotations=1))
        report = eq.diagnose(net, self.image(), self.IMAGE, None, group="lattice", samples=4)
        assert {(layer, f.cause, f.location.line) for f in report.findings for layer in f.layers} == {
            ("second", "frame-dependent", planted_line("SymmetricConv2d"))
        }

    def test_a_gradient_is_a_field_of_vectors(self):
        def gradient(image):
            steps = [(image.roll(-1, axis) - image.roll(1, axis)) / 2 for axis in (2, 3)]
            return torch.cat(steps, dim=1)

        one = self.image()[:, :1]
        scalar, vector = Grid(irreps="0e", axes=(2, 3), periodic=True), Grid(irreps="1", axes=(2, 3), periodic=True)
        assert eq.check(gradient, one, scalar, vector, group="e3").ok
        swapped = eq.check(lambda x: gradient(x).flip(1), one, scalar, vector, group="lattice")
        assert {symmetry for f in swapped.findings for symmetry in f.symmetries} == {"rotation"}
        unturned = eq.check(lambda x: torch.cat([x, x], 1), one, scalar, vector, group="lattice")
        assert {f.cause for f in unturned.findings} == {"wrong-irrep"}
