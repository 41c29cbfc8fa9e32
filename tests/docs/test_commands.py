"""Every module, sub-command, option, environment and file that the pages tell the reader to type exists."""

import configparser
import tomllib
from importlib.util import find_spec

import pytest

from tests.architecture.sources import ROOT
from tests.docs.commands import PAGES, SCRIPTS, all_commands, commands_in, help_of, missing_paths
from tests.docs.pages import blocks_of

COMMANDS = all_commands()
MODULES = [c for c in COMMANDS if c.tool not in ("tox", "pytest", "venv")]
WRITTEN = {block.title for page in PAGES for block in blocks_of(page.read_text()) if block.title}
"""Files that the pages write when they are run."""


def test_the_commands_are_found():
    assert len(COMMANDS) > 80
    assert {"README.md", "CONTRIBUTING.md", "tox.ini", ".ci/run", "docs/training.md"} <= {c.file for c in COMMANDS}
    assert {"tox", "pytest", "equivariance.diagnose", "se3unet", "benchmarks.speed"} <= {c.tool for c in COMMANDS}


def test_every_module_that_is_run_exists():
    for command in MODULES:
        spec = find_spec(command.tool)
        assert spec is not None, command
        if spec.submodule_search_locations:
            assert find_spec(f"{command.tool}.__main__"), command


def asked(command):
    """The module with its sub-commands, as it is asked for help."""
    return (command.tool,) if command.tool in ("pytest", "tests.docs.pages") else (command.tool, *command.positionals)


@pytest.mark.slow
def test_every_option_and_sub_command_is_known():
    # Modules that take no options have no help.
    asking = [c for c in MODULES if c.options - {"--help", "-h"} or c.positionals]
    asking = [c for c in asking if c.tool not in ("tests.docs.pages", "tests.equivariance.helpers.html_demo")]
    assert len(asking) > 50
    helps = help_of({asked(c) for c in asking} | {("pytest",)})
    assert not {key: text for key, (code, text) in helps.items() if code != 0}
    for command in asking:
        text = helps[" ".join(asked(command))][1]
        assert not {option for option in command.options if option not in text}, command
    # pytest also takes its options without the hyphens inside.
    text = helps["pytest"][1].replace("-", "")
    for command in [c for c in COMMANDS if c.tool == "pytest"]:
        assert not {option for option in command.options if option.replace("-", "") not in text}, command


def test_every_environment_of_tox_exists():
    config = configparser.ConfigParser()
    config.read(ROOT / "tox.ini")
    environments = {name.removeprefix("testenv:") for name in config.sections()}
    listed = {name.strip() for name in config["tox"]["env_list"].split(",")}
    asked = [c for c in COMMANDS if c.tool == "tox"]
    named = {name for c in asked for name in c.words[c.words.index("-e") + 1].split(",")}
    assert len(named) > 5
    assert not (named | listed) - environments


def test_what_pytest_is_given_exists():
    markers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["markers"]
    known = {marker.partition(":")[0] for marker in markers}
    for command in [c for c in COMMANDS if c.tool in ("tox", "pytest")]:
        chosen = [word for before, word in zip(command.words, command.words[1:], strict=False) if before == "-m"]
        assert set(chosen) <= known, command
        places = command.places if command.tool == "pytest" else []
        assert not [place for place in places if place not in WRITTEN and not (ROOT / place).exists()], command


@pytest.mark.parametrize("path", [*PAGES, *SCRIPTS], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_path_of_the_repository_that_is_named_exists(path):
    assert missing_paths(path, WRITTEN) == []


def test_what_does_not_exist_is_seen(tmp_path):
    page = tmp_path / "page.md"
    text = "`tests/nowhere.py`, `equivariance/api.py: no_such_name`, `_engine/laws/nothing.py`, `unheard_of.py`"
    page.write_text(f"{text}, `equivariance/api.py: check`, `docs/*.md`, `runs/first`, `api.py`\n")
    assert [f"`{name}`" for name in missing_paths(page, ())] == text.split(", ")


def test_command_lines_are_taken_apart():
    (command,) = commands_in("  - run: pytest -n auto --junitxml=a.xml tests  # all", "page")
    assert (command.tool, command.options, command.places) == ("pytest", {"-n", "--junitxml"}, ["tests"])
    first, second = commands_in("cd x && python -m se3unet train first.toml --data d && tox -e lint,docs", "page")
    assert (first.tool, first.positionals, first.options) == ("se3unet", ("train", "first.toml"), {"--data"})
    assert (second.tool, second.words) == ("tox", ("-e", "lint,docs"))
    (several,) = commands_in("torchrun --nnodes 2 -m se3unet train default --devices 4", "page")
    assert (several.tool, several.positionals) == ("se3unet", ("train", "default"))
