"""The command lines and the repository's paths that the pages, CONTRIBUTING, tox and continuous integration name."""

import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.sources import ROOT
from tests.docs.pages import blocks_of

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SCRIPTS = [ROOT / "tox.ini", ROOT / ".ci" / "run"]

_LANGUAGES = ("bash", "sh", "yaml")
_INLINE = re.compile(r"`([^`\n]+)`")
_BEFORE = re.compile(r'^\s*(?:- )?(?:run: |browser="|commands = |\$ )?')
_RUNNERS = ("python", "python3", "torchrun")
_TAKE_A_VALUE = ("-n", "-m", "-o", "-p", "-k")
"""Options of pytest whose value is the next word."""
_PATH = re.compile(r"[\w.-]+(?:/[\w.*-]+)+/?")
_FILE = re.compile(r"\w+\.py")

# Runs every module with `--help`, in one process: the packages that they share are imported once.
_HELP = """
import contextlib, io, json, runpy, sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, "")
found = {}
for module, *words in json.load(sys.stdin):
    sys.argv = [module, *words, "--help"]
    text, code = io.StringIO(), None
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as left:
            code = left.code
        except BaseException as error:
            text.write(repr(error))
    found[" ".join([module, *words])] = [code, text.getvalue()]
json.dump(found, sys.stdout)
"""


@dataclass(frozen=True)
class Command:
    """A command line.

    Attributes:
        file: Where it stands.
        text: As it stands there.
        tool: "pytest", "tox", or the module that Python runs.
        words: What follows.
    """

    file: str
    text: str
    tool: str
    words: tuple[str, ...]

    @property
    def options(self):
        """The long options, and for other tools than pytest the short ones, without values."""
        return {word.partition("=")[0] for word in self.words if re.match(r"--?[a-z]", word)}

    @property
    def positionals(self):
        """The words before the first option: sub-commands, then arguments."""
        first = next((i for i, word in enumerate(self.words) if word.startswith("-")), len(self.words))
        return self.words[:first]

    @property
    def places(self):
        """The words of a pytest command that are neither options nor their values."""
        words = [w for before, w in zip(("", *self.words), self.words, strict=False) if before not in _TAKE_A_VALUE]
        return [word for word in words if not word.startswith(("-", "{"))]


def commands_in(text, file):
    """The command lines of one line or one inline code."""
    found = []
    for part in re.split(r" && | \| ", _BEFORE.sub("", text)):
        try:
            words = shlex.split(part.strip().removesuffix('"'), comments=True)
        except ValueError:
            continue
        if words[:1] in (["pytest"], ["tox"]) and len(words) > 1:
            found.append(Command(file, text, words[0], tuple(words[1:])))
        elif words and words[0] in _RUNNERS and "-m" in words[:-1]:
            at = words.index("-m")
            found.append(Command(file, text, words[at + 1], tuple(words[at + 2 :])))
    return found


def _lines(path):
    """Lines of scripts and of shell blocks, and inline code."""
    text = path.read_text(encoding="utf-8")
    if path in SCRIPTS:
        return text.splitlines()
    code = "".join(block.code for block in blocks_of(text) if block.language in _LANGUAGES)
    prose = re.sub(r"(?ms)^```.*?^```$", "", text)
    return [*code.replace("\\\n", " ").splitlines(), *_INLINE.findall(prose)]


def all_commands():
    """Every command line of the pages and scripts."""
    paths = [*PAGES, *SCRIPTS]
    return [c for path in paths for line in _lines(path) for c in commands_in(line, path.relative_to(ROOT).as_posix())]


def help_of(keys):
    """(exit code, text) of each module and its words with ``--help``."""
    # pytest refuses to start where its plugins have been imported without it.
    ordered = sorted(keys, key=lambda key: (key != ("pytest",), key))
    run = subprocess.run([sys.executable, "-c", _HELP], input=json.dumps(ordered), capture_output=True, text=True,
                         cwd=ROOT, check=False)  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def missing_paths(path, written):
    """The paths and names in the inline code of a file that the repository does not have.

    Args:
        path: A page or script.
        written: Names of files that the pages write when they are run.
    """
    missing = []
    for code in _INLINE.findall(re.sub(r"(?ms)^```.*?^```$", "", path.read_text(encoding="utf-8"))):
        name, _, inside = code.partition(": ")
        if _PATH.fullmatch(name) and _belongs_here(name):
            found = [*ROOT.glob(name.rstrip("/")), *(ROOT / "equivariance").glob(name.rstrip("/"))]
        elif _FILE.fullmatch(name) and name not in written:
            found = [place for place in ROOT.rglob(name) if not _hidden(place)]
        else:
            continue
        word = re.split(r"\W", inside.rpartition(".")[2])[0]
        if not found or (word and not any(place.is_file() and word in place.read_text() for place in found)):
            missing.append(code)
    return missing


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(ROOT).parts)


def _belongs_here(name):
    first = name.partition("/")[0]
    return (ROOT / first).is_dir() or (ROOT / "equivariance" / first).is_dir()
