"""The outcome of a diagnosis, as frozen data.

Made by `_engine.diagnosis` and read by `report` and by users. The module formats nothing; `equivariance.report` does.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from equivariance._words import listed
from equivariance.groups.elements import Transform

__all__ = ["Curve", "Finding", "LayerRow", "Location", "Outcome", "SymmetryVerdict"]


@dataclass(frozen=True)
class Location:
    """A place in Python source.

    Attributes:
        file: Path as the interpreter knows it.
        line: Number of the line, from 1.
        source: The text of the line, without surrounding spaces.
        columns: First and last column of the expression, from 1, if the line has several; else None.
    """

    file: str
    line: int
    source: str
    columns: tuple[int, int] | None = None

    def __str__(self) -> str:
        """Returns `file:line`, which editors and terminals link."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Curve:
    """The introduced error of a layer as a function of one quantity.

    Attributes:
        over: "translation" (length |t|), "angle" (radians), "scale" (factor on the input positions) or "precision"
            (machine epsilon of the dtype).
        values, errors: The quantity and the relative error at each point, in ascending order of the quantity.
    """

    over: str
    values: tuple[float, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True)
class Finding:
    """One violation, or, among the notes of a report, one remark.

    Attributes:
        layer: Dotted module path as in `named_modules()`, "" for the root. The first of `layers`.
        symmetry: "translation", "rotation", "inversion", "permutation", "batch", "lattice", "scale", "mirror", "swap",
            the name of a group of the user, or "none". The first of `symmetries`.
        cause: One of `CAUSES`.
        evidence: One sentence that a person can check.
        part: The output, argument or irrep with the largest error.
        location: The statement at fault, or the layer's `forward`. If the `forward` is code of a library, the
            statement that calls the layer. None if there is no Python source.
        located: "confirmed" if the error vanished after the results of the statement were replaced by exactly
            transformed values; otherwise "suspect" for a statement, or "layer" for the layer's `forward`.
        fix: One sentence, or "" if the cause has no standard remedy.
        error: Relative error that the layer introduces, in the reference precision. Of a finding `insensitive`: the
            missing share of the response that is claimed.
        noise_floor: Relative error that rounding explains in the reference precision.
        contributed: Relative error that this violation causes at the network's output by itself.
        counterexample: The simplest transform that shows the violation. Its `repr` rebuilds it with the names of
            `equivariance.groups`.
        state: The weights and the mode in which the violation was found.
        curves: The error as a function of the size of the transform, the scale of the input and the precision.
        node_errors: The error at each node of the first sample, if the broken value lists nodes.
        layers: The layers that run the statement and break, the largest contribution first.
        symmetries: The symmetries that the statement breaks, the largest contribution first.
        mechanism: A more precise word than the cause, "" where none is known.
        alternatives: Other statements that explain the error as well. A finding with alternatives is never
            "confirmed".
        chain: The attributes that lead to the call of the statement, as `interactions.0.message.edge_linear`, where
            they say more than `layer`; else "". If the statement is in a helper function, the calling statement
            follows, as `interactions.0.message at net.py:31`.

    Raises:
        ValueError: If `layer` or `symmetry` is not the first of its list, or if a finding with alternatives is
            confirmed.
    """

    layer: str
    symmetry: str
    cause: str
    evidence: str
    part: str = ""
    location: Location | None = None
    error: float = 0.0
    noise_floor: float = 0.0
    contributed: float = 0.0
    counterexample: Transform | None = None
    state: str = ""
    located: str = "layer"
    fix: str = ""
    curves: tuple[Curve, ...] = ()
    node_errors: tuple[float, ...] = ()
    layers: tuple[str, ...] = ()
    symmetries: tuple[str, ...] = ()
    mechanism: str = ""
    alternatives: tuple[Location, ...] = ()
    chain: str = ""

    def __post_init__(self) -> None:
        """Lists the layer and the symmetry if the finding is about one of each, and checks the lists."""
        object.__setattr__(self, "layers", self.layers or (self.layer,))
        object.__setattr__(self, "symmetries", self.symmetries or (self.symmetry,))
        for name, first, found in (("layer", self.layer, self.layers), ("symmetry", self.symmetry, self.symmetries)):
            if found[0] != first:
                raise ValueError(f"{name} is {first!r}, expected the first of {found!r}")
        if self.alternatives and self.located == "confirmed":
            raise ValueError('located is "confirmed", expected "suspect" for a finding with alternatives')


@dataclass(frozen=True)
class LayerRow:
    """One layer call under one symmetry, with the largest errors over all samples.

    Attributes:
        layer, call: The dotted path, and the number of the call, from 0.
        kind: Class of the layer.
        symmetry: The tested symmetry.
        accumulated: Relative error at the output of the layer when the whole network runs on transformed input.
        introduced: Relative error of the layer's own code on exactly transformed inputs.
        contributed: Relative error that the layer causes at the network's output by itself; 0 for a sound layer.
        noise_floor: Rounding floor of `introduced` in the tested precision.
        working: The introduced error in the tested precision.
        reached_working, reached_floor: The accumulated error in the tested precision, and its rounding floor.
        verdict: "clean", "rounding", "grid", "ill-conditioned", "precision" or "structural".
        part: The tensor and irrep with the largest introduced error.
    """

    layer: str
    call: int
    kind: str
    symmetry: str
    accumulated: float
    introduced: float
    contributed: float
    noise_floor: float
    working: float
    reached_working: float
    reached_floor: float
    verdict: str
    part: str = ""


AT_EXAMPLE_ONLY = "for this input, and not for inputs near it"
"""Words of evidence and reasons that say that the example is degenerate: another example would prove something."""

MORE_THAN_A_JUMP = "the jump may not be all"
"""Words of evidence that say that a value that jumps does not explain the whole violation."""

HOLDS, BROKEN, NOT_TESTED = "holds", "broken", "not tested"
"""The verdicts on a symmetry."""


@dataclass(frozen=True)
class SymmetryVerdict:
    """The verdict on one symmetry of the network as a whole.

    Attributes:
        symmetry: The symmetry.
        verdict: "holds", "broken" or "not tested".
        claimed: False if nobody claims the symmetry. It is then measured and shown, and changes neither `ok` nor
            `complete`.
        named: True if the caller named the symmetry. If it cannot be tested, this is a failure.
        error: Relative error at the network's output, in the reference precision.
        tested_error, noise_floor: Error and rounding floor at the output, in the tested precision.
        excuse: What explains an error of a symmetry that holds: "rounding", "grid", "ill-conditioned", else "".
        basis: What the verdict rests on: "declared", "read off" (the module, the data or runs) or "assumed".
        doubts: The assumptions that a person could doubt, one phrase each.
        remarks: Limits of the test, one sentence each, for example a state that could not run.
        reason: Why the symmetry was not tested, else "".
    """

    symmetry: str
    verdict: str = HOLDS
    claimed: bool = True
    named: bool = False
    error: float = 0.0
    tested_error: float = 0.0
    noise_floor: float = 0.0
    excuse: str = ""
    basis: str = "declared"
    doubts: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    reason: str = ""

    @property
    def words(self) -> str:
        """The verdict with its conditions, as reports show it."""
        if self.verdict == NOT_TESTED:
            return f"{NOT_TESTED}: {self.reason}"
        if not self.claimed:
            return "not claimed"
        text = self.verdict + (f" ({self.excuse})" if self.excuse else "")
        return text + (f", if {' and '.join(self.doubts)}" if self.doubts else "")


@dataclass(frozen=True)
class Outcome:
    """The outcome of one diagnosis, as data; `equivariance.Report` prints it.

    Attributes:
        subject: Name of the examined network.
        verdicts: One verdict for each symmetry, in the order of the tests.
        findings: Violations that reach the output, the largest contribution first; empty if all symmetries hold.
        notes: Remarks that are no violation of the network: cancelled violations, discrete ties, ill-conditioning.
        layers: One row for each layer call and symmetry.
        assumptions: Assumed representations and axes, one line each.
        settings: Samples, seed, precisions, states.
        cloud: Positions [N, 3] of the first sample of the input, or empty if there are no positions.
    """

    subject: str
    verdicts: tuple[SymmetryVerdict, ...]
    findings: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)
    layers: list[LayerRow] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    cloud: tuple[tuple[float, float, float], ...] = ()

    @property
    def ok(self) -> bool:
        """True if there is no finding."""
        return not self.findings

    @property
    def degenerate(self) -> bool:
        """True if the only findings are outputs that are zero for this input and not for inputs near it."""
        return bool(self.findings) and all(
            f.cause == "vanishing" and AT_EXAMPLE_ONLY in f.evidence for f in self.findings
        )

    @property
    def complete(self) -> bool:
        """True if every claimed symmetry was tested, at least one of them, on nothing assumed."""
        claimed = [v for v in self.verdicts if v.claimed]
        return bool(claimed) and all(v.verdict != NOT_TESTED and v.basis != "assumed" for v in claimed)

    @property
    def symmetries(self) -> tuple[str, ...]:
        """The symmetries that were tested or measured."""
        return tuple(dict.fromkeys(v.symmetry for v in self.verdicts if v.verdict != NOT_TESTED))

    @property
    def untested(self) -> tuple[tuple[str, str], ...]:
        """Pairs (symmetry, reason) of the symmetries that were not tested."""
        return tuple((v.symmetry, v.reason) for v in self.verdicts if v.verdict == NOT_TESTED)

    def missing(self, strict: bool = False) -> tuple[SymmetryVerdict, ...]:
        """Returns the symmetries that should have been tested and were not: those that the caller named.

        Args:
            strict: True for all claimed symmetries.
        """
        return tuple(v for v in self.verdicts if v.verdict == NOT_TESTED and v.claimed and (strict or v.named))

    def failures(self, strict: bool = False) -> tuple[str, ...]:
        """Returns why a test with this report fails, one phrase each; empty if it passes.

        Findings and missing symmetries fail. If nothing was tested, that fails too.

        Args:
            strict: As for `missing`.
        """
        found = [
            f"{', '.join(f.symmetries)}: {f.cause} in {listed([layer or 'the whole' for layer in f.layers])}"
            for f in self.findings
        ]
        found += [f"{v.symmetry} was not tested: {v.reason}" for v in self.missing(strict)]
        if not found and not any(v.claimed and v.verdict != NOT_TESTED for v in self.verdicts):
            reasons = "; ".join(f"{symmetry}: {reason}" for symmetry, reason in self.untested)
            found.append(f"nothing was tested{f' ({reasons})' if reasons else ''}")
        return tuple(found)
