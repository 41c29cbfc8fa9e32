"""The code blocks of the pages, and what they print.

A page is run from top to bottom in an empty folder. A block with a ``title`` is written to the file of that name or,
as a diff, changes it. Python blocks share one namespace; shell blocks are run by bash. A text block is what the block
before it prints; ``...`` on a line of its own stands for anything. ``<!-- not run -->`` above a block skips it.

``python -m tests.docs.pages docs/tutorial.md`` runs a page and writes into it what its blocks print now.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.architecture.sources import ROOT

SKIP = "<!-- not run -->"
_FENCE = re.compile(r'^```(\w*)(?: title="([^"]+)")?\s*$')
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]\d+)?(?![\w.]*\w)")
_NOISE = 1e-5
"""Numbers below this are rounding, and differ between machines."""
_CHANGES_OUTPUT = ("PYTEST", "CI", "BUILD_NUMBER", "FORCE_COLOR", "PY_COLORS")
"""First letters of the variables that pytest reads: they change the length and the colours of its messages."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, title and lines, and the number of its first line."""

    language: str
    title: str
    code: str
    line: int
    skipped: bool


def blocks_of(text: str) -> list[Block]:
    """All fenced blocks of a page."""
    found: list[Block] = []
    lines = text.splitlines()
    last, start = "", -1
    for index, line in enumerate(lines):
        fence = _FENCE.match(line)
        if start >= 0 and line == "```":
            opening = _FENCE.match(lines[start])
            assert opening
            code = "".join(f"{line}\n" for line in lines[start + 1 : index])
            found.append(Block(opening[1], opening[2] or "", code, start + 2, last == SKIP))
            last, start = "", -1
        elif start < 0 and fence:
            start = index
        elif start < 0 and line.strip():
            last = line.strip()
    assert start < 0, f"a block is not closed: line {start + 1}"
    return found


def run(page: Path, folder: Path, shell: bool = True) -> Iterator[tuple[Block, str, Block | None]]:
    """Run a page in a folder; give each block that is run, what it printed, and the text block that shows it."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    blocks = [b for b in blocks_of(page.read_text(encoding="utf-8")) if not b.skipped]
    for index, block in enumerate(blocks):
        following = blocks[index + 1] if index + 1 < len(blocks) else None
        shown = following if following and following.language == "text" else None
        if block.title:
            _write(folder / block.title, block)
        elif block.language == "python":
            yield block, _run_python(page, block, namespace), shown
        elif block.language == "bash" and shell:
            yield block, _run_shell(block, folder), shown


def _write(path: Path, block: Block) -> None:
    if block.language != "diff":
        path.write_text(block.code, encoding="utf-8")
        return
    lines = block.code.splitlines(keepends=True)
    old, new = ("".join(line[1:] for line in lines if line[0] in f" {sign}") for sign in "-+")
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"line {block.line}: expected once in {path.name}:\n{old}"
    path.write_text(text.replace(old, new), encoding="utf-8")
    # The reader starts Python anew after a change.
    sys.modules.pop(path.stem, None)


def _run_python(page: Path, block: Block, namespace: dict[str, Any]) -> str:
    # Empty lines first, so that a traceback names the line of the page.
    code = compile("\n" * (block.line - 1) + block.code, f"<{page.name}>", "exec")
    importlib.invalidate_caches()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, namespace)
    return printed.getvalue()


def _run_shell(block: Block, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_CHANGES_OUTPUT)}
    environment = {
        **inherited, "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "80",
        "PYTEST_ADDOPTS": "-p no:dash",  # which Open3D brings, and which warns
    }  # fmt: skip
    command, joined = ["bash", "-c", block.code], {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run(command, cwd=folder, env=environment, text=True, check=False, **joined).stdout


def comparable(text: str) -> str:
    """Text without what differs between machines: rounding errors, and the layout that hangs on their lengths."""
    text = _NUMBER.sub(lambda m: "~0" if abs(float(m[0])) < _NOISE else m[0], text)
    return " ".join(text.replace("─", " ").split())


def matches(printed: str, shown: str) -> bool:
    """True if a page shows the text that was printed; ``...`` stands for anything."""
    pieces = [re.escape(comparable(piece)) for piece in re.split(r"(?m)^\.\.\.$", shown)]
    return re.fullmatch(r"\s*.*\s*".join(pieces), comparable(printed)) is not None


@contextlib.contextmanager
def standing_in(folder: Path) -> Iterator[None]:
    """Work in a folder, with its modules importable and not kept afterwards."""
    modules, bytecode = set(sys.modules), sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(folder))
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = bytecode
        for name in set(sys.modules) - modules:
            if str(getattr(sys.modules[name], "__file__", None)).startswith(str(folder)):
                del sys.modules[name]


def refresh(page: Path) -> None:
    """Write into a page what its blocks print now; text with ``...`` is left as it is."""
    lines = page.read_text(encoding="utf-8").splitlines()
    with tempfile.TemporaryDirectory() as folder, standing_in(Path(folder)):
        results = list(run(page, Path(folder)))
    for _, printed, shown in reversed(results):
        if shown and "...\n" not in shown.code:
            first = shown.line - 1
            lines[first : first + shown.code.count("\n")] = [line.rstrip() for line in printed.rstrip().splitlines()]
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        refresh(Path(name).resolve())
