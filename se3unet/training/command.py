"""The command `train`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from equivariance_zoo.training.cli import parse_integer, parse_path


def add_parser(commands: Any) -> None:
    """Adds the command to the sub-commands of a parser."""
    parser = commands.add_parser("train", help="train a network on prepared faces")
    add = parser.add_argument
    add("settings", nargs="?", default="default", help="default, report, or a file in TOML; default: default")
    add(
        "--data",
        type=parse_path,
        required=True,
        metavar="DIR|FILE",
        help="train.npz of 'python -m equivariance_zoo.faces prepare', or its folder",
    )
    add(
        "--output",
        type=parse_path,
        required=True,
        metavar="DIR",
        help="folder of checkpoint, state and logs",
    )
    add("--network", metavar="se3unet|published", help="in place of the network of the settings")
    add("--seed", type=parse_integer, metavar="S", help="in place of the seed of the settings")
    add("--epochs", type=parse_integer, metavar="N", help="in place of the epochs of the settings")
    add("--weights", type=parse_path, metavar="FILE", help="a checkpoint to start from, in place of random weights")
    add("--resume", action="store_true", help="go on with the training in the output folder")
    add(
        "--devices",
        type=parse_integer,
        default=1,
        metavar="N",
        help="GPUs; without one, processes on the CPU",
    )
    add("--nodes", type=parse_integer, default=1, metavar="N", help="machines, each started by torchrun; default: 1")
    add(
        "--watch",
        type=parse_integer,
        default=0,
        metavar="N",
        help="log the errors of layers every N epochs",
    )
    add("--stop-on-breach", action="store_true", help="with --watch: end the training when it finds a break")
    add("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Trains, and prints the figures of the last epoch."""
    from equivariance_zoo.faces import FaceSet
    from se3unet.training.fit import BEST, Options, train
    from se3unet.training.settings import Settings

    settings = Settings.read(options.settings)
    given = {name: getattr(options, name) for name in ("seed", "epochs") if getattr(options, name) is not None}
    settings = replace(settings, training=replace(settings.training, **given))
    settings = replace(settings, network=settings.network if options.network is None else options.network)
    for name, least in (("devices", 1), ("nodes", 1), ("watch", 0)):
        if getattr(options, name) < least:
            raise ValueError(f"--{name}: expected {least} or more, got {getattr(options, name)}")
    data, output = options.data, options.output
    faces = FaceSet.load(data / "train.npz" if data.is_dir() else data)
    how = Options(options.resume, options.quiet, options.devices, options.nodes, options.watch, options.stop_on_breach)
    figures = train(faces, settings, output, how, options.weights)
    from lightning.pytorch.utilities import rank_zero_only

    if getattr(rank_zero_only, "rank", 0) == 0:
        print("\n".join([*(f"{name}: {value:.4g}" for name, value in figures.items()), f"written: {output / BEST}"]))
    return 0
