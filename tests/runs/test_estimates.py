"""How long a run takes, judged by earlier ones: in proportion, by the median, and silent without a basis."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from indexing.models import IndexVersion, RebuildRun
from indexing.runs import estimates
from tests.support import cast

pytestmark = pytest.mark.django_db

State = RebuildRun.State
REST = ("tag", "vectors", "keywords", "verify", "gate", "publish")


def ended(
    experts: int = 1_000,
    texts: int = 0,
    *,
    per_expert: float = 0.001,
    per_text: float = 0.01,
    lead: float = 4.0,
    model: str = "m",
    passages: int = 0,
    state: str = State.DONE,
    kind: str = "full",
    old: bool = False,
) -> RebuildRun:
    """A run whose stages each took `per_expert` seconds per expert, and embedding `lead` + `per_text` per text."""

    def entry(stage: str, seconds: float, done: int, **more: object) -> dict[str, object]:
        return {"stage": stage, "seconds": seconds, "done": done, "rate": None, "summary": ""} | more

    paced = {} if old or not texts else {"lead": lead, "pace": 1 / per_text}
    names = RebuildRun.STAGES[RebuildRun.Kind(kind)]
    stages = [
        entry(name, lead + per_text * texts if texts else 0.1, texts, **paced)
        if name == "embed"
        else entry(name, experts * per_expert, (name == "vectors" and passages) or experts)
        for name in names
    ]
    version = None
    if kind == "full":
        version = IndexVersion.objects.create(
            number=IndexVersion.objects.count() + 1, model_fingerprint=model, state="deleted"
        )
    return RebuildRun.objects.create(
        kind=kind,
        state=state,
        experts=experts,
        encoded=texts,
        stages=stages,
        version=version,
        started_at=timezone.now(),
        finished_at=timezone.now(),
    )


def running(stage: str, *, read: int | None = 1_000, since: float = 10.0, **fields: object) -> RebuildRun:
    stages = [{"stage": "snapshot", "seconds": 1.0, "done": read, "rate": None, "summary": ""}] if read else []
    started = timezone.now() - timedelta(seconds=since)
    return RebuildRun.objects.create(state=State.RUNNING, stage=stage, stages=stages, started_at=started, **fields)


class TestPlan:
    def test_encoding_grows_with_the_texts_and_all_else_with_the_experts(self):
        ended(1_000, 500)
        assert estimates.rebuild(1_000, 500).seconds == pytest.approx(7 * 1 + 4 + 5)
        assert estimates.rebuild(2_000, 100).seconds == pytest.approx(7 * 2 + 4 + 1)

    def test_loading_the_model_does_not_count_in_the_pace_of_a_few_texts(self):
        ended(1_000, 20, lead=8.0)
        assert estimates.rebuild(1_000, 1_000).seconds == pytest.approx(7 + 8 + 10)

    def test_without_texts_nothing_is_loaded(self):
        ended(1_000, 500)
        assert estimates.rebuild(1_000, 0).seconds == pytest.approx(7, abs=0.2)

    def test_one_slow_run_does_not_change_the_estimate(self):
        for per_text in (0.01, 0.5, 0.01):
            ended(1_000, 500, per_text=per_text, per_expert=per_text / 10)
        estimate = estimates.rebuild(1_000, 500)
        assert (estimate.seconds, estimate.runs) == (pytest.approx(7 + 4 + 5), 3)

    def test_only_the_last_few_count(self):
        ended(1_000, 500, per_expert=1.0)
        for _ in range(estimates.RECENT):
            ended(1_000, 500)
        estimate = estimates.rebuild(1_000, 500)
        assert (estimate.seconds, estimate.runs) == (pytest.approx(7 + 4 + 5), estimates.RECENT)

    def test_another_model_gives_no_estimate(self):
        for _ in range(3):
            ended(1_000, 500, per_text=1.0, model="slow")
        ended(1_000, 500, model="fast")
        estimate = estimates.rebuild(1_000, 500)
        assert (estimate.seconds, estimate.runs) == (pytest.approx(7 + 4 + 5), 1)

    def test_a_directory_of_a_very_different_size_gives_no_estimate(self):
        ended(100, 50)
        assert estimates.rebuild(2_000, 10).seconds is not None
        assert estimates.rebuild(2_001, 10) == estimates.Estimate(None, missing="runs")

    def test_an_exact_index_says_nothing_of_an_approximate_one(self, settings):
        settings.TCS_EXACT_UP_TO = 1_500
        ended(1_000, 500)
        assert estimates.rebuild(2_000, 10).seconds is None

    def test_passages_decide_on_the_kind_of_index(self, settings):
        settings.TCS_EXACT_UP_TO = 10_000
        ended(1_000, 500, passages=8_000)
        assert estimates.rebuild(1_250, 10).seconds is not None
        assert estimates.rebuild(1_300, 10).seconds is None
        ended(1_300, 500, passages=10_400)
        assert estimates.rebuild(1_300, 10).runs == 1

    def test_what_an_older_release_wrote_is_used_where_possible(self):
        ended(1_000, 20, old=True)
        ended(1_000, 400, old=True)
        assert estimates.rebuild(1_000, 800).seconds == pytest.approx(7 + 2 * (4 + 4))

    @pytest.mark.parametrize("state", [State.HELD, State.DISCARDED])
    def test_a_held_run_counts_as_completed(self, state):
        ended(1_000, 500, state=state)
        assert estimates.rebuild(1_000, 500).runs == 1

    def test_without_any_run_there_is_no_estimate(self):
        assert estimates.rebuild(1_000, 500) == estimates.Estimate(None, missing="runs")


class TestTimeLeft:
    def test_its_own_rate_and_the_later_stages_of_earlier_runs(self):
        ended(1_000, 500)
        estimate = estimates.time_left(running("embed", read=2_000, done=100, total=500, rate=50.0))
        assert estimate.seconds == pytest.approx(400 / 50 + 6 * 2)

    def test_before_it_has_a_rate_the_pace_of_earlier_runs_minus_the_time_spent(self):
        ended(1_000, 500)
        estimate = estimates.time_left(running("embed", total=500, since=4.0))
        assert estimate.seconds == pytest.approx(4 + 5 - 3 + 6, abs=0.2)

    def test_there_is_no_estimate_before_the_number_of_texts_is_known(self):
        ended(1_000, 500)
        run = running("snapshot", read=None)
        assert estimates.time_left(run) == estimates.Estimate(None, missing="texts")
        run.delete()
        assert estimates.time_left(running("embed", total=0)) == estimates.Estimate(None, missing="texts")

    def test_the_first_run_estimates_only_its_current_stage(self):
        estimate = estimates.time_left(running("embed", done=100, total=500, rate=50.0))
        assert (estimate.seconds, estimate.missing, estimate.in_stage) == (None, "runs", pytest.approx(8))

    def test_a_stage_that_lasts_longer_than_ever_has_no_time_left(self):
        ended(1_000, 500)
        assert estimates.time_left(running("publish", since=1_000)).seconds == 0

    def test_re_tagging_is_estimated_by_earlier_re_tagging(self):
        ended(1_000, 500)
        run = running("tag", kind="tags")
        assert estimates.time_left(run).seconds is None
        ended(1_000, 5, kind="tags")
        assert estimates.time_left(run).seconds == 0  # tag takes 1 s, and 9 are gone


@pytest.mark.parametrize(
    ("earlier", "stage", "said"),
    [
        (2, {"stage": "tag", "since": 1.5}, "based on the last 2 similar runs"),
        (0, {"stage": "tag"}, "No estimate yet"),
        (0, {"stage": "embed", "done": 10, "total": 500, "rate": 5.0}, "about 2 min"),
        (1, {"stage": "snapshot", "read": None}, "the changed profiles are still being counted"),
    ],
)
def test_the_page_says_what_the_estimate_is_based_on(client, earlier, stage, said):
    for _ in range(earlier):
        ended(1_000, 500)
    run = running(**stage)
    client.force_login(cast.staff("indexing.view"))
    page = " ".join(client.get(f"/admin/index/runs/{run.pk}/").content.decode().split())
    assert said in page
