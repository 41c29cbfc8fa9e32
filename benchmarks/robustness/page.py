"""Writes the page of the counts."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

_HEAD = """# Robustness, measured

Written by `python -m benchmarks.robustness page --kept FILE`, from the results of

```sh
python -m benchmarks.robustness interrupts --count {interrupts} --kept FILE
python -m benchmarks.robustness lines --count {lines} --kept FILE
python -m benchmarks.robustness files --count {files} --kept FILE
```

The seeds are 0, 1, ... in every part. [Security and state](../security.md) says what is promised.

| part | examples | faults |
|---|---|---|
"""

_WHAT = {
    "interrupts": "KeyboardInterrupt at a random time of a diagnosis; a fault is a part of the process or of the "
    "module that differs afterwards",
    "lines": "random command lines of `diagnose`, `se3unet`, `faces`, `scenes` and `steerable3d`",
    "files": "damaged files: cut, replaced, with flipped bytes, other numbers, shuffled or repeated lines",
}

_RULES = """
A command has a fault if it ends in a traceback, if its exit code is not 0, 1, 2 or 130, or if exit code 2 comes with
more or less than one line on standard error (for `predict`, one for each scan), or with a new file or folder. It has
{seconds} seconds and 6 GiB.
"""


def text(results: Sequence[dict[str, Any]]) -> str:
    """Returns the page.

    Args:
        results: One for each part and seed; of several with one seed the last counts.
    """
    last = {(r["part"], r["seed"]): r for r in results}
    parts = {part: [r for (p, _), r in sorted(last.items()) if p == part] for part in _WHAT}
    lines = [_HEAD.format(**{part: len(found) for part, found in parts.items()})]
    for part, found in parts.items():
        lines.append(f"| {_WHAT[part]} | {len(found)} | {sum(bool(r['fault']) for r in found)} |\n")
    lines.append(_RULES.format(seconds=20))
    hit = [r for r in parts["interrupts"] if r["hit"]]
    lines.append(
        f"\nOf the {len(parts['interrupts'])} interrupts, {len(hit)} met the diagnosis and "
        f"{len(parts['interrupts']) - len(hit)} came after its end.\n"
    )
    lines += ["\n| exit code | command lines | damaged files |\n|---|---|---|\n"]
    codes = {part: Counter(str(r["code"]) for r in parts[part]) for part in ("lines", "files")}
    for code in sorted({*codes["lines"], *codes["files"]}):
        lines.append(f"| {code} | {codes['lines'][code]} | {codes['files'][code]} |\n")
    return "".join(lines)
