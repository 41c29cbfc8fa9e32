"""Random command lines and damaged files: a few here, many in the nightly tests and in `benchmarks.robustness`."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.robustness import files
from benchmarks.robustness.command_lines import command_line
from benchmarks.robustness.trials import run_command, run_on_damaged

pytestmark = pytest.mark.slow

FEW = settings(max_examples=6, suppress_health_check=list(HealthCheck), deadline=None, database=None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("files")
    files.write_all(path)
    return path


def judge(folder, program, arguments):
    ended = run_command(folder, program, arguments)
    assert not ended.fault, (program, arguments, ended)
    return ended


@FEW
@given(data=st.data())
def test_any_command_line_ends_with_a_code_and_one_line(folder, data):
    judge(folder, *command_line(lambda values: data.draw(st.sampled_from(values))))


@FEW
@given(seed=st.integers(0, 2**32), name=st.sampled_from(sorted(files.COMMANDS)))
def test_any_damaged_file_is_read_or_refused(folder, seed, name):
    ended = run_on_damaged(folder, name, seed)
    assert not ended.fault, (name, seed, ended)


USAGE = {
    "diagnose": [
        *([option, "9" * 5000] for option in ("--samples", "--seed", "--jobs", "--memory")),
        ["--output", ""], ["--output", "x" * 300], ["--bogus"], ["positional"], ["--checkpoint", "/etc/passwd"],
        *(["--samples", number] for number in ("²", "-1", "0", "1.5", "")),
    ],
    "se3unet": [
        [], ["train"], ["train", "--data"], ["train", "--data", "train.npz"], ["predict"], ["x"], ["predict", "a.obj"],
        *(["train", "s.toml", "--data", "train.npz", "--output", *more] for more in (
            [""], ["out", "--seed", "x"], ["out", "--seed", "9" * 5000], ["out", "--network", ""],
            ["out", "--weights", ""],
            ["out", "--devices", "1.5"], ["x" * 300], ["a\0b"], ["s.toml"], ["/proc/x/y"], ["out", "--bogus"],
        )),
        ["predict", "a.obj", "--output", "out", "--unit", "x"], ["evaluate", "net.safetensors"],
    ],
    "faces": [
        [], ["prepare"], ["prepare", "x"], ["prepare", "files"], ["pack-ict"], ["x"],
        *(["prepare", "files", "--folder", "scans", "--output", "out", *more] for more in (
            ["--train", "x"], ["--train", "9" * 5000], ["--workers", "0"], ["--unit", "x"], ["--bogus"],
        )),
        ["prepare", "files", "--folder", "scans", "--output", ""],
    ],
    "scenes": [
        [], ["x"], ["cars"], ["heads", "--output", "out"], ["cars", "--output", ""],
        *(["cars", "--output", "out", *more] for more in (
            ["--count", "x"], ["--count", "0"], ["--size", "9" * 5000], ["--files", "absent"], ["--bogus"],
        )),
    ],
    "steerable3d": [
        [], ["train"], ["train", "c.toml"], ["x"], ["evaluate"], ["train", "c.toml", "--output", ""],
        *(["train", "c.toml", "--output", "out", "--seed", seed] for seed in ("x", "-1", "9" * 30)),
        ["evaluate", "steer.safetensors", "--split", ""], ["train", "", "--output", "out"],
    ],
}  # fmt: skip


@pytest.mark.parametrize("program", USAGE)
def test_a_usage_error_is_one_line(folder, program):
    usual = ["--subject", "benchmarks.robustness.subjects:broken", "--group", "so3"] if program == "diagnose" else []
    for more in USAGE[program]:
        ended = judge(folder, program, [*usual, *more])
        assert ended.code == 2, (program, more, ended)
        assert len(ended.error) < 2000, (program, more)
        assert "error: " in ended.error


def write(folder, name, text):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))


TETRIS = '[data]\nkind="tetris"\nsize=4\ncopies=1\nrotations=1\n[network]\nname="tetris"\n[training]\nepochs=1\n'
STAGES = '[data]\nkind="tetris"\nsize=4\n[network]\nclasses=8\nstages=[{irreps=%s}]\n'
SETTINGS = {
    "name list": TETRIS.replace('"tetris"\n[training]', '["a"]\n[training]'),
    "name table": TETRIS.replace('"tetris"\n[training]', "{a=1}\n[training]"),
    "classes huge": TETRIS.replace("[training]", "classes=100000000000\n[training]"),
    "folder int": '[data]\nkind="shrec17"\nfolder=3\n[network]\nname="tetris"\n',
    "folder list": '[data]\nkind="cath"\nfolder=["a"]\n[network]\nname="tetris"\n',
    "size huge": TETRIS.replace("size=4", "size=100000"),
    "size of 23 digits": TETRIS.replace("size=4", "size=99999999999999999999999"),
    "size of 5000 digits": TETRIS.replace("size=4", f"size={'9' * 5000}"),
    "copies huge": TETRIS.replace("copies=1", "copies=100000000000"),
    "rate huge": f"{TETRIS}rate=1e300\n",
    "epochs huge": TETRIS.replace("epochs=1", "epochs=99999999999999999999"),
    "deep": f"a={'[' * 5000}{']' * 5000}",
    "deep table": f"[data]\nx={'{a=' * 3000}1{'}' * 3000}",
    "irreps huge": STAGES % '"99999999999x0e"',
    "irreps of high degree": STAGES % '"1x0e+1x99e"',
    "irreps table": STAGES % "{a=1}",
    "kernel huge": TETRIS.replace('name="tetris"', 'classes=8\nkernel_size=100001\nstages=[{irreps="2x0e"}]'),
    "stride huge": TETRIS.replace('name="tetris"', 'classes=8\nstages=[{irreps="2x0e",stride=1000}]'),
    "latin": '[data]\nkind="\udcff"',
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_out_of_bounds_are_one_line(folder, name):
    write(folder, "bad.toml", SETTINGS[name])
    ended = judge(folder, "steerable3d", ["train", "bad.toml", "--output", "out", "--quiet"])
    assert ended.code == 2, ended


UNET = {
    "channels": "channels=10000000", "degree": "max_degree=60", "levels": "levels=1000000",
    "head": f"head_width=9{'0' * 20}",
    "power": "power=1e308", "list": 'channels=[1,"x"]', "pooling": 'pooling=["sum"]', "deep": f"a={'[' * 5000}",
    "digits": f"levels={'9' * 5000}", "neighbours": "neighbours=1000000000",
}  # fmt: skip


@pytest.mark.parametrize("name", UNET)
def test_settings_of_the_landmark_network_have_bounds(folder, name):
    write(folder, "bad.toml", f"[unet]\n{UNET[name]}\n")
    ended = judge(folder, "se3unet", ["train", "bad.toml", "--data", "train.npz", "--output", "out", "--quiet"])
    assert ended.code == 2, ended
