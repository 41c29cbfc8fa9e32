"""How thoroughly a test run looks: samples per symmetry, and Hypothesis' examples per test."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """A choice of `--equivariance-profile`.

    Attributes:
        samples: Elements per symmetry of each examination
        examples: Hypothesis' examples per test
        repeatable: Hypothesis draws the same examples in every run, and prints how to reproduce a failure
    """

    samples: int
    examples: int
    repeatable: bool


PROFILES = {
    "dev": Profile(samples=4, examples=25, repeatable=False),
    "ci": Profile(samples=8, examples=50, repeatable=True),
    "nightly": Profile(samples=64, examples=1000, repeatable=False),
}
"""At the desk, on every push, and over night."""


def load_hypothesis(name: str, chosen: str | None) -> None:
    """Load the profile `equivariance-NAME` into Hypothesis; not where the user has `chosen` one of its own.

    No deadline: the time of an example says nothing about whether it is right, and PyTorch's first call is slow. No
    explanations of what in a failing example matters either: for these every line of every layer is traced.
    """
    if chosen is not None:
        return
    from hypothesis import HealthCheck, Phase, settings

    profile = PROFILES[name]
    settings.register_profile(
        f"equivariance-{name}",
        deadline=None,
        max_examples=profile.examples,
        derandomize=profile.repeatable,
        print_blob=profile.repeatable,
        phases=[phase for phase in Phase if phase != Phase.explain],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    settings.load_profile(f"equivariance-{name}")
