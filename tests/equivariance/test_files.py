"""The one writer of files: links, devices, modes, planted names, and checks before the work."""

import errno
import os
import stat
import threading

import pytest

from equivariance._files import check_file, check_folder, replace_file, replacing

ROOT = os.geteuid() == 0
NOBODY = 65534


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def as_nobody(function):
    """Runs a function in a child without rights; returns the number of its OSError, 0 if it raises none."""
    child = os.fork()
    if child == 0:
        code = 255
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            function()
            code = 0
        except OSError as error:
            code = error.errno
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_link_stays_and_the_file_behind_it_is_replaced(tmp_path, steps):
    (tmp_path / "folder").mkdir()
    real = tmp_path / "folder" / "real"
    real.write_text("old")
    target = "folder/real"
    for step in range(steps):
        (tmp_path / f"link{step}").symlink_to(target)
        target = f"link{step}"
    replace_file(tmp_path / target, b"new")
    assert real.read_text() == "new"
    assert all((tmp_path / f"link{step}").is_symlink() for step in range(steps))
    assert names(tmp_path / "folder") == ["real"]


def test_a_link_to_a_folder_on_the_way_stays(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    replace_file(tmp_path / "link" / "a", b"new")
    assert (tmp_path / "real" / "a").read_bytes() == b"new"
    assert (tmp_path / "link").is_symlink()


def test_a_link_to_nothing_gets_a_file(tmp_path):
    (tmp_path / "link").symlink_to("absent")
    replace_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "absent").read_bytes() == b"new"


def test_links_in_a_circle_are_an_error(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for write in (check_file, lambda path: replace_file(path, b"")):
        with pytest.raises(OSError, match="symbolic links") as caught:
            write(tmp_path / "a")
        assert caught.value.errno == errno.ELOOP


def test_open_files_of_a_process_are_written_to(tmp_path):
    with (tmp_path / "f").open("wb") as file:
        replace_file(f"/dev/fd/{file.fileno()}", b"through")
        replace_file(f"/proc/self/fd/{file.fileno()}", b" and through")
        inode = os.fstat(file.fileno()).st_ino
    assert (tmp_path / "f").read_bytes() == b"through and through"
    assert (tmp_path / "f").stat().st_ino == inode
    assert names(tmp_path) == ["f"]


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/stderr"])
def test_the_links_of_the_system_stay(name):
    check_file(name)
    child = os.fork()
    if child == 0:
        for number in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
        replace_file(name, b"text")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert os.path.islink(name)


def test_a_pipe_and_a_device_are_written_to(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    got = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    replace_file(tmp_path / "pipe", b"through")
    reader.join()
    assert got == [b"through"]
    assert names(tmp_path) == ["pipe"]
    replace_file(os.devnull, b"gone")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_full_device_is_an_error():
    check_file("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        replace_file("/dev/full", b"text")


@pytest.mark.parametrize("before", [0o600, 0o640, 0o755, 0o666])
def test_an_old_file_keeps_its_mode(tmp_path, before):
    (tmp_path / "a").write_text("old")
    (tmp_path / "a").chmod(before)
    replace_file(tmp_path / "a", b"new")
    assert mode(tmp_path / "a") == before


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_gets_the_mode_of_any_new_file(tmp_path, mask):
    old = os.umask(mask)
    try:
        replace_file(tmp_path / "a", b"new")
    finally:
        os.umask(old)
    assert mode(tmp_path / "a") == 0o666 & ~mask


def test_while_it_is_written_nobody_else_reads_a_private_file(tmp_path):
    (tmp_path / "a").write_text("old")
    (tmp_path / "a").chmod(0o600)
    with replacing(tmp_path / "a") as file:
        file.write(b"new")
        file.flush()
        assert {mode(path) for path in tmp_path.iterdir()} == {0o600}


def test_the_temporary_name_cannot_be_planted(tmp_path, monkeypatch):
    (tmp_path / "victim").write_text("precious")
    monkeypatch.setattr("secrets.token_hex", lambda count: "known")
    (tmp_path / ".known.partial").symlink_to("victim")
    with pytest.raises(FileExistsError):
        replace_file(tmp_path / "report", b"text")
    assert (tmp_path / "victim").read_text() == "precious"
    assert names(tmp_path) == [".known.partial", "victim"]


def test_two_writers_use_two_temporary_files(tmp_path):
    with replacing(tmp_path / "a") as one, replacing(tmp_path / "a") as other:
        one.write(b"one")
        other.write(b"other")
    assert (tmp_path / "a").read_bytes() == b"one"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("length", [200, 250, 255])
def test_a_long_name_is_written(tmp_path, length):
    check_file(tmp_path / ("y" * length))
    replace_file(tmp_path / ("y" * length), b"text")
    assert names(tmp_path) == ["y" * length]


@pytest.mark.parametrize("name", ["y" * 256, "é" * 128, "a\0b", "absent/a", "file/a", ".", "folder", "folder/.."])
def test_a_place_that_cannot_be_written_is_refused_before_the_work(tmp_path, name):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for write in (check_file, lambda path: replace_file(path, b"text")):
        with pytest.raises(OSError, match=r"\w"):
            write(f"{tmp_path}/{name}")
    assert names(tmp_path) == ["file", "folder"]


def test_an_empty_path_is_refused():
    for write in (check_file, check_folder, lambda path: replace_file(path, b"text")):
        with pytest.raises(OSError, match="Invalid argument"):
            write("")


@pytest.mark.parametrize("name", ["/proc/x", "/proc/x/y"])
def test_a_folder_of_the_kernel_is_refused(name):
    for check in (check_file, check_folder):
        with pytest.raises(OSError, match=r"\w"):
            check(name)


def test_a_check_leaves_nothing(tmp_path):
    check_file(tmp_path / "a")
    check_folder(tmp_path / "b" / "c")
    check_folder(tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["file", "file/a", "y" * 256, "a/" + "y" * 256, "a\0b"])
def test_a_folder_that_cannot_be_made_is_refused(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"\w"):
        check_folder(f"{tmp_path}/{name}")
    assert names(tmp_path) == ["file"]


def test_a_folder_behind_a_link_is_used(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    check_folder(tmp_path / "link")
    (tmp_path / "broken").symlink_to("absent")
    with pytest.raises(OSError, match=r"\w"):
        check_folder(tmp_path / "broken")


@pytest.mark.skipif(not ROOT, reason="gives up the rights of root")
def test_what_another_user_may_not_replace_is_refused_before_the_work(tmp_path):
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o755)
    for name, bits in (("sticky", 0o1777), ("hidden", 0o700), ("closed", 0o555), ("open", 0o777)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(bits)
    for name in ("sticky", "open"):
        (tmp_path / name / "of_root").write_text("root's")
        (tmp_path / name / "of_root").chmod(0o666)
    (tmp_path / "open" / "locked").write_text("root's")
    refused = ["sticky/of_root", "hidden/a", "hidden/a/b", "closed/a", "open/locked"]
    for name in refused:
        assert as_nobody(lambda name=name: check_file(tmp_path / name)) in (errno.EACCES, errno.EPERM), name
    for name in ("sticky/a", "open/a", "open/of_root"):
        assert as_nobody(lambda name=name: replace_file(tmp_path / name, b"mine")) == 0, name
    assert (tmp_path / "sticky" / "of_root").read_text() == "root's"
    assert names(tmp_path / "sticky") == ["a", "of_root"]


@pytest.mark.skipif(not ROOT, reason="gives up the rights of root")
def test_a_link_that_another_user_planted_in_a_shared_folder_is_not_followed(tmp_path):
    (tmp_path / "victim").write_text("precious")
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o755)
    assert as_nobody(lambda: (shared / "report").symlink_to("../victim")) == 0
    for write in (check_file, lambda path: replace_file(path, b"text")):
        with pytest.raises(PermissionError):
            write(shared / "report")
    (shared / "own").symlink_to("../victim")
    replace_file(shared / "own", b"text")
    assert (tmp_path / "victim").read_text() == "text"


def test_a_hard_link_is_separated_from_its_other_name(tmp_path):
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    replace_file(tmp_path / "b", b"new")
    assert (tmp_path / "a").read_text() == "old"
    assert (tmp_path / "b").read_text() == "new"
