"""All cases, and the statements that are at fault in them, looked up in the sources."""

from __future__ import annotations

import ast
import functools
import importlib.util
from pathlib import Path

from benchmarks.defects.case import Case
from benchmarks.defects.sound import algebra, e3nn_modules, geometry, programs, tensors
from benchmarks.defects.styles import (
    attention,
    dgl_udf,
    e3nn_layers,
    egnn,
    equiformer,
    frames,
    geometric,
    gvp,
    message_passing,
    painn,
    schnet,
    tfn,
    unet,
)

FOLDER = Path(__file__).parent
STYLES = (
    schnet, egnn, painn, gvp, tfn, e3nn_layers, equiformer, message_passing, geometric, dgl_udf, attention, frames,
    unet,
)  # fmt: skip
OWN = (geometry, algebra, tensors, programs, e3nn_modules)
CASES: tuple[Case, ...] = tuple(case for module in (*STYLES, *OWN) for case in module.CASES)


def runnable(case: Case) -> bool:
    """True if the library that the case is made with is installed."""
    return not case.requires or importlib.util.find_spec(case.requires) is not None


Lines = frozenset[tuple[str, int]]
"""(file name, line) of every line of the statements that count as right."""


@functools.cache
def statements() -> dict[str, Lines]:
    """The lines of the marked statements: a comment ``# planted: NAME, NAME`` on any line of a statement."""
    found: dict[str, set[tuple[str, int]]] = {}
    for path in sorted(FOLDER.glob("styles/*.py")):
        text = path.read_text()
        nodes = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.stmt)]
        for number, line in enumerate(text.splitlines(), start=1):
            _, _, markers = line.partition("# planted: ")
            for marker in filter(None, map(str.strip, markers.split(","))):
                found.setdefault(marker, set()).update((path.name, i) for i in _innermost(nodes, number))
    return {marker: frozenset(lines) for marker, lines in found.items()}


def _innermost(nodes: list[ast.stmt], line: int) -> range:
    spans = [range(n.lineno, (n.end_lineno or n.lineno) + 1) for n in nodes]
    return min((span for span in spans if line in span), key=len)
