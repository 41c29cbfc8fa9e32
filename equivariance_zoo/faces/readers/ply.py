"""Checks the size of .ply files in text form: trimesh reads a file that ends early without an error."""

from pathlib import Path

from equivariance_zoo.faces.errors import FaceError

_LONGEST_HEADER, _MOST_DIGITS = 2**16, 15


def require_whole_ply(path: Path) -> None:
    """Rejects a file in text form with fewer lines than its header declares. Binary files are left to trimesh.

    Raises:
        FaceError: If lines are missing.
        OSError: If the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_LONGEST_HEADER)
        header, end, _ = head.partition(b"end_header")
        if not (end and head.startswith(b"ply") and b"format ascii" in header):
            return
        declared = _declared(path, header.decode("latin-1"))
        file.seek(len(header) + len(end))
        found = sum(1 for line in file if line.strip())
    if found < declared:
        raise FaceError(f"{path}: expected the {declared:,} vertices and faces of the header but got {found:,} lines")


def _declared(path: Path, header: str) -> int:
    """Returns the number of vertices, faces and other elements of a header."""
    words = [line.split() for line in header.splitlines() if line.startswith("element")]
    for entry in words:
        count = entry[-1]
        if len(entry) != 3 or not count.isdecimal() or len(count) > _MOST_DIGITS:
            raise FaceError(f"{path}: expected a mesh or a cloud but its header has {' '.join(entry)[:60]!r}")
    return sum(int(count) for _, _, count in words)
