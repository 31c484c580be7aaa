"""Servers on this machine, for as long as a block runs."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from http.server import BaseHTTPRequestHandler

__all__ = ["free_port", "listening", "serving", "silent"]


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve, and say where: ``http://127.0.0.1:PORT``."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def silent() -> Iterator[int]:
    """Let nobody answer those who connect to a port."""
    with socket.create_server(("127.0.0.1", 0)) as here:
        yield here.getsockname()[1]


def free_port() -> int:
    """Return a port at which nobody listens."""
    with silent() as port:
        return port


@contextmanager
def listening(program: Sequence[str]) -> Iterator[int]:
    """Start a program that listens at the port that is its last argument; say at which one."""
    port = free_port()
    quiet = subprocess.DEVNULL
    with subprocess.Popen([*program, str(port)], stdout=quiet, stderr=quiet) as server:
        try:
            _await(port)
            yield port
        finally:
            server.kill()


def _await(port: int) -> None:
    for _ in range(200):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
    return None
