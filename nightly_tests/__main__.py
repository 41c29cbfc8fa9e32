"""Install or clone, diagnose, judge, and write docs/results/libraries.md and docs/results/repositories.md."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from equivariance.report.files import write_text
from nightly_tests.cloned.repositories import REPOSITORIES
from nightly_tests.cloned.run import run
from nightly_tests.environments import ENVIRONMENTS, Environment, installed
from nightly_tests.table import judged, page

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results" / "libraries.md"


def diagnosed(environment: Environment, folder: Path) -> dict[str, Any]:
    """Returns the results of the worker, or the reason why it could not run."""
    try:
        python = installed(environment, folder)
    except RuntimeError as error:
        return {"version": "", "cases": [], "obstacle": f"not installed: {error}"}
    # e3nn 0.3.2 and 0.4.4 keep constants in files that PyTorch reads only when it is told to trust them.
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}
    command = [python, "-W", "ignore", "-m", "nightly_tests.worker", environment.cases, environment.name.split()[0]]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"version": "", "cases": [], "obstacle": f"not run: {done.stderr.strip().splitlines()[-1]}"}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    if environment.tests:
        run = [python, "-m", "pytest", "-q", "-W", "ignore", "-p", "no:cacheprovider", environment.tests]
        tested = subprocess.run(run, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
        found["tests"] = (tested.returncode, tested.stdout.strip().splitlines()[-1])
    return found


def main() -> int:
    """0 where everything is as expected."""
    parser = argparse.ArgumentParser(prog="python -m nightly_tests", description=__doc__)
    folder = Path(tempfile.gettempdir()) / "equivariance-nightly"
    parser.add_argument("--folder", type=Path, default=folder, help="where environments and clones are kept")
    parser.add_argument(
        "--only", choices=["libraries", "cloned"], help="libraries of the index, or cloned repositories"
    )
    parser.add_argument("--mirrors", type=Path, help="a folder of local clones, to use in place of GitHub")
    parser.add_argument("--plain", action="store_true", help="cloned repositories: only the plain comparison")
    parser.add_argument("names", nargs="*", help="only environments or repositories whose name contains one of these")
    options = parser.parse_args()

    def named(name: str) -> bool:
        return not options.names or any(part in name for part in options.names)

    libraries = [e for e in ENVIRONMENTS if options.only != "cloned" and named(e.name)]
    repositories = [r for r in REPOSITORIES if options.only != "libraries" and named(r.name)]
    if not libraries and not repositories:
        known = ", ".join([*(e.name for e in ENVIRONMENTS), *(r.name for r in REPOSITORIES)])
        parser.error(f"names={options.names}: expected parts of {known}")
    failed = _libraries(libraries, options.folder) if libraries else False
    if repositories:
        lines = run(repositories, options.folder, options.mirrors, "plain" if options.plain else "")
        failed |= any(line.startswith(("wrong", "not run", "raised")) for line in lines)
    return int(failed)


def _libraries(chosen: list[Environment], folder: Path) -> bool:
    """Diagnoses libraries of the index, writes the page if all are chosen, and says if something is unexpected."""
    found = []
    for environment in chosen:
        print(environment.name, "...", flush=True)
        found.append((environment, diagnosed(environment, folder)))
        for line in judged(*found[-1]):
            print("  ", line, flush=True)
    if len(chosen) == len(ENVIRONMENTS):
        write_text(RESULTS, page(found))
    return any(line.startswith("unexpected") for item in found for line in judged(*item))


if __name__ == "__main__":
    sys.exit(main())
