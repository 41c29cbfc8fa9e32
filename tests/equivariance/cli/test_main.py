"""The command line: exit codes, formats, files, and one line for every misuse."""

import json
import os
import subprocess
import sys
import threading

import pytest
import torch

from equivariance.cli.main import main
from equivariance.report.files import write_text
from tests.equivariance.helpers.command_line import QUICK, as_json, run
from tests.equivariance.helpers.subjects import MODULE, Biased

SUBJECT = f"--subject={MODULE}:"


def test_a_sound_subject_exits_with_0_and_a_broken_one_with_1(capsys):
    code, out, err = run(capsys, "sound")
    assert (code, err) == (0, "")
    assert "sound: a sound network" in out
    assert "sound: no finding" in out
    code, out, err = run(capsys, "broken")
    assert (code, err) == (1, "")
    assert "1 finding" in out
    assert "component-mixing (component-matrix) in layers.1" in out
    assert "specimens.py:" in out


@pytest.mark.slow
def test_from_a_shell():
    command = [sys.executable, "-m", "equivariance.diagnose", *QUICK, "--subject"]
    for subject, code, words in (("broken", 1, "component-mixing"), ("sound", 0, "no finding"), ("nothing", 2, "")):
        result = subprocess.run([*command, f"{MODULE}:{subject}"], capture_output=True, text=True, check=False)
        assert (result.returncode, words in result.stdout) == (code, True), result
        assert "Traceback" not in result.stderr
        assert len(result.stderr.splitlines()) == (code == 2)


@pytest.mark.slow
def test_a_terminal_without_unicode_is_no_traceback():
    command = [sys.executable, "-m", "equivariance.diagnose", *QUICK, "--format", "html", SUBJECT + "broken"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert result.returncode == 1
    assert result.stderr == b""
    assert result.stdout.isascii()


def test_help_lists_the_options(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    for option in (
        "subject",
        "layer",
        "group",
        "samples",
        "seed",
        "dtype",
        "device",
        "max-translation",
        "jobs",
        "memory",
        "time-limit",
        "checkpoint",
    ):
        assert f"--{option}" in out


@pytest.mark.slow
def test_the_layer_option_narrows_the_report(capsys):
    code, out, _ = run(capsys, "broken", "--layer", "layers.3")
    assert code == 1
    assert "1 finding; " in out
    assert run(capsys, "broken", "--layer", "scale")[0] == 0
    report = as_json(capsys, "broken", "--layer", "layers.[01]")
    assert {row["layer"] for row in report["layers"]} == {"layers.0", "layers.1"}


@pytest.mark.slow
def test_a_time_limit_is_said_in_the_report(capsys):
    report = as_json(capsys, "sound", "--time-limit", "100000")
    assert report["settings"]["time limit"] == "100000 s"
    code, _, err = run(capsys, "sound", "--time-limit", "0.000001")
    assert code == 2
    assert "time_limit=1e-06: expected more seconds" in err


def symmetries_in(report):
    """The symmetries that a JSON report has a verdict on."""
    return [entry["symmetry"] for entry in report["verdicts"] if entry["verdict"] != "not tested"]


def test_groups_may_be_repeated_and_default_to_all(capsys):
    assert symmetries_in(as_json(capsys, "sound", "--group", "so3", "--group", "batch")) == ["rotation", "batch"]
    everything = ["rotation", "inversion", "permutation", "batch"]
    assert symmetries_in(as_json(capsys, "sound")) == everything


def test_what_is_not_claimed_is_measured_and_does_not_count(capsys):
    code, out, _ = run(capsys, "unclaimed")
    assert code == 0
    assert "not claimed" in out
    report = as_json(capsys, "unclaimed")
    errors = {entry["symmetry"]: entry["error"] for entry in report["verdicts"] if not entry["claimed"]}
    assert errors["rotation"] > 1e-3
    assert errors["batch"] < 1e-12


@pytest.mark.slow
def test_options_reach_the_examination(capsys):
    settings = as_json(capsys, "sound", "--seed", "7", "--dtype", "float64", "--samples", "3")["settings"]
    assert (settings["seed"], settings["working precision"], settings["samples"]) == ("7", "float64", "3")
    assert run(capsys, "sound", "--dtype", "bfloat16")[0] == 0
    assert run(capsys, "broken", "--dtype", "bfloat16")[0] == 1
    report = as_json(capsys, "positions", "--max-translation", "0.001")
    assert "0.000" in report["findings"][0]["counterexample"]


@pytest.mark.slow
def test_a_checkpoint_is_loaded(capsys, tmp_path):
    state = {"layers.0.weight": torch.eye(4), "layers.1.weight": torch.eye(4), "layers.1.bias": torch.ones(3)}
    torch.save(state, tmp_path / "weights.pt")
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "lightning.ckpt")
    assert run(capsys, "biased")[0] == 0
    for name in ("weights.pt", "lightning.ckpt"):
        code, out, _ = run(capsys, "biased", "--checkpoint", tmp_path / name)
        assert code == 1
        assert "layers.1" in out


# Formats


def test_json_says_everything_by_version(capsys):
    code, out, _ = run(capsys, "broken", "--format", "json")
    body = json.loads(out)
    assert code == 1
    assert body["schema_version"] == 2
    assert body["ok"] is False
    (report,) = body["reports"]
    assert set(report) >= {
        "subject",
        "ok",
        "complete",
        "verdicts",
        "findings",
        "notes",
        "layers",
        "assumptions",
        "settings",
    }
    first = report["findings"][0]
    assert first["cause"] == "component-mixing"
    assert first["location"]["file"].endswith("specimens.py")
    assert first["counterexample"].startswith("rotation(")
    assert set(first["layers"]) == {"layers.1", "layers.3"}
    assert first["layer"] == first["layers"][0]
    rows = [row for row in report["layers"] if row["symmetry"] == "rotation"]
    assert [row["layer"] for row in rows] == ["", *(f"layers.{i}" for i in range(4))]
    assert {row["verdict"] for row in rows} == {"clean", "structural"}


def test_json_has_no_numbers_that_json_lacks(capsys):
    _, out, _ = run(capsys, "broken", "--format", "json")
    json.loads(out, parse_constant=pytest.fail)


def test_sarif_is_what_code_scanning_reads(capsys):
    code, out, _ = run(capsys, "broken", "--format", "sarif")
    log = json.loads(out)
    assert code == 1
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run_,) = log["runs"]
    rules = run_["tool"]["driver"]["rules"]
    assert run_["tool"]["driver"]["name"] == "equivariance"
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert len(run_["results"]) == 1
    for result in run_["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "note")
        assert result["message"]["text"]
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "tests/equivariance/helpers/specimens.py"
        assert place["region"]["startLine"] >= 1
        assert location["logicalLocations"][0]["fullyQualifiedName"].startswith("layers.")


def test_html_is_one_page(capsys):
    code, out, _ = run(capsys, "broken", "--format", "html")
    assert code == 1
    assert out.lstrip().lower().startswith("<!doctype html>")
    assert out.rstrip().endswith("</html>")
    assert "component-mixing" in out


# Files


@pytest.mark.slow
@pytest.mark.parametrize("form", ["text", "json", "sarif", "html"])
def test_the_output_file_holds_what_the_screen_would(capsys, tmp_path, form):
    _, shown, _ = run(capsys, "broken", "--format", form)
    code, out, err = run(capsys, "broken", "--format", form, "--output", tmp_path / "report")
    assert (code, out, err) == (1, "", "")
    written = (tmp_path / "report").read_text(encoding="utf-8")
    assert [line.rstrip() for line in written.splitlines()] == [line.rstrip() for line in shown.splitlines()]
    assert [p.name for p in tmp_path.iterdir()] == ["report"]


@pytest.mark.parametrize("subject", ["fails", "nothing", "explodes"])
def test_a_failure_leaves_no_file_and_keeps_an_old_one(capsys, tmp_path, subject):
    old = tmp_path / "old.json"
    old.write_text("kept")
    for path in (old, tmp_path / "new.json"):
        assert run(capsys, subject, "--format", "json", "--output", path)[0] == 2
    assert [p.name for p in tmp_path.iterdir()] == ["old.json"]
    assert old.read_text() == "kept"


def test_files_are_readable_as_other_files_are(capsys, tmp_path):
    run(capsys, "sound", "--output", tmp_path / "report")
    (tmp_path / "other").write_text("")
    assert (tmp_path / "report").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_pipe_stays_a_pipe(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_text(pipe, "a report")
    reader.join(timeout=60)
    assert read == ["a report"]
    assert pipe.is_fifo()


def test_what_cannot_be_written_is_refused_in_one_line(capsys, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    code, _, err = run(capsys, "sound", "--output", tmp_path / "report")
    assert code == 2
    assert "expected a file that can be written in an existing directory (No space left on device)" in err
    assert list(tmp_path.iterdir()) == []


def test_groups_that_are_not_claimed_and_have_no_axis_are_left_out(capsys):
    report = as_json(capsys, "without_batch")
    assert symmetries_in(report) == ["rotation", "inversion", "permutation"]
    assert report["ok"]


# Misuse


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--subject", ""], "subject='': expected one of"),
        (["--subject", "nothing"], "subject='nothing': expected one of"),
        (["--subject", "no.such.module:factory"], "subject='no.such.module:factory': expected module:factory that can"),
        ([SUBJECT + "nothing"], "subject='tests.equivariance.helpers.subjects:nothing'"),
        ([SUBJECT + "value"], "expected"),
        ([SUBJECT + ""], "subject='tests.equivariance.helpers.subjects:'"),
        (["--subject", ":sound"], "subject=':sound'"),
        ([SUBJECT + "no_subject"], "a factory that returns equivariance.subject.Subject, not int"),
        ([SUBJECT + "explodes"], "RuntimeError: no data"),
        ([SUBJECT + "needs_arguments"], "path"),
        ([SUBJECT + "fails"], "subject='fails': expected a network that runs; it raised KeyError"),
        ([SUBJECT + "leaves_the_process"], "a factory that runs without arguments (SystemExit: 0)"),
        ([SUBJECT + "fails_by_leaving"], "a network that runs; it raised SystemExit: 0"),
        ([SUBJECT + "without_module"], "expected a torch.nn.Module"),
        ([SUBJECT + "known_by_name"], "registered='rotation': expected a RegisteredFinding(layer, symmetry, cause)"),
        ([SUBJECT + "without_batch", "--group", "batch"], "group='batch': expected a symmetry that can be"),
        ([SUBJECT + "undeclared"], "y"),
        ([SUBJECT + "not_finite"], "args: x='72 entries that are NaN or infinite': expected finite"),
        ([SUBJECT + "sound", "--layer", "pool"], "layer='pool': expected one of layers, layers.0"),
        ([SUBJECT + "sound", "--group", "so4"], "group='so4': expected one of batch, e2"),
        ([SUBJECT + "sound", "--format", "xml"], "format='xml': expected one of html, json, sarif, text"),
        ([SUBJECT + "sound", "--dtype", "int8"], "dtype='int8': expected one of bfloat16, float32"),
        ([SUBJECT + "sound", "--device", "quantum"], "device='quantum': expected one of cpu"),
        ([SUBJECT + "sound", "--device", "cuda:99"], "device='cuda:99': expected one of cpu"),
        ([SUBJECT + "sound", "--device", "meta"], "device='meta': expected one of cpu"),
        (["--samples", "0"], "samples='0': expected a whole number of at least 1"),
        (["--samples", "many"], "samples='many': expected a whole number"),
        (["--samples", "1.5"], "samples='1.5': expected a whole number"),
        (["--seed", "-1"], "seed='-1': expected a whole number of at least 0"),
        (["--seed", "99999999999"], "seed=99999999999: expected a whole number of at least 0, at most 2147483647"),
        (["--samples", "99999999999"], "samples=99999999999: expected a whole number"),
        (["--seed", "²"], "seed='²': expected a whole number"),
        (["--max-translation", "0"], "max-translation='0': expected a positive finite number"),
        (["--max-translation", "nan"], "max-translation='nan': expected a positive finite number"),
        (["--max-translation", "far"], "max-translation='far': expected a positive finite number"),
        (["--memory", "-1"], "memory='-1': expected a finite number, 0 or more"),
        (["--memory", "inf"], "memory='inf': expected a finite number, 0 or more"),
        (["--time-limit", "0"], "time-limit='0': expected a positive finite number"),
        (["--checkpoint", "weights.pt"], "checkpoint='weights.pt': expected a --subject"),
        ([SUBJECT + "sound", "--checkpoint", "no.pt"], "checkpoint='no.pt': expected an existing file"),
        ([SUBJECT + "sound", "--output", "no/such/folder/x"], "output='no/such/folder/x': expected a file"),
        ([SUBJECT + "sound", "--output", "tests"], "output='tests': expected a file name, not a directory"),
        ([SUBJECT + "sound", "--output", ""], "output='.': expected a file name"),
        ([SUBJECT + "sound", "--output", "x" * 300], "in an existing directory (File name too long)"),
        (["--frobnicate"], "--frobnicate"),
        (["surplus"], "surplus"),
        (["--subject"], "--subject"),
    ],
)  # fmt: skip
def test_misuse_is_one_line_that_names_argument_value_and_choices(capsys, arguments, words):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("equivariance.diagnose: error: ")
    assert len(err.splitlines()) == 1
    assert words in err
    assert "Traceback" not in err


@pytest.mark.parametrize("content", [b"", b"not weights", b"\x80\x04K\x03."])
def test_a_file_that_holds_no_weights_is_refused(capsys, tmp_path, content):
    path = tmp_path / "weights.pt"
    path.write_bytes(content)
    code, out, err = run(capsys, "biased", "--checkpoint", path)
    assert (code, out) == (2, "")
    assert f"checkpoint={str(path)!r}: expected weights of biased" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("state", [[1, 2], {"weight": torch.eye(4)}, Biased().state_dict()])
def test_weights_of_another_network_are_refused(capsys, tmp_path, state):
    torch.save(state, tmp_path / "weights.pt")
    code, _, err = run(capsys, "biased", "--checkpoint", tmp_path / "weights.pt")
    assert code == 2
    assert "checkpoint=" in err
    assert isinstance(state, list) or "weight" in err
    assert len(err.splitlines()) == 1


def test_contracts_of_a_subject_are_used(capsys):
    report = as_json(capsys, "with_contracts")
    assert {row["layer"] for row in report["layers"]} == {"", "layers.0"}
