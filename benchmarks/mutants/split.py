"""Divides libraries and operators into "development" and "held out" by the hash of their names.

Rules of the harness may be changed after a look at the development part only.
"""

from __future__ import annotations

import hashlib

PARTS = ("old x old", "new x old", "old x new", "new x new")
"""Library x operator; "old" is development, "new" is held out."""


def held_out(name: str) -> bool:
    """Returns True if the sha256 of a library's or operator's name is odd."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 2 == 1


def side(name: str) -> str:
    """Returns "new" for a name that is held out, else "old"."""
    return "new" if held_out(name) else "old"


def part(library: str, operator: str) -> str:
    """Returns one of `PARTS`."""
    return f"{side(library)} x {side(operator)}"
