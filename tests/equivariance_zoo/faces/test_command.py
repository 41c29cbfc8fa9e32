import os
import re
import subprocess
import sys

import numpy as np
import pytest

from equivariance_zoo.faces import FaceSet
from equivariance_zoo.faces.__main__ import SOURCES, main
from equivariance_zoo.faces.sources import ict, random_people
from tests.architecture.sources import ROOT
from tests.equivariance_zoo.faces.models.test_ict_clone import clone  # noqa: F401 - a fixture
from tests.equivariance_zoo.faces.samples import Listed, face_mesh, same
from tests.equivariance_zoo.faces.sources.test_facescape import archived, pickled

SMALL = ("--points", "16", "--surface-points", "128", "--workers", "1")


@pytest.fixture
def _people(monkeypatch):
    """As many people as are asked for, two faces each, in place of those of a model."""

    def from_options(options):
        return Listed([face_mesh(number) for number in range(2 * random_people.people_of(options))])

    monkeypatch.setattr(ict, "from_options", from_options)


def prepare(*arguments):
    return main(["prepare", *map(str, arguments), *SMALL])


def sides(folder):
    return {path.stem: FaceSet.load(path) for path in folder.iterdir()}


@pytest.mark.usefixtures("_people")
def test_people_are_split_into_training_and_test(tmp_path, capsys):
    output = tmp_path / "new" / "folder"
    assert prepare("ict", "--model", "m", "--train", 3, "--test", 2, "--no-crop", "--output", output) == 0
    parts = sides(output)
    assert {name: len(part) for name, part in parts.items()} == {"train": 6, "test": 4}
    assert not set(parts["train"].subjects) & set(parts["test"].subjects)
    printed = capsys.readouterr()
    assert "train.npz: 6 faces of 3 subjects, listed" in printed.out
    assert printed.err == ""


def test_files_are_split_four_to_one_or_as_asked(tmp_path):
    path = archived(tmp_path, count=4)
    for extra, expected in (
        ((), {"train": 3, "test": 1}),
        (("--train", 1), {"train": 1, "test": 3}),
        (("--test", 3), {"train": 1, "test": 3}),
        (("--train", 1, "--test", 2), {"train": 1, "test": 2}),
        (("--train", 0), {"test": 4}),
        (("--test", 0), {"train": 4}),
    ):
        output = tmp_path / "-".join(map(str, ("out", *extra)))
        assert prepare("facescape", "--file", path, "--output", output, *extra) == 0
        assert {name: len(part) for name, part in sides(output).items()} == expected


def test_the_seed_decides_everything(tmp_path):
    path = archived(tmp_path, count=4)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert prepare("facescape", "--file", path, "--seed", seed, "--output", tmp_path / name) == 0
    a, b, c = (FaceSet.load(tmp_path / name / "train.npz") for name in "abc")
    assert same(a, b)
    assert not same(a, c)


def test_a_pickle_is_read_when_asked(tmp_path, capsys):
    arguments = ("facescape", "--file", pickled(tmp_path), "--output", tmp_path / "out")
    assert prepare(*arguments) == 2
    assert "train_neutral.npy: " in capsys.readouterr().err
    assert prepare(*arguments, "--unpickle") == 0


def test_a_clone_is_packed(clone, tmp_path, capsys):  # noqa: F811
    assert main(["pack-ict", str(clone), "--modes", "2", "--output", str(tmp_path / "ict.npz")]) == 0
    assert np.load(tmp_path / "ict.npz")["id_q"].shape[0] == 2
    assert "ict.npz: 2 modes of identity, 2 expressions" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ict", "--model", "absent.npz"), "--train: expected a number of people"),
        (("ict", "--model", "absent.npz", "--train", 1, "--test", 1), r"No such file or directory: 'absent\.npz'"),
        (("ict", "--model", "m", "--train", -1, "--test", 1), "--train: expected at least 0 but got -1"),
        (("facescape", "--file", "absent.npy"), r"No such file or directory: 'absent\.npy'"),
        (("facescape", "--file", "text.npy"), r"text\.npy: expected an \.npy file but it begins with b'no fac'"),
        (("tu", "--folder", ".", "--landmarks", "text.npy"), r"text\.npy: expected an \.npz archive"),
        (("gcn", "--folder", "."), r"No such file or directory: 'shape_sample\.npy'"),
        (("files", "--folder", "absent"), "absent: expected meshes or clouds"),
        (("facescape", "--file", "train_neutral.npy", "--train", 4), "--train, --test: expected at most the 3 faces"),
        (("facescape", "--file", "train_neutral.npy", "--train", 0, "--test", 0), "expected from 1 to the 3 subjects"),
        (("facescape", "--file", "train_neutral.npy", "--surface-points", 500), "facescape-0: expected at least"),
        (("facescape", "--file", "train_neutral.npy", "--points", 0), "points=0: expected from 1"),
        (("facescape", "--file", "train_neutral.npy", "--seed", -1), "seed=-1: expected at least 0"),
        (("facescape", "--file", "train_neutral.npy", "--workers", 0), "--workers: expected at least 1 but got 0"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2_and_writes_nothing(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    archived(tmp_path)
    (tmp_path / "text.npy").write_text("no faces")
    assert main(["prepare", arguments[0], *SMALL, *map(str, arguments[1:]), "--output", "out"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(rf"python -m equivariance_zoo.faces prepare: error: .*{message}.*\n", captured.err)
    assert not list((tmp_path / "out").glob("*"))


def test_more_subjects_than_faces_are_refused_before_the_work(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("equivariance_zoo.faces.__main__.prepare", lambda *_, **__: pytest.fail("prepared"))
    path = archived(tmp_path)
    assert prepare("facescape", "--file", path, "--train", 400, "--test", 4, "--output", tmp_path / "out") == 2
    assert "--train, --test: expected at most the " in capsys.readouterr().err


def test_an_output_that_is_a_file_is_refused_before_the_work(tmp_path, capsys):
    path = archived(tmp_path)
    assert prepare("facescape", "--file", path, "--output", path) == 2
    refused = f"output: expected a folder, or a place for one, got {path} ({path}: Not a directory)"
    assert capsys.readouterr().err == f"python -m equivariance_zoo.faces prepare: error: {refused}\n"


def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch, capsys):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert prepare("facescape", "--file", archived(tmp_path), "--output", tmp_path / "out") == 2
    assert "No space left on device" in capsys.readouterr().err
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_has_help(source, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["prepare", source, "--help"])
    assert stopped.value.code == 0
    assert "--output DIR" in capsys.readouterr().out


@pytest.mark.slow
def test_it_is_a_command(tmp_path):
    path = archived(tmp_path)
    command = [
        sys.executable,
        "-m",
        "equivariance_zoo.faces",
        "prepare",
        "facescape",
        "--file",
        path,
        "--output",
        tmp_path / "out",
    ]
    result = subprocess.run([*command, *SMALL], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "2 faces of 2 subjects, FaceScape" in result.stdout
    assert result.stderr == ""


def test_a_bad_face_leaves_no_folder(tmp_path, capsys):
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "a.obj").write_text("v 0 0 0\nv 100 0 0\nv 0 100 0\nf 1 2 3\n")
    (tmp_path / "scans" / "a.json").write_text("[[NaN,0,0]]")
    assert prepare("files", "--folder", tmp_path / "scans", "--output", tmp_path / "out" / "inner") == 2
    assert not (tmp_path / "out").exists()
    assert capsys.readouterr().err.count("\n") == 1
