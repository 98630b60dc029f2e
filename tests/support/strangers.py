"""Clients that keep to no rules: raw connections that send what they like, as fast or as slowly as they like."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, repeat

MB = 2**20
PIECE = 64 * 1024
PATIENCE = 30.0


@contextmanager
def connected(port: int, address: str = "127.0.0.1") -> Iterator[socket.socket]:
    """A connection to the server from an address of this machine: Linux has all of 127.0.0.0/8."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE, source_address=(address, 0)) as stranger:
        yield stranger


def head(method: str, path: str, *lines: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def status(stranger: socket.socket) -> int:
    """Of the next response; 0 if the connection ends without one."""
    answer = b""
    try:
        while b"\r\n" not in answer and (piece := stranger.recv(PIECE)):
            answer += piece
    except ConnectionError:
        pass
    return int(answer.split()[1]) if answer else 0


def everything(stranger: socket.socket) -> bytes:
    """All that is said until the server ends the connection. Raises TimeoutError if it does not."""
    answer = b""
    try:
        while piece := stranger.recv(PIECE):
            answer += piece
    except ConnectionError:
        pass
    return answer


def is_closed(stranger: socket.socket) -> bool:
    stranger.setblocking(False)
    try:
        return stranger.recv(PIECE) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


KINDS = ("urlencoded", "multipart", "text", "chunked")


def request(kind: str, path: str, length: int, *lines: str) -> tuple[bytes, Iterator[bytes]]:
    """The head of a POST of about `length` bytes, and the pieces of its body."""
    opening = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n'
    )
    pieces = length // PIECE
    match kind:
        case "urlencoded":
            body: Iterator[bytes] = repeat(b"a&" * (PIECE // 2), pieces)
            about = ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {pieces * PIECE}"]
        case "multipart":
            closing = b"\r\n--x--\r\n"
            size = len(opening) + pieces * PIECE + len(closing)
            body = chain([opening], repeat(b"a,b\r\n,\r\n" * (PIECE // 8), pieces), [closing])
            about = ["Content-Type: multipart/form-data; boundary=x", f"Content-Length: {size}"]
        case "text":
            body = repeat(b"x" * PIECE, pieces)
            about = ["Content-Type: text/plain", f"Content-Length: {pieces * PIECE}"]
        case "chunked":
            body = chain(repeat(b"%x\r\n%s\r\n" % (PIECE, b"x" * PIECE), pieces), [b"0\r\n\r\n"])
            about = ["Content-Type: text/plain", "Transfer-Encoding: chunked"]
        case _:
            raise ValueError(kind)
    return head("POST", path, *about, *lines), body


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a body."""

    status: int
    """of HTTP; 0 where the connection ended without a response"""
    megabytes: float
    """which the server's machine took from the sender, its buffers included"""
    seconds: float
    closed: bool


def push(port: int, kind: str, path: str, length: int, *lines: str, stubborn: bool = False) -> Taken:
    """Send a body as fast as it is taken. `stubborn`: also after the server has said that it is refused."""
    start = time.monotonic()
    opening, body = request(kind, path, length, *lines)
    waiting, sent, answer, ended, closed = opening, 0, b"", False, False
    with connected(port) as stranger:
        stranger.setblocking(False)
        while not closed and (stubborn or not ended) and (waiting or not (answer or ended)):
            assert time.monotonic() - start < 10 * PATIENCE
            try:
                readable, writable, _ = select.select(
                    [] if ended else [stranger], [stranger] if waiting else [], [], 1
                )
                if readable:
                    piece = stranger.recv(PIECE)
                    answer += piece
                    ended = not piece
                if writable:
                    count = stranger.send(waiting)
                    sent += count
                    waiting = waiting[count:] or next(body, b"")
            except ConnectionError:
                closed = True
    code = int(answer.split()[1]) if answer else 0
    return Taken(code, sent / MB, time.monotonic() - start, closed or ended)
