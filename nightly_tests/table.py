"""Compares findings with expectations, as lines and as a page."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import Any

import torch

from nightly_tests.environments import Environment

HEAD = """# Real libraries

Modules of libraries that people use, in the newest version of each and in versions whose breaks are known, as
`tox -e nightly` (`python -m nightly_tests`) installed and diagnosed them. What they take was read off the modules and
the data, or assumed by name and shape; what they give is declared where a module does not state it. The page is written
by that command.

"clean" tells the largest error at the output in the main precision, float64 where the module runs in it. Cases called
"planted" are breaks of our own: what is sound must be found broken too when it is. Notes are no breaks: `precision`
stands for constants kept in float32, where float64 stalls above its own rounding. Of a line, "confirmed" says that the
error vanished when its result was replaced, "layer" that only the layer is known.

"""


def judged(environment: Environment, found: dict[str, Any]) -> list[str]:
    """One line per case, which starts with "as expected" or "unexpected"."""
    if "obstacle" in found:
        return [f"unexpected: {found['obstacle']}"]
    lines = [f"{_verdict(environment, case)}: {case['case']}: {_outcome(case)}" for case in found["cases"]]
    code, said = found.get("tests", (0, ""))
    return [*lines, f"{'unexpected' if code else 'as expected'}: {environment.tests}: {said}"] if said else lines


def _broken(case: dict[str, Any]) -> set[str]:
    return {finding["symmetry"] for finding in case.get("findings", ())}


def _verdict(environment: Environment, case: dict[str, Any]) -> str:
    wanted = set(environment.broken.get(case["case"], ()))
    named = all(environment.statement in finding["source"] for finding in case.get("findings", ()))
    return "as expected" if "error" not in case and _broken(case) == wanted and named else "unexpected"


def _outcome(case: dict[str, Any]) -> str:
    if "error" in case:
        return str(case["error"])
    told = [
        f"{f['symmetry']} ({f['cause']}, {f['error']:.1e}) in {f['layer'] or 'the whole'}" for f in case["findings"]
    ]
    return "; ".join(told) or f"clean, error {case['error_at_output']:.0e}"


def page(found: Sequence[tuple[Environment, dict[str, Any]]]) -> str:
    """The page of results."""
    setting = f"Python {platform.python_version()}, PyTorch {torch.__version__}, float64 beside float32."
    return HEAD + setting + "\n\n" + "\n".join(_section(*item) for item in found)


def _section(environment: Environment, found: dict[str, Any]) -> str:
    old = any("==" in requirement for requirement in environment.requirements)
    title = environment.name if old else _titled(environment, found)
    lines = [f"## {title}", ""]
    if environment.why:
        lines += [f"Known: {environment.why}.", ""]
    if environment.limits:
        lines += [f"Limits: {environment.limits}.", ""]
    if "obstacle" in found:
        return "\n".join([*lines, found["obstacle"], ""])
    lines += ["| module | layers followed | found | cause, statement or layer | judged |", "|---|---|---|---|---|"]
    lines += [_row(environment, case) for case in found["cases"]]
    notes = sorted({note for case in found["cases"] for note in case.get("notes", ())})
    lines += ["", f"Notes: {'; '.join(notes)}."] if notes else []
    return "\n".join([*lines, ""])


def _titled(environment: Environment, found: dict[str, Any]) -> str:
    name, _, rest = environment.name.partition(" ")
    return " ".join(filter(None, [name, found["version"], rest]))


def _row(environment: Environment, case: dict[str, Any]) -> str:
    verdict = _verdict(environment, case)
    if "error" in case:
        return f"| {case['case']} | | {case['error'].replace('|', '/')} | | {verdict} |"
    causes = "; ".join(
        f"{f['cause']}: {f['layer'] or 'the whole'}, line {f['line']} ({f['located']}): `{f['source']}`"
        for f in case["findings"]
    )
    found = ", ".join(f"{f['symmetry']} {f['error']:.1e}" for f in case["findings"])
    clean = f"clean ({case['error_at_output']:.0e})"
    return f"| {case['case']} | {case['layers']} | {found or clean} | {causes} | {verdict} |"
