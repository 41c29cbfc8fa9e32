"""Chooses the mutants: for each library, operator and seed one of the places that the survey found."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.mutants.catalogue import CATALOGUE
from benchmarks.mutants.split import part

QUICK = 60


@dataclass(frozen=True)
class Chosen:
    """One mutant.

    Attributes:
        library, operator, seed: The choice.
        module: The module that is compared and diagnosed.
        file: The changed file, from the folder of the package.
        place: The place of the node in the installed file.
        text: The text that replaces it.
    """

    library: str
    operator: str
    seed: int
    module: str
    file: str
    place: tuple[int, int, int, int]
    text: str

    @property
    def part(self) -> str:
        """Returns the part of the split."""
        return part(self.library, self.operator)


def merged(sites: Mapping[str, Iterable[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Returns the sites of a library, each once, with the modules that run them.

    Args:
        sites: The name of each module to its sites.
    """
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for module, listed in sites.items():
        for site in listed:
            key = site["operator"], site["file"], tuple(site["place"]), site["text"]
            found.setdefault(key, {**site, "modules": []})["modules"].append(module)
    return [found[key] for key in sorted(found)]


def chosen(library: str, sites: Iterable[Mapping[str, Any]], seeds: Iterable[int]) -> list[Chosen]:
    """Returns the mutants of a library. The seeds of one operator take different places, as long as there are any."""
    by_operator: dict[str, list[Mapping[str, Any]]] = {}
    for site in sites:
        by_operator.setdefault(site["operator"], []).append(site)
    made = []
    for operator in (entry.name for entry in CATALOGUE):
        places = list(by_operator.get(operator, ()))
        random.Random(f"{library}/{operator}").shuffle(places)
        for seed in seeds:
            if seed < len(places):
                site = places[seed]
                module = random.Random(f"{library}/{operator}/{seed}").choice(sorted(site["modules"]))
                made.append(Chosen(library, operator, seed, module, site["file"], tuple(site["place"]), site["text"]))
    return made


def quick(mutants: Iterable[Chosen]) -> list[Chosen]:
    """Returns `QUICK` of the mutants, drawn evenly."""
    listed = list(mutants)
    random.Random(0).shuffle(listed)
    return listed[:QUICK]
