"""Writes files completely or not at all: through links, with the mode of the old file, and to devices and pipes.

All packages that write results call it, and nothing else writes them. It imports the standard library only and defines
no file format.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_MOST_LINKS = 40
"""Links that Linux follows before it gives up."""

_LONGEST_NAME = 255
"""Bytes of a name on Linux."""

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
"""Flags of a temporary file: it is made by this process, and no link is followed."""


@contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """Yields a binary file that replaces `path` in one step if the block ends without an error.

    Links are followed: the file behind them is replaced, and the links stay. An existing file keeps its mode; a new
    one gets the mode that `open` would give. A hard link is separated from its other names. Devices, pipes and open
    files, for example `/dev/stdout`, are written to directly.

    After an error, a kill or a full disk, a regular file is unchanged. After an error, the temporary file is removed.

    Raises:
        OSError: If the file cannot be written, or its folder does not exist.
    """
    place = _destination(path)
    if place.written_through:
        with os.fdopen(os.open(place.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC), "wb") as file:
            yield file
        return
    handle, temporary = _temporary(place)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(place.path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def replace_file(path: str | Path, content: bytes) -> None:
    """Writes a file completely or not at all; see `replacing`.

    Raises:
        OSError: If the file cannot be written, or its folder does not exist.
    """
    with replacing(path) as file:
        file.write(content)


def check_file(path: str | Path) -> None:
    """Raises the error that `replacing` would raise, before any result is computed. Leaves no file.

    Raises:
        OSError: If the file cannot be written, or its folder does not exist.
    """
    place = _destination(path)
    if place.written_through:
        if not os.access(place.path, os.W_OK):
            raise _error(errno.EACCES, path)
        return
    handle, temporary = _temporary(place)
    os.close(handle)
    temporary.unlink()


def check_folder(path: str | Path) -> None:
    """Raises if a folder cannot be written to, or cannot be made. Leaves no folder and no file.

    Raises:
        OSError: If the folder, or the nearest folder that exists, cannot be used.
    """
    if not str(path) or "\0" in str(path):
        raise _error(errno.EINVAL, path)
    place = Path(path).absolute()
    while not os.path.lexists(place):
        if len(os.fsencode(place.name)) > _LONGEST_NAME:
            raise _error(errno.ENAMETOOLONG, path)
        place = place.parent
    check_file(place / secrets.token_hex(8))


class _Place:
    """The file behind the links of a path.

    Attributes:
        path: The file, in a folder without links.
        old: The state of the existing file; None if there is none.
        written_through: True for a device, a pipe, or an open file of a process.
    """

    def __init__(self, path: Path, of_process: bool) -> None:
        self.path = path
        try:
            self.old: os.stat_result | None = path.stat() if of_process else path.lstat()
        except FileNotFoundError:
            self.old = None
        except ValueError as error:  # a null byte
            raise _error(errno.EINVAL, path) from error
        self.written_through = of_process or (self.old is not None and not stat.S_ISREG(self.old.st_mode))


def _destination(path: str | Path) -> _Place:
    """Follows the links of a path.

    Raises:
        OSError: If the folder does not exist, or the file is a folder, cannot be replaced, or is behind a planted link.
    """
    if not str(path) or "\0" in str(path):
        raise _error(errno.EINVAL, path)
    place = Path(path).absolute()
    for _ in range(_MOST_LINKS):
        folder = place.parent.resolve(strict=True)
        if not folder.is_dir():
            raise _error(errno.ENOTDIR, folder)
        place = folder / place.name
        if not place.is_symlink():
            found = _Place(place, of_process=False)
            _require_replaceable(found, path)
            return found
        if _lists_open_files(folder):
            return _Place(place, of_process=True)
        _refuse_planted(place, folder)
        place = folder / place.readlink()
    raise _error(errno.ELOOP, path)


def _require_replaceable(place: _Place, path: str | Path) -> None:
    """Rejects a folder, a file without write permission, and a foreign file in a folder such as /tmp."""
    if place.path.is_dir():
        raise _error(errno.EISDIR, path)
    if place.old is None or place.written_through:
        return
    folder = place.path.parent.stat()
    foreign = os.geteuid() not in (0, place.old.st_uid, folder.st_uid)
    if not os.access(place.path, os.W_OK) or (folder.st_mode & stat.S_ISVTX and foreign):
        raise _error(errno.EACCES, path)


def _refuse_planted(link: Path, folder: Path) -> None:
    """Rejects a link that another user put into a folder where everyone may write, as Linux does for `open`."""
    owner, place = link.lstat().st_uid, folder.stat()
    shared = place.st_mode & stat.S_ISVTX and place.st_mode & stat.S_IWOTH
    if shared and owner not in (os.geteuid(), place.st_uid):
        raise _error(errno.EACCES, link)


def _lists_open_files(folder: Path) -> bool:
    """True for a folder such as /proc/123/fd, whose links lead to open files and not to paths."""
    return folder.parts[1:2] == ("proc",) and folder.name == "fd"


def _temporary(place: _Place) -> tuple[int, Path]:
    """Opens a new file beside a file, with the mode that the file has or that a new file gets."""
    temporary = place.path.with_name(f".{secrets.token_hex(8)}.partial")
    try:
        handle = os.open(temporary, _NEW_FILE, 0o666 if place.old is None else 0o600)
    except FileExistsError:
        raise
    except OSError as error:  # of the folder: a reader does not know the temporary name
        raise _error(error.errno or errno.EIO, temporary.parent) from error
    try:
        if place.old is not None:
            _take_over(handle, place.old)
    except BaseException:
        os.close(handle)
        temporary.unlink(missing_ok=True)
        raise
    return handle, temporary


def _take_over(handle: int, old: os.stat_result) -> None:
    """Gives a new file the owner of an old one if that is permitted, and its mode."""
    if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
        try:
            os.fchown(handle, old.st_uid, old.st_gid)
        except PermissionError:
            # The bits of the group were meant for another group.
            os.fchmod(handle, old.st_mode & 0o707)
            return
    os.fchmod(handle, old.st_mode & 0o777)


def _error(number: int, path: str | Path) -> OSError:
    return OSError(number, os.strerror(number), str(path))
