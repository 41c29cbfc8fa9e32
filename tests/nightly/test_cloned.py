"""Cloned repositories: what the plain comparison finds, how verdicts are judged, and what is cloned."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from nightly_tests.cloned import plain
from nightly_tests.cloned import run as command
from nightly_tests.cloned.example import Example, Law
from nightly_tests.cloned.page import judged, page, rows
from nightly_tests.cloned.repositories import REPOSITORIES, Repository, cloned
from tests.architecture.sources import imported_modules, module_of

EVERY = ("translation", "rotation", "inversion", "permutation", "edges", "batch")


class Messages(torch.nn.Module):
    """Sums over the edges of each sample; `fault` names what it breaks."""

    def __init__(self, fault=""):
        super().__init__()
        self.fault, self.weight = fault, torch.nn.Parameter(torch.randn(3))
        self.head = torch.nn.Parameter(torch.zeros(()))

    def forward(self, pos, edges, batch):
        lengths = (pos[edges[0]] - pos[edges[1]]).norm(dim=1)
        extra = {
            "translation": lambda: pos.norm(dim=1)[edges[0]],
            "rotation": lambda: ((pos[edges[0]] - pos[edges[1]]) @ self.weight) ** 2,
            "permutation": lambda: (edges[0] - edges[1]).abs() * lengths,
            "edges": lambda: torch.arange(len(lengths)) * lengths,
            "batch": lengths.mean,
            "hidden": lambda: self.head * pos.norm(dim=1)[edges[0]],
            "": lambda: 0.0,
        }[self.fault]()
        sums = torch.zeros(int(batch.max()) + 1).index_add(0, batch[edges[0]], torch.tanh(lengths) + extra)
        return sums, pos


def example(fault=""):
    torch.manual_seed(0)
    batch = torch.arange(2).repeat_interleave(torch.tensor([5, 4]))
    edges = ((batch[:, None] == batch) & ~torch.eye(9, dtype=torch.bool)).nonzero().T
    return Example(
        Messages(fault), {"pos": torch.randn(9, 3), "edges": edges, "batch": batch},
        {"pos": Law("point", nodes=0), "edges": Law(edges=1, counts="nodes"), "batch": Law(nodes=0, counts="samples")},
        pack=lambda t: (t["pos"], t["edges"], t["batch"]), unpack=tuple,
        results=(Law(samples=0), Law("point", nodes=0)), symmetries=EVERY,
    )  # fmt: skip


@pytest.mark.parametrize("fault", ["", "translation", "rotation", "permutation", "edges", "batch", "hidden"])
def test_the_plain_comparison_finds_the_symmetry_that_is_broken_and_no_other(fault):
    found = plain.compared(example(fault))
    found.pop(plain.LAST_BIT)
    broken = {symmetry for symmetry, error in found.items() if error > plain.LIMIT}
    # The number of an edge changes with the samples before it.
    expected = {"": set(), "hidden": {"translation"}, "edges": {"edges", "batch"}}
    assert broken == expected.get(fault, {fault})
    assert torch.get_default_dtype() == torch.float32


def test_clouds_with_the_points_on_the_last_axis_are_moved_permuted_and_chosen():
    class Largest(torch.nn.Module):
        def forward(self, x):
            return x.norm(dim=1).amax(1), x[:, :, :1]

    sound = Example(
        Largest(), {"x": torch.randn(3, 3, 7)}, {"x": Law("point", axis=1, nodes=2, samples=0)},
        pack=lambda t: (t["x"],), unpack=lambda out: out[:1], results=(Law(samples=0),),
    )  # fmt: skip
    found = plain.compared(sound)
    assert {s for s, error in found.items() if error > plain.LIMIT} == {"translation"}
    first = replace(sound, unpack=lambda out: out[1:], results=(Law("point", axis=1, samples=0),))
    assert {s for s, error in plain.compared(first).items() if error > plain.LIMIT} == {"permutation"}


def test_an_output_that_is_not_finite_is_broken():
    case = example()
    broken = replace(case, unpack=lambda out: (out[0] * torch.nan, out[1]), symmetries=("rotation",))
    assert plain.compared(broken)["rotation"] == torch.inf


def test_the_plain_comparison_and_the_cases_import_nothing_of_the_harness():
    folder = Path(plain.__file__).parent
    own = [folder / "plain.py", folder / "example.py", folder / "graphs.py", *(folder / "cases").glob("*.py")]
    for file in [*own, folder.parent / "torchmd_settings.py"]:
        imported = imported_modules(file.read_text(), module_of(file))
        assert not any(name.split(".")[0] == "equivariance" for name in imported), file.name


def told(symmetry, verdict, claimed=True):
    words = verdict if claimed else "not claimed"
    return {
        "symmetry": symmetry,
        "verdict": verdict,
        "words": words,
        "claimed": claimed,
        "error": 0.5,
        "basis": "assumed",
    }


@pytest.mark.parametrize(
    ("verdict", "error", "right"),
    [
        ("holds", 1e-16, "right"), ("holds", 1e-2, "wrong"), ("broken", 1e-16, "wrong"), ("broken", 1e-2, "right"),
        ("not tested", 1e-16, "not tested"), ("not tested", 1e-2, "not tested"),
    ],
)  # fmt: skip
def test_a_verdict_is_right_if_it_equals_the_plain_comparison(verdict, error, right):
    (row,) = rows({"case": "A", "plain": {"rotation": error}, "verdicts": [told("rotation", verdict)]})
    assert row["right"] == right


def test_edges_are_part_of_permutation_and_what_does_not_apply_must_not_be_tested():
    case = {"case": "A", "plain": {"permutation": 1e-16, "edges": 1e-2, "batch": 1e-16},
            "verdicts": [told("permutation", "holds"), told("translation", "holds"), told("rotation", "not tested"),
                         told("batch", "holds", claimed=False)]}  # fmt: skip
    found = {row["symmetry"]: row for row in rows(case)}
    assert found["permutation"]["right"] == "wrong"
    assert found["permutation"]["plain"] == "broken: 1e-16 (permutation), 1e-02 (edges)"
    assert found["translation"]["right"] == "wrong"
    assert found["rotation"]["right"] == "right"
    assert (found["batch"]["verdict"], found["batch"]["right"]) == ("not claimed (holds)", "right")


def test_the_page_tells_the_verdicts_and_what_was_not_run():
    case = {"case": "A", "plain": {"rotation": 1e-16}, "verdicts": [told("rotation", "holds")], "findings": []}
    case["verdicts"][0]["words"] = "holds, if x [4, 3] is a point"
    failed = {"case": "B", "plain": {}, "plain_obstacle": "no|way", "obstacle": "E: x"}
    text = page([(REPOSITORIES[0], {"cases": [case, failed]}), (REPOSITORIES[1], {"obstacle": "git: no"})])
    assert "| rotation | holds, if x \\[4, 3] is a point | assumed | 5e-01 | holds: 1e-16 | right |" in text
    assert "The diagnosis raised: `E: x`" in text
    assert "The plain comparison raised: `no/way`" in text
    assert "not run: git: no" in text
    assert "Verdicts: 1 right, 0 wrong, 0 not tested." in text
    assert judged({"obstacle": "git: no"}) == ["not run: git: no"]


@pytest.fixture
def mirror(tmp_path):
    """A folder with one local clone, and the repository at its commit."""
    made = tmp_path / "mirrors" / "owner" / "name"
    made.mkdir(parents=True)
    (made / "model.py").write_text("device = torch.device('cuda')\n")
    (made / "weights.bin").write_text("large")
    author = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    for arguments in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "first"]):
        subprocess.run(["git", "-C", made, *arguments], check=True)
    done = subprocess.run(["git", "-C", made, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    return tmp_path / "mirrors", Repository("owner/name", done.stdout.strip(), "name")


def test_a_repository_is_cloned_from_a_local_folder_at_its_commit_with_its_changes(mirror, tmp_path):
    mirrors, repository = mirror
    changed = replace(repository, changes={"model.py": ("torch.device('cuda')", "x.device")})
    for _ in range(2):
        folder = cloned(changed, tmp_path / "clones", mirrors)
        assert (folder / "model.py").read_text() == "device = x.device\n"
    assert not (folder / "weights.bin").exists()


def test_a_commit_or_a_line_that_is_not_there_is_told(mirror, tmp_path):
    mirrors, repository = mirror
    with pytest.raises(RuntimeError, match="has no clone of other/thing"):
        cloned(replace(repository, name="other/thing"), tmp_path / "a", mirrors)
    with pytest.raises(RuntimeError, match="not a tree"):
        cloned(replace(repository, commit="0" * 40), tmp_path / "b", mirrors)
    with pytest.raises(RuntimeError, match="has no line 'x = 1'"):
        cloned(replace(repository, changes={"model.py": ("x = 1", "")}), tmp_path / "c", mirrors)


def test_every_repository_has_its_cases_and_a_whole_commit():
    folder = Path(command.__file__).parent / "cases"
    for repository in REPOSITORIES:
        assert (folder / f"{repository.cases}.py").is_file(), repository.name
        assert len(repository.commit) == 40, repository.name
