import pytest

from equivariance_zoo.training.cli import exit_code


def raising(error):
    raise error


def test_a_command_says_how_it_ended():
    assert exit_code("program", lambda: 1, "stopped") == 1


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ValueError("size: expected\n  1, got 2"), 2, "program: error: size: expected 1, got 2\n"),
        (OSError("no such file"), 2, "program: error: no such file\n"),
        (ImportError("lightning is needed"), 2, "program: error: lightning is needed\n"),
        (KeyboardInterrupt(), 130, "program: stopped; go on with --resume\n"),
    ],
)
def test_an_error_is_one_line_and_a_code(capsys, error, code, line):
    assert exit_code("program", lambda: raising(error), "stopped; go on with --resume") == code
    assert capsys.readouterr().err == line


def test_an_error_of_the_program_stays_one():
    with pytest.raises(ZeroDivisionError):
        exit_code("program", lambda: raising(ZeroDivisionError()), "stopped")
