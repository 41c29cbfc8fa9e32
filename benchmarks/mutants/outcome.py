"""Compares and diagnoses one module of a library, changed or unchanged, and returns plain data for JSON."""

from __future__ import annotations

import ast
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.mutants.example import Example
from benchmarks.mutants.libraries import Library
from benchmarks.mutants.mutate import Mutant, Site, mutant
from benchmarks.mutants.package_copy import changed_package, folder_of
from benchmarks.mutants.plain import LIMIT, Incomparable, errors
from benchmarks.mutants.survey import call, example_of
from benchmarks.mutants.syntax import statement_at
from benchmarks.mutants.trace import places_of

Record = dict[str, Any]


def compared(library: Library, module: str) -> Record:
    """Returns the errors of the plain comparison of an unchanged module."""
    return {"errors": errors(example_of(library, module))}


def diagnosed(library: Library, module: str) -> Record:
    """Returns what the harness says about an unchanged module."""
    return _said(example_of(library, module), folder_of(library.package))


def judged(library: Library, module: str, file: str, site: Site) -> Record:
    """Returns if a mutant counts: "counted", "equivalent" or "crashed", and for a counted one the right answers.

    Args:
        library, module: The module.
        file: The file that is changed, from the folder of the package.
        site: The change. All that the unchanged module claims must hold.
    """
    made, folder = _made(library, file, site)
    if made is None:
        return {"status": "crashed", "why": "SyntaxError"}
    with folder as copy:
        try:
            example = example_of(library, module)
            found = errors(example)
        except Exception as error:  # of any kind: the code was changed at random
            name = "" if isinstance(error, Incomparable) else f"{type(error).__name__}: "
            return {"status": "crashed", "why": f"{name}{str(error)[:300]}"}
        broken = [symmetry for symmetry in found if found[symmetry] > LIMIT]
        if not broken:
            return {"status": "equivalent"}
        return {"status": "counted", "broken": broken, "errors": found, **_right(example, made, copy, file)}


def answered(library: Library, module: str, file: str, site: Site) -> Record:
    """Returns what the harness says about a mutant."""
    made, folder = _made(library, file, site)
    if made is None:
        raise ValueError(f"site={site}: expected a change that parses")
    with folder as copy:
        return _said(example_of(library, module), copy)


def _made(library: Library, file: str, site: Site) -> tuple[Mutant | None, AbstractContextManager[Path]]:
    made = mutant((folder_of(library.package) / file).read_text(), site)
    return made, nullcontext(Path()) if made is None else changed_package(library.package, {file: made.source})


def _right(example: Example, made: Mutant, copy: Path, file: str) -> Record:
    """Returns the right statements and layers, and the lines of the change."""
    torch.manual_seed(0)
    module = example.make()
    path = str(copy / file)
    with places_of(module, {path: {n for lines in made.right for n in lines}}, copy) as places:
        call(example, module)
    right = [[file, lines.start, lines.stop - 1] for lines in made.right]
    if made.follow:
        for caller, line in sorted(places.callers):
            statement = statement_at(ast.parse(Path(caller).read_text()), line)
            if statement is not None:
                lines, name = statement.lines, Path(caller).relative_to(copy).as_posix()
                right.append([name, lines.start, lines.stop - 1])
                with places_of(module, {caller: set(lines)}, copy) as more:
                    call(example, module)
                places.layers |= more.layers
    return {"right": right, "layers": sorted(places.layers), "lines": [made.changed.start, made.changed.stop - 1]}


def _said(example: Example, copy: Path) -> Record:
    """Returns the findings of `diagnose`, to which nothing is declared."""
    import equivariance as eq

    torch.manual_seed(0)
    module = example.make()
    args, kwargs = example.arguments({name: value.clone() for name, value in example.tensors.items()})
    start = time.perf_counter()
    with _Passes(module) as passes:
        try:
            report = eq.diagnose(module, args, kwargs=kwargs or None)
        except Exception as error:  # of any kind: it is counted as missed
            why = f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"
            return {"raised": why, "findings": [], "seconds": time.perf_counter() - start, "passes": passes.count}
    return {
        "seconds": round(time.perf_counter() - start, 2),
        "passes": passes.count,
        "verdicts": [[v.symmetry, v.verdict, v.claimed, v.error, v.words] for v in report.verdicts],
        "findings": [_finding(f, copy) for f in report.findings],
    }


def _finding(finding: Any, copy: Path) -> Record:
    """Returns one finding. Fields that the harness may not have yet are taken as empty."""
    alternatives = getattr(finding, "alternatives", ())
    return {
        "layer": finding.layer,
        "layers": list(getattr(finding, "layers", ())) or [finding.layer],
        "symmetries": list(getattr(finding, "symmetries", ())) or [finding.symmetry],
        "cause": finding.cause,
        "mechanism": getattr(finding, "mechanism", ""),
        "located": finding.located,
        "error": finding.error,
        "evidence": finding.evidence,
        **_place(finding.location, copy),
        "alternatives": [_place(getattr(a, "location", a), copy) for a in alternatives],
    }


def _place(location: Any, copy: Path) -> Record:
    if location is None:
        return {"file": "", "line": 0, "columns": None}
    file = Path(location.file)
    name = file.relative_to(copy).as_posix() if file.is_relative_to(copy) else file.name
    columns = getattr(location, "columns", None)
    return {"file": name, "line": location.line, "columns": list(columns) if columns else None}


class _Passes:
    """Counts the forward passes of a module and of its copies."""

    def __init__(self, module: nn.Module) -> None:
        self.count = 0
        module.is_the_root_of_the_mutant = True  # type: ignore[assignment]

    def _see(self, module: nn.Module, _: Any) -> None:
        self.count += getattr(module, "is_the_root_of_the_mutant", False) is True

    def __enter__(self) -> _Passes:
        self._hook = nn.modules.module.register_module_forward_pre_hook(self._see)
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()
