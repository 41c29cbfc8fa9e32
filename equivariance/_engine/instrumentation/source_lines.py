"""Finds the statement of the user's source that is running, without library frames, and the location of a layer.

`tape` asks for running statements; `diagnosis` asks for locations. This module imports no user code.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
import linecache
import os
import re
import sysconfig
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import torch

from equivariance._engine.instrumentation.expressions import columns_of
from equivariance._torch_private import BACKWARD_ENTRY
from equivariance.contracts.callables import FunctionModule, ScriptedModule
from equivariance.findings import Location

LIBRARIES = (
    "torch", "e3nn", "opt_einsum", "opt_einsum_fx", "numpy", "scipy", "dgl", "torch_geometric", "torch_scatter",
    "torch_sparse", "torch_cluster", "escnn", "lightning", "pytorch_lightning", "functorch",
)  # fmt: skip
"""Packages whose statements are skipped, unless the layer itself belongs to one of them.

A library other than torch that runs from a checkout is the code of whoever works on it, and is not skipped.
"""


_GENERATED = re.compile(r"_(propagate|edge_updater)_\w+\.py$")
"""Files that PyTorch Geometric generates for its message passing."""


_MODES = str(Path(__file__).with_name("precision.py"))
"""File of the harness that every operation of the layer passes through; it counts as part of torch."""


class SourceLine(NamedTuple):
    """A line of a file."""

    file: str
    line: int

    @property
    def source(self) -> str:
        """The text of the line."""
        return linecache.getline(self.file, self.line).strip()


class RunningLine(SourceLine):
    """A line of a file, and the instruction in it that runs.

    It equals every `SourceLine` of the same file and line: statements are identified by their lines.

    Attributes:
        code: The code of the function.
        instruction: The offset of the instruction in `code`, in bytes.
    """

    code: CodeType
    instruction: int

    @classmethod
    def at(cls, code: CodeType, instruction: int, line: int) -> RunningLine:
        """Returns the line of an instruction; `code` stays alive as long as the line."""
        made = cls(code.co_filename, line)
        made.code, made.instruction = code, instruction
        return made


_RUNNING: dict[tuple[int, int], RunningLine] = {}
"""Address of a code object and offset of an instruction -> its line. A frame computes its line number slowly."""

_MOST_RUNNING = 1 << 16
"""Largest number of lines that are kept."""


def _running_line(frame: FrameType, code: CodeType) -> RunningLine:
    """Returns the line that a frame of `code` runs."""
    key = id(code), frame.f_lasti
    known = _RUNNING.get(key)
    if known is None:
        if len(_RUNNING) >= _MOST_RUNNING:
            _RUNNING.clear()
        known = _RUNNING[key] = RunningLine.at(code, frame.f_lasti, frame.f_lineno)
    return known


def places_of(frame: FrameType | None) -> tuple[SourceLine, ...]:
    """Returns the running statements outside of libraries, innermost first.

    If there are none, returns the innermost statement of a library other than torch. If there is no Python source,
    returns ().
    """
    found, library = [], None
    while frame is not None and _kind(frame.f_code.co_filename) == "harness":
        frame = frame.f_back
    while frame is not None:
        code = frame.f_code
        kind = _kind(code.co_filename)
        if kind == "harness":
            break
        if kind == "own":
            found.append(_running_line(frame, code))
        elif kind == "library" and library is None:
            library = _running_line(frame, code)
        frame = frame.f_back
    return tuple(found) if found or library is None else (library,)


def raised_at(error: BaseException) -> SourceLine | None:
    """Returns the innermost statement outside of libraries that an exception passed; None if there is none."""
    passed, trace = list[SourceLine](), error.__traceback__
    while trace is not None:
        passed.append(RunningLine.at(trace.tb_frame.f_code, trace.tb_lasti, trace.tb_lineno))
        trace = trace.tb_next
    return next((place for place in reversed(passed) if is_own(place)), None)


def differentiates(frame: FrameType | None) -> bool:
    """True if autograd's engine runs the operation that `frame` asks for, with no other Python code in between.

    On CUDA the engine runs in its own threads, which have no calling frame.
    """
    while frame is not None and _kind(frame.f_code.co_filename) in ("harness", "torch"):
        if frame.f_code.co_name == BACKWARD_ENTRY:
            return True
        frame = frame.f_back
    return frame is None


def is_own(place: SourceLine) -> bool:
    """True if a statement is outside of libraries."""
    return _kind(place.file) == "own"


def calling_statement(frame: FrameType | None) -> SourceLine | None:
    """Returns the innermost running statement outside of libraries; None if there is none."""
    return next((place for place in places_of(frame) if is_own(place)), None)


@lru_cache(maxsize=4096)
def _kind(file: str) -> str:
    """Returns the owner of a file: "own", "library", "torch" or "harness".

    "torch" includes Python itself and code without a file.
    """
    typed = file in linecache.cache and not file.startswith("<eval_with_key>")  # cells of a notebook
    if not typed and (file.startswith("<") or not os.path.isfile(file)):
        return "torch"
    if file == _MODES:
        return "torch"
    folders = _code_folders()
    if file.startswith(folders["harness"]):
        return "harness"
    if any(file.startswith(f) for f in folders["torch"]):
        return "torch"
    if any(file.startswith(f) for f in folders["library"]) or _GENERATED.search(file):
        return "library"
    standard = file.startswith(folders["python"]) and not _is_installed(file)
    return "torch" if standard else "own"


def _is_installed(path: str) -> bool:
    """True if a path is in a folder that packages are installed into."""
    return any(name in path for name in ("site-packages", "dist-packages"))


@lru_cache(maxsize=1)
def _code_folders() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {
        "harness": (_package_folder(__name__.partition(".")[0]),),
        "python": (sysconfig.get_path("stdlib") + os.sep,),
    }
    homes = {name: _package_folder(name) for name in LIBRARIES}
    found["torch"] = tuple(homes[name] for name in ("torch", "functorch") if homes[name])
    others = (home for name, home in homes.items() if home and name not in ("torch", "functorch"))
    found["library"] = tuple(home for home in others if _is_installed(home))
    return found


def _package_folder(name: str) -> str:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return ""
    return str(Path(spec.origin).parent) + os.sep


def location_of(module: torch.nn.Module, layer: str) -> Location | None:
    """Returns file, line and text of the `def` of a submodule's `forward`; None without Python source."""
    target = module.get_submodule(layer)
    if isinstance(target, ScriptedModule):
        return None
    function = getattr(target, "function", None) if isinstance(target, FunctionModule) else type(target).forward
    return source_of(function)


def source_of(function: Any) -> Location | None:
    """Returns the first line of a function's definition, without decorators; None if no file contains the code."""
    function = _unwrap(function)
    try:
        lines, start = inspect.getsourcelines(function)
        file = inspect.getsourcefile(function)
    except (TypeError, OSError):
        return None
    if file is None or file.startswith("<"):
        return None
    offset = next((i for i, line in enumerate(lines) if line.lstrip().startswith(("def ", "async def "))), 0)
    return Location(_relative_path(file), start + offset, lines[offset].strip())


def is_in_library(location: Location) -> bool:
    """True if a location is in the code of a library."""
    return _kind(str(Path(location.file).absolute())) != "own"


def location_at(place: SourceLine) -> Location:
    """Returns the location of a line, with the columns of its expression if the running instruction is known."""
    columns = None
    if isinstance(place, RunningLine):
        columns = columns_of(place.code, place.instruction, place.line, linecache.getline(place.file, place.line))
    return Location(_relative_path(place.file), place.line, place.source, columns)


def _unwrap(function: Any) -> Any:
    """Returns the function behind decorators, partial applications and callable objects."""
    while isinstance(function, functools.partial):
        function = function.func
    if callable(function) and not inspect.isroutine(function) and not isinstance(function, type):
        function = type(function).__call__
    return inspect.unwrap(function) if callable(function) else function


def _relative_path(file: str) -> str:
    path = Path(file)
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
