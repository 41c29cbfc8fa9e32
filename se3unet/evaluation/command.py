"""`python -m se3unet evaluate`: the report's Table 1 and more for one or two checkpoints, as a page with charts."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from equivariance_zoo.faces import FaceSet
from equivariance_zoo.faces.conditions import CONDITIONS, LEAKING, under_condition
from equivariance_zoo.landmarks.evaluation.measure import Measurement, measure
from equivariance_zoo.landmarks.evaluation.page import write
from equivariance_zoo.landmarks.evaluation.results import Evaluated, Evaluation
from equivariance_zoo.landmarks.evaluation.tables import beside_the_report, summary
from equivariance_zoo.training.cli import parse_integer, parse_path
from equivariance_zoo.training.devices import chosen_device
from equivariance_zoo.training.files import check_folder
from se3unet.training.checkpoint import Trained, load_checkpoint
from se3unet.training.settings import Settings


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Adds the sub-command to the command line."""
    parser = commands.add_parser(
        "evaluate",
        help="IoU and landmark errors of checkpoints under the report's conditions",
        description="Evaluate checkpoints side by side, as the report's Table 1 does, and write a page with charts.",
    )
    parser.add_argument("checkpoints", nargs="+", type=parse_path, metavar="CHECKPOINT", help="what a training wrote")
    parser.add_argument("--data", type=parse_path, required=True, metavar="FILE", help="prepared faces: DIR/test.npz")
    parser.add_argument(
        "--output", type=parse_path, required=True, metavar="DIR", help="folder of landmarks.md and landmarks/"
    )
    parser.add_argument(
        "--conditions",
        nargs="+",
        default=list(CONDITIONS),
        choices=(*CONDITIONS, *LEAKING),
        metavar="CONDITION",
        help=f"among {', '.join((*CONDITIONS, *LEAKING))}; default: the first seven. ICP needs Open3D.",
    )
    parser.add_argument("--faces", type=parse_integer, metavar="N", help="only the first N faces")
    parser.add_argument(
        "--looks", type=parse_integer, default=1, metavar="N",
        help="clouds of each face that the refined landmarks are the mean of, as predict takes them; default: 1",
    )  # fmt: skip
    parser.add_argument("--seed", type=parse_integer, default=0, metavar="S", help="seed of the motions; default: 0")
    parser.add_argument("--device", help="cpu or cuda; default: cuda where there is one")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Evaluates, prints the figures, and writes the page."""
    device = chosen_device(options.device)
    check_folder(options.output)
    faces = FaceSet.load(options.data)
    if options.faces is not None:
        if not 0 < options.faces <= len(faces):
            raise ValueError(f"--faces: expected from 1 to the {len(faces)} of {options.data}, got {options.faces}")
        faces = faces[: options.faces]
    trained = [load_checkpoint(path) for path in options.checkpoints]
    evaluation = Evaluation(
        data=str(options.data),
        source=faces.source,
        faces=len(faces),
        subjects=len(set(faces.subjects)),
        points=faces.positions.shape[1],
        seed=options.seed,
        looks=options.looks,
        networks=_evaluate(options, trained, faces, device),
    )
    files = write(evaluation, options.output, "python -m se3unet " + shlex.join(_arguments(options)))
    print(summary(evaluation))
    print(beside_the_report(evaluation))
    print(f"written: {files[-1]}")
    return 0


def _evaluate(
    options: argparse.Namespace, trained: Sequence[Trained], faces: FaceSet, device: torch.device
) -> tuple[Evaluated, ...]:
    measured: list[list[Measurement]] = [[] for _ in trained]
    conditions = list(dict.fromkeys(options.conditions))
    with _progress(len(trained) * len(conditions) * len(faces)) as advance:
        for condition in conditions:
            moved = under_condition(faces, condition, options.seed)
            for network, results in zip(trained, measured, strict=True):
                results.append(measure(network.model.to(device), moved, condition, device, advance, options.looks))
    names = _names([network.settings.network for network in trained], [path.stem for path in options.checkpoints])
    return tuple(
        Evaluated(
            name=name,
            checkpoint=str(path),
            parameters=sum(parameter.numel() for parameter in network.model.parameters()),
            settings=network.settings.to_dict(),
            training=_last_training(network.settings),
            metrics=dict(network.metrics),
            measurements=tuple(results),
        )
        for name, path, network, results in zip(names, options.checkpoints, trained, measured, strict=True)
    )


def _last_training(settings: Settings) -> str:
    training = settings.training
    cuts = f", {training.cuts} cut of each face besides" if training.cuts else ""
    words = f"{training.epochs} epochs, batches of {training.batch} on each device, rate {training.rate:g}{cuts}"
    return f"{settings.loss.kind.replace('_', ' ')}: {words}"


def _names(kinds: Sequence[str], files: Sequence[str]) -> list[str]:
    """Names the networks by kind. If kinds repeat, by file; if files repeat, by number."""
    told = [file if kinds.count(kind) > 1 else kind for kind, file in zip(kinds, files, strict=True)]
    if len(set(told)) == len(told):
        return told
    return [f"{kind}-{kinds[: n + 1].count(kind)}" if kinds.count(kind) > 1 else kind for n, kind in enumerate(kinds)]


def _arguments(options: argparse.Namespace) -> list[str]:
    """Returns the given arguments of the command, without options that kept their default."""
    parts = ["evaluate", *map(str, options.checkpoints), "--data", str(options.data), "--output", str(options.output)]
    if options.conditions != list(CONDITIONS):
        parts += ["--conditions", *options.conditions]
    if options.faces is not None:
        parts += ["--faces", str(options.faces)]
    if options.looks != 1:
        parts += ["--looks", str(options.looks)]
    return [*parts, "--seed", str(options.seed)]


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    console = Console(file=sys.stderr)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("faces", total=total)
        yield lambda: bar.advance(task)
