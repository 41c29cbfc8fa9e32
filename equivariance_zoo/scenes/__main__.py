"""The command line: `python -m equivariance_zoo.scenes heads|planes|cars --output DIR`.

A command that is repeated goes on behind the last whole file. Exit codes: 0 done, 2 bad usage, 130 stopped by Ctrl-C.
On bad usage, one line on standard error names the argument, the value and the expected value.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from equivariance_zoo.training.cli import parse_integer, parse_path, run_program

PROGRAM = "equivariance_zoo.scenes"
STOPPED = "stopped; the same command goes on behind the last whole file"
VERSION = 1
"""Version of the numbers: on one machine, sets of one version and of the same settings are equal."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run_program(PROGRAM, "Render sets of pictures with labels.", _add_commands, STOPPED, arguments)


def _add_commands(commands: argparse._SubParsersAction) -> None:
    heads = _command(commands, "heads", _heads, 128, "heads of the ICT-FaceKit morphable model, with 68 landmarks")
    heads.add_argument(
        "--model", type=parse_path, required=True, metavar="FILE", help="packed model, or a clone of ICT-FaceKit"
    )
    heads.add_argument("--count", type=parse_integer, default=1000, metavar="N", help="pictures; default: 1000")
    heads.add_argument(
        "--unusual", type=float, default=0.0, metavar="SHARE", help="poses beyond the limits; default: 0"
    )
    heads.add_argument("--occluded", type=float, default=0.25, metavar="SHARE", help="with an occluder; default: 0.25")
    heads.add_argument("--dense", action="store_true", help="labels of each pixel and of each vertex too")
    planes = _command(commands, "planes", _planes, 64, "views of airliners, from a file of packed models")
    planes.add_argument("--models", type=parse_path, required=True, metavar="FILE", help="planes.npz")
    cars = _command(commands, "cars", _cars, 64, "views of generated cars, or of cars in files")
    cars.add_argument("--count", type=parse_integer, default=30, metavar="N", help="generated cars; default: 30")
    cars.add_argument("--files", type=parse_path, nargs="+", metavar="FILE", help="meshes, in place of generated cars")
    for objects in (planes, cars):
        objects.add_argument(
            "--views", type=parse_integer, default=240, metavar="N", help="views of each; default: 240"
        )
        objects.add_argument("--roll", type=float, default=0.0, metavar="DEGREES", help="largest roll; default: 0")


def _command(commands: Any, name: str, run: Callable[..., int], size: int, what: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".")
    parser.add_argument("--output", type=parse_path, required=True, metavar="DIR", help="folder of the set")
    parser.add_argument(
        "--size", type=parse_integer, default=size, metavar="PIXELS", help=f"of each side; default: {size}"
    )
    parser.add_argument(
        "--seed", type=parse_integer, default=0, metavar="S", help="seed of everything random; default: 0"
    )
    parser.add_argument("--workers", type=parse_integer, metavar="N", help="processes; default: one per core")
    parser.set_defaults(run=run)
    return parser


def _heads(options: argparse.Namespace) -> int:
    from equivariance_zoo.faces.models.ict import load_ict
    from equivariance_zoo.scenes.datasets.heads import HeadSettings, make_shard
    from equivariance_zoo.scenes.datasets.store import digest
    from equivariance_zoo.scenes.meshes.heads import HeadModel

    settings = HeadSettings(
        options.count, options.size, options.seed, options.unusual, options.occluded, options.dense
    )  # fmt: skip
    model = HeadModel(load_ict(options.model))
    about = asdict(settings) | {"model": digest(options.model)}
    return _write(options, about, settings.shards(), partial(make_shard, model, settings))


def _planes(options: argparse.Namespace) -> int:
    from equivariance_zoo.scenes.datasets.objects import views_of_airliner
    from equivariance_zoo.scenes.datasets.store import digest
    from equivariance_zoo.scenes.meshes.files import Airliners

    settings, names = _view_settings(options), Airliners(options.models).names
    about = asdict(settings) | {"models": digest(options.models)}
    return _write(options, about, names, partial(views_of_airliner, options.models, names, settings))


def _cars(options: argparse.Namespace) -> int:
    from equivariance_zoo.scenes.datasets.objects import views_of_car, views_of_file
    from equivariance_zoo.scenes.datasets.store import digest

    settings = _view_settings(options)
    if options.files:
        files = {file.stem: file for file in options.files}
        missing = [str(file) for file in options.files if not file.is_file()]
        if missing or len(files) < len(options.files):
            raise ValueError(
                f"files: expected files of different names, got {', '.join(missing or map(str, options.files))}"
            )
        about = asdict(settings) | {"files": {name: digest(file) for name, file in files.items()}}
        return _write(options, about, list(files), partial(views_of_file, files, settings))
    if options.count < 1:
        raise ValueError(f"count: expected a whole number, 1 or more, got {options.count}")
    names = [f"car-{number:05}" for number in range(options.count)]
    return _write(options, asdict(settings) | {"count": options.count}, names, partial(views_of_car, settings))


def _view_settings(options: argparse.Namespace) -> Any:
    from equivariance_zoo.scenes.datasets.objects import ViewSettings

    return ViewSettings(options.views, options.size, options.seed, options.roll)


def _write(options: argparse.Namespace, settings: Any, shards: list[str], make: Callable[[str], Any]) -> int:
    """Writes a set and its contact sheet."""
    from equivariance_zoo.scenes.datasets.sheet import write_sheet
    from equivariance_zoo.scenes.datasets.store import Store

    workers = options.workers or os.cpu_count() or 1
    if workers < 1:
        raise ValueError(f"workers: expected 1 or more, got {workers}")
    store = Store(options.output, {"kind": options.command, "version": VERSION, **settings})
    for name in store.write(shards, make, workers):
        print(f"written: {store.folder / name}.npz", flush=True)
    print(f"{len(shards)} files in {store.folder}; {write_sheet(store.folder)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
