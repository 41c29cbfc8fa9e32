"""Follows a run of Python: which lines of a package run, and which layers and callers run the changed lines."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from torch import nn


@contextmanager
def _following(interesting: Callable[[str], bool], see: Callable[[FrameType], None]) -> Iterator[None]:
    """Calls `see` at each line of the files that are interesting."""

    def local(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            see(frame)
        return local

    def start(frame: FrameType, event: str, _: Any) -> Any:
        return local if interesting(frame.f_code.co_filename) else None

    before = sys.gettrace()
    sys.settrace(start)
    threading.settrace(start)
    try:
        yield
    finally:
        sys.settrace(before)
        threading.settrace(before)  # type: ignore[arg-type]


@contextmanager
def lines_run(folder: Path) -> Iterator[dict[str, set[int]]]:
    """Fills a dictionary: file, from the folder, to the lines that run."""
    found: dict[str, set[int]] = {}

    def see(frame: FrameType) -> None:
        file = Path(frame.f_code.co_filename).relative_to(folder).as_posix()
        found.setdefault(file, set()).add(frame.f_lineno)

    with _following(lambda file: file.startswith(f"{folder}/"), see):
        yield found


class Places:
    """The layers that run some lines, and the lines that call the functions of these lines.

    Attributes:
        layers: Dotted paths of the innermost modules.
        callers: (file, line) of each call.
    """

    def __init__(self) -> None:
        self.layers: set[str] = set()
        self.callers: set[tuple[str, int]] = set()


@contextmanager
def places_of(module: nn.Module, lines: dict[str, set[int]], package: Path) -> Iterator[Places]:
    """Fills the places of `lines`, a dictionary of full file names, while the module runs."""
    names: dict[int, list[str]] = {}
    for name, layer in module.named_modules(remove_duplicate=False):
        names.setdefault(id(layer), []).append(name)
    found = Places()

    def see(frame: FrameType) -> None:
        if frame.f_lineno not in lines[frame.f_code.co_filename]:
            return
        found.layers.update(_innermost(frame, names))
        caller = frame.f_back
        while caller is not None and not caller.f_code.co_filename.startswith(f"{package}/"):
            caller = caller.f_back
        if caller is not None:
            found.callers.add((caller.f_code.co_filename, caller.f_lineno))

    with _following(lines.__contains__, see):
        yield found


def _innermost(frame: FrameType | None, names: dict[int, list[str]]) -> list[str]:
    """Returns the names of the innermost module whose method runs."""
    while frame is not None:
        owner = frame.f_locals.get("self")
        if isinstance(owner, nn.Module) and id(owner) in names:
            return names[id(owner)]
        frame = frame.f_back
    return []
