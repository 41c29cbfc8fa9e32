"""The symmetries of one network, shared among processes."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import equivariance as eq
from equivariance._engine.diagnosis.parallel import in_processes
from equivariance._engine.diagnosis.request import Request
from equivariance.errors import ArgumentError, ChoiceError, UndeclaredTensorError
from equivariance.progress import Unobserved
from equivariance.settings import Settings
from tests.architecture.sources import ROOT
from tests.equivariance.helpers.command_line import run
from tests.equivariance.helpers.planted import diagnosed


def nothing(words):
    pass


def test_results_come_back_with_their_numbers():
    works = [lambda told, n=n: (os.getpid(), n * n) for n in range(5)]
    found = dict(in_processes(works, 2, nothing))
    assert [found[n][1] for n in range(5)] == [0, 1, 4, 9, 16]
    assert len({pid for pid, _ in found.values()} | {os.getpid()}) == 6


def test_progress_is_told():
    heard = []
    list(in_processes([lambda told: told("half"), lambda told: told("whole")], 2, heard.append))
    assert sorted(heard) == ["half", "whole"]


@pytest.mark.parametrize(
    "error", [ArgumentError("a", 1, "b"), ChoiceError("a", 1, ["b"]), UndeclaredTensorError("x", (3,)), KeyError("k")]
)
def test_an_error_is_raised_as_it_was(error):
    def broken(told):
        raise error

    with pytest.raises(type(error)) as caught:
        list(in_processes([broken], 2, nothing))
    assert str(caught.value) == str(error)
    assert vars(caught.value) == vars(error)


def test_an_error_that_cannot_be_sent_is_told_in_words():
    class Local(Exception):
        pass

    def broken(told):
        raise Local("of its own")

    with pytest.raises(RuntimeError, match="Local: of its own"):
        list(in_processes([broken], 2, nothing))


def test_a_process_that_is_killed_is_an_error():
    with pytest.raises(RuntimeError, match="a process of the examination ended with code -9"):
        list(in_processes([lambda told: os.kill(os.getpid(), 9)], 2, nothing))


def test_the_others_are_ended_with_the_first_error(tmp_path):
    def slow(told):
        time.sleep(60)
        (tmp_path / "done").touch()

    def broken(told):
        raise ValueError("at once")

    start = time.monotonic()
    with pytest.raises(ValueError, match="at once"):
        list(in_processes([slow, broken], 2, nothing))
    assert time.monotonic() - start < 30
    assert not (tmp_path / "done").exists()


@pytest.mark.parametrize("jobs", [0, -1, 1.5, True, "2"])
def test_jobs_are_a_number_of_processes(jobs):
    with pytest.raises(ArgumentError, match=r"jobs=.*expected a whole number of processes, 1 or more"):
        eq.diagnose(torch.nn.Linear(3, 3), torch.randn(4, 3), "1o", "1o", jobs=jobs)


def test_a_system_that_cannot_copy_a_process_is_told_so(monkeypatch):
    monkeypatch.setattr("multiprocessing.get_all_start_methods", lambda: ["spawn"])
    with pytest.raises(ArgumentError, match=r"jobs=2: expected 1 where the system cannot copy a process"):
        eq.diagnose(torch.nn.Linear(3, 3), torch.randn(4, 3), "1o", "1o", jobs=2)


def test_cuda_cannot_be_shared(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_initialized", lambda: True)
    with pytest.raises(ArgumentError, match=r"jobs=2: expected 1 once CUDA is in use"):
        eq.diagnose(torch.nn.Linear(3, 3), torch.randn(4, 3), "1o", "1o", jobs=2)


@pytest.mark.slow
@pytest.mark.parametrize("memory", [4.0, 0.0])
@pytest.mark.parametrize("name", ["schnet-sound", "painn-sound", "dgl-sound", "egnn-running-sum@2", "tfn-sound"])
def test_the_report_is_that_of_one_process(name, memory):
    one, several = (diagnosed(name, jobs=jobs, memory=memory) for jobs in (1, 3))
    assert several.symmetries == one.symmetries
    assert [r.layer for r in several.layers] == [r.layer for r in one.layers]
    told = [
        [(f.layer, f.symmetry, f.cause, f.located, f.location, str(f.counterexample), f.fix) for f in r.findings]
        for r in (one, several)
    ]
    assert told[0] == told[1]


class Forces(torch.nn.Module):
    """Differentiates its own energy, after the caller's process has done so too."""

    def forward(self, x):
        x = x.detach().requires_grad_()
        energy = torch.exp(-torch.cdist(x, x).square()).sum() + (x[:, 0] ** 4).sum()
        return torch.autograd.grad(energy, x)[0]


@pytest.mark.slow
def test_backward_passes_work_in_processes():
    x = torch.randn(6, 3, dtype=torch.float64)
    report = eq.diagnose(Forces(), x, "cartesian_points", "1o", jobs=2)
    assert {symmetry for f in report.findings for symmetry in f.symmetries} == {"translation", "rotation"}


@pytest.mark.slow
def test_the_command_line_shares_too(capsys):
    code, out, err = run(capsys, "broken", "--jobs", "2")
    alone = run(capsys, "broken")
    assert (code, err) == (alone[0], alone[2])
    assert out.splitlines()[:12] == alone[1].splitlines()[:12]


class Impatient(Unobserved):
    """Interrupts at the first sample."""

    def sampled(self, symmetry, done, total, off):
        raise KeyboardInterrupt


def test_an_interruption_ends_all_processes():
    settings = Settings(jobs=2, observer=Impatient())
    resolved = Request(torch.nn.Tanh(), torch.randn(4, 3), "1o", "1o", None, "e3", {}, settings).resolve()
    with pytest.raises(KeyboardInterrupt):
        resolved.examine()
    assert multiprocessing.active_children() == []


ENDLESS = """
import os, pathlib, sys, time
from equivariance._engine.diagnosis.parallel import in_processes

def endless(told):
    pathlib.Path(sys.argv[1], str(os.getpid())).touch()
    while True:
        sum(range(1000))

list(in_processes([endless, endless], 2, print))
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_the_processes_end_with_their_parent(tmp_path, how):
    parent = subprocess.Popen([sys.executable, "-c", ENDLESS, str(tmp_path)], cwd=ROOT)
    while len(children := list(tmp_path.iterdir())) < 2:
        assert parent.poll() is None
        time.sleep(0.05)
    parent.send_signal(how)
    parent.wait()
    # They would run for ever: this ends only if they do.
    while any(is_running(int(child.name)) for child in children):
        time.sleep(0.05)


def is_running(process):
    """True if a process of this number runs; a process that waits for its new parent to look at it has ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
