"""Install, diagnose, judge, and write docs/results/libraries.md: ``python -m nightly_tests [NAME ...]``."""

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
from nightly_tests.cloned import run as cloned
from nightly_tests.environments import ENVIRONMENTS, Environment, installed
from nightly_tests.table import judged, page

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results" / "libraries.md"


def diagnosed(environment: Environment, folder: Path) -> dict[str, Any]:
    """What the worker found, or why it could not be run."""
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
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "equivariance-nightly")
    parser.add_argument("--only", choices=["libraries", "cloned"], help="libraries of the index, or cloned repositories")
    parser.add_argument("--mirrors", type=Path, help="a folder of local clones, to use in place of GitHub")
    parser.add_argument("--plain", action="store_true", help="cloned repositories: only the plain comparison")
    parser.add_argument("names", nargs="*", help="only environments or repositories whose name contains one of these")
    options = parser.parse_args()
    if options.only == "cloned":
        lines = cloned.run(options.names, options.folder, options.mirrors, "plain" if options.plain else "")
        return int(any(line.startswith(("wrong", "not run")) for line in lines))
    chosen = [e for e in ENVIRONMENTS if not options.names or any(n in e.name for n in options.names)]
    if not chosen:
        parser.error(f"names={options.names}: expected parts of {', '.join(e.name for e in ENVIRONMENTS)}")
    found = []
    for environment in chosen:
        print(environment.name, "...", flush=True)
        found.append((environment, diagnosed(environment, options.folder)))
        for line in judged(*found[-1]):
            print("  ", line, flush=True)
    if not options.names:
        write_text(RESULTS, page(found))
    return int(any(line.startswith("unexpected") for item in found for line in judged(*item)))


if __name__ == "__main__":
    sys.exit(main())
