"""The benchmark of speed: its page from made-up figures, its pictures, what it keeps, and what it says is missing."""

import json
from dataclasses import replace

import pytest
import torch

from benchmarks import made
from benchmarks.charts import Panel, draw
from benchmarks.speed import peers, plan, worker
from benchmarks.speed.case import Case, Runnable, cloud
from benchmarks.speed.equivariant import Row
from benchmarks.speed.floor import Machine, forward_floor, network_floor
from benchmarks.speed.page import Conditions, page
from benchmarks.speed.subjects import SUBJECTS

MACHINE = Machine(flops=1e11, bytes=1e10)
CONDITIONS = Conditions("python -m benchmarks.speed", "Python 3, 2 threads", MACHINE)
CASES = {case for cases in plan.PARTS.values() for case in cases}
FOREIGN = ("original", "nvidia", "lucidrains")


def figures(case):
    """In proportion to the points; what is not ours is ten times slower."""
    factor = 1 if case.subject in plan.OURS else 10
    return plan.Figures(forward=1e-4 * case.points * factor, step=2e-4 * case.points * factor, peak=100.0 * factor)


def written(found):
    return page(found, [Row("float32", 1e-7, 2e-7, "no finding")], CONDITIONS)


def test_every_case_names_a_subject():
    assert {case.subject for case in CASES} == set(SUBJECTS)


def test_the_page_has_every_case_and_the_ratios():
    text = written({case: figures(case) for case in CASES})
    assert "not measured" not in text
    assert text.count("| **the original over ours** | 10.0 times | 10.0 times | 10.0 times |") == 2
    assert "| **NVIDIA's over ours** | 10.0 times | 10.0 times | 10.0 times |" in text
    assert "| the original, as reported, over ours | 55.7 times | 73.7 times | 54.3 times |" in text
    assert "| float32 | 1.0e-07 | 2.0e-07 | no finding |" in text


def test_the_fit_over_points_is_that_of_the_figures():
    text = written({case: figures(case) for case in CASES})
    assert "forward ~ N^1.00, step ~ N^1.00" in text
    squared = {case: replace(figures(case), step=case.points**2.0) for case in CASES}
    assert "forward ~ N^1.00, step ~ N^2.00" in written(squared)


def test_the_layer_is_compared_with_its_floor():
    case = Case("layer")
    floor = sum(forward_floor(case, MACHINE))
    text = written({case: plan.Figures(2.5 * floor, 1.0, 1.0)})
    assert "The layer is at 2.5 times its floor" in text


def test_the_network_is_compared_with_its_floor_and_with_what_was_aimed_at():
    ours, original = Case("network", batch=3), Case("original", batch=3)
    floor = network_floor(ours, MACHINE)
    assert floor == pytest.approx(3 * (5 + 3 * 666 / 1024) * sum(forward_floor(Case("layer"), MACHINE)))
    text = written({ours: plan.Figures(2 * floor, 1.0, 1.0), original: plan.Figures(30 * floor, 1.0, 1.0)})
    assert f"is {1e3 * floor:.0f} ms for three clouds, which take\n{2e3 * floor:.0f} ms, neighbours" in text
    assert f"would be {5e2 * floor:.0f} ms,\n0.5 times this floor." in text


def test_the_page_says_what_to_install_for_the_peers(monkeypatch):
    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    for name in (peers.ORIGINAL_FOLDER, peers.NVIDIA_FOLDER):
        monkeypatch.delenv(name, raising=False)
    text = written({case: figures(case) for case in CASES if case.subject not in (*FOREIGN, "published")})
    assert "set SE3_TRANSFORMER_CV to the folder of a clone of MattiaFerraretto/SE3-Transformer-CV" in text
    assert "set SE3_TRANSFORMER to the folder env/SE3Transformer of a clone of RosettaCommons/RFdiffusion" in text
    assert "pip install --no-deps se3-transformer-pytorch" in text
    assert "pip install 'equivariance[dgl]'" in text
    assert "over ours**" not in text


@pytest.mark.parametrize("subject", ["original", "nvidia"])
def test_a_folder_without_the_network_is_missing(subject, monkeypatch, tmp_path):
    monkeypatch.setattr(peers, "find_spec", lambda name: True)
    variable, file, message = peers.FOLDERS[subject]
    monkeypatch.setenv(variable, str(tmp_path))
    assert peers.missing(Case(subject)) == message
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).touch()
    assert peers.missing(Case(subject)) == ""


@pytest.fixture
def measurements(monkeypatch):
    """The cases that were measured; nothing is."""
    found = []
    monkeypatch.setattr(plan, "digest", lambda: "sources")
    monkeypatch.setattr(plan, "PARTS", {"block": (Case("block"), Case("layer")), "layer": (Case("layer"),)})

    def measure(case, repeats, threads):
        found.append(case)
        return {"forward": float(len(found)), "step": 1.0, "peak": 1.0}

    monkeypatch.setattr(plan, "_measure", measure)
    return found


def test_cases_take_turns_and_are_measured_once(measurements, tmp_path):
    kept = tmp_path / "speed.jsonl"
    found = dict(plan.run(["block", "layer"], 3, 1, 1, kept))
    assert [case.subject for case in measurements] == 3 * ["block", "layer"]
    assert found[Case("layer")].forward == 4.0
    assert len(kept.read_text().splitlines()) == 6


def test_a_run_goes_on_where_it_was_stopped(measurements, tmp_path):
    kept = tmp_path / "speed.jsonl"
    whole = dict(plan.run(["block"], 3, 1, 1, kept))
    lines = kept.read_text().splitlines(keepends=True)
    kept.write_text("".join(lines[:-1]))
    measurements.clear()
    assert set(dict(plan.run(["block"], 3, 1, 1, kept))) == set(whole)
    assert measurements == [Case("layer")]


def test_figures_of_other_sources_are_not_used(measurements, tmp_path, monkeypatch):
    kept = tmp_path / "speed.jsonl"
    dict(plan.run(["layer"], 1, 1, 1, kept))
    monkeypatch.setattr(plan, "digest", lambda: "changed")
    dict(plan.run(["layer"], 1, 1, 1, kept))
    assert len(measurements) == 2


def test_a_peer_that_does_not_run_is_left_out(monkeypatch, tmp_path):
    monkeypatch.setattr(plan, "PARTS", {"layer": (Case("e3nn"),)})
    monkeypatch.setattr(plan, "_measure", lambda *_: {})
    assert dict(plan.run(["layer"], 2, 1, 1, tmp_path / "kept")) == {}
    assert "| e3nn's tensor products | not measured | | |" in written({Case("layer"): plan.Figures(1.0, 1.0, 1.0)})


def test_a_case_is_measured(monkeypatch):
    parameter = torch.nn.Parameter(torch.ones(3))
    monkeypatch.setitem(worker.SUBJECTS, "block", lambda case: Runnable(lambda: parameter * 2, torch.sum, [parameter]))
    found = json.loads(json.dumps(worker.measured(Case("block"), 2)))
    assert set(found) == {"forward", "step", "peak"}
    assert all(value > 0 for value in found.values())
    assert (parameter != 1).all()


def test_long_runs_are_repeated_less(monkeypatch):
    calls = []
    monkeypatch.setattr(worker, "ENOUGH", 1e-12)
    worker._median(lambda: calls.append(1), 5)
    assert len(calls) == 2


@pytest.mark.parametrize(("points", "batch"), [(64, 2), (1024, 6)])
def test_clouds_are_of_the_size_asked_for(points, batch):
    assert cloud(points, batch).shape == (batch, points, 3)


def test_a_picture_is_written(tmp_path):
    lines = {"forward": {256: 1.0, 1024: 100.0}}
    draw(
        tmp_path / "one.png", "points", [Panel("ms", lines, linear=True), Panel("MiB", {"peak": {256: 1.0, 512: 2.0}})]
    )
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")


def test_versions_are_told_and_what_is_absent():
    words = made.made_with(("torch", "no-such-package"), "1 thread")
    assert f"torch {torch.__version__}" in words
    assert "no no-such-package" in words
    assert words.endswith("1 thread")
