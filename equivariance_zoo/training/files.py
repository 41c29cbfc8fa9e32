"""Creates folders for results, and checks them before any result is computed.

All packages that write results call it. It re-exports the writer of whole files, which is `equivariance._files`.
"""

from pathlib import Path

from equivariance import _files
from equivariance._files import replace_file, replacing

__all__ = ["check_folder", "make_folder", "replace_file", "replacing"]


def check_folder(path: Path) -> None:
    """Raises if the folder cannot be created or written to, before any result is computed for it. It creates none.

    Raises:
        ValueError: If the folder cannot be used; the message names the argument `output`.
    """
    try:
        _files.check_folder(path)
    except OSError as error:
        raise _unusable(path, error) from error


def make_folder(path: Path) -> Path:
    """Creates a folder to write to, with its parents, unless it exists, and returns it.

    Raises:
        ValueError: If it cannot be created; the message names the argument `output`.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(path, error) from error
    return path


def _unusable(path: Path, error: OSError) -> ValueError:
    return ValueError(f"output: expected a folder, or a place for one, got {path} ({error.filename}: {error.strerror})")
