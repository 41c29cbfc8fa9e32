"""What a diagnosis found, as frozen data. Printing lives in :mod:`equivariance.report`."""

from __future__ import annotations

from dataclasses import dataclass, field

from equivariance.groups.elements import Transform


@dataclass(frozen=True)
class Location:
    """A place in Python source.

    Attributes
    ----------
    file : path as the interpreter knows it
    line : number of the line, from 1
    source : the text of the line, stripped
    """

    file: str
    line: int
    source: str

    def __str__(self) -> str:
        """``file:line``, as editors and terminals link it."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Curve:
    """The error that a layer introduces by itself, over one quantity.

    Attributes
    ----------
    over : "translation" (length |t|), "angle" (radians), "scale" (factor on the input positions) or "precision"
        (machine epsilon of the dtype)
    values, errors : pairs of the quantity and the relative error, in ascending order of the quantity
    """

    over: str
    values: tuple[float, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True)
class Finding:
    """One break, or (among a report's notes) one thing worth knowing.

    Attributes
    ----------
    layer : dotted module path as in ``named_modules()``, "" for the root
    symmetry : "translation", "rotation", "inversion", "permutation", "batch", "scale" or "none"
    cause : one of :data:`CAUSES`
    evidence : one sentence that a person can check
    part : which output, argument or irrep shows it
    location : the statement at fault, or the layer's ``forward``; None where there is no Python source
    located : "layer" where ``location`` is the layer's ``forward``, "suspect" where it is a statement, "confirmed"
        where the error vanished when what the statement makes was replaced by the exactly transformed value
    fix : one sentence, where the cause has a standard remedy
    error : relative error that the layer introduces by itself, in the main precision
    noise_floor : relative error that rounding explains there
    contributed : relative error at the network's output that this break causes alone
    counterexample : the shrunk transform; evaluating its ``repr`` with ``equivariance.groups`` rebuilds it
    state : the weights and the mode in which it was seen
    curves : the error over the size of the transformation, the scale of the input and the precision
    node_errors : the error at each node of the first sample, where the broken value lists nodes
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

    Attributes
    ----------
    layer, call : the dotted path, and which of its calls (from 0)
    kind : class of the layer
    symmetry : which symmetry was tested
    accumulated : relative error at its output in a plain transformed run
    introduced : relative error of its own code on exactly transformed activations
    contributed : relative error that it alone causes at the network's output; 0 for a sound layer
    noise_floor : rounding floor of ``introduced`` in the working precision
    working : the introduced error in the working precision
    reached_working, reached_floor : the accumulated error and its rounding floor in the working precision
    verdict : "clean", "rounding", "grid", "ill-conditioned", "precision" or "structural"
    part : the leaf and irrep where the introduced error is worst
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
    """The outcome of one diagnosis, as data; :class:`equivariance.Report` prints it.

    Attributes
    ----------
    subject : what was examined
    symmetries : what was tested
    findings : breaks that reach the output, the largest contribution first; empty when ok
    notes : what is worth knowing but is no break: cancelled breaks, discrete ties, ill-conditioning
    layers : one row per layer call and symmetry
    unclaimed : symmetries that the subject does not claim
    assumptions : what was assumed because nobody declared it
    settings : samples, seed, precisions, states
    cloud : positions [N, 3] of the first sample of the input, where it has positions
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
