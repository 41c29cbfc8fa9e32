"""Clones, compares, diagnoses and judges: ``python -m nightly_tests --only cloned``."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from equivariance.report.files import write_text
from nightly_tests.cloned.page import judged, page
from nightly_tests.cloned.repositories import ENVIRONMENT, REPOSITORIES, Repository, cloned
from nightly_tests.environments import installed

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results" / "repositories.md"
LIMIT = 400
"""Seconds for one repository."""


def _state() -> str:
    """A name for the code of the harness and of the cases: what was found with other code is found again."""
    digest = hashlib.sha256()
    for folder in ("equivariance", "nightly_tests"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            if file.name not in ("page.py", "run.py"):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def found_in(repository: Repository, python: Path, clone: Path, only: str) -> list[dict[str, Any]]:
    """Returns the result of the worker.

    Raises
    ------
    RuntimeError : it could not be run, or took longer than the limit
    """
    folders = [ROOT, ROOT / "nightly_tests" / "stand_ins", *(clone / folder for folder in repository.folders)]
    path = os.pathsep.join(str(folder) for folder in folders)
    variables = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(python), "-W", "ignore", "-m", "nightly_tests.cloned.worker", repository.cases, only]
    try:
        done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"took longer than {LIMIT} s") from None
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["stopped without a word"])[-1])
    cases: list[dict[str, Any]] = json.loads(done.stdout.strip().splitlines()[-1])
    return cases


def examined(repository: Repository, python: Path, root: Path, mirrors: Path | None, only: str) -> dict[str, Any]:
    """The cases of one repository, found or read from an earlier run of the same code; or why there are none."""
    kept = root / "found" / f"{repository.cases}-{repository.commit[:8]}-{_state()}.json"
    if kept.exists() and not only:
        earlier: dict[str, Any] = json.loads(kept.read_text())
        return earlier
    try:
        cases = found_in(repository, python, cloned(repository, root / "clones", mirrors), only)
    except RuntimeError as error:
        return {"obstacle": str(error)}
    if not only:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps({"cases": cases}))
    return {"cases": cases}


def run(chosen: Sequence[Repository], root: Path, mirrors: Path | None, only: str, workers: int = 2) -> list[str]:
    """Prints one line for each symmetry of each case, and returns the lines.

    The page is written if all repositories are run. ``only`` is "plain" for the plain comparison alone.
    """
    python = installed(ENVIRONMENT, root)
    lines, found = [], []
    with ThreadPoolExecutor(workers) as pool:
        tasks = [pool.submit(examined, r, python, root, mirrors, only) for r in chosen]
        for repository, task in zip(chosen, tasks, strict=True):
            found.append((repository, task.result()))
            print(repository.name, flush=True)
            for line in judged(found[-1][1]):
                lines.append(line)
                print("  ", line, flush=True)
    if len(chosen) == len(REPOSITORIES) and not only:
        write_text(RESULTS, page(found))
    return lines
