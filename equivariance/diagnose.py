"""The command line: ``python -m equivariance.diagnose``.

Exit code 0 clean (without ``--subject``: each built-in network as registered), 1 findings (or not as registered),
2 bad usage: one line on standard error that names the argument, the value and the choices.
"""

from __future__ import annotations

import argparse
import io
import math
import sys
import types
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import torch
from rich.console import Console, RenderableType
from rich.text import Text

from equivariance.check import diagnose as _diagnose
from equivariance.errors import ArgumentError, ChoiceError, first_line
from equivariance.examination import Settings, matching_layers
from equivariance.findings import Report
from equivariance.groups import NAMED_GROUPS, groups_of
from equivariance.report.files import check_writable, write_text
from equivariance.report.html import to_html
from equivariance.report.json import to_json
from equivariance.report.sarif import to_sarif
from equivariance.report.text import WIDTH, render, side_by_side
from equivariance.subject import (
    BUILT_IN,
    Known,
    Subject,
    as_registered,
    examine_subject,
    load_checkpoint,
    load_subject,
)
from equivariance.trees import map_tensors

PROGRAM = "equivariance.diagnose"
DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}
FORMATS = {"json": to_json, "html": to_html, "sarif": to_sarif}
_EVERYTHING = ("e3", "permutation", "batch")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, no usage text."""
        raise ArgumentError(
            "command line", " ".join(sys.argv[1:]), f"known options with valid values: {message}; see --help"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        options = _parser().parse_args(arguments)
        return _run(options)
    except (ArgumentError, ImportError) as error:
        print(f"{PROGRAM}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted, nothing was written", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=f"python -m {PROGRAM}",
        description="Find where a network breaks equivariance, and why.",
        epilog="Exit code: 0 no finding (without --subject: both networks are as registered), 1 findings, 2 bad usage.",
    )
    add = parser.add_argument
    add(
        "--subject", metavar="NAME|module:factory", help="a registered subject or a factory; default: the built-in pair"
    )
    add("--layer", metavar="PATTERN", help="only layers whose path or class contains PATTERN, or match it as a glob")
    add(
        "--group", action="append", metavar="G", help=f"one of {', '.join(NAMED_GROUPS)}; may be repeated; default: all"
    )
    add("--samples", default="4", metavar="N", help="elements per symmetry; default: 4")
    add("--seed", default="0", metavar="S", help="seed of everything random; default: 0")
    add("--dtype", metavar="|".join(DTYPES), help="the precision that is judged; default: the network's own")
    add("--device", default="cpu", metavar="D", help="cpu, cuda, cuda:1, ...; default: cpu")
    add(
        "--max-translation",
        metavar="M",
        help="longest translation, in the input's units; default: ten times its extent",
    )
    add("--checkpoint", metavar="FILE", help="weights to load into the subject")
    add("--format", default="text", metavar="text|json|html|sarif", help="the form of the report; default: text")
    add("--output", metavar="FILE", help="write the report there and not to the screen")
    return parser


def _run(options: argparse.Namespace) -> int:
    settings = _settings(options)
    group = options.group or list(_EVERYTHING)
    groups_of(group, settings.max_translation)
    _choose("format", options.format, ["text", *FORMATS])
    if options.output is not None:
        check_writable(Path(options.output))
    subjects = _subjects(options)
    chosen = {s.name: _chosen_layers(s, options.layer) for s in subjects}
    subjects = [s for s in subjects if chosen[s.name]]
    if not subjects:
        raise ChoiceError("layer", options.layer, _all_layers(options))
    reports = [_examined(s, group, settings) for s in subjects]
    told = [_as_registered(s, r, chosen[s.name]) for s, r in zip(subjects, reports, strict=True)]
    _emit(options, subjects, reports, told)
    if options.subject:
        return 0 if all(r.ok for r in reports) else 1
    return 0 if all(not extra and not missed for extra, missed in told) else 1


def _settings(options: argparse.Namespace) -> Settings:
    dtype = None if options.dtype is None else DTYPES[_choose("dtype", options.dtype, list(DTYPES))]
    longest = None if options.max_translation is None else _float("max-translation", options.max_translation)
    return Settings(_int("samples", options.samples, 1), _int("seed", options.seed, 0), dtype, longest, options.layer)


def _subjects(options: argparse.Namespace) -> list[Subject]:
    if options.subject is None and options.checkpoint is not None:
        raise ArgumentError("checkpoint", options.checkpoint, "a --subject that the weights belong to")
    device = _device(options.device)
    subjects = [load_subject(name) for name in ([options.subject] if options.subject else BUILT_IN)]
    if options.checkpoint is not None:
        load_checkpoint(subjects[0], Path(options.checkpoint))
    return [_moved(s, device) for s in subjects]


def _moved(subject: Subject, device: torch.device) -> Subject:
    if device.type == "cpu":
        return subject
    return replace(subject, module=subject.module.to(device), args=map_tensors(subject.args, lambda t: t.to(device)))


def _examined(subject: Subject, group: object, settings: Settings) -> Report:
    claims = tuple(g.symmetry for g in groups_of(subject.claims))
    try:
        with Console(stderr=True).status(f"examining {subject.name} ..."):
            return examine_subject(subject, group, replace(settings, claims=claims))
    except (ArgumentError, KeyboardInterrupt):
        raise
    except (Exception, SystemExit) as error:
        words = f"{type(error).__name__}: {first_line(error)}"
        raise ArgumentError("subject", subject.name, f"a network that runs; it raised {words}") from error


def _chosen_layers(subject: Subject, pattern: str | None) -> set[str]:
    try:
        return matching_layers(subject.module, pattern)
    except ChoiceError:
        return set()


def _all_layers(options: argparse.Namespace) -> list[str]:
    return sorted({n for s in _subjects(options) for n, _ in s.module.named_modules() if n})


def _as_registered(subject: Subject, report: Report, layers: set[str]) -> tuple[list[Known], list[Known]]:
    extra, missed = as_registered(subject, report)
    return extra, [k for k in missed if k.layer in layers and k.symmetry in (*report.symmetries, "none")]


def _emit(
    options: argparse.Namespace,
    subjects: list[Subject],
    reports: list[Report],
    told: list[tuple[list[Known], list[Known]]],
) -> None:
    if options.format in FORMATS:
        text = FORMATS[options.format](reports)
        if options.output:
            write_text(Path(options.output), text)
        else:
            sys.stdout.write(text)
        return
    pieces: list[RenderableType] = []
    for subject, report in zip(subjects, reports, strict=True):
        pieces += [Text(f"{subject.name}: {subject.description}", style="bold"), render(report), Text("")]
    if len(reports) > 1:
        pieces.append(side_by_side(reports, {s.name: s.stages for s in subjects}))
    if not options.subject:
        pieces += [_verdict(s, *t) for s, t in zip(subjects, told, strict=True)]
    if options.output:
        write_text(Path(options.output), _plain(pieces))
    else:
        console = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else WIDTH)
        for piece in pieces:
            console.print(piece)


def _plain(pieces: list[RenderableType]) -> str:
    buffer = io.StringIO()
    console = Console(file=buffer, width=WIDTH, color_system=None, highlight=False, emoji=False)
    for piece in pieces:
        console.print(piece)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _verdict(subject: Subject, extra: list[Known], missed: list[Known]) -> Text:
    if not extra and not missed:
        count = len(subject.known)
        words = f"exactly its {count} known findings" if count else "no finding"
        return Text(f"{subject.name}: as registered ({words})", style="green")
    parts = [f"beyond what is registered: {k.symmetry} {k.cause} in {k.layer}" for k in extra]
    parts += [f"registered but not found: {k.symmetry} {k.cause} in {k.layer}" for k in missed]
    return Text(f"{subject.name}: NOT as registered; " + "; ".join(parts), style="bold red")


def _choose(name: str, value: str, choices: list[str]) -> str:
    if value not in choices:
        raise ChoiceError(name, value, choices)
    return value


def _int(name: str, value: str, least: int) -> int:
    if not value.isdecimal() or int(value) < least:
        raise ArgumentError(name, value, f"a whole number of at least {least}")
    return int(value)


def _float(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise ArgumentError(name, value, "a positive finite number")
    return number


def _device(name: str) -> torch.device:
    available = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ChoiceError("device", name, available) from error
    if device.type != "cpu" and (device.type != "cuda" or (device.index or 0) >= torch.cuda.device_count()):
        raise ChoiceError("device", name, available)
    return device


class _Callable(types.ModuleType):
    """``import equivariance.diagnose`` puts this module where the function of the same name stood: call it too."""

    def __call__(self, *args: Any, **kwargs: Any) -> Report:
        return _diagnose(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable

if __name__ == "__main__":
    # A terminal without Unicode gets references to characters, which a page in HTML may hold, and no traceback.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="xmlcharrefreplace")
    sys.exit(main())
