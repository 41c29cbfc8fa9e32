"""Diagnoses every network with every seed: `python -m benchmarks.verdicts`, written to docs/results/verdicts.md."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.made import made_with
from benchmarks.verdicts.networks import SPECIMENS, Specimen
from benchmarks.verdicts.run import Said, verdicts_of
from equivariance.report.files import write_text

PAGE = Path(__file__).parents[2] / "docs" / "results" / "verdicts.md"


def row(specimen: Specimen, said: Sequence[Said]) -> tuple[str, int, int]:
    """Returns the line of the page, the number of wrong verdicts and the number of verdicts."""
    cells, wrong, count = [], 0, 0
    for symmetry, right in specimen.right.items():
        found = Counter(s.get(symmetry, "absent") for s in said)
        wrong += len(said) - found[right]
        count += len(said)
        words = ", ".join(f"{verdict} {times}" for verdict, times in found.most_common())
        cells.append(f"{symmetry}: {right if found[right] == len(said) else f'**{words}** (right: {right})'}")
    return f"| {specimen.name} | {'; '.join(cells)} | {wrong} |", wrong, count


def main() -> int:
    """Returns 1 if a verdict is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verdicts", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="diagnoses per network (default 20)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default 0)")
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each (default 2)")
    parser.add_argument("--output", type=Path, default=PAGE, help="the page (default: in docs/results)")
    options = parser.parse_args()
    seeds, start = range(options.first, options.first + options.seeds), time.perf_counter()
    tasks = [(s.name, seed) for s in SPECIMENS for seed in seeds]
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        found = dict(zip(tasks, pool.map(verdicts_of, *zip(*tasks, strict=True)), strict=True))
    rows = [row(s, [found[s.name, seed] for seed in seeds]) for s in SPECIMENS]
    wrong, count = sum(r[1] for r in rows), sum(r[2] for r in rows)
    command = f"python -m benchmarks.verdicts --seeds {options.seeds} --first {options.first}"
    text = (
        f"""# Verdicts over seeds

Made by `{command}`, with {made_with(["torch", "e3nn"])}, one thread for each process.

{len(SPECIMENS)} small networks with {len(seeds)} seeds each, nothing declared and no group named; seeds
{seeds.start} to {seeds.stop - 1}. Weights, inputs and elements follow the seed. The right verdicts stand in
`benchmarks/verdicts/networks.py`; they were written down before the first run. "not tested" is right only where that
list says so.

{wrong} of {count} verdicts of {len(tasks)} diagnoses are wrong.

| network | verdicts | wrong |
|---|---|---|
"""
        + "\n".join(r[0] for r in rows)
        + "\n"
    )
    write_text(options.output, text)
    print(f"{wrong} of {count} verdicts wrong, {time.perf_counter() - start:.0f} s")
    print("\n".join(r[0] for r in rows if r[1]))
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
