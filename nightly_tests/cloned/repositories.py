"""Which repositories are cloned, at which commits, and what is examined of each."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nightly_tests.environments import Environment

ENVIRONMENT = Environment(
    "repositories",
    "",
    ("torch_geometric==2.8.1", "dgl==1.1.3", "sympy", "psutil", "opt_einsum", "warp-lang", "dm-tree", "yacs", "pyyaml"),
    with_dependencies=True,
)
"""Requirements of all repositories, in one environment; `stand_ins` replaces packages without a build in the index."""

CUDA = ("device = torch.device('cuda')", "device = x.device")

FILES = (":(glob)**/*.py", ":(glob,exclude)**/setup.py")
"""Files that are checked out: no data and no weights."""


@dataclass(frozen=True)
class Repository:
    """One repository at one commit.

    Attributes
    ----------
    name : owner and name on GitHub
    commit : what is checked out
    cases : module of `nightly_tests.cloned.cases`
    folders : what of it stands on the path of Python
    changes : file -> (old, new), for code that runs on a GPU only
    known : what is known of its symmetries, and why
    limits : what is left out, and what stands in for it
    """

    name: str
    commit: str
    cases: str
    folders: tuple[str, ...] = (".",)
    changes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    known: str = ""
    limits: str = ""

    @property
    def address(self) -> str:
        """Where it is cloned from."""
        return f"https://github.com/{self.name}"


REPOSITORIES = (
    Repository(
        "WangYueFt/dgcnn", "f765b469a67730658ba554e97dc11723a7bab628", "dgcnn", ("pytorch",),
        changes={"pytorch/model.py": CUDA},
        known="made for permutations; coordinates go into a linear map",
    ),
    Repository(
        "fxia22/pointnet.pytorch", "bafbf401e0af19be3262e448c59313fd2be0e421", "pointnet",
        known="made for permutations; coordinates go into a linear map",
    ),
    Repository(
        "FlyingGiraffe/vnn", "f3197e210022b5f0015e0da6456adf66bd0cd73e", "vnn",
        changes={"models/utils/vn_dgcnn_util.py": CUDA},
        known="made for rotations about the origin: clouds are centred beforehand. The PointNet encoder takes cross "
        "products, which the inversion does not turn",
    ),
    Repository(
        "drorlab/gvp-pytorch", "82af6b22eaf8311c15733117b0071408d24ed877", "gvp_pytorch",
        known="`CPDModel` is autoregressive: a residue sees those with a smaller number, so it depends on the order of "
        "nodes by design. Inputs are vectors and no points, so translation does not apply",
    ),
    Repository(
        "rampasek/GraphGPS", "28015707cbab7f8ad72bed0ee872d068ea59c94b", "graphgps",
        known="graphs without positions: only permutation and batch apply",
        limits="the attention of `performer_pytorch`, which the examined layer does not use, is left out",
    ),
    Repository(
        "divelab/DIG", "21476b079c9226f38915dcd082b5c2ee0cddaac8", "dig_comenet",
        known="torsions are taken modulo pi, so the inversion is broken. Where the neighbours that "
        "span a torsion coincide it is 0 up to rounding, and `tau[tau < 0] + math.pi` makes pi of -1e-17: the energy "
        "jumps with the last bit of the positions, so under every motion that rounds them",
    ),
    Repository(
        "pengxingang/Pocket2Mol", "836a0c4ce487297ad24bc54ac2ebd163de13242c", "pocket2mol",
        known="`LayerNorm([channels, 3])` takes the mean over x, y and z of all vectors",
    ),
    Repository("torchmd/torchmd-net", "833c07708e7d507fc33bdcd835ed083a321cc651", "torchmd_net"),
    Repository(
        "atomistic-machine-learning/schnetpack", "4c967da8d6f1183b5127cce90e62eb3ae9ab4543", "schnetpack_potentials",
        ("src",), limits="`schnetpack.transform`, which reads files, is left out",
    ),
    Repository(
        "ORNL/HydraGNN", "d251f81627e6677c8636babe52ec0b020b2d27b7", "hydragnn_painn",
        limits="the tracer of times, which needs MPI, is replaced by one that does nothing",
    ),
    Repository(
        "aqlaboratory/openfold", "ce0029e1199b65fd834fe822be50d936cfe57fd4", "openfold_attention",
        limits="the kernel for GPUs is left out. Frames are kept in float32 by the code; the plain comparison keeps "
        "them in float64",
    ),
    Repository(
        "RosettaCommons/RFdiffusion", "86507b6538f51fce57b5a72477165f03999ed7ae", "rfdiffusion_se3",
        (".", "env/SE3Transformer"),
        known="made for SE(3): inversion is broken by design. Inputs are relative positions, so translation does not "
        "apply",
        limits="the code casts its angular basis to float32; the plain comparison keeps it in float64",
    ),
)  # fmt: skip


def cloned(repository: Repository, root: Path, mirrors: Path | None) -> Path:
    """The folder of the repository at its commit, with its changes.

    ``mirrors`` is a folder of local clones, called OWNER+NAME, OWNER/NAME or NAME, to use instead of the network.

    Raises
    ------
    RuntimeError : it cannot be cloned, the commit is not there, or a change does not fit
    """
    folder = root / repository.name.replace("/", "+")
    if not (folder / ".git").exists():
        _git("clone", "--quiet", "--no-checkout", _source(repository, mirrors), str(folder))
    _git("-C", str(folder), "checkout", "--quiet", "--force", repository.commit, "--", *FILES)
    for name, (old, new) in repository.changes.items():
        text = (folder / name).read_text()
        if old not in text:
            raise RuntimeError(f"{name} of {repository.name} has no line {old!r}")
        (folder / name).write_text(text.replace(old, new))
    return folder


def _source(repository: Repository, mirrors: Path | None) -> str:
    """The address, or the local clone."""
    if mirrors is None:
        return repository.address
    owner, name = repository.name.split("/")
    for folder in (mirrors / f"{owner}+{name}", mirrors / owner / name, mirrors / name):
        for clone in (folder / "repo", folder):
            if (clone / "HEAD").exists() or (clone / ".git").exists():
                return str(clone)
    raise RuntimeError(f"mirrors={str(mirrors)!r} has no clone of {repository.name}")


def _git(*arguments: str) -> None:
    """One command of git."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"git: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
