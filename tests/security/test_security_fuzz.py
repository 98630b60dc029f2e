"""Seeded rubbish over every parameter and the import: refused or answered, never an error of the server."""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from experts.models import Expert
from indexing.models import ApiToken
from tests.support import cast
from tests.support.permission_table import TABLE
from tests.support.security_cast import Scene, one_of_everything, without_static_files

SEED = 20_260_301
ROUNDS = 4 if connection.vendor == "postgresql" else 3
"""PostgreSQL refuses all that SQLite does, and NUL."""
ALPHABETS = [
    "abc 01",
    "\x00\x01\x08\x1b\x7f\x80\x9f\r\n\t",
    "'\"`;--/*<>&%_\\(){}[]!^~*?:=+-@#",
    "\u200b\u200f\u202e\u2066\ufeff\ufffd\uffff",
    "ßıİŁéà漢字हिन्दी한국어",
    "😀👩‍👩‍👧🏳️‍🌈\U0010ffff",
]
NUMBERS = [
    "-1",
    "0",
    "1",
    "99999999999999999999999",
    "1e999",
    "NaN",
    "inf",
    "0x10",
    "１２",
    "1.5",
    " 1",
    "",
    "-0",
    "2147483648",
    "9223372036854775807",
    "9223372036854775808",
]
WORDS = [
    "AND",
    "OR",
    "NOT",
    "NEAR",
    "*",
    "a:b",
    "name:",
    '"',
    "(",
    "[a TO b]",
    "a^99",
    "/a/",
    "~",
    " ",
    "a" * 10_000,
    "🏳" * 3_000,
]
KINDS = [*["application/json"] * 6, "text/plain", "multipart/form-data", "multipart/form-data; boundary=x", "x/é"]
PARAMETERS = [
    "q",
    "k",
    "mode",
    "after",
    "before",
    "limit",
    "level",
    "page",
    "run",
    "version",
    "tag",
    "o",
    "p",
    "e",
    "threshold",
    "name",
    "kind",
    "description",
    "lang",
    "a",
    "b",
    "category",
    "is_active__exact",
    "domain",
]
"""What the pages and the API read, and what the admin's lists do."""


class Rubbish:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def text(self) -> str:
        match self.chance.randrange(4):
            case 0:
                return self.chance.choice(NUMBERS)
            case 1:
                return self.chance.choice(WORDS)
            case 2:
                return "".join(self.chance.choices(self.chance.choice(ALPHABETS), k=self.chance.randint(1, 40)))
        return " ".join(self.chance.choices(WORDS + NUMBERS, k=3))

    def query(self) -> str:
        """Percent-encoded; sometimes with bytes that are not UTF-8."""
        names = self.chance.sample(PARAMETERS, k=self.chance.randint(1, 6))
        broken = self.chance.choice(["", "%ff%fe", "%00", "%", "%c3%28"])
        return "&".join(f"{name}={quote(self.text())}{broken}" for name in names)

    def value(self, depth: int = 0) -> Any:
        """Whatever JSON can hold."""
        kinds = 6 if depth > 2 else 8
        match self.chance.randrange(kinds):
            case 0 | 1:
                return self.text()
            case 2:
                return self.chance.choice([0, -1, 2**63, 2**200, 1e308, -0.0])
            case 3:
                return self.chance.choice([None, True, False])
            case 4:
                return self.chance.choice(["full", "tags", "sam", "hybrid"])
            case 5:
                return "\ud800"  # half a character, as JSON may spell it
            case 6:
                return [self.value(depth + 1) for _ in range(self.chance.randrange(4))]
        names = ["kind", "reembed", "username", "password", "reason", self.text()]
        return {self.chance.choice(names): self.value(depth + 1) for _ in range(self.chance.randrange(5))}

    def body(self) -> bytes:
        match self.chance.randrange(6):
            case 0:
                return self.chance.randbytes(self.chance.randrange(200))
            case 1:
                return b"[" * 3_000
            case 2:
                return b'{"kind": ' + b"9" * 5_000 + b"}"
        return json.dumps(self.value()).encode()


@pytest.fixture
def scene(settings) -> Scene:
    return one_of_everything(settings)


@pytest.fixture
def root(client: Client) -> Client:
    client.raise_request_exception = False
    client.force_login(cast.staff(superuser=True, username="root"))
    return client


def ask(client: Client, method: str, address: str, **more: Any) -> list[str]:
    """What went wrong, if anything."""
    answer = client.generic(method, address, **more)
    if answer.status_code in (500, 501, 502) or answer.status_code > 503:
        return [f"{method} {address[:300]} {str(more)[:300]}: {answer.status_code}"]
    if address.startswith("/api/") and answer.status_code >= 400 and not answer.json().get("detail"):
        return [f"{method} {address[:300]}: {answer.status_code} without a sentence"]
    return []


@pytest.mark.services  # PostgreSQL refuses what SQLite takes: NUL, numbers beyond 64 bits
@pytest.mark.django_db(transaction=True)
def test_no_parameter_of_any_page_or_operation_makes_an_error_of_the_server(scene, root):
    rubbish, wrong = Rubbish(SEED), []
    for row in TABLE:
        rounds = ROUNDS if row.door in ("console", "api", "open") else 2
        path = row.path.format(**scene).partition("?")[0]
        for _ in range(rounds):
            headers = {"HX-Request": "true", "HX-Current-URL": rubbish.text().replace("\n", "").replace("\r", "")}
            more = {"headers": headers} if rubbish.chance.random() < 0.3 else {}
            wrong += ask(root, "GET", f"{path}?{rubbish.query()}", **more)
    assert not wrong, "\n".join(["", *wrong])


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_no_body_makes_an_error_of_the_server(scene, root):
    rubbish, wrong = Rubbish(SEED + 1), []
    operations = [row for row in TABLE if row.path.startswith("/api/") and row.post != 405]
    for row in operations:
        for _ in range(ROUNDS * 2):
            kind = rubbish.chance.choice(KINDS)
            wrong += ask(root, "POST", row.path.format(**scene), data=rubbish.body(), content_type=kind)
    forms = [row for row in TABLE if row.door == "console" and row.post != 405]
    for row in forms:
        for _ in range(ROUNDS):
            sent = f"{rubbish.query()}&reason={quote(rubbish.text())}".encode()
            kind = "application/x-www-form-urlencoded"
            wrong += ask(root, "POST", row.path.format(**scene), data=sent, content_type=kind)
    assert not wrong, "\n".join(["", *wrong])


@pytest.mark.django_db(transaction=True)
def test_no_path_and_no_token_makes_an_error_of_the_server(root):
    rubbish, wrong = Rubbish(SEED + 2), []
    bases = [
        "/",
        "/api/",
        "/api/admin/ingest/runs/",
        "/admin/index/runs/",
        "/admin/index/versions/",
        "/admin/",
        "/admin/experts/expert/",
        "/admin/r/",
        "/static/",
    ]
    for _ in range(ROUNDS * 8):
        base = rubbish.chance.choice(bases[:-1])
        wrong += ask(root, "GET", base + quote(rubbish.text()[:300]))
        token = rubbish.text().encode("ascii", "ignore").decode().replace("\n", "").replace("\r", "")
        wrong += ask(
            Client(raise_request_exception=False),
            "GET",
            "/api/search?q=x",
            headers={"Authorization": f"Bearer {token}"},
        )
    assert not wrong, "\n".join(["", *wrong])
    assert not ApiToken.objects.exists()


def csv_like(rubbish: Rubbish) -> bytes:
    """From noise to nearly right."""
    chance = rubbish.chance
    match chance.randrange(4):
        case 0:
            return chance.randbytes(chance.randrange(3_000))
        case 1:
            return b"Username," + chance.randbytes(chance.randrange(2_000))
    good = {
        "Username": "user{}",
        "First Name": "Ann",
        "Bio": "bakes",
        "Hourly Rate": "12.50",
        "Profile URL": "",
        "Created At": "2024-05-31",
        "Currency": "EUR",
        "Category": "x",
    }
    lines = [",".join(f'"{column}"' for column in [*good, "Nobody knows"])]
    bad = chance.choice([0.0, 0.05, 0.5])
    for number in range(chance.randrange(30)):
        cells = [rubbish.text()[:200] if chance.random() < bad else cell.format(number) for cell in good.values()]
        cells += [rubbish.text()[:200]] if chance.random() >= bad / 5 else []
        lines.append(",".join('"' + cell.replace('"', '""') + '"' for cell in cells))
    made = (
        chance.choice(["\n", "\r\n", "\r"])
        .join(lines)
        .encode(chance.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"]))
    )
    for _ in range(chance.choice([0, 0, 0, 1, 5])):
        made = made[: (place := chance.randrange(len(made)))] + chance.randbytes(1) + made[place + 1 :]
    return made


@pytest.mark.services
@pytest.mark.django_db
def test_no_file_makes_an_error_of_the_server_and_none_is_applied_in_part(root, settings):
    settings.MIDDLEWARE = without_static_files(settings.MIDDLEWARE)
    rubbish, base = Rubbish(SEED + 3), "/admin/experts/expert/import/"
    applied = 0
    for number in range(10 * ROUNDS):
        file = SimpleUploadedFile("x.csv", csv_like(rubbish))
        sent = {
            "file": file,
            **({"skip_bad": "1"} if number % 2 else {}),
            **({"sync": "1"} if number % 3 == 0 else {}),
        }
        answer = root.post(base, sent, follow=True)
        assert answer.status_code == 200, number
        plan = answer.context.get("plan")
        if plan is None:
            continue
        before = Expert.objects.count()
        done = root.post(f"{base}apply/", {"digest": plan.digest}, follow=True)
        assert done.status_code == 200, number
        made = Expert.objects.count() - before
        assert made in (0, len(plan.new)), number
        applied += bool(made)
    assert applied > 3
