"""The planted defects are broken, and only there; the sound modules are sound: by a check that knows no harness."""

import pytest
import torch

from benchmarks.defects.case import Planting
from benchmarks.defects.catalogue import CASES, FOLDER, STYLES, runnable, statements
from benchmarks.defects.direct import SYMMETRIES, error
from benchmarks.defects.run import tasks
from equivariance import CAUSES

# torch_geometric scripts functions when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
DEFECTS = [case for case in CASES if case.truth]
SOUND = [case for case in CASES if not case.truth]
ROUNDING, BROKEN = 1e-11, 1e-10


def names(cases):
    return [case.name for case in cases]


def claimed(case):
    return [symmetry for group in case.groups for symmetry in SYMMETRIES[group]]


def built(case, seed=0):
    if not runnable(case):
        pytest.skip(f"{case.name} needs {case.requires}")
    return case.example(seed, torch.float64)


def test_there_are_enough_of_each():
    assert len({case.truth.marker for case in DEFECTS}) >= 60
    assert len(SOUND) >= 60
    own = [case for case in SOUND if not case.name.endswith("-sound")]
    assert len(own) >= 30
    assert len({case.name for case in CASES}) == len(CASES)


def test_each_defect_is_planted_at_two_depths_or_more():
    depths = {}
    for case in DEFECTS:
        depths.setdefault(case.truth.marker, set()).add(case.truth.layers)
    assert not {marker: layers for marker, layers in depths.items() if len(layers) < 2}


@pytest.mark.slow
@pytest.mark.parametrize("case", DEFECTS, ids=names(DEFECTS))
def test_a_defect_breaks_what_it_says_and_nothing_else(case):
    example = built(case)
    errors = {symmetry: error(example.module, example, symmetry) for symmetry in claimed(case)}
    assert {symmetry for symmetry, size in errors.items() if size > BROKEN} == set(case.truth.symmetries)
    assert all(size < ROUNDING for symmetry, size in errors.items() if symmetry not in case.truth.symmetries)


@pytest.mark.slow
@pytest.mark.parametrize("case", SOUND, ids=names(SOUND))
def test_a_sound_module_is_sound(case):
    for seed in (0, 1):
        example = built(case, seed)
        assert {s: e for s in claimed(case) if not (e := error(example.module, example, s, seed)) < ROUNDING} == {}


@pytest.mark.slow
@pytest.mark.parametrize("case", DEFECTS, ids=names(DEFECTS))
def test_the_truth_is_complete(case):
    example = built(case)
    layers = dict(example.module.named_modules())
    assert set(case.truth.layers) <= set(layers)
    assert set(example.contracts) <= set(layers)
    assert set(case.truth.causes) <= set(CAUSES)
    assert statements()[case.truth.marker]


def switched_off(module):
    for layer in module.modules():
        if "defect" in vars(layer):
            layer.defect = ""


@pytest.mark.slow
@pytest.mark.parametrize("case", [c for c in DEFECTS if c.style != "torch_geometric"], ids=lambda c: c.name)
def test_the_same_network_is_sound_once_the_marked_line_is_not_run(case):
    """With the same weights: switches are read when the line is reached, but for the parameters of two defects."""
    example = built(case)
    switched_off(example.module)
    for name, parameter in example.module.named_parameters():
        if case.truth.marker == "painn-mixing-bias" and name.endswith("right.bias"):
            parameter.data.zero_()
    if case.truth.marker == "tfn-odd-path":
        for layer in example.module.layers:
            layer.couplings[10:] = 0
    assert {s: e for s in claimed(case) if not (e := error(example.module, example, s)) < ROUNDING} == {}


def test_every_mark_is_of_a_defect_and_stands_on_code():
    assert set(statements()) == {case.truth.marker for case in DEFECTS}
    for marker, lines in statements().items():
        for name, number in lines:
            line = (FOLDER / "styles" / name).read_text().splitlines()[number - 1]
            assert line.strip(), marker


def test_threads_are_named_as_repository_and_number():
    plantings = [p for style in STYLES for p in style.PLANTINGS if p.origin]
    assert len(plantings) > 25
    assert all(isinstance(p, Planting) and p.origin.count("/") == 1 and p.origin.partition("#")[2].isdigit()
               for p in plantings)  # fmt: skip


def test_each_seed_plants_every_defect_at_one_depth_and_the_seeds_take_turns():
    seeds = [[t.case for t in tasks(CASES, ["float64"], range(2), ["bare"]) if t.seed == seed] for seed in (0, 1)]
    sound = {case.name for case in CASES if not case.truth}
    assert set(seeds[0]) & set(seeds[1]) == {name for name in sound if name in seeds[0]}
    for names in seeds:
        planted = [name.partition("@")[0] for name in names if name not in sound]
        assert sorted(planted) == sorted({case.truth.marker for case in CASES if case.truth and runnable(case)})
