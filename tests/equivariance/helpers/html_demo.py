"""A report made by hand that shows all that the page can: ``python -m tests.equivariance.helpers.html_demo FOLDER``."""

import itertools
import math
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from equivariance import groups
from equivariance.findings import Curve, Finding, Location
from equivariance.report.html.page import to_html
from equivariance.report.report import Report
from tests.architecture.sources import ROOT
from tests.docs.pages import blocks_of
from tests.equivariance.helpers.browser import Browser, executable
from tests.equivariance.helpers.html_page import row
from tests.equivariance.helpers.verdicts import verdicts

SYMMETRIES = ("translation", "rotation", "inversion", "permutation", "batch")
EPSILONS = (2.0**-52, 2.0**-23, 2.0**-10, 2.0**-7)
LENGTHS = (0.0, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0, 1000.0)
ANGLES = tuple(math.radians(a) for a in (1, 5, 15, 30, 60, 90, 120, 150, 180))
SCALES = (1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0, 1000.0)
LAYERS = ["", "embed", "pool", "blocks"]
LAYERS += [f"blocks.{i}{part}" for i in range(3) for part in ("", ".message", ".mix")] + ["head", "head.norm"]
KINDS = {"": "Network", "blocks": "ModuleList", **{f"blocks.{i}": "Block" for i in range(3)}}
CULPRITS = {"translation": ("embed", 17.0, 39.0), "rotation": ("blocks.1.mix", 0.31, 0.043)}
CULPRITS |= {"permutation": ("pool", 0.12, 0.01)}


def knot(count):
    """[count, 3] points along a thick trefoil."""
    t = np.linspace(0, 2 * np.pi, count, endpoint=False)
    centre = np.stack([np.sin(t) + 2 * np.sin(2 * t), np.cos(t) - 2 * np.cos(2 * t), -np.sin(3 * t)], axis=1)
    around = np.random.default_rng(0).normal(size=(count, 3))
    return centre + 0.35 * around / np.linalg.norm(around, axis=1, keepdims=True)


def at(file, text):
    """The place of a text in the tutorial's network, which is written to ``file``."""
    code = next(b.code for b in blocks_of((ROOT / "docs" / "tutorial.md").read_text()) if b.title == "molecule.py")
    file.write_text(code)
    line = next(n for n, line in enumerate(code.splitlines(), 1) if text in line)
    return Location(str(file), line, code.splitlines()[line - 1].strip())


def curve(over, values, error):
    return Curve(over, tuple(values), tuple(float(error(v)) for v in values))


def lifted(file, cloud):
    return Finding(
        layer="embed", symmetry="translation", cause="absolute-position",
        evidence="the error grows with |t| (slope 1.00 from |t| = 0.001 to 1000): output[1] carries 1.000 t",
        part="output[1] (4x1o)", location=at(file, "vectors = self.weight"), located="confirmed",
        fix="Use differences of positions, or subtract their mean first.",
        error=17.0, noise_floor=4e-7, contributed=39.0, counterexample=groups.translation([1, 0, 0]),
        state="given weights, eval mode", node_errors=tuple(np.linalg.norm(cloud, axis=1)),
        curves=(
            curve("translation", LENGTHS, lambda t: 0.17 * t), curve("scale", SCALES, lambda s: 0.17 / s),
            curve("precision", EPSILONS, lambda _: 17.0),
        ),
    )  # fmt: skip


def mixed(file, cloud):
    return Finding(
        layer="blocks.1.mix", symmetry="rotation", cause="component-mixing",
        evidence="the same vector is added to every node: a bias acts on the components of 4x1o",
        part="output[1] (4x1o)", location=at(file, "vectors = self.vectors(vectors.transpose"), located="suspect",
        fix="Drop the bias: a linear map of vectors has none.",
        error=0.31, noise_floor=4e-7, contributed=0.043, state="perturbed weights, eval mode",
        counterexample=groups.rotation([[0, -1, 0], [1, 0, 0], [0, 0, 1]]),
        node_errors=tuple(np.where(np.abs(cloud[:, 2]) < 0.45, 1e-16, 0.3 * cloud[:, 2] ** 4)),
        curves=(
            curve("angle", ANGLES, lambda a: 0.31 * math.sin(a / 2)), curve("precision", EPSILONS, lambda e: 0.31 + e),
        ),
    )  # fmt: skip


def ordered(file, cloud):
    return Finding(
        layer="pool", symmetry="permutation", cause="order-dependent",
        evidence="another node order changes the result by 0.12: node numbers are used as data",
        part="output (4x1o)", location=at(file, "def forward(self, scalars, vectors, positions)"),
        error=0.12, noise_floor=4e-7, contributed=0.01, state="given weights, eval mode",
        counterexample=groups.permutation(cycles=[(0, 3)], size=len(cloud)),
        node_errors=tuple(np.linspace(0, 0.12, 64)),
    )  # fmt: skip


def poisoned(cloud):
    return Finding(
        layer="head.norm", symmetry="none", cause="not-finite", located="suspect",
        evidence="11 of 1024 values are NaN, where a neighbour lies at the same place",
        location=Location("models/elsewhere.py", 118, "return x / x.norm(dim=-1, keepdim=True)"),
        error=math.inf, state="given weights, eval mode",
        node_errors=tuple(math.nan if i % 97 == 5 else 0.0 for i in range(len(cloud))),
        curves=(curve("scale", SCALES, lambda s: math.inf if s < 0.05 else (0.0 if s > 50 else 2e-7 / s)),),
    )  # fmt: skip


def layers():
    rows = []
    for symmetry in SYMMETRIES[:4]:
        culprit, own, contributed = CULPRITS.get(symmetry, ("none", 0.0, 1.5e-15))
        reached = False
        for name in LAYERS[1:]:
            reached = reached or name == culprit
            bad = {"verdict": "structural", "introduced": own, "contributed": contributed} if name == culprit else {}
            seen = reached or culprit.startswith(f"{name}.")
            rows.append(row(name, symmetry, accumulated=own if seen else 1.5e-15, **bad))
        rows.insert(len(rows) - len(LAYERS) + 1, row("", symmetry, accumulated=contributed))
    return [replace(r, kind=KINDS.get(r.layer, r.layer.rpartition(".")[2].capitalize())) for r in rows]


def demonstration(folder, points=1024):
    """One network with a finding of each kind; the code that it shows is written into a folder."""
    cloud, file = knot(points), folder / "molecule.py"
    return Report(
        subject="molecule",
        verdicts=verdicts(broken=SYMMETRIES[:4], unclaimed={"scale": 0.75}),
        findings=[lifted(file, cloud), mixed(file, cloud), ordered(file, cloud), poisoned(cloud)],
        notes=[Finding("pool", "rotation", "discrete-tie", "a selection flips on the last bit", fix="Break ties.")],
        layers=layers(),
        assumptions=["permutation: the first axis of positions is assumed to list the nodes"],
        settings={"samples": "8", "seed": "0", "working precision": "float32", "main precision": "float64"},
        cloud=tuple(tuple(map(float, point)) for point in cloud),
    )


def large(folder):
    """100 layers under 5 symmetries, 8 findings with all curves, a cloud of 1,024 points."""
    report = demonstration(folder)
    first = report.findings[0]
    curves = (*first.curves, curve("angle", ANGLES, math.sin))
    names = ["", *(f"stage.{i // 10}.block.{i % 10}.self_interaction" for i in range(99))]
    culprits = names[7:90:11]
    broken = {"verdict": "structural", "introduced": 1e-3, "contributed": 1e-4}
    rows = [row(name, s, **(broken if name in culprits else {})) for s in SYMMETRIES for name in names]
    findings = [replace(first, layer=name, layers=(name,), curves=curves) for name in culprits]
    return replace(report, verdicts=verdicts(broken=SYMMETRIES), layers=rows, findings=findings)


def write(folder):
    """The page, and pictures of it where there is a browser: the whole page in four forms, and two parts of it."""
    os.chdir(folder)
    page = Path("report.html")
    page.write_text(to_html([demonstration(Path(""))]), encoding="utf-8")
    if executable() is None:
        return
    with Browser() as browser:
        for width, scheme in itertools.product((1280, 390), ("light", "dark")):
            browser.open(page.absolute().as_uri(), width=width, scheme=scheme)
            Path(f"report-{width}-{scheme}.png").write_bytes(browser.picture())
        browser.open(page.absolute().as_uri(), width=1100)
        Path("finding.webp").write_bytes(browser.picture("#subject-1-finding-2", "webp"))
        Path("tree.webp").write_bytes(browser.picture(".scroll:has(> .tree)", "webp"))


if __name__ == "__main__":
    write(sys.argv[1])
