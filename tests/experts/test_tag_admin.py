"""Tags in the admin: staff edit them, the history keeps it, the next run follows."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from io import StringIO

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from experts.models import Expert, ExpertTag, Tag
from indexing.models import RebuildRun
from tests.support import cast

LIST = "/admin/experts/tag/"
built = pytest.mark.django_db(transaction=True)


@pytest.fixture
def editor(client: Client, db) -> Client:
    client.force_login(cast.staff("experts.view_tag", "experts.add_tag", "experts.change_tag", username="ed"))
    return client


def fields(tag: Tag, **changed: str) -> dict[str, str]:
    """What the tag's form sends."""
    sent = {"name": tag.name, "kind": tag.kind, "description": tag.description, "is_active": "on"}
    return {name: value for name, value in (sent | changed).items() if value}


def save(client: Client, tag: Tag, **changed: str) -> str:
    answer = client.post(f"{LIST}{tag.pk}/change/", fields(tag, **changed), follow=True)
    tag.refresh_from_db()
    return " ".join(str(message) for message in answer.context["messages"])


# --- editing ---


def test_adding_a_tag_is_logged(editor) -> None:
    sent = {"name": " Bell  founding ", "kind": "domain", "description": "Casts\r\nchurch bells.", "is_active": "on"}
    answer = editor.post(f"{LIST}add/", sent, follow=True)
    tag = Tag.objects.get(name="Bell founding")
    assert tag.description == "Casts church bells.", "one line"
    assert "Tags are assigned again" in answer.content.decode()
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.action_flag, entry.user.username) == (str(tag.pk), ADDITION, "ed")


def test_editing_says_when_it_takes_effect_and_logs_each_field(editor) -> None:
    tag = Tag.objects.create(kind="domain", name="Bells", description="Casts bells.")
    assert "Tags are assigned again" in save(editor, tag, description="Casts and tunes bells.")
    assert tag.description == "Casts and tunes bells."
    entry = LogEntry.objects.get()
    assert entry.action_flag == CHANGE
    assert entry.get_change_message() == "Changed Description."
    assert "Tags are assigned again" not in save(editor, tag), "nothing has changed"


def test_deactivating_in_the_form_is_logged(editor) -> None:
    tag = Tag.objects.create(kind="domain", name="Bells", description="Casts bells.")
    assert "Tags are assigned again" in save(editor, tag, is_active="")
    assert not tag.is_active
    assert LogEntry.objects.get().get_change_message() == "Changed Active."
    assert "Tags are assigned again" not in save(editor, tag, is_active="", description="Other"), (
        "an inactive tag is given to nobody"
    )


def test_a_second_tag_with_the_same_name_is_refused(editor) -> None:
    Tag.objects.create(kind="domain", name="Bells", description="Casts bells.")
    answer = editor.post(f"{LIST}add/", {"name": "bELLS", "kind": "domain", "description": "x"})
    assert "already" in answer.content.decode()
    assert Tag.objects.filter(name__iexact="bells").count() == 1


def test_activating_and_deactivating_many_logs_each_tag(editor) -> None:
    tags = [Tag.objects.create(kind="domain", name=f"Bells {n}", description="x", is_active=n > 0) for n in range(3)]
    chosen = {"_selected_action": [tag.pk for tag in tags]}
    page = editor.post(LIST, {"action": "deactivate", **chosen}, follow=True)
    assert "2 tags deactivated." in page.content.decode()
    assert not Tag.objects.filter(pk__in=chosen["_selected_action"], is_active=True).exists()
    assert {entry.object_id for entry in LogEntry.objects.all()} == {str(tag.pk) for tag in tags[1:]}
    assert {entry.get_change_message() for entry in LogEntry.objects.all()} == {"Changed active."}
    page = editor.post(LIST, {"action": "activate", **chosen}, follow=True)
    assert "3 tags activated." in page.content.decode()


def test_viewers_cannot_deactivate(client, db) -> None:
    tag = Tag.objects.create(kind="domain", name="Bells", description="x")
    client.force_login(cast.staff("experts.view_tag"))
    client.post(LIST, {"action": "deactivate", "_selected_action": [tag.pk]})
    tag.refresh_from_db()
    assert tag.is_active


# --- the list ---


@pytest.fixture
def bells(db) -> Tag:
    """Two experts have it automatically, one by hand."""
    tag = Tag.objects.create(kind="domain", name="Bells", description="Casts bells.")
    sources = (("auto", 0.4), ("auto", 0.5), ("manual", None))
    for expert, (source, score) in zip(cast.experts(3), sources, strict=True):
        ExpertTag.objects.create(expert=expert, tag=tag, source=source, score=score)
    return tag


def test_the_list_counts_automatic_and_manual_separately_and_links_to_the_experts(client, bells) -> None:
    client.force_login(cast.staff(superuser=True))
    page = client.get(LIST, {"q": "Bells"})
    (tag,) = page.context["cl"].result_list
    assert (tag.auto, tag.manual) == (2, 1)
    links = re.findall(r'field-(?:automatic|manual)"><a href="([^"]+)">(\d)</a>', page.content.decode())
    assert [int(shown) for _address, shown in links] == [2, 1]
    for address, shown in links:
        assert len(client.get(address).context["cl"].result_list) == int(shown)


def test_the_list_sorts_by_the_counts_and_filters_unused_tags(client, bells) -> None:
    client.force_login(cast.staff(superuser=True))
    column = client.get(LIST).context["cl"].list_display.index("automatic")
    assert client.get(LIST, {"o": f"-{column}"}).context["cl"].result_list[0] == bells
    assert list(client.get(LIST, {"used": "yes"}).context["cl"].result_list) == [bells]
    assert client.get(LIST, {"used": "no"}).context["cl"].result_count == Tag.objects.count() - 1


def test_the_list_makes_as_many_queries_for_many_tags_as_for_few(client, bells) -> None:
    client.force_login(cast.staff(superuser=True))

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(LIST)
        return len(captured)

    queries()
    before = queries()
    Tag.objects.bulk_create(Tag(kind="domain", name=f"More {n}", description="x") for n in range(20))
    assert queries() == before


# --- the default tags ---


@pytest.mark.django_db
def test_loading_the_default_tags_adds_missing_ones_and_keeps_edited_ones() -> None:
    gone, edited = Tag.objects.all()[:2]
    gone.delete()
    Tag.objects.filter(pk=edited.pk).update(description="Ours", is_active=False)
    call_command("load_tags", stdout=(out := StringIO()))
    assert out.getvalue().startswith("Tags added: 1;")
    assert Tag.objects.filter(name=gone.name).exists()
    edited.refresh_from_db()
    assert (edited.description, edited.is_active) == ("Ours", False)


# --- the next run ---


def summary(run: RebuildRun) -> tuple[int, int, int, int]:
    """Of the run's log: experts tagged, tags added, tags removed, experts changed."""
    assert run.state == RebuildRun.State.DONE, run.error
    log = "\n".join(run.lines.values_list("message", flat=True))
    (figures,) = re.findall(r"Tagged (\d+) experts?; tags added: (\d+), removed: (\d+); (\d+) experts? changed", log)
    return tuple(map(int, figures))  # type: ignore[return-value]


@pytest.fixture
def baking(editor) -> Tag:
    """For tests that are `built`: the only tag; the first run has given it to some of the 16 experts."""
    Tag.objects.all().delete()
    tag = Tag.objects.create(kind="domain", name="Baking", description="Bakes sourdough bread, fermentation.")
    cast.experts(16)
    cast.rebuild()
    return tag


def holders(tag: Tag, source: str = "auto") -> set[int]:
    return set(tag.expert_tags.filter(source=source).values_list("expert", flat=True))


@built
@pytest.mark.parametrize("kind", ["full", "tags"])
@pytest.mark.parametrize("field", ["description", "name"])
def test_a_changed_text_retags_on_the_next_run_which_says_how_many_changed(editor, baking, kind, field) -> None:
    before = holders(baking)
    assert before
    save(editor, baking, **{field: "Keeps bees, breeds queens, sells honey. Beekeeper"})
    assert holders(baking) == before, "not before the run"
    figures = summary(cast.rebuild(kind))
    after = holders(baking)
    assert after - before
    assert figures == (16, len(after - before), len(before - after), len(after ^ before))


@built
def test_unchanged_tags_are_assigned_to_nobody_again(baking) -> None:
    assert summary(cast.rebuild("tags")) == (0, 0, 0, 0)


@built
def test_the_next_run_removes_an_inactive_tag_except_where_it_is_manual(editor, baking) -> None:
    by_hand = Expert.objects.exclude(pk__in=holders(baking)).first()
    ExpertTag.objects.create(expert=by_hand, tag=baking, source="manual")
    before = holders(baking)
    save(editor, baking, is_active="")
    assert summary(cast.rebuild("tags")) == (16, 0, len(before), len(before))
    assert holders(baking) == set()
    assert holders(baking, "manual") == {by_hand.pk}
    save(editor, baking, is_active="on")
    assert summary(cast.rebuild("tags")) == (16, len(before), 0, len(before))
    assert holders(baking) == before


# --- the way to the preview ---


class Form(HTMLParser):
    """Start tags with their attributes, in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def one(self, **wanted: str) -> dict[str, str | None]:
        (found,) = (a for _tag, a in self.tags if all(a.get(name) == value for name, value in wanted.items()))
        return found


@pytest.mark.parametrize("page", ["add", "change"])
def test_the_form_leads_to_the_preview_without_javascript(editor, bells, page) -> None:
    address = f"{LIST}add/" if page == "add" else f"{LIST}{bells.pk}/change/"
    form = Form(editor.get(address).content.decode())
    button = form.one(formtarget="_blank")
    assert button["form"] == "tag_form"
    assert button["formmethod"] == "post", "the token does not go into an address"
    fields = {"name": "Bells", "kind": "domain", "description": "Casts", "form": "1"}
    answer = editor.post(str(button["formaction"]), fields)
    assert answer.status_code == 503
    assert "There is no index yet" in answer.content.decode()


def test_enter_in_the_form_still_saves(editor, bells) -> None:
    """Browsers press the first submit button of the form."""
    tags = Form(editor.get(f"{LIST}{bells.pk}/change/").content.decode()).tags
    start = next(place for place, (_tag, a) in enumerate(tags) if a.get("id") == "tag_form")
    first = next(attributes for _tag, attributes in tags[start:] if attributes.get("type") == "submit")
    assert first["name"] == "_save"


def test_the_panel_names_existing_fields(editor, bells) -> None:
    form = Form(editor.get(f"{LIST}{bells.pk}/change/").content.decode())
    panel = form.one(id="tag-preview")
    ids = {attributes.get("id") for _tag, attributes in form.tags}
    named = re.findall(r"#(id_\w+)", str(panel["hx-include"]))
    assert named
    assert set(named) <= ids
    assert panel["hx-get"] == f"/admin/index/tags/preview/?tag={bells.pk}"


def test_viewers_get_a_link(client, bells) -> None:
    client.force_login(cast.staff("experts.view_tag"))
    form = Form(client.get(f"{LIST}{bells.pk}/change/").content.decode())
    assert not [a for _tag, a in form.tags if "formaction" in a]
    assert form.one(href=f"/admin/index/tags/preview/?tag={bells.pk}")
