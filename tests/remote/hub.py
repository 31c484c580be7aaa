"""A server on this machine that speaks as the Hub of Hugging Face does to readers of datasets."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["TOKEN", "Hub", "Repository"]

TOKEN = "hf_of_the_owner"  # noqa: S105 - of nothing but this server
_ADDRESS = re.compile(
    r"/api/datasets/(?P<repo>[^/]+/[^/]+)"
    r"(?:/(?P<what>revision|tree|paths-info)/(?P<revision>[^/]+)(?:/(?P<path>.+))?)?$"
)
_RESOLVE = re.compile(r"/datasets/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)$")
_PAGE = 3


@dataclass
class Repository:
    """A dataset: the files of each revision by path, and who may read it."""

    revisions: dict[str, dict[str, bytes]]
    private: bool = False
    gated: bool = False


@dataclass
class Hub:
    """The server, what it has, and what it was asked for."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    sent: int = 0
    failing: int = 0
    url: str = ""

    @contextmanager
    def serving(self) -> Iterator[Hub]:
        """Serve while a block runs."""
        hub = self

        class Handler(_Handler):
            server_hub = hub

        with serving(Handler) as self.url:
            yield self


class _RefusedError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class _Handler(BaseHTTPRequestHandler):
    server_hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        return

    def do_HEAD(self) -> None:
        self._respond(b"")

    def do_GET(self) -> None:
        self._respond(b"")

    def do_POST(self) -> None:
        self._respond(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _respond(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        self.server_hub.asked.append(f"{self.command} {unquote(parts.path)}")
        try:
            self._answer(self.server_hub, parts.path, parts.query, body)
        except _RefusedError as refused:
            headers = {"X-Error-Message": refused.message}
            if refused.code:
                headers["X-Error-Code"] = refused.code
            self._send(refused.status, json.dumps({"error": refused.message}).encode(), headers)

    def _answer(self, hub: Hub, path: str, query: str, body: bytes) -> None:
        if hub.failing:
            raise _RefusedError(hub.failing, "", "Something is broken here.")
        if path.startswith("/cdn/"):
            self._bytes(hub, path)
        elif found := _RESOLVE.match(path):
            self._resolve(hub, found)
        elif found := _ADDRESS.match(path):
            self._api(hub, found, query, body)
        else:
            raise _RefusedError(404, "", "Not found.")

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _files(self, hub: Hub, found: re.Match[str]) -> dict[str, bytes]:
        """Return the files of a revision, or refuse as the Hub does."""
        owner = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        repository = hub.repositories.get(found["repo"])
        if repository is None or (repository.private and not owner):
            # Who does not say who asks is not told whether there is such a repository.
            asked_by_somebody = "Authorization" in self.headers
            said = "Repository not found" if asked_by_somebody else "Invalid username or password."
            raise _RefusedError(404 if asked_by_somebody else 401, "RepoNotFound", said)
        if repository.gated and not owner and found.re is _RESOLVE:
            raise _RefusedError(401, "GatedRepo", "Access to it is restricted.")
        revision = unquote(found["revision"] or "main")
        if revision not in repository.revisions:
            raise _RefusedError(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return repository.revisions[revision]

    def _api(self, hub: Hub, found: re.Match[str], query: str, body: bytes) -> None:
        files = self._files(hub, found)
        headers: dict[str, str] = {"Content-Type": "application/json"}
        if found["what"] == "tree":
            document: Any = self._page(files, found, parse_qs(query), headers)
        elif found["what"] == "paths-info":
            wanted = (
                json.loads(body)["paths"] if body[:1] == b"{" else parse_qs(body.decode())["paths"]
            )
            document = [_entry(name, files) for name in wanted if name in _all(files)]
        else:
            document = {"id": found["repo"], "sha": "0" * 40, "private": False, "siblings": []}
        self._send(200, json.dumps(document).encode(), headers)

    def _page(
        self,
        files: dict[str, bytes],
        found: re.Match[str],
        query: dict[str, list[str]],
        headers: dict[str, str],
    ) -> list[dict[str, Any]]:
        """Return some of what is in a folder, and say where there is more."""
        folder = unquote(found["path"] or "")
        inside = f"{folder}/" if folder else ""
        names = [name for name in _all(files) if name.startswith(inside)]
        if not names:
            raise _RefusedError(404, "EntryNotFound", f"{folder} does not exist on the revision.")
        if query.get("recursive", ["false"])[0].lower() != "true":
            names = [name for name in names if "/" not in name[len(inside) :]]
        start = int(query.get("cursor", ["0"])[0])
        if start + _PAGE < len(names):
            rest = {**{name: values[0] for name, values in query.items()}, "cursor": start + _PAGE}
            more = "&".join(f"{name}={value}" for name, value in rest.items())
            address = urlsplit(self.path).path
            headers["Link"] = f'<{self.server_hub.url}{address}?{more}>; rel="next"'
        return [_entry(name, files) for name in names[start : start + _PAGE]]

    def _resolve(self, hub: Hub, found: re.Match[str]) -> None:
        files = self._files(hub, found)
        path = unquote(found["path"])
        if path not in files:
            raise _RefusedError(404, "EntryNotFound", "Entry not found")
        tag = _oid(files[path])
        place = "/".join((found["repo"], quote(unquote(found["revision"]), safe=""), quote(path)))
        headers = {
            "Location": f"{hub.url}/cdn/{tag}/{place}",
            "X-Linked-Etag": f'"{tag}"',
            "X-Linked-Size": str(len(files[path])),
            "X-Repo-Commit": "0" * 40,
        }
        self._send(302, b"", headers)

    def _bytes(self, hub: Hub, address: str) -> None:
        """Send a range of a file, as the store behind the Hub does."""
        _, _, tag, owner, name, revision, path = address.split("/", 6)
        data = hub.repositories[f"{owner}/{name}"].revisions[unquote(revision)][unquote(path)]
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked is None:
            hub.sent += len(data)
            self._send(200, data, {"ETag": f'"{tag}"'})
            return
        start, stop = int(asked[1]), min(int(asked[2] or len(data)) + 1, len(data))
        if start >= len(data):
            raise _RefusedError(416, "", "Range Not Satisfiable")
        hub.sent += stop - start
        span = f"bytes {start}-{stop - 1}/{len(data)}"
        self._send(206, data[start:stop], {"ETag": f'"{tag}"', "Content-Range": span})


def _oid(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def _all(files: dict[str, bytes]) -> list[str]:
    """Return the files and the folders that they are in, sorted."""
    folders = {name[: match.start()] for name in files for match in re.finditer("/", name)}
    return sorted({*files, *folders})


def _entry(name: str, files: dict[str, bytes]) -> dict[str, Any]:
    if name not in files:
        return {"type": "directory", "oid": _oid(name.encode()), "size": 0, "path": name}
    data = files[name]
    return {"type": "file", "oid": _oid(data), "size": len(data), "path": name}
