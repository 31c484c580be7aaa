"""From anything that can go wrong to two sentences on stderr and an exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import TextIO

import typer

from labelaudit.cli import Terminated
from labelaudit.errors import ExitCode, LabelauditError
from labelaudit.wording import safe

__all__ = ["code_of", "silence"]

_LONGEST = 2000
# The base of typer's own errors has no public name: typer carries a copy of click since 0.27.
_WrongUsage: type[Exception] = typer.BadParameter.__mro__[2]


def code_of(error: BaseException) -> int:
    """Tell the user what went wrong, and return the exit code. Never 1: that is the gate's."""
    if isinstance(error, typer.Exit) and error.exit_code != ExitCode.GATE_FAILED:
        return error.exit_code
    if isinstance(error, Terminated):
        return 128 + error.signal_number
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        _write("labelaudit: Interrupted; nothing half-written is left.")
        return ExitCode.INTERRUPTED
    if isinstance(error, SystemExit) and isinstance(error.code, int | None) and error.code != 1:
        return error.code or 0
    if isinstance(error, BrokenPipeError):
        silence(sys.stdout, sys.stderr)
        return ExitCode.CLOSED_PIPE
    return _told(error)


def silence(*streams: TextIO) -> None:
    """Send what is left in the streams nowhere: their reader has gone, or their disk is full.

    Python would try to write it once more when it ends, and change the exit code.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream in streams:
            # A stream without a file (in a test), or a closed one, has nothing left to say.
            with contextlib.suppress(OSError, ValueError):
                os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)


def _told(error: BaseException) -> int:
    if isinstance(error, LabelauditError):
        _say(error.found, error.remedy)
        return error.exit_code
    if isinstance(error, _WrongUsage):
        return _wrong_usage(error)
    if isinstance(error, MemoryError):
        _say(
            "There is not enough memory.",
            "Give --memory a smaller size, or fewer --threads, or use a larger machine.",
        )
    elif isinstance(error, OSError) and error.errno in _ENVIRONMENT:
        where = f" ({safe(error.filename)})" if error.filename else ""
        _say(f"{_sentence(os.strerror(error.errno))[:-1]}{where}.", _ENVIRONMENT[error.errno])
    else:
        _our_bug(error)
    return ExitCode.ENVIRONMENT


_ENVIRONMENT = {
    errno.ENOSPC: "Free some space, or write to another disk.",
    errno.EDQUOT: "Free some of your quota, or write to another disk.",
    errno.EBADF: "Leave standard output open, or write to files with -o and pass --quiet.",
    errno.EIO: "Check the disk or the network share, then run it again.",
    errno.EROFS: "Write to a folder on a disk that is not read-only.",
    errno.EACCES: "Change the permissions, or name another file.",
    errno.EPERM: "Change the permissions, or name another file.",
    errno.EMFILE: "Raise the limit of open files (ulimit -n), or use fewer --threads.",
    errno.ENFILE: "Close other programs, then run it again.",
    errno.ENOMEM: "Give --memory a smaller size, or use a larger machine.",
    errno.EFBIG: "Write to another disk, or raise the limit of file sizes (ulimit -f).",
}


def _wrong_usage(error: Exception) -> int:
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "labelaudit"
    if type(error).__name__ == "NoArgsIsHelpError":
        _write(message)
    else:
        _say(_sentence(message.replace("\n", " ")), f"Try {path} --help.")
    return ExitCode.USAGE


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _our_bug(error: BaseException) -> None:
    what = f"{type(error).__name__}: {safe(error, 300)}" if str(error) else type(error).__name__
    _say(
        f"This is a bug of labelaudit, not of your data: {what}.",
        "Run it again with -vv and report what it prints.",
    )
    if _wants_traceback():
        import traceback

        lines = "".join(traceback.format_exception(error)).split("\n")
        _write("\n".join(safe(line, _LONGEST) for line in lines))


def _wants_traceback() -> bool:
    if os.environ.get("LABELAUDIT_DEBUG", "0") not in ("", "0"):
        return True
    flags = [word for word in sys.argv[1:] if word == "--verbose" or _short_flags(word)]
    return sum(1 if word == "--verbose" else word.count("v") for word in flags) >= 2


def _short_flags(word: str) -> bool:
    return word.startswith("-") and set(word[1:]) <= set("qv") and len(word) > 1


def _say(found: str, remedy: str) -> None:
    lines = [safe(line, _LONGEST) for line in (*found.split("\n"), *remedy.split("\n"))]
    _write("labelaudit: " + "\n".join(lines))


def _write(text: str) -> None:
    for stream, said in ((sys.stdout, ""), (sys.stderr, text.rstrip("\n") + "\n")):
        try:
            stream.write(said)
            stream.flush()
        except (OSError, ValueError):  # nobody listens, but the exit code still speaks
            silence(stream)
