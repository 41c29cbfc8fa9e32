"""The symmetry "lattice": atoms moved by lattice vectors, and doubled cells."""

import inspect

import pytest
import torch

import equivariance as eq
from tests.equivariance.helpers import crystals
from tests.equivariance.helpers.crystals import CUTOFF, graph, joined, stacked, structure


def diagnosed(network, args, **options):
    torch.manual_seed(1)
    return eq.diagnose(network(), args, **options)


def lattice_of(report):
    return next((v for v in report.verdicts if v.symmetry == "lattice"), None)


def in_space(args):
    return (*args[:5], args[5].to(args[1]) @ args[2])


def line_at_fault(network):
    lines, start = inspect.getsourcelines(network.forward)
    return start + next(i for i, line in enumerate(lines) if "the statement at fault" in line)


TWO_AXES = structure(pbc=(True, True, False))


@pytest.mark.parametrize(
    ("network", "args", "law"),
    [
        (crystals.NearestImage, structure(), "output doubles"),
        (crystals.NearestImage, TWO_AXES, "output doubles"),
        (crystals.MeanOfNearest, structure(), "output stays"),
        (crystals.BySines, structure(), "output doubles"),
        (crystals.Shifted, graph(), "output['energy'] doubles, output['rows'] repeats"),
        (crystals.Shifted, graph(pbc=(True, False, True)), "output['energy'] doubles, output['rows'] repeats"),
        (crystals.ShiftedInSpace, in_space(graph()), "output repeats"),
        (crystals.Joined, joined(), "output doubles"),
        (crystals.Stacked, stacked(), "output doubles"),
        (crystals.Moved, structure(), "output['pos'] repeats, output['forces'] repeats, output['stress'] stays"),
    ],
)
def test_a_sound_network_holds_and_the_law_of_a_doubled_cell_is_told(network, args, law):
    report = diagnosed(network, args)
    verdict = lattice_of(report)
    assert report.ok, report
    assert verdict.verdict == "holds"
    assert verdict.remarks == (f"with a doubled cell, {law}",)
    assert "lists lattice vectors as rows" in verdict.words


def test_the_sign_of_shifts_is_read_off():
    args = graph()
    assert diagnosed(crystals.ShiftedBackwards, (*args[:5], -args[5])).ok
    for network, shifts in ((crystals.ShiftedBackwards, args[5]), (crystals.Shifted, -args[5])):
        assert lattice_of(diagnosed(network, (*args[:5], shifts))).verdict == "broken"


@pytest.mark.parametrize(
    ("network", "args"),
    [
        (crystals.Raw, structure()),
        (crystals.Raw, TWO_AXES),
        (crystals.OneAxisLess, structure()),
        (crystals.AllOrNothing, TWO_AXES),
        (crystals.ForgottenShifts, graph()),
    ],
)
def test_a_broken_network_is_located_at_the_statement(network, args):
    report = diagnosed(network, args)
    found = report.findings[0]
    assert (lattice_of(report).verdict, found.symmetry, found.cause) == ("broken", "lattice", "periodic-image"), report
    assert (found.located, found.location.line) == ("confirmed", line_at_fault(network)), report
    assert "lattice_move(" in repr(found.counterexample)
    assert [v.symmetry for v in report.verdicts if v.verdict == "broken"] == ["lattice"]


@pytest.mark.parametrize(
    ("network", "args"), [(crystals.JoinedInFirstCell, joined()), (crystals.StackedRaw, stacked())]
)
def test_a_batch_of_cells_is_followed(network, args):
    assert lattice_of(diagnosed(network, args)).verdict == "broken"


def test_the_lattice_vectors_that_are_left_out_are_named():
    found = diagnosed(crystals.OneAxisLess, structure(), group="lattice").findings[0]
    assert "moves along lattice vector 2 change it, and moves along 0 and 1 do not" in found.evidence


def test_positions_that_are_wrapped_into_the_cell_do_not_follow_their_atoms():
    report = diagnosed(crystals.InTheCell, structure(), group="lattice")
    assert [f.part for f in report.findings] == ["output['pos']"]
    assert diagnosed(crystals.Moved, structure(), group="lattice").ok


def test_a_network_that_reads_the_choice_of_the_cell_fails_for_a_doubled_cell_only():
    report = diagnosed(crystals.Fourier, structure())
    (found,) = report.findings
    assert repr(found.counterexample).startswith("supercell(")
    assert "neither doubles nor stays" in found.evidence
    assert found.mechanism == "supercell"
    assert "LatticeMoves(supercells=False)" in found.fix
    assert diagnosed(crystals.Fourier, structure(), group=eq.groups.LatticeMoves(supercells=False)).ok
    assert not diagnosed(crystals.Fourier, structure(), group=eq.groups.supercell(1)).ok


def test_a_counterexample_is_replayed():
    report = diagnosed(crystals.Raw, structure(), group="lattice")
    names = {name: getattr(eq.groups, name) for name in eq.groups.__all__}
    element = eval(repr(report.findings[0].counterexample), names)
    again = diagnosed(crystals.Raw, structure(), group=element)
    assert [f.symmetry for f in again.findings] == ["lattice"]
    with pytest.raises(eq.ArgumentError, match="expected a move of 6 nodes, as the input has"):
        diagnosed(crystals.Raw, structure(6), group=element)


class TestWhereItApplies:
    def without_pbc(self):
        torch.manual_seed(0)
        network = crystals.NearestImage()
        return lambda z, pos, cell: network(z, pos, cell, torch.ones(3))

    def test_without_periodic_axes_a_cell_by_name_alone_is_not_tested(self):
        report = eq.check(self.without_pbc(), structure()[:3])
        assert lattice_of(report) is None

    def test_if_it_is_named_the_assumption_is_told(self):
        report = eq.check(self.without_pbc(), structure()[:3], group="lattice")
        assert "cell [3, 3] is periodic along all axes" in lattice_of(report).words

    def test_declared_lattice_vectors_are_a_claim(self):
        declared = (None, "cartesian_points", eq.LatticeVectors())
        report = eq.check(self.without_pbc(), structure()[:3], declared, None)
        assert (lattice_of(report).words, lattice_of(report).basis) == ("holds", "declared")

    @pytest.mark.parametrize("pbc", [(True, True, False), True, [False, True, True]])
    def test_periodic_axes_may_be_values_of_python(self, pbc):
        torch.manual_seed(0)
        network = crystals.NearestImage()

        def energy(z, pos, cell, pbc):
            return network(z, pos, cell, torch.tensor(pbc).expand(3))

        assert lattice_of(eq.check(energy, (*structure()[:3], pbc))).verdict == "holds"

    def test_without_a_periodic_axis_it_is_mentioned_only_if_it_is_named(self):
        args = structure(pbc=(False,) * 3)
        assert lattice_of(diagnosed(crystals.Raw, args)) is None
        with pytest.raises(eq.ArgumentError, match="no lattice vector is periodic"):
            diagnosed(crystals.Raw, args, group="lattice")

    def test_without_a_cell_the_name_stands_for_exact_motions(self):
        report = eq.check(lambda pos: torch.cdist(pos, pos).sum(), (structure()[1],), group="lattice")
        assert report.symmetries == ("translation", "rotation")
        with pytest.raises(eq.ArgumentError, match="an argument named cell"):
            eq.check(lambda pos: pos.norm(), (structure()[1],), group=eq.groups.LatticeMoves())


class TestNotTested:
    def test_shifts_that_say_nothing_about_their_sign(self):
        args = graph()
        report = diagnosed(crystals.Shifted, (*args[:5], 0 * args[5]))
        assert "shifts do not tell from which end of an edge they count" in lattice_of(report).reason
        assert {v.verdict for v in report.verdicts if v.symmetry in ("rotation", "permutation")} == {"holds"}

    def test_shifts_that_are_no_whole_numbers(self):
        args = graph()
        report = diagnosed(crystals.Shifted, (*args[:5], 0.4 * args[5]), group=["lattice", "permutation"])
        assert lattice_of(report).reason == "the rows of shifts are no whole numbers of lattice vectors"

    def test_a_doubled_cell_if_an_input_is_unknown(self):
        torch.manual_seed(0)
        network = crystals.NearestImage()

        def energy(z, pos, cell, pbc, natoms):
            return network(z, pos, cell, pbc) / natoms.sum()

        args = (*structure(), torch.tensor([10]))
        (remark,) = lattice_of(eq.check(energy, args)).remarks
        assert remark.startswith(
            "a doubled cell is not tested: it is not known what a doubled cell makes of natoms [1]"
        )
        declared = {"natoms": eq.Invariant(nodes=None, batch=None, extensive=True)}
        laws = {"z": None, "pos": "cartesian_points", "cell": eq.LatticeVectors(), "pbc": eq.Invariant(nodes=None)}
        known = lattice_of(eq.check(energy, args, laws | declared, eq.Invariant(nodes=None)))
        assert known.remarks == ("with a doubled cell, output stays",)


def test_edges_without_shifts_lead_to_nearest_images():
    args = graph()
    torch.manual_seed(0)
    network = crystals.Network()

    def rows(z, pos, cell, pbc, edge_index):
        apart = pos[edge_index[1]] - pos[edge_index[0]]
        apart = apart - (apart @ torch.linalg.inv(cell)).round() @ cell
        return network.of_edges(z, edge_index, apart)

    assert CUTOFF < 4.6 / 2
    assert lattice_of(eq.check(rows, args[:5])).remarks == ("with a doubled cell, output repeats",)
