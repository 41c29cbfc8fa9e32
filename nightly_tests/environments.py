"""Which versions are installed, how, and what is expected of them."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Environment:
    """One version of one library.

    Attributes
    ----------
    name : the distribution, with its version where that is an old one
    cases : module of :mod:`nightly_tests.cases`
    requirements : what pip installs, beside the PyTorch and e3nn of this interpreter
    with_dependencies : whether pip follows the requirements' own; it does not where they pin what is installed already
    broken : case -> the symmetries that it must be found to break; every other case must be clean
    statement : what the statement holds that must be named as the cause of each of these breaks
    why : what is known to be wrong with it, and what repaired it
    limits : what of it does not install or run beside this PyTorch, and what stands in for it
    tests : a file of tests that need the library, beside the cases
    """

    name: str
    cases: str
    requirements: tuple[str, ...]
    with_dependencies: bool = False
    broken: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    statement: str = ""
    why: str = ""
    limits: str = ""
    tests: str = ""


LEAK = "planted: a bias on vectors, energies"
BOTH = ("rotation", "inversion")
BY_DESIGN = {
    "planted: absolute positions": ("translation",),
    "PointTransformerConv": ("rotation", "inversion"),
    "PointNetConv": ("rotation", "inversion"),
}

ENVIRONMENTS = (
    Environment(
        "egnn-pytorch 0.0.5", "egnn", ("egnn-pytorch==0.0.5", "einops"), broken={"EGNN": ("translation",)},
        statement="coors_out = einsum(",
        why="the new coordinates lack the old ones: `coors_out = einsum(...)`; 0.0.6 adds `+ coors`",
    ),
    Environment(
        "egnn-pytorch 0.2.4", "egnn", ("egnn-pytorch==0.2.4", "einops"),
        broken={"EGNN(norm_coors=True)": ("rotation", "inversion")}, statement="+ self.bias",
        why="`CoorsNorm` adds a learned bias, zero at first, to x, y and z; 0.2.5 removes it",
    ),
    Environment("egnn-pytorch", "egnn", ("egnn-pytorch", "einops")),
    Environment(
        "e3nn 0.3.2", "e3nn_batchnorm", ("e3nn==0.3.2",), broken={"BatchNorm(2x0o+1x1o)": ("inversion",)},
        statement="field += bias",
        limits="`o3.Linear` and tensor products cannot be built, FX says `Found multiple different tracers`",
        why="`BatchNorm` centres and shifts odd scalars like even ones (`ir.l == 0`); 0.3.3 asks `ir.is_scalar()`",
    ),
    Environment("e3nn", "e3nn_batchnorm", ("e3nn",)),
    Environment("e3nn (all of nn and o3)", "e3nn", ("e3nn",)),
    Environment("se3-transformer-pytorch", "se3_transformer", ("se3-transformer-pytorch", "einops")),
    Environment(
        "equiformer-pytorch", "equiformer",
        ("equiformer-pytorch", "einops", "beartype", "filelock", "taylor-series-linear-attention",
         "rotary-embedding-torch", "torch-einops-utils", "jaxtyping", "einx", "frozendict", "loguru"),
        limits="attention by the distance of features calls `F.pairwise_distance`, which adds 1e-6 to each component "
        "before it takes the norm: what comes of it is taken for a constant that was rounded to float32, and noted",
    ),
    Environment(
        "en-transformer", "en_transformer",
        ("en-transformer", "einops", "beartype", "rotary-embedding-torch", "torch-einops-utils", "jaxtyping", "einx",
         "taylor-series-linear-attention",
         "frozendict", "loguru"),
    ),
    Environment(
        "gotennet-pytorch", "gotennet",
        ("gotennet-pytorch", "einops", "einx", "frozendict", "loguru", "beartype", "jaxtyping", "hyper-connections",
         "x-transformers", "torch-einops-utils"),
    ),
    Environment("invariant-point-attention", "point_attention", ("invariant-point-attention", "einops")),
    Environment(
        "VN-transformer", "vector_neurons", ("VN-transformer", "einops", "beartype"),
        broken={"VNTransformer(bias_epsilon=1e-3)": ("rotation",)}, statement="out + rearrange(bias",
        why="linear maps of vectors add a bias of length `bias_epsilon`; what comes of the default, 1e-6, is taken for "
        "a constant that was rounded to float32, and noted as `precision`",
    ),
    Environment(
        "torch_geometric", "torch_geometric", ("torch_geometric",), with_dependencies=True, broken=BY_DESIGN,
        limits="`radius_graph` and `knn_graph` need `pyg-lib`, which the index does not have: a radius graph in plain "
        "PyTorch stands in for one, GravNetConv is left out, and so is DimeNet, which needs `torch-sparse`",
        why="a learned linear map of x_j - x_i: invariant under translations, by design not under rotations",
    ),
    Environment(
        "torchmd-net", "torchmd", ("torchmd-net",), with_dependencies=True,
        broken={"planted: a height": ("translation", "rotation", "inversion")}, statement="pos[:, 2].amax()",
    ),
    Environment(
        "geometric-vector-perceptron", "vector_perceptron", ("geometric-vector-perceptron", "torch_geometric"),
        limits="`GVP_Network` needs `torch-sparse` and `torch-scatter`, of which the index has no build",
    ),
    Environment("e3tools", "e3tools", ("e3tools", "einops", "jaxtyping", "wadler-lindig")),
    Environment(
        "escnn", "escnn", ("escnn", "lie_learn", "joblib", "cloudpickle", "pymanopt", "autograd", "numpy<2"),
        tests="nightly_tests/test_escnn.py",
        broken={"planted: ReLU on an irrep of C4": ("rotation",)},
        limits="`py3nj` needs a Fortran compiler and is left out, which escnn allows; `lie_learn` needs `numpy<2`",
    ),
    Environment("nequip", "nequip", ("nequip",), with_dependencies=True, broken={LEAK: BOTH}),
    Environment(
        "mace-torch", "mace", ("mace-torch",), with_dependencies=True,
        broken={LEAK: BOTH, f"{LEAK} and forces": BOTH},
        limits="it requires e3nn 0.4.4, on which the harness runs here too",
    ),
)  # fmt: skip


def installed(environment: Environment, root: Path) -> Path:
    """The interpreter of a virtual environment that has the library, and all that this interpreter has.

    Raises
    ------
    RuntimeError : pip failed; the last lines of what it said
    """
    folder = root / environment.name.replace(" ", "_")
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        site = next((folder / "lib").glob("python*/site-packages"))
        (site / "outer.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    options = ["--disable-pip-version-check", "--quiet", "--upgrade"] + ["--no-deps"] * (
        not environment.with_dependencies
    )
    command = [python, "-m", "pip", "install", *options, *environment.requirements]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(" ".join(done.stderr.strip().splitlines()[-3:]))
    return python
