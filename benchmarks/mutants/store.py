"""Keeps answers as JSON lines outside of the repository, so that a run goes on where another one stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_HERE = "benchmarks/mutants"
_JUDGE = ("plain.py", "motions.py", "example.py", "mutate.py", "syntax.py", "trace.py", "catalogue.py")
_SURVEY = ("example.py", "values.py", "mutate.py", "syntax.py", "trace.py", "survey.py", "operators")


@cache
def digest(*names: str) -> str:
    """Returns the hash of source files and of all sources in folders, named from the root of the repository."""
    found = hashlib.sha256()
    for name in names:
        path = ROOT / name
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            found.update(file.read_bytes())
    return found.hexdigest()[:12]


def state(kind: str, cases: str) -> str:
    """Returns the hash of the sources that an answer of this kind rests on.

    Args:
        kind: "survey", "compare", "judge", "control" or "answer".
        cases: The module of `benchmarks.mutants.modules` that makes the modules.
    """
    own = _SURVEY if kind == "survey" else _JUDGE
    names = [f"{_HERE}/{name}" for name in (*own, f"modules/{cases}.py", "modules/clouds.py")]
    return digest(*names, *(["equivariance"] if kind in ("control", "answer") else []))


class Store:
    """Answers by key.

    Args:
        folder: The folder of the answers. All files `*.jsonl` in it are read.
        name: The name of the file to which this run appends.
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"{name}.jsonl"
        self._known: dict[str, Any] = {}
        for path in sorted(folder.glob("*.jsonl")):
            for line in path.read_text().splitlines():
                try:
                    entry = json.loads(line)
                except json.JSONDecodeError:  # a run was stopped while it wrote
                    continue
                self._known[entry["key"]] = entry["answer"]

    def get(self, key: Iterable[Any]) -> Any:
        """Returns the answer, or None."""
        return self._known.get(json.dumps(list(key)))

    def put(self, key: Iterable[Any], answer: Any) -> None:
        """Adds an answer."""
        text = json.dumps(list(key))
        self._known[text] = answer
        with self._file.open("a") as file:
            file.write(json.dumps({"key": text, "answer": answer}) + "\n")
