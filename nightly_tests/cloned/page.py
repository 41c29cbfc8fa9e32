"""Renders verdicts beside the plain comparison, as lines and as a page."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import Any

import torch

from nightly_tests.cloned.plain import LAST_BIT, LIMIT
from nightly_tests.cloned.repositories import Repository

HEAD = """# Public repositories

Modules of public repositories, cloned at stated commits and diagnosed by `equivariance.diagnose(module, args)`: no
group, no representation and no axis is declared. The page is written by

    python -m nightly_tests --only cloned

"plain comparison" is the truth. It is the largest relative error of f(g x) against g f(x) in float64 over 16 random
elements (inversion has one), with the given and with perturbed weights, in evaluation mode. Points and shifts are
multiples of 2^-20, so that a shift rounds nothing. Its code,
`nightly_tests/cloned/plain.py`, is plain PyTorch and imports nothing of `equivariance`; the laws of the tensors are
written by hand. A symmetry holds if that error is below 1e-9. The permutation is compared twice: the order of nodes,
and the order of edges where the input has these. The comparison alone:

    python -m nightly_tests --only cloned --plain

`--mirrors FOLDER` takes local clones in place of GitHub. A verdict is *right* if it equals the plain comparison, and
*wrong* if not; *not tested* is neither. "not claimed" is a symmetry that is measured and that no one claims; its
verdict is given behind it and judged alike. A symmetry that nothing in the inputs follows does not apply: the right
verdict is *not tested*, and any other is wrong. The column "error" is the harness's own, at the output.

"""
PARTS = {"permutation": ("permutation", "edges")}


def truths(plain: dict[str, float]) -> dict[str, dict[str, float]]:
    """Symmetry of the harness -> the errors of the plain comparison that it stands for."""
    named = [s for s in plain if s not in ("edges", LAST_BIT)]
    return {s: {p: plain[p] for p in PARTS.get(s, (s,)) if p in plain} for s in named}


def rows(case: dict[str, Any]) -> list[dict[str, str]]:
    """One row for each symmetry, of the harness or of the plain comparison."""
    told = {v["symmetry"]: v for v in case.get("verdicts", ())}
    truth = truths(case["plain"])
    return [_row(symmetry, told.get(symmetry), truth.get(symmetry, {})) for symmetry in dict.fromkeys([*truth, *told])]


def _row(symmetry: str, told: dict[str, Any] | None, errors: dict[str, float]) -> dict[str, str]:
    holds = "holds" if errors and all(e < LIMIT for e in errors.values()) else "broken"
    shown = ", ".join(f"{e:.0e}" + (f" ({p})" if len(errors) > 1 else "") for p, e in errors.items())
    plain = f"{holds}: {shown}" if errors else "does not apply"
    if told is None:
        return {
            "symmetry": symmetry,
            "verdict": "not mentioned",
            "basis": "",
            "error": "",
            "plain": plain,
            "right": "not tested",
        }
    tested = told["verdict"] != "not tested"
    words = told["words"] if told["claimed"] or not tested else f"{told['words']} ({told['verdict']})"
    right = "right" if told["verdict"] == (holds if errors else "not tested") else "wrong"
    return {
        "symmetry": symmetry, "verdict": words, "basis": told["basis"] if tested else "",
        "error": f"{told['error']:.0e}" if tested else "", "plain": plain,
        "right": right if tested or not errors else "not tested",
    }  # fmt: skip


def judged(found: dict[str, Any]) -> list[str]:
    """One line for each symmetry of each case."""
    if "obstacle" in found:
        return [f"not run: {found['obstacle']}"]
    lines = []
    for case in found["cases"]:
        seconds = f" ({case['seconds']} s)" if "seconds" in case else ""
        lines += [
            f"raised: {case['case']}: {OBSTACLES[what]}: {case[what]}{seconds}"
            for what in ("obstacle", "plain_obstacle")
            if what in case
        ]
        lines += [
            f"{r['right']}: {case['case']}: {r['symmetry']}: {r['verdict']} [{r['basis']}] {r['error']}; "
            f"plain {r['plain']}{seconds}"
            for r in rows(case)
        ]
    return lines


def page(found: Sequence[tuple[Repository, dict[str, Any]]]) -> str:
    """The page of results."""
    setting = f"Python {platform.python_version()}, PyTorch {torch.__version__}."
    judgements = [r["right"] for _, f in found for case in f.get("cases", ()) for r in rows(case)]
    counts = ", ".join(f"{judgements.count(word)} {word}" for word in ("right", "wrong", "not tested"))
    return f"{HEAD}{setting} Verdicts: {counts}.\n\n" + "\n".join(_section(*item) for item in found)


def _section(repository: Repository, found: dict[str, Any]) -> str:
    lines = [
        f"## {repository.name}",
        "",
        f"[{repository.commit[:12]}]({repository.address}/tree/{repository.commit})",
        "",
    ]
    for file, (old, new) in repository.changes.items():
        lines += [f"Changed: in {file}, `{old}` is `{new}`.", ""]
    if repository.known:
        lines += [f"Known: {repository.known}.", ""]
    if repository.limits:
        lines += [f"Limits: {repository.limits}.", ""]
    if "obstacle" in found:
        return "\n".join([*lines, f"not run: {_cell(found['obstacle'])}", ""])
    for case in found["cases"]:
        lines += [f"### {case['case']}", ""]
        lines += [f"{name}: `{_cell(case[key])}`\n" for key, name in OBSTACLES.items() if key in case]
        lines += [
            "| symmetry | verdict | rests on | error | plain comparison | the verdict is |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            "| " + " | ".join(_cell(value).replace("[", "\\[") for value in row.values()) + " |" for row in rows(case)
        ]
        if (noise := case["plain"].get(LAST_BIT, 0.0)) > LIMIT:
            lines += ["", f"Noise in the last bit of the inputs changes the outputs by {noise:.0e}."]
        lines += [""]
        lines += [
            f"- {f['symmetry']}: {f['cause']} in {f['layer'] or 'the whole'}, line {f['line']} ({f['located']}): "
            f"`{f['source']}`"
            for f in case.get("findings", ())
        ]
        lines += [""] if case.get("findings") else []
    return "\n".join(lines)


OBSTACLES = {"obstacle": "The diagnosis raised", "plain_obstacle": "The plain comparison raised"}


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")
