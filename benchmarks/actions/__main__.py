"""Runs every action on a sound and on a broken network; `python -m benchmarks.actions` writes the page of results."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import equivariance as eq
from benchmarks.actions.cases import CASES, Case
from benchmarks.made import made_with
from equivariance.findings import Finding
from equivariance.report.files import write_text

PAGE = Path(__file__).parents[2] / "docs" / "results" / "actions.md"


def report_on(case: Case, broken: bool) -> eq.Report:
    """Returns the report on one network of a case."""
    network = case.broken if broken else case.sound
    return eq.diagnose(network, case.inputs, case.takes, case.gives, group=case.group, contracts=case.contracts)


def row(name: str, case: Case) -> tuple[str, bool]:
    """Returns the line of the table, and True if both verdicts are right."""
    sound, broken = report_on(case, False), report_on(case, True)
    found = [f for f in broken.findings if f.symmetry != "none"]
    right = {v.verdict for v in sound.verdicts} == {case.right} and bool(found)
    verdicts = ", ".join(dict.fromkeys(v.words.partition(":")[0] for v in sound.verdicts))
    first = _told(found[0]) if found else "**no finding** | | "
    return f"| {name} | {case.declared} | {verdicts} | {first} |", right


def _told(finding: Finding) -> str:
    cause = finding.cause + (f" ({finding.mechanism})" if finding.mechanism else "")
    source = "" if finding.location is None else finding.location.source.replace("|", "\\|")
    return f"{', '.join(finding.symmetries)}: {cause} | `{source}` | {finding.located}"


def main() -> int:
    """Returns 1 if a verdict is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.actions", description=__doc__)
    parser.add_argument("--output", type=Path, default=PAGE, help="the page (default: in docs/results)")
    options, start = parser.parse_args(), time.perf_counter()
    rows = {name: row(name, case) for name, case in CASES.items()}
    wrong = [name for name, (_, right) in rows.items() if not right]
    lines = "\n".join(line for line, _ in rows.values())
    text = f"""# Actions, on sound and on broken networks

Made by `python -m benchmarks.actions`, with {made_with(["torch", "e3nn"])}.

Each line is one action that a representation or an element declares. A sound network and a network with one wrong
statement are diagnosed with this declaration. The networks stand in `benchmarks/actions/networks.py`. The statement is
that of the first finding; *confirmed* means that an intervention on it removed the error.

{len(rows) - len(wrong)} of {len(rows)} actions have the right verdict on both networks.

| action | declared as | sound network | broken network | statement | located |
|---|---|---|---|---|---|
{lines}
"""
    write_text(options.output, text)
    print(f"{len(wrong)} of {len(rows)} wrong, {time.perf_counter() - start:.0f} s", *wrong, sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
