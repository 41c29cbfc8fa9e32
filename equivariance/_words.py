"""Writes numbers in sentences of reports and errors."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """Returns a number with its noun: `1 finding`, `2 findings`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
