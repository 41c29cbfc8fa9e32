"""Many random command lines and damaged files; `tests/robustness` runs a few."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.robustness import files
from benchmarks.robustness.command_lines import command_line
from benchmarks.robustness.trials import run_command, run_on_damaged


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("files")
    files.write_all(path)
    return path


def judge(folder, program, arguments):
    ended = run_command(folder, program, arguments)
    assert not ended.fault, (program, arguments, ended)


@settings(max_examples=260, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_any_command_line_ends_with_a_code_and_one_line(folder, data):
    judge(folder, *command_line(lambda values: data.draw(st.sampled_from(values))))


@settings(max_examples=250, suppress_health_check=list(HealthCheck), deadline=None)
@given(seed=st.integers(0, 2**32), name=st.sampled_from(sorted(files.COMMANDS)))
def test_any_damaged_file_is_read_or_refused(folder, seed, name):
    ended = run_on_damaged(folder, name, seed)
    assert not ended.fault, (name, seed, ended)
