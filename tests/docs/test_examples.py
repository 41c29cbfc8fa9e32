"""The examples of the documentation run as they stand and print what the pages show."""

import importlib.util
import re
from pathlib import Path

import pytest

import se3unet
from equivariance_zoo import faces
from se3unet import prediction
from tests.architecture.sources import ROOT, module_of, sources
from tests.docs.pages import Block, blocks_of, comparable, matches, run, standing_in

README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]


def has_examples(page: Path) -> bool:
    return any(b.language in ("python", "bash") and not b.skipped for b in blocks_of(page.read_text()))


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if has_examples(p)], ids=lambda p: str(p.relative_to(ROOT)))
def test_the_examples_of_a_page_run(page, tmp_path):
    if "se3unet.published" in page.read_text():
        pytest.importorskip("dgl", reason="the published network runs on DGL graphs")
    if page.stem == "lightning":
        pytest.importorskip("lightning", reason="trains: pip install lightning")
    with standing_in(tmp_path):
        # The README's shell commands set up whole environments; continuous integration runs them.
        for block, printed, shown in run(page, tmp_path, shell=page != README):
            assert shown is None or matches(printed, shown.code), f"{page.name}:{block.line} prints\n{printed}"


def test_the_tutorial_has_examples():
    assert ROOT / "docs" / "tutorial.md" in [p for p in PAGES if has_examples(p)]


def test_the_tolerance_page_shows_the_measured_floors():
    measured = (ROOT / "docs" / "results" / "floors.md").read_text()
    table = [line for line in measured.splitlines() if line.startswith("|")]
    assert len(table) > 10
    assert "\n".join(table) in (ROOT / "docs" / "tolerance.md").read_text()


def main_job() -> str:
    """Returns the output that docs/results/diagnosis.md shows."""
    (block,) = blocks_of((ROOT / "docs" / "results" / "diagnosis.md").read_text())
    return block.code


def test_the_readme_shows_the_main_job_and_leaves_out_the_layers_only():
    text = README.read_text()
    between = text.partition("<!-- output: begin -->")[2].partition("<!-- output: end -->")[0]
    (block,) = blocks_of(between)
    whole = iter(main_job().splitlines())
    for line in block.code.splitlines():
        assert line == "..." or line in whole, line
    assert block.code.splitlines().count("...") == 2


def test_the_lines_that_the_main_job_names_are_there():
    named = re.findall(r"^ +at +(\S+\.py):(\d+)  (.+?)(?:  \(suspected\))?$", main_job(), re.MULTILINE)
    assert len(named) == int(re.findall(r"^published: (\d+) findings;", main_job(), re.MULTILINE)[0])
    for file, line, source in named:
        assert source in (ROOT / file).read_text().splitlines()[int(line) - 1]


def documented() -> list[str]:
    pages = (ROOT / "docs" / "reference").rglob("*.md")
    return [line.removeprefix("::: ") for page in pages for line in page.read_text().splitlines() if line[:4] == "::: "]


PUBLIC = ("", ".groups", ".representations", ".contracts", ".findings", ".strategies", ".subject", ".lightning")
"""The public packages and modules of the harness."""


@pytest.mark.parametrize("suffix", PUBLIC)
def test_every_public_name_of_the_harness_is_in_the_reference(suffix):
    if suffix == ".lightning":
        pytest.importorskip("lightning", reason="trains: pip install lightning")
    package = importlib.import_module(f"equivariance{suffix}")
    # These need other libraries, and hand nothing on to the public packages.
    aside = ("adapters", "lightning") if suffix != ".lightning" else ("adapters",)
    entries = [e for e in documented() if e.startswith("equivariance.") and e.split(".")[1] not in aside]
    shown = {id(value) for entry in entries for value in shown_by(entry)}
    assert package.__all__
    assert not {name for name in package.__all__ if id(getattr(package, name)) not in shown}


def shown_by(entry: str) -> list[object]:
    """Returns what one line of the reference shows: an object, or a module with its public names."""
    if importlib.util.find_spec(entry.rpartition(".")[0]) and not _is_module(entry):
        return [getattr(importlib.import_module(entry.rpartition(".")[0]), entry.rpartition(".")[2])]
    module = importlib.import_module(entry)
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", entry) == entry]
    return [module, *(getattr(module, name) for name in getattr(module, "__all__", own))]


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def test_the_reference_names_nothing_private():
    assert not [name for name in documented() if "._" in name]


def modules_of(room: str) -> set[str]:
    """The modules of a room that its page shows; packages and command lines are on the pages of the guide."""
    found = {module_of(path) for path in sources(room) if path.stem not in ("__init__", "__main__", "command")}
    return {name for name in found if not name.startswith("se3unet.prediction.")}


@pytest.mark.parametrize("room", ["se3unet", "equivariance_zoo/steerable3d", "equivariance_zoo/training"])
def test_every_module_of_a_room_is_in_the_reference(room):
    found = modules_of(room)
    assert len(found) > 8
    assert not found - set(documented())


def test_every_name_of_faces_and_of_the_prediction_is_in_the_reference():
    names = {f"equivariance_zoo.faces.{name}" for name in faces.__all__}
    names |= {f"se3unet.prediction.{name}" for name in prediction.__all__ if name not in se3unet.__all__}
    assert len(names) > 10
    assert not names - set(documented())


def test_every_module_of_landmarks_is_in_the_reference():
    homes = {name.removesuffix(".write") for name in documented()}
    drawing = {f"equivariance_zoo.landmarks.evaluation.{name}" for name in ("charts", "tables")}
    assert modules_of("equivariance_zoo/landmarks") - homes == drawing


def page_with(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "page.md"
    path.write_text(text.replace("~~~", "```"))
    return path


def test_blocks_are_found_with_their_lines():
    text = 'words\n\n~~~python title="a.py"\nx = 1\n~~~\n\n<!-- not run -->\n~~~bash\nls\n~~~\n'.replace("~~~", "```")
    assert blocks_of(text) == [
        Block("python", "a.py", "x = 1\n", 4, False),
        Block("bash", "", "ls\n", 9, True),
    ]


def test_a_page_may_write_and_change_a_file_and_use_it(tmp_path):
    page = page_with(
        tmp_path,
        '~~~python title="written.py"\na = 1\nb = 2\n~~~\n~~~python\nimport written\nprint(written.a)\n~~~\n'
        '~~~diff title="written.py"\n-a = 1\n+a = 3\n b = 2\n~~~\n'
        "~~~python\nimport written\nprint(written.a)\n~~~\n~~~text\n3\n~~~\n",
    )
    with standing_in(tmp_path):
        results = [(printed, shown and shown.code) for _, printed, shown in run(page, tmp_path)]
    assert results == [("1\n", None), ("3\n", "3\n")]


def test_an_error_in_a_page_is_an_error(tmp_path):
    page = page_with(tmp_path, "~~~python\nraise KeyError('here')\n~~~\n")
    with pytest.raises(KeyError, match="here"):
        list(run(page, tmp_path))


@pytest.mark.parametrize(
    ("printed", "shown", "same"),
    [
        ("error 1.2e-16 in it", "error 3.4e-17   in it", True),
        ("error 1.2e-01 in it", "error 3.4e-01 in it", False),
        ("line 12", "line 13", False),
        ("first\nsecond\nthird", "first\n...\nthird", True),
        ("first\nsecond\nthird", "first\n...\nfourth", False),
        ("float64", "float32", False),
    ],
)
def test_rounding_may_differ_and_nothing_else(printed, shown, same):
    assert matches(printed, shown) == same


def test_names_with_digits_are_no_numbers():
    assert comparable("output[1] (1x1o) of float64: 0 or 2e-16") == "output[1] (1x1o) of float64: ~0 or ~0"
