"""The command `train`."""

from __future__ import annotations

import argparse
from typing import Any

from equivariance_zoo.training.cli import parse_integer, parse_path
from equivariance_zoo.training.options import add_training, given_settings
from se3unet.training.settings import Settings


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
    add("--weights", type=parse_path, metavar="FILE", help="a checkpoint to start from, in place of random weights")
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
    add_training(parser, Settings)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Trains, and prints the figures of the last epoch."""
    from equivariance_zoo.faces import FaceSet
    from se3unet.training.fit import BEST, Options, train

    settings = Settings.read(options.settings, given_settings(options))
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
