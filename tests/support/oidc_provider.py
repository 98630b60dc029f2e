"""A real OpenID Connect provider, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from django.test import Client

from tests.support.server import PLAIN
from tests.support.services import free_port
from tests.support.waiting import until

START, RETURN = "/accounts/oidc/start/", "/accounts/oidc/return/"


@dataclass
class Provider:
    issuer: str

    def knows(self, subject: str, **claims: Any) -> None:
        httpx.put(f"{self.issuer}/users/{subject}", json=claims, verify=PLAIN).raise_for_status()

    def agree(self, address: str, subject: str) -> str:
        """What somebody does there: signs in and agrees. Returns where they are led back to."""
        answer = httpx.post(address, data={"sub": subject}, verify=PLAIN)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def sign_in(self, client: Client, subject: str, then: str = "") -> Any:
        """The whole way; returns the answer of TCS at its end."""
        there = client.get(START, {"next": then}).url
        return client.get(self.agree(there, subject).removeprefix("http://testserver"))


@contextmanager
def running() -> Iterator[Provider]:
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found = Provider(f"http://127.0.0.1:{port}")

    def answers() -> bool:
        assert process.poll() is None, "the provider has ended"
        try:
            return httpx.get(f"{found.issuer}/.well-known/openid-configuration", verify=PLAIN).is_success
        except httpx.TransportError:
            return False

    try:
        until(answers)
        yield found
    finally:
        process.terminate()
        process.wait()
