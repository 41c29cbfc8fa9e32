"""Profiles of a test run: samples per symmetry, and Hypothesis' examples per test.

`plugin` reads `PROFILES`, loads one into Hypothesis, and rejects examples. Hypothesis is not imported before.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """A choice of `--equivariance-profile`.

    Attributes:
        samples: Elements per symmetry of each examination.
        examples: Hypothesis' examples per test.
        repeatable: If True, Hypothesis draws the same examples in every run and prints how to reproduce a failure.
    """

    samples: int
    examples: int
    repeatable: bool


PROFILES = {
    "dev": Profile(samples=4, examples=25, repeatable=False),
    "ci": Profile(samples=8, examples=50, repeatable=True),
    "nightly": Profile(samples=64, examples=1000, repeatable=False),
}
"""The profiles for local work, for every push, and for nightly runs."""


def load_hypothesis(name: str, chosen: str | None) -> None:
    """Loads the profile `equivariance-NAME` into Hypothesis, unless the user has `chosen` a Hypothesis profile.

    The profile has no deadline: the duration of an example says nothing about its correctness, and PyTorch's first call
    is slow. It skips the phase that explains failing examples, because this phase traces every line of every layer.
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


def reject_example() -> None:
    """Makes Hypothesis discard the running example."""
    from hypothesis import reject

    reject()
