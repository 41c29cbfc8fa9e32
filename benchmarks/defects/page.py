"""The page of results: how much is right per style and overall, then every case that something was missed in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

from benchmarks.defects.case import Case
from benchmarks.defects.score import Outcome
from benchmarks.made import made_with

SCORES = ("detected", "symmetry", "layer", "statement", "cause")
COLUMNS = (*SCORES, "confirmed")
PACKAGES = ("torch", "e3nn", "numpy", "scipy", "dgl", "torch_geometric")


def page(cases: Sequence[Case], outcomes: Iterable[Outcome], command: str, seconds: float) -> str:
    """The whole page in Markdown."""
    known = {case.name: case for case in cases}
    found = sorted(outcomes, key=lambda o: (list(known).index(o.task.case), o.task.dtype, o.task.seed))
    broken = [o for o in found if known[o.task.case].truth and not o.inert]
    sound = [o for o in found if not known[o.task.case].truth]
    parts = ["# Planted defects", "", *_preface(cases, found, command, seconds), ""]
    for setting, words in (
        ("bare", "only the network's own inputs and output declared"),
        ("declared", "inner layers declared too"),
    ):
        chosen = [o for o in broken if o.task.setting == setting]
        if chosen:
            parts += [f"## Defects, {words}", "", *_table(known, chosen, setting == "bare"), ""]
    if sound:
        parts += ["## Sound modules", "", *_sound_table(known, sound), ""]
    parts += ["## Case by case", "", *_rows(known, found), ""]
    return "\n".join(parts)


def _preface(cases: Sequence[Case], found: Sequence[Outcome], command: str, seconds: float) -> list[str]:
    defects, seeds = [c for c in cases if c.truth], {o.task.seed for o in found}
    mechanisms = {c.truth.marker for c in defects if c.truth}
    diagnoses = sum(o.seconds for o in found)
    return [
        f"Made by `{command}` with {_machine()}.",
        f"{len(mechanisms)} defects, each at several depths of a network: {len(defects)} cases;"
        f" {len(cases) - len(defects)} sound modules. {len(seeds)} seeds, each with other weights and other inputs,"
        " and with every defect at one of its depths, in turn.",
        f"{len(found)} diagnoses took {diagnoses:.0f} s of one thread each ({diagnoses / max(len(found), 1):.2f} s on "
        f"average), {seconds:.0f} s by the clock with the peers.",
        *_inert(found),
        "",
        "*detected*: a finding under a symmetry that the defect breaks. *symmetry*, *layer*, *statement*, *cause*:",
        "the largest finding has it right. *confirmed*: its statement was proven by intervention. *alarms*: findings",
        "at sound layers or under symmetries that hold, per diagnosis. *e3nn*: its `assert_equivariant` raises; it",
        "names no layer. *hooks*: a comparison of two runs, layer by layer, sees the break; the first red layer is the",
        "right one.",
    ]


def _inert(found: Sequence[Outcome]) -> list[str]:
    """Returns the lines on networks that are left out, and the reason."""
    count = sum(o.inert for o in found)
    if not count:
        return []
    return [
        f"{count} more were of networks in which the planted statement has no effect (units are dead, or a branch is",
        "never taken): in float64 they obey every symmetry, by a check without the harness. Nothing was found in them,",
        "and they are in no share.",
    ]


def _machine() -> str:
    return made_with(PACKAGES, f"{os.cpu_count()} cores", "1 thread per process")


def _table(known: dict[str, Case], outcomes: Sequence[Outcome], peers: bool) -> list[str]:
    more = ["e3nn: detected", "hooks: detected", "hooks: layer"] if peers else []
    head = ["style", "dtype", "diagnoses", *COLUMNS, "alarms", *more]
    lines = [_line(head), _line(["---"] * 2 + ["---:"] * (len(head) - 2))]
    styles = list(dict.fromkeys(known[o.task.case].style for o in outcomes))
    for style in (*styles, "all"):
        for dtype in sorted({o.task.dtype for o in outcomes}):
            chosen = [o for o in outcomes if o.task.dtype == dtype and style in ("all", known[o.task.case].style)]
            if chosen:
                lines.append(_line([style, dtype, str(len(chosen)), *_shares(chosen, peers)]))
    return lines


def _shares(outcomes: Sequence[Outcome], peers: bool) -> list[str]:
    measured: list[Callable[[Outcome], bool]] = [lambda o, s=s: getattr(o, s) for s in COLUMNS]  # type: ignore[misc]
    shares = [_percent(outcomes, m) for m in measured] + [f"{sum(o.alarms for o in outcomes) / len(outcomes):.2f}"]
    if peers:
        shares += [
            _percent(outcomes, lambda o: o.assertion.alarm),
            _percent(outcomes, lambda o: o.hooks.alarm),
            _percent(outcomes, lambda o: o.hooks.layer),
        ]
    return shares


def _percent(outcomes: Sequence[Outcome], of: Callable[[Outcome], bool]) -> str:
    """Rounded down, lest one miss among many read as none."""
    return f"{int(1000 * sum(map(of, outcomes)) / len(outcomes)) / 10:g} %"


def _sound_table(known: dict[str, Case], outcomes: Sequence[Outcome]) -> list[str]:
    head = ["dtype", "diagnoses", "with a false alarm", "failed", "e3nn: false alarms", "hooks: false alarms"]
    lines = [_line(head), _line(["---"] + ["---:"] * 5)]
    for dtype in sorted({o.task.dtype for o in outcomes}):
        chosen = [o for o in outcomes if o.task.dtype == dtype]
        counts = [
            len(chosen), sum(o.alarms > 0 for o in chosen), sum(bool(o.failed) for o in chosen),
            sum(o.assertion.alarm for o in chosen), sum(o.hooks.alarm for o in chosen),
        ]  # fmt: skip
        lines.append(_line([dtype, *map(str, counts)]))
    return lines


def _rows(known: dict[str, Case], outcomes: Sequence[Outcome]) -> list[str]:
    """A row per case: what was missed, in how many of its diagnoses in the bare setting, and the threads of reports."""
    lines = [_line(["case", "breaks", "cause", "missed", "mechanism seen in"]), _line(["---"] * 5)]
    for name, case in known.items():
        chosen = [o for o in outcomes if o.task.case == name and o.task.setting == "bare" and not o.inert]
        if not chosen:
            lines.append(_line([name, "", "", f"not run: needs {case.requires}" if case.requires else "not run", ""]))
            continue
        truth = case.truth
        breaks = ", ".join(truth.symmetries) if truth else "nothing"
        lines.append(
            _line([name, breaks, " or ".join(truth.causes) if truth else "", _missed(case, chosen), case.origin])
        )
    return lines


def _missed(case: Case, outcomes: Sequence[Outcome]) -> str:
    count = len(outcomes)
    scores = SCORES if case.truth else ()
    missed = {score: sum(not getattr(o, score) for o in outcomes) for score in scores}
    words = [f"{score} {number}/{count}" for score, number in missed.items() if number]
    alarms, failures = sum(o.alarms > 0 for o in outcomes), [o.failed for o in outcomes if o.failed]
    words += [f"false alarm {alarms}/{count}"] if alarms else []
    words += [f"failed {len(failures)}/{count}: {failures[0][:80]}"] if failures else []
    return ", ".join(words).replace("|", "\\|").replace("\n", " ")


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
