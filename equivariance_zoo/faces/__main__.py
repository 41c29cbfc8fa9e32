"""The command line: `python -m equivariance_zoo.faces prepare SOURCE ...` and `... pack-ict`.

Exit codes: 0 done, 2 bad usage or input, 130 interrupted. On an error, one line on standard error names the argument or
the file, the value and the expected value. Files are written completely or not at all.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from equivariance._files import check_file
from equivariance_zoo.faces.errors import FaceError
from equivariance_zoo.faces.face import Source
from equivariance_zoo.faces.faceset import FaceSet, split_by_subject
from equivariance_zoo.faces.models.ict_clone import MODES, pack_ict
from equivariance_zoo.faces.preparation import POINTS, SURFACE_POINTS, prepare
from equivariance_zoo.faces.sources import anny, facescape, files, gcn, ict, tu
from equivariance_zoo.training.cli import Parser, exit_code, parse_integer, parse_path
from equivariance_zoo.training.files import check_folder, make_folder, replacing

PROGRAM = "python -m equivariance_zoo.faces"
SOURCES: dict[str, tuple[ModuleType, str]] = {
    "anny": (anny, "random people of anny's parametric heads"),
    "ict": (ict, "random people of the ICT-FaceKit morphable model"),
    "facescape": (facescape, "FaceScape in one file, as the original SE(3)-Unet reads it"),
    "tu": (tu, "FaceScape's topologically uniform models"),
    "gcn": (gcn, "a folder of .npy files as 3DFA-GCN reads them"),
    "files": (files, "a folder of scans with landmarks"),
}
TRAIN_SHARE = 0.8


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return exit_code(PROGRAM, lambda: _run(arguments), "interrupted")


def _run(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    command = _prepare if options.command == "prepare" else _pack
    return exit_code(f"{PROGRAM} {options.command}", lambda: command(options), "interrupted")


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog=PROGRAM, description="Faces for training and evaluation.")
    commands = parser.add_subparsers(dest="command", required=True)
    sources = commands.add_parser(
        "prepare", help="clouds with landmarks, split by subject: DIR/train.npz and DIR/test.npz"
    ).add_subparsers(dest="source", required=True, metavar="SOURCE")
    for name, (module, what) in SOURCES.items():
        source = sources.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".")
        module.add_arguments(source)
        if module.WHOLE_HEADS:
            source.add_argument("--no-crop", action="store_true", help="keep more of a head than FaceScape shows")
        else:
            source.set_defaults(no_crop=True)
        _add_common(source)
    pack = commands.add_parser("pack-ict", help="one small .npz of a clone of ICT-FaceKit")
    pack.add_argument("clone", type=parse_path, help="the clone's folder FaceXModel")
    pack.add_argument(
        "--modes", type=parse_integer, default=MODES, metavar="N", help=f"modes of identity; default: {MODES}"
    )
    pack.add_argument("--output", type=parse_path, required=True, metavar="FILE", help="the file to write (.npz)")
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--train", type=parse_integer, metavar="N", help="subjects for training; 0: no train.npz")
    parser.add_argument("--test", type=parse_integer, metavar="N", help="subjects for testing; 0: no test.npz")
    parser.add_argument(
        "--points", type=parse_integer, default=POINTS, metavar="N", help=f"points per face; default: {POINTS}"
    )
    parser.add_argument(
        "--surface-points",
        type=parse_integer,
        default=SURFACE_POINTS,
        metavar="N",
        help=f"points of the dense surface that they are picked from; default: {SURFACE_POINTS}",
    )
    parser.add_argument(
        "--seed", type=parse_integer, default=0, metavar="S", help="seed of all random draws; default: 0"
    )
    parser.add_argument("--workers", type=parse_integer, metavar="N", help="processes; default: one per core")
    parser.add_argument("--output", type=parse_path, required=True, metavar="DIR", help="the folder to write to")


def _prepare(options: argparse.Namespace) -> int:
    for name in ("train", "test"):
        if (getattr(options, name) or 0) < 0:
            raise FaceError(f"--{name}: expected at least 0 but got {getattr(options, name)}")
    workers = os.cpu_count() or 1 if options.workers is None else options.workers
    if workers < 1:
        raise FaceError(f"--workers: expected at least 1 but got {workers}")
    module, _ = SOURCES[options.source]
    source: Source = module.from_options(options)
    asked = (options.train or 0) + (options.test or 0)
    if asked > len(source):  # before the number of subjects is known, which takes as long as all the rest
        raise FaceError(f"--train, --test: expected at most the {len(source)} faces of {source.name} but got {asked}")
    check_folder(options.output)
    with _progress(source) as advance:
        faces = prepare(
            source,
            points=options.points,
            surface_points=options.surface_points,
            seed=options.seed,
            crop=not options.no_crop,
            progress=advance,
            workers=min(workers, len(source)),
        )
    parts = _split(faces, options)
    make_folder(options.output)
    for name, part in parts.items():
        file = options.output / f"{name}.npz"
        part.save(file)
        print(f"{file}: {len(part)} faces of {len(set(part.subjects))} subjects, {part.source}")
    return 0


def _pack(options: argparse.Namespace) -> int:
    check_file(options.output)
    arrays: dict[str, Any] = pack_ict(options.clone, options.modes)
    with replacing(options.output) as file:
        np.savez_compressed(file, **arrays)
    print(f"{options.output}: {options.modes} modes of identity, {len(arrays['ex_names'])} expressions")
    return 0


@contextmanager
def _progress(source: Source) -> Iterator[Callable[[], None]]:
    console = Console(stderr=True)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(source.name, total=len(source))
        yield lambda: bar.advance(task)


def _split(faces: FaceSet, options: argparse.Namespace) -> dict[str, FaceSet]:
    subjects = len(set(faces.subjects))
    train, test = options.train, options.test
    if train is None:
        train = round(TRAIN_SHARE * subjects) if test is None else subjects - test
    if test is None:
        test = subjects - train
    if train < 0 or test < 0 or not 0 < train + test <= subjects:
        raise FaceError(f"--train {train} --test {test}: expected from 1 to the {subjects} subjects of {faces.source}")
    if train + test < subjects:
        faces, _ = split_by_subject(faces, train + test, options.seed)
    if not train or not test:
        return {"train" if train else "test": faces}
    parts = split_by_subject(faces, train, options.seed)
    return dict(zip(("train", "test"), parts, strict=True))


if __name__ == "__main__":
    sys.exit(main())
