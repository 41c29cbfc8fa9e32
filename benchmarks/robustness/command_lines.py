"""Random command lines of all programs: right and wrong options with right and wrong values."""

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.robustness import files

SUBJECTS = "benchmarks.robustness.subjects"

NUMBERS = ("1", "0", "-1", "2", "1.5", "", "9" * 5000, "1e400", "nan", "inf", "²", "٣", "x", "1e308", "0x10", "1 ")
PLACES = (
    "out", "", ".", "x" * 300, "absent/x", "/proc/x/y", "/dev/null", "/dev/null/x", "a\nb", "a\0b", "-x",
    "s.toml", "s.toml/x", "\x1b[31m", "\u202e", "é", "[/x]", "\udcff", "../out", "out/a/b", "/dev/full",
)  # fmt: skip
WORDS = ("", "x", "[", "*", "[/x]", "a b", "\x1b[31m", "\n::error::x", "\udcff", "9" * 5000, "None", "cpu", "-")
FILES = ("s.toml", "train.npz", "a.obj", "absent", "", "/etc/passwd", ".", "net.safetensors", "last.ckpt", "a\0b")

DIAGNOSE = {
    "--subject": (*(f"{SUBJECTS}:{n}" for n in ("sound", "broken", "failing", "strange", "raising", "interrupted")),
                  ":", ":x", "x:", "os:system", "nothing", "a.b:c", "sys:exit", "builtins:input", *WORDS),
    "--samples": ("1", *NUMBERS), "--seed": ("0", *NUMBERS), "--jobs": ("1", *NUMBERS[1:8]), "--memory": NUMBERS,
    "--max-translation": NUMBERS, "--group": ("so3", "e4", *WORDS), "--layer": WORDS, "--device": ("cpu", "cuda:99",
    "meta", "cpu:1", "mps", "cuda:-1", "cpu:99999999999999999999", *WORDS), "--dtype": ("float64", "int8", *WORDS),
    "--format": ("json", "html", "sarif", "xml", *WORDS), "--output": PLACES, "--checkpoint": FILES,
    "--time-limit": ("1", *NUMBERS), "--strict": (), "--quiet": (), "--bogus": WORDS,
}  # fmt: skip
TRAIN = {
    "--data": ("train.npz", *FILES), "--output": PLACES, "--network": ("se3unet", *WORDS), "--seed": NUMBERS,
    "--epochs": NUMBERS[:10], "--weights": FILES, "--resume": (), "--devices": NUMBERS[1:], "--nodes": NUMBERS[1:],
    "--watch": NUMBERS[1:], "--quiet": (), "--bogus": WORDS,
}  # fmt: skip
EVALUATE = {
    "--data": FILES, "--output": PLACES, "--conditions": WORDS, "--faces": NUMBERS, "--looks": NUMBERS,
    "--seed": NUMBERS, "--device": WORDS,
}  # fmt: skip
PREDICT = {"--output": PLACES, "--unit": ("mm", *WORDS), "--checkpoint": FILES, "--device": WORDS}
PREPARE = {
    "--folder": ("scans", *FILES), "--file": FILES, "--unit": ("mm", *WORDS), "--train": NUMBERS, "--test": NUMBERS,
    "--points": NUMBERS, "--surface-points": NUMBERS, "--seed": NUMBERS, "--workers": ("1", *NUMBERS[1:8]),
    "--output": PLACES, "--no-crop": (), "--unpickle": (),
}  # fmt: skip
STEERABLE = {"--output": PLACES, "--seed": NUMBERS, "--dense": (), "--resume": (), "--quiet": ()}
STEERABLE_EVALUATE = {"--split": ("test", *WORDS), "--folder": FILES}

SCENES = {
    "--output": PLACES, "--size": ("8", *NUMBERS[1:8]), "--seed": NUMBERS, "--workers": ("1", *NUMBERS[1:3], "x"),
    "--count": ("1", *NUMBERS[1:3], *NUMBERS[4:]), "--views": ("1", *NUMBERS[1:3], "x"), "--roll": NUMBERS,
    "--files": FILES, "--model": FILES, "--models": FILES, "--unusual": NUMBERS, "--occluded": NUMBERS,
    "--bogus": WORDS,
}  # fmt: skip

COMMANDS = {
    "diagnose": ((), DIAGNOSE, ("--subject", f"{SUBJECTS}:broken", "--samples", "1", "--group", "so3")),
    "se3unet train": (("s.toml", *FILES), TRAIN, ("--data", "train.npz", "--output", "out", "--quiet")),
    "se3unet evaluate": (FILES, EVALUATE, ("--data", "train.npz", "--output", "out")),
    "se3unet predict": (("a.obj", *FILES), PREDICT, ("--output", "out")),
    "faces prepare files": ((), PREPARE, ("--folder", "scans", "--output", "out", "--workers", "1")),
    "faces prepare facescape": ((), PREPARE, ("--file", "evil.npy", "--output", "out", "--workers", "1")),
    "faces pack-ict": (FILES, {"--modes": NUMBERS, "--output": PLACES}, ("--output", "out.npz")),
    "steerable3d train": (("c.toml", *FILES), STEERABLE, ("--output", "out", "--quiet")),
    "steerable3d evaluate": (("steer.safetensors", *FILES), STEERABLE_EVALUATE, ()),
    "scenes cars": ((), SCENES, ("--output", "out", "--count", "1", "--views", "1", "--size", "8", "--workers", "1")),
    "scenes heads": ((), SCENES, ("--output", "out", "--model", "train.npz", "--count", "1", "--workers", "1")),
    "scenes planes": ((), SCENES, ("--output", "out", "--models", "train.npz", "--views", "1", "--workers", "1")),
    "scenes": (WORDS, {}, ()),
    "se3unet": (WORDS, {}, ()),
    "faces": (WORDS, {}, ()),
    "steerable3d": (WORDS, {}, ()),
}
"""Command -> (positional arguments, options with values, options that are usually given)."""

Choose = Callable[[Sequence[Any]], Any]


def command_line(choose: Choose) -> tuple[str, list[str]]:
    """Returns a program and its arguments.

    Args:
        choose: Returns one of some values, by a random generator or by Hypothesis.
    """
    name = choose(list(COMMANDS))
    positional, options, usual = COMMANDS[name]
    program, *words = name.split()
    given = dict(zip(usual[::2], usual[1::2], strict=False)) if len(usual) % 2 == 0 else _pairs(usual)
    for _ in range(choose((0, 1, 1, 2, 3))) if options else ():
        option = choose(list(options))
        if option in given and choose((True, False, False, False, False, False)):
            del given[option]
        else:
            given[option] = choose(options[option]) if options[option] else None
    places = [choose(positional) for _ in range(choose((1, 1, 1, 1, 2, 0)))] if positional else []
    return program, [*words, *places, *(part for pair in given.items() for part in pair if part is not None)]


def _pairs(words: Sequence[str]) -> dict[str, str | None]:
    """Returns options with their values; None for an option without one."""
    found: dict[str, str | None] = {}
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word.startswith("--"):
            found[word] = None if following.startswith("--") or not following else following
    return found


def main_of(program: str) -> Callable[[Sequence[str]], int]:
    """Returns the main function of a program."""
    return files.mains()[program]
