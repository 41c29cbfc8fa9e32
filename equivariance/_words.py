"""Writes numbers and lists in sentences of reports and errors."""

from __future__ import annotations

from collections.abc import Sequence

_MOST_LISTED = 6


def counted(count: int, noun: str) -> str:
    """Returns a number with its noun: `1 finding`, `2 findings`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Returns names with commas: `a, b`. Of more than six names, it returns the first five and the number of the rest.

    >>> listed(list("abcdefgh"))
    'a, b, c, d, e and 3 more'
    """
    if len(names) <= _MOST_LISTED:
        return ", ".join(names)
    shown = names[: _MOST_LISTED - 1]
    return f"{', '.join(shown)} and {len(names) - len(shown)} more"
