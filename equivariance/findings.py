"""What a diagnosis found, as frozen data. Printing lives in `equivariance.report`."""

from __future__ import annotations

from dataclasses import dataclass, field

from equivariance.groups.elements import Transform


@dataclass(frozen=True)
class Location:
    """A place in Python source.

    Attributes:
        file: Path as the interpreter knows it
        line: Number of the line, from 1
        source: The text of the line, stripped
    """

    file: str
    line: int
    source: str

    def __str__(self) -> str:
        """`file:line`, as editors and terminals link it."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Curve:
    """The error that a layer introduces by itself, over one quantity.

    Attributes:
        over: "translation" (length |t|), "angle" (radians), "scale" (factor on the input positions) or "precision"
            (machine epsilon of the dtype)
        values, errors: Pairs of the quantity and the relative error, in ascending order of the quantity
    """

    over: str
    values: tuple[float, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True)
class Finding:
    """One break, or (among a report's notes) one thing worth knowing.

    Attributes:
        layer: Dotted module path as in `named_modules()`, "" for the root
        symmetry: "translation", "rotation", "inversion", "permutation", "batch", "scale" or "none"
        cause: One of `CAUSES`
        evidence: One sentence that a person can check
        part: Which output, argument or irrep shows it
        location: The statement at fault, or the layer's `forward`; None where there is no Python source
        located: "layer" where `location` is the layer's `forward`, "suspect" where it is a statement, "confirmed"
            where the error vanished when what the statement makes was replaced by the exactly transformed value
        fix: One sentence, where the cause has a standard remedy
        error: Relative error that the layer introduces by itself, in the main precision
        noise_floor: Relative error that rounding explains there
        contributed: Relative error at the network's output that this break causes alone
        counterexample: The shrunk transform; evaluating its `repr` with `equivariance.groups` rebuilds it
        state: The weights and the mode in which it was seen
        curves: The error over the size of the transformation, the scale of the input and the precision
        node_errors: The error at each node of the first sample, where the broken value lists nodes
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


@dataclass(frozen=True)
class LayerRow:
    """One layer call under one symmetry: the worst over all samples.

    Attributes:
        layer, call: The dotted path, and which of its calls (from 0)
        kind: Class of the layer
        symmetry: Which symmetry was tested
        accumulated: Relative error at its output in a plain transformed run
        introduced: Relative error of its own code on exactly transformed activations
        contributed: Relative error that it alone causes at the network's output; 0 for a sound layer
        noise_floor: Rounding floor of `introduced` in the working precision
        working: The introduced error in the working precision
        reached_working, reached_floor: The accumulated error and its rounding floor in the working precision
        verdict: "clean", "rounding", "grid", "ill-conditioned", "precision" or "structural"
        part: The leaf and irrep where the introduced error is worst
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


@dataclass(frozen=True)
class Unclaimed:
    """A symmetry that the subject does not claim, and what was measured of it at the output."""

    symmetry: str
    error: float


@dataclass(frozen=True)
class Outcome:
    """The outcome of one diagnosis, as data; `equivariance.Report` prints it.

    Attributes:
        subject: What was examined
        symmetries: What was tested
        findings: Breaks that reach the output, the largest contribution first; empty when ok
        notes: What is worth knowing but is no break: cancelled breaks, discrete ties, ill-conditioning
        layers: One row per layer call and symmetry
        unclaimed: Symmetries that the subject does not claim
        assumptions: What was assumed because nobody declared it
        settings: Samples, seed, precisions, states
        cloud: Positions [N, 3] of the first sample of the input, where it has positions
    """

    subject: str
    symmetries: tuple[str, ...]
    findings: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)
    layers: list[LayerRow] = field(default_factory=list)
    unclaimed: list[Unclaimed] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    cloud: tuple[tuple[float, float, float], ...] = ()

    @property
    def ok(self) -> bool:
        """No finding."""
        return not self.findings
