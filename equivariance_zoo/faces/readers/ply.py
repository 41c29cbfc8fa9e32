"""Checks the size of .ply files in text form: trimesh reads a file that ends early without an error."""

from pathlib import Path

from equivariance_zoo.faces.errors import FaceError

_LONGEST_HEADER = 2**16


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
        declared = _declared(header.decode("latin-1"))
        file.seek(len(header) + len(end))
        found = sum(1 for line in file if line.strip())
    if declared is not None and found < declared:
        raise FaceError(f"{path}: expected the {declared:,} vertices and faces of the header but got {found:,} lines")


def _declared(header: str) -> int | None:
    """Returns the number of vertices, faces and other elements of a header; None if one has no such number."""
    words = [line.split() for line in header.splitlines() if line.startswith("element")]
    counts = [entry[2] for entry in words if len(entry) == 3]
    if len(counts) != len(words) or not all(count.isdecimal() and len(count) < 16 for count in counts):
        return None
    return sum(map(int, counts))
