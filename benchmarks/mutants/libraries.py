"""Lists the libraries, in fixed versions, with the environments that `nightly_tests` makes for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nightly_tests.environments import Environment, installed


@dataclass(frozen=True)
class Library:
    """One version of one distribution of the package index.

    Attributes:
        name: The name of the distribution. It decides the part of the split.
        version: The version that pip installs.
        package: The name that Python imports. Statements of this package are changed.
        cases: The module of `benchmarks.mutants.modules` that makes its modules.
        more: Further requirements.
        with_dependencies: True if pip installs what the requirements need.
        left_out: Files and folders of the package in which nothing is changed, because the harness itself runs them.
    """

    name: str
    version: str
    package: str
    cases: str
    more: tuple[str, ...] = ()
    with_dependencies: bool = False
    left_out: tuple[str, ...] = ()

    @property
    def environment(self) -> Environment:
        """Returns the environment in the form of `nightly_tests`."""
        requirements = (f"{self.name}=={self.version}", *self.more)
        return Environment(self.name, self.cases, requirements, self.with_dependencies)

    def python(self, root: Path) -> Path:
        """Returns the interpreter of the library's environment in the folder `root`, and makes it if there is none.

        Raises:
            RuntimeError: If pip fails.
        """
        python = root / self.name / "bin" / "python"
        wanted = f"{self.name.replace('-', '_')}-{self.version}.dist-info".lower()
        there = any(f.name.lower() == wanted for f in python.parents[1].glob("lib/python*/site-packages/*.dist-info"))
        return python if there else installed(self.environment, root)


_LUCIDRAINS = ("einops", "beartype", "rotary-embedding-torch", "torch-einops-utils", "jaxtyping", "einx", "frozendict",
               "taylor-series-linear-attention", "loguru")  # fmt: skip

LIBRARIES = (
    Library("egnn-pytorch", "0.2.8", "egnn_pytorch", "egnn", ("einops",)),
    Library("en-transformer", "1.6.6", "en_transformer", "en_transformer", _LUCIDRAINS),
    Library("geometric-vector-perceptron", "0.0.14", "geometric_vector_perceptron", "perceptron", ("torch_geometric",)),
    Library("VN-transformer", "0.1.0", "VN_transformer", "vector_neurons", ("einops", "beartype")),
    Library("invariant-point-attention", "0.2.2", "invariant_point_attention", "point_attention", ("einops",)),
    Library("se3-transformer-pytorch", "0.9.0", "se3_transformer_pytorch", "se3_transformer", ("einops",)),
    Library("equiformer-pytorch", "0.5.4", "equiformer_pytorch", "equiformer", ("filelock", *_LUCIDRAINS)),
    Library(
        "gotennet-pytorch", "0.3.1", "gotennet_pytorch", "gotennet",
        ("hyper-connections", "x-transformers", *_LUCIDRAINS),
    ),
    Library("torch_geometric", "2.8.1", "torch_geometric", "geometric", with_dependencies=True),
    Library("e3tools", "0.1.3", "e3tools", "e3tools", ("einops", "jaxtyping", "wadler-lindig")),
    Library(
        "e3nn", "0.6.0", "e3nn", "e3nn",
        left_out=("math", "util", "o3/_irreps.py", "o3/_wigner.py", "o3/_rotation.py", "o3/_spherical_harmonics.py"),
    ),
    Library("schnetpack", "2.1.1", "schnetpack", "schnetpack", with_dependencies=True),
    Library("torchmd-net", "3.1.0", "torchmdnet", "torchmd", with_dependencies=True),
    Library("nequip", "0.19.1", "nequip", "nequip", with_dependencies=True),
    Library("mace-torch", "0.3.16", "mace", "mace", with_dependencies=True),
    Library(
        "escnn", "1.0.11", "escnn", "escnn",
        ("lie_learn", "joblib", "cloudpickle", "pymanopt", "autograd", "numpy<2"), left_out=("group", "kernels"),
    ),
)  # fmt: skip
