import re
from importlib.resources import files

import numpy as np
import pytest

from equivariance_zoo.faces.build_sample import main, write


@pytest.fixture
def model_file(shared_data):
    return shared_data / "ict_face_model" / "ict_face_model.npz"


def test_the_shipped_faces_are_made_by_the_command(model_file, tmp_path):
    assert main(["--model", str(model_file), "--output", str(tmp_path / "sample.npz"), "--seed", "0"]) == 0
    made, shipped = np.load(tmp_path / "sample.npz"), np.load(files("equivariance_zoo.faces") / "data" / "sample.npz")
    assert sorted(made) == sorted(shipped) == ["landmarks", "positions", "unit_mm"]
    for name in made:
        assert made[name].dtype == shipped[name].dtype
        # One float32 rounding step: linear algebra libraries differ in the last bit of float64.
        np.testing.assert_allclose(made[name], shipped[name], rtol=2e-7, atol=1e-7)


def test_the_bytes_depend_on_the_arrays_alone(tmp_path):
    arrays = {"positions": np.arange(6.0), "unit_mm": np.ones(2)}
    for name in ("a.npz", "b.npz"):
        write(arrays, tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    def fill_the_disk(file, **arrays):
        file.write(b"the beginning")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez", fill_the_disk)
    output = tmp_path / "sample.npz"
    output.write_bytes(b"old")
    with pytest.raises(OSError, match="No space left"):
        write({"positions": np.zeros(1)}, output)
    assert output.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.parametrize(
    ("model", "output", "seed", "message"),
    [
        ("absent.npz", "out.npz", "0", "No such file or directory: '.*absent.npz'"),
        ("text.npz", "out.npz", "0", r"text\.npz: expected an \.npz archive"),
        ("text.npz", "out.npz", "-1", "--seed: expected at least 0 but got -1"),
        (".", "out.npz", "0", "expected the folder FaceXModel of a clone of ICT-FaceKit but it has no"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path, capsys, model, output, seed, message):
    (tmp_path / "text.npz").write_text("no model")
    arguments = ["--model", str(tmp_path / model), "--output", str(tmp_path / output), "--seed", seed]
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("python -m equivariance_zoo.faces.build_sample: error: ")
    assert re.search(message, captured.err)
    assert not (tmp_path / output).exists()


def test_an_output_folder_that_does_not_exist(model_file, tmp_path, capsys):
    assert main(["--model", str(model_file), "--output", str(tmp_path / "absent" / "sample.npz")]) == 2
    assert "absent" in capsys.readouterr().err
