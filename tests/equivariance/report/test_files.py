"""Reports as files: errors name the argument, and any text can be written."""

import os

import pytest

from equivariance.errors import ArgumentError
from equivariance.report.files import check_writable, write_text


def test_half_of_a_surrogate_pair_is_written_as_its_escape_sequence(tmp_path):
    write_text(tmp_path / "a.txt", "x\udcff")
    assert (tmp_path / "a.txt").read_text() == r"x\udcff"
    write_text(tmp_path / "b\udcff.txt", "text")
    assert sorted(os.listdir(os.fsencode(tmp_path))) == [b"a.txt", b"b\xff.txt"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a\0b", "Invalid argument"),
        ("y" * 256, "File name too long"),
        ("absent/a", "No such file or directory"),
        ("file/a", "Not a directory"),
        ("", "a file name, not a directory"),
    ],
)
def test_an_error_names_the_argument(tmp_path, name, words):
    (tmp_path / "file").touch()
    for write in (check_writable, lambda path: write_text(path, "text")):
        with pytest.raises(ArgumentError, match=r"^output='.*: expected ") as caught:
            write(tmp_path / name)
        assert words in str(caught.value)
    assert os.listdir(tmp_path) == ["file"]


def test_what_can_be_checked_can_be_written(tmp_path):
    for name in ("y" * 250, "é" * 120, "a\nb", "[x]", "-x"):
        check_writable(tmp_path / name)
        write_text(tmp_path / name, "text")
    assert len(os.listdir(tmp_path)) == 5
