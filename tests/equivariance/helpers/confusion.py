"""Counts the causes that are named for each mechanism: ``python -m tests.equivariance.helpers.confusion SEEDS``."""

from __future__ import annotations

import sys
from collections import Counter

import torch

from tests.equivariance.helpers.mechanism_table import BROKEN, SOUND
from tests.equivariance.helpers.mechanisms import Mechanism


def named(mechanism: Mechanism, seed: int, dtype: torch.dtype) -> set[str]:
    """The causes of the findings under the mechanism's symmetry; of all findings for a sound one."""
    found = mechanism.report(seed, dtype).findings
    return {f.cause for f in found if mechanism.symmetry in ("", *f.symmetries)}


def confusion(seeds: int) -> dict[str, Counter[str]]:
    """Mechanism -> causes that were named, over seeds and precisions."""
    table: dict[str, Counter[str]] = {}
    for mechanism in [*BROKEN, *SOUND]:
        for seed in range(seeds):
            for dtype in mechanism.dtypes:
                causes = named(mechanism, seed, dtype)
                table.setdefault(mechanism.name, Counter())[" and ".join(sorted(causes)) or "(clean)"] += 1
    return table


if __name__ == "__main__":
    expected = {m.name: m.cause or "(clean)" for m in [*BROKEN, *SOUND]}
    right = total = 0
    for name, counts in confusion(int(sys.argv[1])).items():
        right, total = right + counts[expected[name]], total + counts.total()
        print(f"{name:28} {expected[name]:20} {dict(counts)}")
    print(f"{right} of {total} = {right / max(1, total):.1%}")
