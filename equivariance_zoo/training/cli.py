"""Runs a command and turns its errors into an exit code and one line on standard error.

Every `__main__` of the networks and of `faces` calls `exit_code`. The parsers stay with the commands.
"""

import sys
from collections.abc import Callable

BAD_USAGE, INTERRUPTED = 2, 130


def exit_code(program: str, command: Callable[[], int], stopped: str) -> int:
    """Runs a command.

    Args:
        program: Name that begins the line on standard error.
        command: The function to run; it returns the exit code.
        stopped: Message for a user who has pressed Ctrl-C.

    Returns:
        The exit code of the command, 2 after a `ValueError`, `OSError` or `ImportError`, 130 after Ctrl-C.
    """
    try:
        return command()
    except (ValueError, OSError, ImportError) as error:
        print(f"{program}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return BAD_USAGE
    except KeyboardInterrupt:
        print(f"{program}: {stopped}", file=sys.stderr)
        return INTERRUPTED
