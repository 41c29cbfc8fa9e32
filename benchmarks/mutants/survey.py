"""Looks for all places in a library where operators apply: those that the forward passes of its modules run."""

from __future__ import annotations

import ast
from dataclasses import asdict
from importlib import import_module
from typing import Any

import torch

from benchmarks.mutants.example import Example
from benchmarks.mutants.libraries import Library
from benchmarks.mutants.mutate import sites
from benchmarks.mutants.package_copy import changed_package, folder_of
from benchmarks.mutants.trace import lines_run
from benchmarks.mutants.values import Context, probed, recording

Lines = dict[str, list[int]]


def module_names(library: Library) -> list[str]:
    """Returns the names of the modules of a library."""
    return list(import_module(f"benchmarks.mutants.modules.{library.cases}").MODULES)


def example_of(library: Library, module: str) -> Example:
    """Returns one module with its inputs and laws."""
    torch.manual_seed(0)
    made: Example = import_module(f"benchmarks.mutants.modules.{library.cases}").MODULES[module]()
    return made


def run_once(example: Example) -> None:
    """Runs the module once, in training, in float32."""
    torch.manual_seed(0)
    call(example, example.make().train("train" in example.modes))


def call(example: Example, module: torch.nn.Module) -> Any:
    """Returns the result of one forward pass."""
    args, kwargs = example.arguments({name: value.clone() for name, value in example.tensors.items()})
    return module(*args, **kwargs)


def lines_of(library: Library, module: str) -> tuple[Lines, Lines]:
    """Returns the lines that the forward pass runs, and those that the construction runs, per file."""
    folder, example = folder_of(library.package), example_of(library, module)
    torch.manual_seed(0)
    with lines_run(folder) as built:
        made = example.make()
    with lines_run(folder) as run:
        call(example, made)
    return _allowed(library, run), _allowed(library, built)


def _allowed(library: Library, lines: dict[str, set[int]]) -> Lines:
    return {
        file: sorted(numbers)
        for file, numbers in sorted(lines.items())
        if file.endswith(".py") and not any(file == left or file.startswith(f"{left}/") for left in library.left_out)
    }


def sites_of(library: Library, module: str, run: Lines, built: Lines) -> list[dict[str, Any]]:
    """Returns all sites in the lines that a module runs; the library must not have been imported before."""
    folder = folder_of(library.package)
    files = sorted({*run, *built})
    sources = {file: (folder / file).read_text() for file in files}
    instrumented = {file: probed(sources[file], set(run[file]), file) for file in run}
    with changed_package(library.package, instrumented), recording() as values:
        example = example_of(library, module)
        run_once(example)
    found = []
    for file in files:
        context = Context(values.get(file, {}), frozenset(example.components), example.lengths())
        made = sites(sources[file], context, set(run.get(file, ())), set(built.get(file, ())))
        found += [{"file": file, **asdict(site)} for site in made if _parses(site.text)]
    return found


def _parses(text: str) -> bool:
    try:
        ast.parse(f"f({text})")
    except SyntaxError:
        return "," in text and _parses(f"({text})")
    return True
