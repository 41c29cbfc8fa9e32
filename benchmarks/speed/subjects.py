"""Everything that a case can name."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.speed import ours, peers
from benchmarks.speed.case import Case, Runnable

SUBJECTS: dict[str, Callable[[Case], Runnable]] = {
    "network": ours.network,
    "block": ours.block,
    "layer": ours.layer,
    "published": peers.published,
    "original": peers.original,
    "nvidia": peers.nvidia,
    "lucidrains": peers.lucidrains,
    "e3nn": peers.e3nn_layer,
}
