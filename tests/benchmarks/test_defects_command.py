"""The command of the benchmark of planted defects: wrong input, and a run that goes on after a kill."""

import json
import subprocess
import sys

import pytest

from benchmarks.defects.run import run
from benchmarks.defects.score import Task


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "arguments", "words"),
    [
        ("benchmarks.defects", ["--seeds", "0"], "--seeds: '0': expected a whole number of at least 1"),
        ("benchmarks.defects", ["--jobs", "none"], "--jobs: 'none': expected a whole number of at least 1"),
        ("benchmarks.defects", ["--only", "zzz"], "only='zzz': expected a pattern that cases match"),
        ("benchmarks.defects", ["--output", "/no/such/page.md"], "in an existing directory"),
        ("benchmarks.defects", ["--keep", "/no/such/kept"], "in an existing directory"),
        ("nightly_tests", ["nosuch"], "names=['nosuch']: expected parts of egnn-pytorch"),
    ],
)
def test_wrong_input_is_one_error_before_anything_runs(module, arguments, words):
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_run_goes_on_after_a_kill_that_cut_its_last_line(tmp_path):
    kept = tmp_path / "kept.jsonl"
    tasks = [Task("polar-angles-and-back", "float64", seed, "bare") for seed in (0, 1)]
    first = list(run(tasks, 1, kept))
    kept.write_text(kept.read_text()[:-20])
    again = list(run(tasks, 1, kept))
    assert {found.task for found in again} == {found.task for found in first} == set(tasks)
    assert len([json.loads(line) for line in kept.read_text().splitlines()]) == 2
