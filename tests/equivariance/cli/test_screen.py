"""The command line at work: progress, quiet, and Ctrl-C at any moment."""

import os
import pty
import signal
import subprocess
import sys

import pytest

from tests.equivariance.helpers import subjects
from tests.equivariance.helpers.command_line import QUICK, as_json, run

SUBJECT = f"--subject={subjects.MODULE}:"

# Interruption


@pytest.fixture(autouse=True)
def heeds_interrupts():
    """Processes that a shell starts in the background ignore Ctrl-C, and hand that on."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def calls(capsys, monkeypatch):
    """Number of calls of the interruptible layer in a whole examination."""
    monkeypatch.setattr(subjects, "CALLS_LEFT", [1_000_000])
    run(capsys, "impatient")
    return 1_000_000 - subjects.CALLS_LEFT[0]


def interrupted(capsys, monkeypatch, calls, *options):
    monkeypatch.setattr(subjects, "CALLS_LEFT", [calls])
    code, out, err = run(capsys, "impatient", *options)
    assert subjects.CALLS_LEFT[0] <= 0, "the examination ended before it was interrupted"
    assert code == 130
    assert "Traceback" not in err
    return out, err


@pytest.mark.slow
def test_an_interruption_reports_what_is_known_so_far(capsys, monkeypatch, calls):
    seen, told = [], set()
    for moment in range(1, calls + 1):
        out, err = interrupted(capsys, monkeypatch, moment)
        if "known so far:" in err:
            left = err.partition("not tested of impatient: ")[2].partition(";")[0].split(", ")
            assert f"interrupted: not tested: {', '.join(left)}" in " ".join(out.split())
            seen.append((tuple(left), "component-mixing (component-matrix) in layers.1" in out))
        else:
            assert (out, len(err.splitlines())) == ("", 1)
            assert err.endswith(f"nothing {'else ' if 'elements of' in err else ''}is known yet\n")
        told.update(part for part in err.split("; ") if "elements of" in part)
    assert (("rotation", "inversion", "permutation", "batch"), False) in seen
    assert (("permutation", "batch"), True) in seen
    assert "1 of 2 elements of inversion: the output holds" in told
    assert any(part.startswith("1 of 2 elements of rotation: the output is off by ") for part in told)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["text", "json", "html", "sarif"])
def test_an_interruption_writes_no_file_and_keeps_an_old_one(capsys, monkeypatch, tmp_path, calls, form):
    (tmp_path / "old").write_text("kept")
    for name in ("old", "new"):
        out, err = interrupted(capsys, monkeypatch, calls, "--format", form, "--output", tmp_path / name)
        assert out == ""
        assert f"{tmp_path / name} was not written" in err.splitlines()[0]
    assert [p.name for p in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_text() == "kept"


@pytest.mark.slow
def test_an_interruption_spoils_no_pipe(capsys, monkeypatch, calls):
    out, err = interrupted(capsys, monkeypatch, calls, "--format", "json")
    assert out == ""
    assert "known so far:" in err
    assert "impatient: 1 finding; tested: rotation" in err


def test_an_interruption_while_writing_leaves_nothing(capsys, monkeypatch, tmp_path):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", interrupt)
    code, out, err = run(capsys, "sound", "--output", tmp_path / "report")
    assert (code, out) == (130, "")
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_while_the_subject_loads_is_one_line(capsys, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(subjects, "sound", interrupt)
    code, out, err = run(capsys, "sound")
    assert (code, out, len(err.splitlines())) == (130, "", 1)


# The screen


def on_a_terminal(*options):
    """Returns the text that a person sees on standard error, and the exit code."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "equivariance.diagnose", *QUICK, *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    seen = b""
    while True:
        try:
            seen += os.read(ours, 1024)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    return seen.decode(), process.wait()


@pytest.mark.slow
def test_a_terminal_sees_progress_unless_quiet():
    seen, code = on_a_terminal(SUBJECT + "broken")
    assert code == 1
    assert "broken" in seen
    assert "inversion 2/2" in seen
    assert on_a_terminal(SUBJECT + "broken", "--quiet") == ("", 1)


@pytest.mark.slow
def test_quiet_says_nothing_but_findings(capsys):
    assert run(capsys, "sound", "--quiet") == (0, "", "")
    code, out, err = run(capsys, "broken", "--quiet")
    assert (code, err) == (1, "")
    assert out.startswith("broken: 1 finding; tested: rotation")
    assert "component-mixing (component-matrix) in layers.1" in out
    assert "Layers:" not in out
    assert "samples:" not in out


@pytest.mark.slow
def test_quiet_leaves_files_and_the_other_formats_alone(capsys, tmp_path):
    assert as_json(capsys, "broken", "--quiet") == as_json(capsys, "broken")
    assert run(capsys, "broken", "--quiet", "--output", tmp_path / "report") == (1, "", "")
    assert "component-mixing (component-matrix) in layers.1" in (tmp_path / "report").read_text()
    assert run(capsys, "sound", "--quiet", "--output", tmp_path / "report") == (0, "", "")
    assert (tmp_path / "report").read_text() == ""
