"""The command line: options -> api -> report -> exit code.

``app`` is the typer application. Nothing heavy is imported before a command needs it, and nothing
at all before ``run`` can turn a failure into an exit code.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Terminated", "app", "main", "run"]


class Terminated(BaseException):
    """The process was told to end by a signal.

    Parameters
    ----------
    signal_number : int
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number


def run() -> NoReturn:
    """Run the command line of this process, and end the process with its exit code.

    The interpreter is not taken down module by module, which would cost 0.3 s and change nothing.
    """
    sys.meta_path.insert(0, _WithoutPandas)
    # What is imported is no garbage, and it is some 300,000 objects: to look for some among them
    # would take 0.07 s, and 0.03 s if that is done once.
    gc.set_threshold(1_000_000)
    # A thread that decodes waits for the interpreter after each batch, for so long at most while
    # another one imports modules: 5 ms, as it is by default, is as long as decoding the next one.
    sys.setswitchinterval(0.0005)
    _prepare_process()
    try:
        code = main(sys.argv[1:])
    except BaseException:  # a second signal, while the first one was being dealt with
        code = 130
    atexit._run_exitfuncs()  # noqa: SLF001  # os._exit skips them, and there is no other way
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # told of by main, or nobody listens
            stream.flush()
    os._exit(code)


def main(arguments: Sequence[str]) -> int:
    """Run a command line in this process and return its exit code; nothing is raised."""
    try:
        from labelaudit.cli.commands import invoke
        from labelaudit.cli.exits import code_of
    except KeyboardInterrupt:
        return 130
    except Terminated as ended:
        return 128 + ended.signal_number
    except Exception as error:  # nothing of ours is there yet to tell what it is
        sys.stderr.write(
            f"labelaudit: The installation is incomplete: {error}.\n"
            "Install it again: pip install --force-reinstall labelaudit\n"
        )
        return 4
    try:
        code = invoke(list(arguments))
        sys.stdout.flush()
    except BaseException as error:  # the one place where every failure becomes an exit code
        return code_of(error)
    return code


class _WithoutPandas:
    """An import hook: pyarrow imports pandas (0.3 s) at its first array, for no use of ours."""

    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("The command line works without pandas.", name=name)


def _prepare_process() -> None:
    """Let characters that a terminal lacks through as escapes, and end in order when told to."""
    import signal

    _fill_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _fill_closed_streams() -> None:
    """Keep files that are opened later from being taken for a standard stream that is closed.

    A closed standard output stays one that cannot be written to, so that nothing is lost unsaid.
    """
    places = (("stdin", os.O_RDONLY), ("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY))
    for name, access in places:
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, access)
            mode = "r" if name == "stdin" else "w"
            stream = os.fdopen(descriptor, mode, encoding="utf-8")  # stays open with the process
            setattr(sys, name, stream)


def _end(number: int, _frame: object) -> NoReturn:
    raise Terminated(number)


def __getattr__(name: str) -> Any:
    if name == "app":
        from labelaudit.cli.commands import app

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
