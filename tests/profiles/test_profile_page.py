"""The page of an expert: who gets it at which address, and what it shows."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.contrib.admin.models import LogEntry

from experts.models import Expert, ExpertTag, RejectedTag, Tag
from experts.tagging.storage import store
from tests.support import attachments_cast, cast
from tests.support.html_reading import html, html_without_bdi

built = pytest.mark.django_db(transaction=True)


@pytest.fixture
def searcher(client, db):
    client.force_login(cast.staff(username="sue"))
    return client


@pytest.fixture
def editor(client, db):
    client.force_login(cast.staff("experts.change_expert", username="ed"))
    return client


def person(username: str, **given: object) -> Expert:
    return Expert.objects.create(username=username, **{"first_name": "Ada", "last_name": "Byron", **given})


class TestAddresses:
    @pytest.mark.parametrize(
        "username",
        ["ada", "Ада Байрон", "阿達", "a+b@c.de", "100%", "what?", "#1", "..", ".", "a/b", "a\\b", "id", "7", "a;b"],
    )
    def test_every_username_has_a_page_that_shows_it(self, searcher, username):
        expert = person(username)
        answer = searcher.get(expert.get_absolute_url())
        assert answer.status_code == 200
        assert f'<h1 id="profile-name">{expert.full_name}</h1>' in html_without_bdi(answer)

    @pytest.mark.parametrize("spelling", ["ÉRIC", "éric", "E\u0301ric", "Ér\u200bic"])
    def test_another_spelling_leads_to_the_address_and_keeps_the_search(self, searcher, spelling):
        expert = person("Éric")
        answer = searcher.get(f"/experts/{quote(spelling)}/?q=wine")
        assert (answer.status_code, answer.url) == (302, expert.get_absolute_url() + "?q=wine")

    def test_a_number_as_username_is_not_taken_for_an_id(self, searcher):
        first = person("zoe")
        second = person(str(first.pk), first_name="Nina")
        assert "Nina Byron" in html_without_bdi(searcher.get(second.get_absolute_url()))

    def test_who_was_renamed_is_found_under_the_old_name_until_somebody_else_has_it(self, searcher):
        expert = person("ada")
        expert.username = "countess"
        expert.save()
        assert searcher.get("/experts/ADA/").url == "/experts/countess/"
        person("ada", first_name="New")
        assert "New Byron" in html_without_bdi(searcher.get("/experts/ada/"))
        expert.delete()
        assert searcher.get("/experts/countess/").status_code == 404

    def test_a_deleted_person_has_a_clear_page(self, searcher):
        answer = searcher.get("/experts/%3Cb%3Enobody/")
        assert answer.status_code == 404
        assert "Nobody in the directory has the username &lt;b&gt;nobody." in html_without_bdi(answer)
        assert searcher.get("/experts/id/999/").status_code == 404

    @pytest.mark.parametrize("address", ["/experts/%00/", "/experts/%EF%BF%BD/", "/experts/%20/"])
    def test_what_cannot_be_a_username_is_nobody(self, searcher, address):
        assert searcher.get(address).status_code == 404

    def test_only_people_who_manage_experts_see_an_inactive_one(self, client, searcher):
        expert = person("ada", is_active=False, bio="Secret")
        hidden = searcher.get(expert.get_absolute_url())
        assert hidden.status_code == 404
        assert "not active" in html(hidden)
        assert "Byron" not in html(hidden)
        client.force_login(cast.staff("experts.view_expert", username="vic"))
        shown = client.get(expert.get_absolute_url())
        assert shown.status_code == 200
        assert "This person is inactive" in html(shown)


@built
def test_what_matched_is_marked_and_leads_back_to_the_results(client):
    client.force_login(cast.staff("indexing.view"))
    cast.experts(8)
    long = " ".join(f"Sentence {n} is about fences and gardens." for n in range(60))
    welder = Expert.objects.get(username="expert-001")
    welder.bio = f"{long} Repairs steel bridges under water. {long}"
    welder.save()
    cast.published_again()
    page = html_without_bdi(client.get("/experts/expert-001/?q=steel+bridges&mode=keyword&tag=x"))
    assert "What matches “steel bridges”" in page
    passage = page.partition('<blockquote class="passage" dir="auto">')[2].partition("</blockquote>")[0]
    assert "<mark>steel</mark> <mark>bridges</mark>" in passage
    assert 'href="/?q=steel+bridges&amp;mode=keyword&amp;tag=x"' in page
    assert 'hx-get="/where/?q=steel+bridges&amp;mode=keyword&amp;tag=x&amp;expert=' in page
    assert f'href="/admin/index/map/?expert={welder.pk}"' in page
    similar = page.partition("profile-similar")[2].partition("</section>")[0]
    assert similar.count("<li>") == 4
    assert f'href="/similar/{welder.pk}/"' in similar
    plain = html_without_bdi(client.get("/experts/expert-001/"))
    assert "<mark>" not in plain
    assert "Back to the results" not in plain


@built
def test_the_parts_that_matched_are_shown_in_the_order_of_the_profile(searcher):
    filler = " ".join(f"Sentence {n} is about fences and gardens." for n in range(30))
    said = (
        "Restores harpsichords in oak.",
        "Tunes harpsichords in barns.",
        "Sells harpsichords.",
        "Lends harpsichords.",
    )
    cast.experts(3)
    Expert.objects.filter(username="expert-001").update(bio=f" {filler} ".join(said))
    cast.published_again()

    def parts(query: str, mode: str) -> list[int]:
        page = html_without_bdi(searcher.get("/experts/expert-001/", {"q": query, "mode": mode}))
        shown = [
            part.partition("</blockquote>")[0] for part in page.split('<blockquote class="passage" dir="auto">')[1:]
        ]
        assert all("<mark>" in part for part in shown)
        plain = [part.replace("<mark>", "").replace("</mark>", "") for part in shown]
        return [next((place for place, each in enumerate(said) if each in part), -1) for part in plain]

    assert parts("harpsichords", "keyword") == [0, 1, 2]
    assert parts("sells harpsichords", "keyword") == [0, 1, 2]
    found = parts("harpsichords", "hybrid")
    assert len(found) == 3
    assert found == sorted(set(found) - {-1})
    assert parts("oak", "hybrid") == [0]


@built
def test_every_result_leads_to_a_page_with_its_search(searcher):
    cast.published()
    page = html_without_bdi(searcher.get("/", {"q": "steel bridges", "mode": "keyword"}))
    assert 'href="/experts/expert-001/?q=steel+bridges&amp;mode=keyword"' in page


def test_texts_of_others_are_escaped_and_edit_is_for_those_who_may(searcher, client):
    expert = person("x", last_name="<script>", job_title="<i>", company="<u>", bio="<img src=x>", category="<a>")
    page = html(searcher.get(expert.get_absolute_url()))
    for text in ("<script>x", "<i>", "<u>", "<img src=x>", "<a>"):
        assert text not in page
    assert "&lt;img src=x&gt;" in page
    assert expert.admin_url not in page
    client.force_login(cast.staff("experts.change_expert", username="ed"))
    assert f'href="{expert.admin_url}"' in html(client.get(expert.get_absolute_url()))


def test_a_document_that_cannot_be_read_says_so_to_those_who_may_see_documents(searcher, client):
    expert = person("ada")
    attachments_cast.document(expert, "cv.pdf", b"%PDF-1.4 torn")
    assert "cv.pdf" not in html(searcher.get(expert.get_absolute_url()))
    client.force_login(cast.searcher())
    page = html_without_bdi(client.get(expert.get_absolute_url()))
    assert "cv.pdf" in page
    assert "It is damaged, so its text cannot be read." in page


def test_the_contact_is_for_those_with_the_right_to_it(searcher, client):
    given = {"email": "ada@example.org", "phone": "+31 20 123", "city": "Delft", "country": "NL"}
    links = "https://a.example/x\nhttps://b.example/y"
    expert = person("ada", links=links, languages="nl en", **given)
    page = html_without_bdi(searcher.get(expert.get_absolute_url()))
    for shown in (
        *('<a href="/?city=Delft"> Delft</a>, <a href="/?country=NL"> Netherlands</a>', 'href="https://b.example/y"'),
        *('<a href="/?language=nl"> Dutch</a>,', '<a href="/?language=en"> English</a>'),
    ):
        assert shown in page
    for hidden in ("ada@example.org", "+31"):
        assert hidden not in page
    client.force_login(cast.staff("experts.view_contact", username="con"))
    page = html_without_bdi(client.get(expert.get_absolute_url()))
    assert 'href="mailto:ada@example.org"' in page
    assert 'href="tel:+3120123"' in page


class TestRejectedTags:
    @pytest.fixture
    def expert(self, db) -> Expert:
        return person("ada", bio="Drinks wine for a living")

    @pytest.fixture
    def tag(self, db) -> Tag:
        return Tag.objects.create(name="Viticulture", kind="domain", description="Grows and judges wine.")

    def given(self, expert: Expert, tag: Tag) -> None:
        store({expert.pk: [(tag.pk, 0.71)]}, {expert.pk: "b" * 32}, between=lambda _done: None)

    def test_the_tagger_never_gives_it_again_until_it_is_restored(self, editor, expert, tag):
        self.given(expert, tag)
        page = html_without_bdi(editor.get(expert.get_absolute_url()))
        assert "similarity 0.71" in page
        assert "“Grows and judges wine.”" in page
        answer = editor.post(f"/experts/{expert.pk}/tags/reject/", {"tag": tag.pk}, follow=True)
        assert "is rejected: it will not be given to Ada Byron automatically again." in html(answer)
        assert "The changes to 1 expert become searchable with the next rebuild." in html(answer)
        self.given(expert, tag)
        assert not ExpertTag.objects.exists()
        assert RejectedTag.objects.get().score == pytest.approx(0.71)
        answer = editor.post(f"/experts/{expert.pk}/tags/restore/", {"tag": tag.pk}, follow=True)
        assert "similarity 0.71" in html_without_bdi(answer)
        expert.refresh_from_db()
        assert expert.tagged_for == "", "the next run decides"
        assert not RejectedTag.objects.exists()
        said = [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]
        assert said == ["Added rejected tag “Viticulture”.", "Deleted rejected tag “Viticulture”."]

    def test_a_manual_tag_cannot_be_rejected_and_may_be_given_in_spite_of_a_rejection(self, editor, expert, tag):
        ExpertTag.objects.create(expert=expert, tag=tag)
        answer = editor.post(f"/experts/{expert.pk}/tags/reject/", {"tag": tag.pk}, follow=True)
        assert "is not an automatic tag of Ada Byron any more" in html(answer)
        assert not RejectedTag.objects.exists()
        RejectedTag.objects.create(expert=expert, tag=tag)
        self.given(expert, tag)
        assert ExpertTag.objects.get().source == ExpertTag.Source.MANUAL

    def test_another_person_still_gets_it(self, editor, expert, tag):
        RejectedTag.objects.create(expert=expert, tag=tag)
        other = person("bob")
        self.given(other, tag)
        assert ExpertTag.objects.get().expert == other

    def test_readers_see_why_but_cannot_reject(self, searcher, expert, tag):
        self.given(expert, tag)
        page = html_without_bdi(searcher.get(expert.get_absolute_url()))
        assert "similarity 0.71" in page
        assert "/tags/reject/" not in page


@built
def test_why_a_tag_was_given_names_the_words_that_profile_and_tag_share(searcher):
    cast.experts(3)
    tag = Tag.objects.create(name="Steelwork", kind="domain", description="Builds and repairs bridges.")
    ExpertTag.objects.create(expert=Expert.objects.get(username="expert-001"), tag=tag, source="auto", score=0.5)
    cast.published_again()
    ExpertTag.objects.get_or_create(
        expert=Expert.objects.get(username="expert-001"), tag=tag, defaults={"source": "auto", "score": 0.5}
    )
    page = html_without_bdi(searcher.get("/experts/expert-001/"))
    reason = page.partition("<strong>Steelwork</strong>")[2]
    shared = reason.partition("Also in the profile:")[2].partition("</p>")[0]
    assert {"Repairs", "bridges"} <= set(shared.replace(",", " ").split())
