"""The Lab: a version is searched before it is live, or after."""

from __future__ import annotations

import pytest

from experts.models import Expert
from indexing import encoders
from indexing.errors import SnapshotInvalid
from indexing.lib import paths
from indexing.models import IndexVersion
from indexing.quality import overlap
from indexing.serving import live, open_versions
from indexing.snapshot.reader import Snapshot
from tests.support import cast, damage, version_cast
from tests.support.html_reading import html, parse_html

pytestmark = pytest.mark.django_db(transaction=True)

LAB = "/admin/index/lab/"
HTMX = {"HX-Request": "true"}
ENCODE, MEANING = "Encode the query", "Search by meaning"
KEYWORDS, PROFILES = "Search by keywords", "Load the profiles"


@pytest.fixture
def viewer(client):
    client.force_login(cast.staff("indexing.view", username="vi"))
    return client


def version(number: int) -> IndexVersion:
    return IndexVersion.objects.get(pk=number)


def test_a_held_version_is_searched_while_the_other_is_live(viewer):
    cast.experts(8)
    cast.rebuild()
    Expert.objects.filter(username__lte="expert-004").update(is_active=False)
    Expert.objects.create(username="nora", first_name="Nora", last_name="New", job_title="Glazier")
    assert cast.rebuild().state == "held"
    live.load_now()
    page = html(viewer.get(LAB, {"q": "glazier", "version": 2}))
    assert "index version 2" in page
    assert "Nora New" in page
    page = html(viewer.get(LAB, {"q": "glazier", "version": 1}))
    assert "index version 1" in page
    assert "Nora New" not in page
    assert live.current().number == 1


def test_the_newest_version_is_the_default(viewer):
    version_cast.held()
    page = html(viewer.get(LAB))
    assert '<option value="2" selected> 2 · held' in page
    assert "Type what you are looking for." in page


def test_only_versions_with_files_can_be_chosen(viewer):
    version_cast.two_versions()
    IndexVersion.objects.filter(pk=1).update(state=IndexVersion.State.DELETED)
    answer = viewer.get(LAB, {"q": "bread", "version": 1})
    assert answer.status_code == 404
    assert "Version <bdi>1</bdi> is not on disk" in html(answer)
    assert '<option value="1"' not in html(answer)


@pytest.mark.parametrize("asked", ["x", "-1", "9" * 30, "<b>"])
def test_an_invalid_version_is_refused(viewer, asked):
    version_cast.two_versions()
    answer = viewer.get(LAB, {"q": "bread", "version": asked})
    assert answer.status_code == 404
    assert "<b>" not in html(answer)


def test_before_the_first_version_it_says_so(viewer):
    assert "There is no version to search yet" in html(viewer.get(LAB))


@pytest.mark.parametrize("mode", ["semantic", "keyword", "hybrid"])
def test_it_searches_in_each_mode(viewer, mode):
    version_cast.two_versions()
    page = html(viewer.get(LAB, {"q": "church organs", "version": 2, "mode": mode}))
    assert "Number001" in page
    assert f'value="{mode}" checked' in page


def test_htmx_gets_the_results_alone_and_the_address(viewer):
    version_cast.two_versions()
    answer = viewer.get(LAB, {"q": "bread", "version": 2}, headers=HTMX)
    assert "<html" not in html(answer)
    assert answer.headers["HX-Replace-Url"] == f"{LAB}?q=bread&version=2"


def test_a_damaged_version_is_named_and_not_searched(viewer):
    version_cast.two_versions()
    damage.flip_bit(paths.version_folder(1) / "vectors.npy")
    answer = viewer.get(LAB, {"q": "bread", "version": 1})
    assert answer.status_code == 503
    assert "vectors.npy" in html(answer)


def test_a_version_of_another_model_is_searched_by_words_only(viewer, settings):
    version_cast.two_versions()
    settings.TCS_ENCODER = "tests.support.fakes.OtherHashEncoder"
    encoders.reset()
    page = viewer.get(LAB, {"q": "bread", "version": 1, "mode": "semantic"})
    assert page.status_code == 503
    assert "Search by keywords instead" in html(page)
    assert "index version 1" in html(viewer.get(LAB, {"q": "bread", "version": 1, "mode": "keyword"}))


def test_it_needs_the_permission_to_see_the_index(client):
    client.force_login(cast.staff())
    assert client.get(LAB).status_code == 403


class TestOpening:
    def test_a_version_is_opened_once(self, monkeypatch):
        version_cast.two_versions()
        first = open_versions.open_version(version(1))
        monkeypatch.setattr(Snapshot, "open", lambda *_args, **_kwargs: pytest.fail("opened again"))
        assert open_versions.open_version(version(1)) is first

    def test_the_live_version_is_the_one_that_is_served(self):
        version_cast.two_versions()
        assert open_versions.open_version(version(2)) is not live.load_now()  # nothing was served yet
        assert open_versions.open_version(version(2)) is live.current()

    def test_two_are_kept_open_and_the_least_recently_used_is_closed(self):
        version_cast.two_versions()
        cast.rebuild()
        one, two = open_versions.open_version(version(1)), open_versions.open_version(version(2))
        assert open_versions.open_version(version(1)) is one
        open_versions.open_version(version(3))
        assert open_versions.open_version(version(1)) is one
        assert open_versions.open_version(version(2)) is not two

    def test_too_little_memory_is_reported(self, monkeypatch):
        version_cast.two_versions()

        def no_memory(*_args: object, **_kwargs: object) -> Snapshot:
            raise MemoryError

        monkeypatch.setattr(Snapshot, "open", no_memory)
        with pytest.raises(SnapshotInvalid, match="not enough memory to open version 1"):
            open_versions.open_version(version(1))


def texts(response, kind: str) -> list[str]:
    """The texts of the elements with a class, in order."""
    page = parse_html(response.content.decode())
    return [" ".join(each.text.split()) for each in page.walk() if kind in each.attributes.get("class", "").split()]


class TestTwoColumns:
    def test_two_versions_are_compared_side_by_side(self, viewer):
        version_cast.two_versions()
        answer = viewer.get(LAB, {"q": "glazier bread", "with": 1, "version": 2})
        page = html(answer)
        assert page.index("index version 1") < page.index("index version 2")
        assert texts(answer, "mark-gained") == ["+ gained"]
        row = next(text for text in texts(answer, "lab-hit") if "gained" in text)
        assert "Nora New" in row

    def test_a_lost_expert_is_marked_in_the_first_column(self, viewer):
        version_cast.two_versions()
        answer = viewer.get(LAB, {"q": "glazier bread", "with": 2, "version": 1})
        assert texts(answer, "mark-lost") == ["− lost"]
        row = next(text for text in texts(answer, "lab-hit") if "lost" in text)
        assert "Nora New" in row

    def test_a_moved_expert_is_marked_with_the_number_of_places(self, viewer):
        version_cast.two_versions()
        answer = viewer.get(LAB, {"q": "church organs bread", "with": 1, "version": 2})
        first = next(text for text in texts(answer, "lab-column")[1:])
        assert "Erin Number001" in first
        moved = next(text for text in texts(answer, "lab-hit") if "Number001" in text and "up" in text)
        before = next(text for text in texts(answer, "lab-hit") if "Number001" in text and "now #" in text)
        places, was, now = int(moved.split("up ")[1].split()[0]), int(before.split()[0]), int(moved.split()[0])
        assert was - now == places > 0
        assert f"now #{now} " in f"{before} "

    def test_two_modes_of_one_version_stand_side_by_side(self, viewer):
        version_cast.two_versions()
        asked = {"q": "bread", "version": 2, "mode": "keyword", "with": 2, "with_mode": "semantic"}
        before, after = texts(viewer.get(LAB, asked), "lab-column")
        assert "Meaning" in before
        assert "Search by meaning" in before
        assert "Keywords" in after
        assert "Search by meaning" not in after

    @pytest.mark.parametrize(
        ("mode", "steps"),
        [
            (
                "hybrid",
                [
                    ENCODE,
                    MEANING,
                    KEYWORDS,
                    "Combine the rankings",
                    "Add words of the first results",
                    PROFILES,
                    "Total",
                ],
            ),
            ("semantic", [ENCODE, MEANING, PROFILES, "Total"]),
            ("keyword", [KEYWORDS, PROFILES, "Total"]),
        ],
    )
    def test_each_step_is_timed(self, viewer, mode, steps):
        version_cast.two_versions()
        answer = viewer.get(LAB, {"q": "bread", "version": 2, "with": "none", "mode": mode})
        (timings,) = (
            each for each in parse_html(answer.content.decode()).walk() if "lab-timings" in str(each.attributes)
        )
        assert [each.text for each in timings.walk() if each.tag == "dt"] == steps
        milliseconds = [float(each.text.removesuffix(" ms")) for each in timings.walk() if each.tag == "dd"]
        assert sum(milliseconds[:-1]) <= milliseconds[-1] + 0.1 * len(steps)

    def test_the_overlap_is_of_the_first_ten(self, viewer):
        version_cast.two_versions()
        answer = viewer.get(LAB, {"q": "bread", "with": 2, "version": 2})
        assert "Top 10 overlap</abbr> </dt> <dd>100 %" in html(answer)
        assert texts(answer, "mark") == ["= same rank"] * len(texts(answer, "mark"))

    def test_a_held_version_is_compared_with_the_live_one_by_default(self, viewer):
        version_cast.held()
        page = html(viewer.get(LAB, {"q": "bread"}))
        assert page.index("index version 1") < page.index("index version 2")

    def test_one_column_can_be_shown_alone(self, viewer):
        version_cast.held()
        answer = viewer.get(LAB, {"q": "bread", "version": 2, "with": "none"})
        assert len(texts(answer, "lab-column")) == 1
        assert texts(answer, "mark") == []

    def test_a_missing_version_to_compare_with_is_named(self, viewer):
        version_cast.two_versions()
        answer = viewer.get(LAB, {"q": "bread", "version": 2, "with": 7})
        assert answer.status_code == 404
        assert "Version <bdi>7</bdi> is not on disk" in html(answer)

    def test_where_one_side_fails_the_other_is_shown_unmarked(self, viewer, settings):
        version_cast.two_versions()
        settings.TCS_ENCODER = "tests.support.fakes.OtherHashEncoder"
        encoders.reset()
        asked = {"q": "bread", "version": 2, "mode": "keyword", "with": 1, "with_mode": "semantic"}
        answer = viewer.get(LAB, asked)
        assert "Search by keywords instead" in html(answer)
        assert "index version 2" in html(answer)
        assert texts(answer, "mark") == []


class TestOverlap:
    def test_a_rank_change_says_by_how_many_ranks_somebody_moved(self):
        changes = overlap.rank_changes(["a", "b", "c", "d"], ["b", "a", "c"])
        assert [(change.rank, change.moved, change.mark) for change in changes] == [
            (1, 1, "up"),
            (2, -1, "down"),
            (3, 0, "same"),
            (4, 0, "only"),
        ]

    def test_only_the_first_ten_overlap(self):
        before = list("abcdefghij") + ["k"]
        assert overlap.overlap(before, ["k", *"abcdefghij"]) == 0.9
        assert overlap.overlap(before[:2], ["a"]) == 0.5

    def test_nothing_before_is_nothing_to_compare(self):
        assert overlap.overlap([], ["a"]) is None
