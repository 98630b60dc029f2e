"""The bucket answers, and refuses: a wrong clock, or keys whose time is over. Everywhere it is said what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from indexing import search
from indexing.lib import process_state
from indexing.models import RebuildRun, ServingProcess
from indexing.serving import live
from tests.support import cast
from tests.support.bucket_proxy import EXPIRED, Proxy
from tests.support.html_reading import html
from tests.support.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def proxy(server, prefix, monkeypatch) -> Iterator[Proxy]:
    """TCS reaches the bucket through it."""
    started = Proxy(server.endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL", started.endpoint)
    yield started
    started.close()


def clock_goes_wrong(proxy: Proxy) -> None:
    proxy.later = timedelta(hours=1)


def token_expires(proxy: Proxy) -> None:
    proxy.refuse = EXPIRED


def comes_right(proxy: Proxy) -> None:
    proxy.later = proxy.refuse = None


@pytest.mark.parametrize(
    ("goes_wrong", "reason", "fix"),
    [
        (clock_goes_wrong, "RequestTimeTooSkewed", "the clock of this machine is wrong"),
        (token_expires, "ExpiredToken", "set AWS_ACCESS_KEY_ID"),
    ],
)
def test_a_wrong_clock_or_an_expired_token_is_said_everywhere_and_search_goes_on(
    goes_wrong: Callable[[Proxy], None], reason, fix, proxy, web, machine, client
):
    cast.published(4)
    web()
    until(lambda: ServingProcess.objects.exclude(folder_token="").exists())
    assert live.problem() == ""
    goes_wrong(proxy)
    until(lambda: reason in live.problem())
    assert fix in live.problem()
    assert search.search("bread", live.current()).version == 1
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    detail = answer.json()["checks"]["live_version"]["detail"]
    assert reason in detail
    assert fix in detail
    client.force_login(cast.staff("indexing.view"))
    until(lambda: reason in html(client.get("/admin/index/")))
    said = StringIO()
    call_command("index_status", stdout=said)
    assert fix in said.getvalue()
    run = cast.rebuild()
    assert run.state == RebuildRun.State.FAILED
    assert reason in run.error
    assert fix in run.error
    comes_right(proxy)
    until(lambda: live.problem() == "")
    live.stop()
    goes_wrong(proxy)
    machine("web1")
    with pytest.raises(CommandError, match=reason):
        call_command("verify_index")
    comes_right(proxy)
    process_state.forget_all()
    assert cast.rebuild().state == RebuildRun.State.DONE
