"""Stands between TCS and the real S3 server of the tests, and lets requests arrive as they do in trouble."""

from __future__ import annotations

import http.client
import threading
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

FORMAT = "%Y%m%dT%H%M%SZ"
REFUSAL = """<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>{code}</Code><Message>{text}</Message><RequestId>0</RequestId></Error>"""
"""As S3 refuses a request; answers to HEAD have no body."""
EXPIRED = (400, "ExpiredToken", "The provided token has expired.")
SKEWED = (403, "RequestTimeTooSkewed", "The difference between the request time and the server's time is too large.")


class Proxy:
    """Forwards everything to `target`, until `refuse` is set: then it answers with that status, code and text."""

    def __init__(self, target: str) -> None:
        self.refuse: tuple[int, str, str] | None = None
        self.later: timedelta | None = None
        """By how much what signs the requests has a clock that is fast."""
        self.target = urlsplit(target).netloc
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_arguments: object) -> None:
                """Nothing."""

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if proxy.refuse is not None:
                    status, code, text = proxy.refuse
                    self.reply(
                        status, {"Content-Type": "application/xml"}, REFUSAL.format(code=code, text=text).encode()
                    )
                    return
                headers = dict(self.headers.items())
                if proxy.later is not None:
                    name = next(each for each in headers if each.lower() == "x-amz-date")
                    headers[name] = f"{datetime.strptime(headers[name], FORMAT) + proxy.later:{FORMAT}}"
                connection = http.client.HTTPConnection(proxy.target, timeout=30)
                try:
                    connection.request(self.command, self.path, body, headers)
                    got = connection.getresponse()
                    self.reply(got.status, dict(got.getheaders()), got.read())
                finally:
                    connection.close()

            def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response_only(status)
                for name, value in headers.items():
                    if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                        self.send_header(name, value)
                given = next((v for n, v in headers.items() if n.lower() == "content-length"), str(len(body)))
                self.send_header("Content-Length", given if self.command == "HEAD" else str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
