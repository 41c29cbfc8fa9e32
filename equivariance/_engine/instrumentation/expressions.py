"""Finds the columns of the expression that an instruction of Python's byte code evaluates.

`source_lines` calls `columns_of` for the statements of a report, not while operations are recorded. This module runs no
code and knows no tensors.
"""

from __future__ import annotations

import dis
import itertools
from types import CodeType

_EVALUATING = ("CALL", "BINARY_", "UNARY_", "COMPARE_")
"""Beginnings of the names of instructions that make a value from other values."""

Span = tuple[int, int]
"""The first byte of an expression in its line, from 0, and the byte after its last one."""


def columns_of(code: CodeType, instruction: int, line: int, text: str) -> tuple[int, int] | None:
    """Returns the first and last column of the expression that an instruction evaluates, from 1.

    An expression that goes on in later lines ends with its first line.

    Args:
        code: The code of the function.
        instruction: The offset of the instruction, in bytes.
        line: The number of the line.
        text: The text of the line, with the spaces before it.

    Returns:
        The columns; None if the line has one expression only, or if the code does not know its columns.
    """
    encoded = text.rstrip("\n").encode()
    spans = _spans_in_line(code, line, len(encoded))
    found = _span(next(itertools.islice(code.co_positions(), instruction // 2, None), None), line, len(encoded))
    if found is None or len(spans | {found}) < 2:
        return None
    first, last = (len(encoded[:edge].decode(errors="replace")) for edge in found)
    return first + 1, last


def _spans_in_line(code: CodeType, line: int, length: int) -> set[Span]:
    """Returns the spans of all expressions that begin in a line and make a value from other values."""
    found = (
        _span(tuple(instruction.positions or ()), line, length)
        for instruction in dis.get_instructions(code)
        if instruction.opname.startswith(_EVALUATING)
    )
    return {span for span in found if span is not None}


def _span(positions: tuple[int | None, ...] | None, line: int, length: int) -> Span | None:
    """Returns the span of (first line, last line, first column, column after the last); None if it is elsewhere."""
    if not positions:
        return None
    first, last, start, end = positions
    if first != line or last is None or start is None or end is None:
        return None
    return start, end if last == line else length
