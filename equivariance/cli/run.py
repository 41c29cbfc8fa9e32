"""Runs the command line: loads the subjects, diagnoses them and writes the report.

`main` calls `run` with parsed options. The diagnosis itself is in `equivariance.api`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from equivariance._progress_bar import ProgressBar
from equivariance.api import diagnose_subject
from equivariance.cli.options import choose, device_of, settings_of
from equivariance.cli.screen import ExaminedSubject, plain, render_all, render_broken, show
from equivariance.contracts.layers import matching_layers
from equivariance.contracts.nested import map_tensors
from equivariance.errors import ArgumentError, ChoiceError, first_line
from equivariance.groups.lattice_moves import LatticeMoves
from equivariance.groups.named import groups_of, named_symmetries
from equivariance.report.files import check_writable, write_text
from equivariance.report.html.page import to_html
from equivariance.report.json import to_json
from equivariance.report.report import Report
from equivariance.report.sarif import to_sarif
from equivariance.settings import Settings
from equivariance.subject import BUILT_IN, Subject, as_registered, load_checkpoint, load_subject

_FORMATS = {"json": to_json, "html": to_html, "sarif": to_sarif}
_EVERYTHING = ("e3", "permutation", "batch")


def run(options: argparse.Namespace) -> int:
    """Examines the subjects, writes the report and returns the exit code.

    Raises:
        ArgumentError: If an option has a bad value, or if the network raises an error.
        ChoiceError: If no layer matches `--layer`.
    """
    bar = ProgressBar(options.quiet)
    settings, group = settings_of(options, bar), options.group or [*_EVERYTHING, LatticeMoves()]
    groups_of(group, settings.max_translation)
    settings = replace(settings, named=named_symmetries(options.group) if options.group else ())
    choose("format", options.format, ["text", *_FORMATS])
    if options.output is not None:
        check_writable(Path(options.output))
    subjects = _load_subjects(options)
    chosen = {s.name: _chosen_layers(s, options.layer) for s in subjects}
    subjects = [s for s in subjects if chosen[s.name]]
    if not subjects:
        raise ChoiceError("layer", options.layer, _all_layers(options))
    done: list[ExaminedSubject] = []
    try:
        with bar:
            for subject in subjects:
                bar.starts(subject.name)
                report = _diagnose(subject, group, settings)
                done.append(_compare_with_registered(subject, report, chosen[subject.name]))
    except KeyboardInterrupt:
        _print_known_results(options, done, subjects[len(done) :], bar)
        return 130
    _require_tests(options, done)
    _write_reports(options, done)
    return _exit_code(done, registered=options.subject is None, strict=options.strict)


def _require_tests(options: argparse.Namespace, done: Sequence[ExaminedSubject]) -> None:
    """Rejects a run in which nothing was tested; the message says why.

    Raises:
        ArgumentError: If no symmetry of any subject was tested.
    """
    if any(d.report.symmetries or d.report.findings for d in done):
        return
    reasons = [f"{d.subject.name}: {symmetry}: {why}" for d in done for symmetry, why in d.report.untested]
    group = ", ".join(options.group or _EVERYTHING)
    raise ArgumentError("group", group, f"a symmetry that can be tested; {'; '.join(reasons)}")


def _exit_code(done: Sequence[ExaminedSubject], registered: bool, strict: bool) -> int:
    """Returns the exit code; `registered` compares findings with the registered ones, `strict` as for the option."""
    passed = [(d.as_registered if registered else d.report.ok) and not d.report.missing(strict) for d in done]
    return 0 if all(passed) else 1


def _load_subjects(options: argparse.Namespace) -> list[Subject]:
    """Loads the subjects, their weights if there is a checkpoint, and moves them to the device."""
    if options.subject is None and options.checkpoint is not None:
        raise ArgumentError("checkpoint", options.checkpoint, "a --subject that the weights belong to")
    device = device_of(options.device)
    subjects = [load_subject(name) for name in (BUILT_IN if options.subject is None else [options.subject])]
    if options.checkpoint is not None:
        load_checkpoint(subjects[0], Path(options.checkpoint))
    return [_move_to(s, device) for s in subjects]


def _move_to(subject: Subject, device: torch.device) -> Subject:
    """Returns the subject with its module and its arguments on `device`."""
    if device.type == "cpu":
        return subject
    return replace(subject, module=subject.module.to(device), args=map_tensors(subject.args, lambda t: t.to(device)))


def _chosen_layers(subject: Subject, pattern: str | None) -> set[str]:
    """Returns the paths of the layers that match `pattern`; an empty set if none does."""
    try:
        return matching_layers(subject.module, pattern)
    except ChoiceError:
        return set()


def _all_layers(options: argparse.Namespace) -> list[str]:
    return sorted({n for s in _load_subjects(options) for n, _ in s.module.named_modules() if n})


def _diagnose(subject: Subject, group: object, settings: Settings) -> Report:
    """Diagnoses one subject. An error that the network raises becomes an ArgumentError."""
    claims = tuple(g.symmetry for g in groups_of(subject.claims))
    try:
        return diagnose_subject(subject, group, replace(settings, claims=claims))
    except ArgumentError:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a network may raise exceptions of its own, also GeneratorExit and SystemExit
        words = f"{type(error).__name__}: {first_line(error)}"
        raise ArgumentError("subject", subject.name, f"a network that runs; it raised {words}") from error


def _compare_with_registered(subject: Subject, report: Report, layers: set[str]) -> ExaminedSubject:
    """Compares a report with the registered findings.

    A registered finding counts as missed only if its layer and its symmetry were tested.
    """
    extra, missed = as_registered(subject, report)
    missed = [k for k in missed if k.layer in layers and k.symmetry in (*report.symmetries, "none")]
    return ExaminedSubject(subject, report, tuple(extra), tuple(missed))


def _write_reports(options: argparse.Namespace, done: Sequence[ExaminedSubject]) -> None:
    if options.format in _FORMATS:
        text = _FORMATS[options.format]([d.report for d in done])
    else:
        pieces = (render_broken if options.quiet else render_all)(done, registered=options.subject is None)
        if not options.output:
            show(pieces, sys.stdout)
            return
        text = plain(pieces)
    if options.output:
        write_text(Path(options.output), text)
    else:
        sys.stdout.write(text)


def _describe_progress(symmetry: str, done: int, total: int, off: float) -> str:
    return f"{done} of {total} elements of {symmetry}: the output {f'is off by {off:.2g}' if off else 'holds'}"


def _print_known_results(
    options: argparse.Namespace, done: Sequence[ExaminedSubject], left: Sequence[Subject], bar: ProgressBar
) -> None:
    """Prints the results that an interrupted run has so far, as text.

    No file is written: a reader of a file or of another format gets a complete report or none.
    """
    words, known = ["interrupted"], list(done)
    if left and bar.known is not None:
        told = [v.symmetry for v in bar.known.verdicts]
        untested = ", ".join(s for s in bar.planned if s not in told)
        words.append(f"not tested of {left[0].name}: {untested}")
        words += [_describe_progress(symmetry, *measured) for symmetry, measured in bar.measured.items()]
        if told or bar.known.findings:
            settings = {**bar.known.settings, "interrupted": f"not tested: {untested}"}
            known.append(ExaminedSubject(left[0], replace(bar.known, settings=settings), (), ()))
    not_begun = [s.name for s in (left if bar.known is None else left[1:])]
    if not_begun:
        words.append(f"not examined: {', '.join(not_begun)}")
    if options.output:
        words.append(f"{options.output} was not written")
    words.append("known so far:" if known else f"nothing {'else ' if bar.measured else ''}is known yet")
    print(f"equivariance.diagnose: {'; '.join(words)}", file=sys.stderr)
    on_screen = options.format == "text" and not options.output
    show(render_all(known, registered=False), sys.stdout if on_screen else sys.stderr)
