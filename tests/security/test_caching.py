"""No cache keeps what depends on who is signed in: every address is asked."""

from __future__ import annotations

import pytest
from django.test import Client

from indexing.models import ApiToken
from tests.support import cast
from tests.support.permission_table import TABLE
from tests.support.security_cast import Scene, one_of_everything

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scene(settings) -> Scene:
    return one_of_everything(settings)


def kept_by_caches(header: str) -> bool:
    words = {word.strip() for word in header.split(",")}
    return "private" not in words or not words & {"no-store", "no-cache"}


def test_no_answer_is_kept_in_a_cache(scene):
    user = cast.staff(superuser=True)
    client, stranger = Client(), Client()
    client.force_login(user)
    bearer = {"Authorization": f"Bearer {ApiToken.objects.issue(user)[1]}"}
    kept = []
    for row in TABLE:
        path = row.path.format(**scene)
        answers = [client.get(path), stranger.get(path)]
        if path.startswith("/api/"):
            answers += [stranger.get(path, headers=bearer), client.post(path)]
        kept += [
            f"{path}: {answer.get('Cache-Control')}"
            for answer in answers
            if kept_by_caches(answer.get("Cache-Control", ""))
        ]
    assert not kept, "\n".join(["", *kept])


def test_files_are_not_even_stored(scene):
    """Profiles, searches and logs: the browser of a shared computer does not write them to its disk."""
    client = Client()
    client.force_login(cast.staff(superuser=True))
    log, search = f"/admin/index/runs/{scene['run']}/log.txt", "/api/search?q=bread"
    export = client.post(
        "/admin/experts/expert/", {"action": "export", "_selected_action": [scene["expert"]], "index": "0"}
    )
    assert export["Content-Type"].startswith("text/csv")
    for answer in (client.get(log), client.get(search), export):
        assert answer.status_code == 200
        assert "no-store" in answer["Cache-Control"]
