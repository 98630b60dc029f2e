"""What each URL answers to each kind of user: the table that `test_permissions` walks.

A row says which permissions open a page (any one of them) and what those who may get; its door says what everybody
else gets. With none named, the admin is open to any staff, the console and the API to whoever may search.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from django.urls import URLPattern, URLResolver, get_resolver

Door = Literal["console", "admin", "api", "metrics", "login", "logout", "open", "own"]
SUPERUSER_ONLY = "nobody.else"


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    """of the URL, with its namespace; the route itself where it has no name"""
    path: str
    door: Door
    needs: tuple[str, ...] = ()
    get: int = 200
    post: int = 405
    """with the CSRF token, from somebody who may"""
    send: dict[str, str] = field(default_factory=dict)
    post_needs: tuple[str, ...] | None = None
    """where reading needs less than acting"""
    refused: int = 403
    """what the admin says to staff without the right"""


VIEW = ("indexing.view",)
PUBLISH = ("indexing.publish",)
TAGS = ("experts.view_tag", "experts.change_tag", "experts.add_tag")
DIRECTORY = ("experts.view_tag", *(f"experts.{action}_expert" for action in ("add", "change", "delete", "view")))
IMPORT = ("experts.import",)
EDIT = ("experts.change_expert",)
INVITE = ("accounts.invite",)
TESTS = ("indexing.view", "indexing.view_searchtest", "indexing.change_searchtest")
SYNONYMS = ("indexing.view", *(f"indexing.{action}_synonym" for action in ("view", "change", "add")))
ADD_TEST = "indexing.add_searchtest"
CANCEL = ("indexing.cancel", "indexing.rebuild")

CONSOLE = [
    Row("search", "/?q=bread", "console"),
    Row("where", "/where/?q=bread&expert={active}", "console"),
    Row("where-people", "/where/people/?who=er", "console"),
    Row("similar", "/similar/{active}/?category=Finance", "console"),
    Row("index:page", "/admin/index/", "console", VIEW),
    Row("index:rebuild", "/admin/index/rebuild/", "console", ("indexing.rebuild",), post=409),
    Row("index:retag", "/admin/index/retag/", "console", ("indexing.rebuild",), post=409),
    Row("index:cancel", "/admin/index/cancel/?run={run}", "console", CANCEL, post=302, send={"run": "{run}"}),
    Row("index:run", "/admin/index/runs/{run}/", "console", VIEW),
    Row("index:log", "/admin/index/runs/{run}/log.txt", "console", VIEW),
    Row("index:versions", "/admin/index/versions/", "console", VIEW),
    Row("index:version", "/admin/index/versions/{version}/", "console", VIEW),
    Row("index:compare", "/admin/index/versions/compare/", "console", VIEW),
    *(
        Row(
            f"index:{name}",
            f"/admin/index/versions/{name}/?version={version}",
            "console",
            PUBLISH,
            post=status,
            send={"version": version, "reason": "asked for"},
        )
        for name, version, status in (
            ("publish", "{held}", 302),
            ("discard", "{held}", 302),
            ("rollback", "{kept}", 409),  # a run waits
            ("pin", "{kept}", 302),
            ("unpin", "{kept}", 409),  # nobody has pinned it
        )
    ),
    Row(
        "index:undo",
        "/admin/index/versions/undo/?publication=1",
        "console",
        PUBLISH,
        get=409,
        post=409,
        send={"publication": "1"},  # not the last one
    ),
    Row("index:release", "/admin/index/release/", "console", PUBLISH, post=302),
    Row("index:charts", "/admin/index/charts/", "console", VIEW),
    Row("index:drift", "/admin/index/drift/?list=changed", "console", VIEW),
    Row("index:plan", "/admin/index/plan/", "console", VIEW),
    Row("index:tag-preview", "/admin/index/tags/preview/?tag={tag}", "console", TAGS, post=200),
    Row("index:lab", "/admin/index/lab/?q=bread", "console", VIEW),
    Row(
        "index:save-query",
        "/admin/index/lab/save/",
        "console",
        ("indexing.add_searchtest",),
        get=405,
        post=302,
        send={"q": "wine", "k": "10", "expected": "{expert}"},
    ),
    Row("index:search-tests", "/admin/index/search-tests/?a={version}&b={held}", "console", TESTS),
    Row("index:try-synonyms", "/admin/index/lab/synonyms/?q=bread&run=1", "console", SYNONYMS),
    Row("index:saved-queries", "/admin/index/lab/saved-queries/", "console", TESTS, get=301),
    *(
        Row(f"index:map-{name}", f"/admin/index/map/{name}/?q=bread", "console", VIEW, get=202)
        for name in ("areas", "query", "gaps", "moves")
    ),
    Row("index:searches", "/admin/index/searches/", "console", VIEW),
    Row("index:export-queries", "/admin/index/searches/queries.csv", "console", VIEW),
    Row("index:export-experts", "/admin/index/searches/experts.csv", "console", VIEW),
    Row("profile", "/experts/expert-002/?q=bread", "console"),
    Row("profile-by-id", "/experts/id/{active}/", "console", get=302),  # to the address with the username
    Row("browse", "/experts/?tag=x&country=NL&sort=rate&shown=80", "console"),
    Row("jump", "/jump/?q=er", "console"),
    Row("shortlists", "/shortlists/", "console", post=302, send={"name": "Cooks"}),
    Row("star", "/shortlists/star/", "console", get=405, post=302, send={"expert": "{active}"}),
    *(  # somebody else's: nobody learns that it is there
        Row(name, f"/shortlists/{{shortlist}}/{path}", "console", get=get, post=post)
        for name, path, get, post in (
            ("shortlist", "", 404, 405),
            ("change-shortlist", "change/", 405, 404),
            ("compare-shortlist", "compare/", 404, 405),
            ("delete-shortlist", "delete/", 404, 405),
            ("shortlist-sheet", "export.xlsx", 404, 405),
        )
    ),
    Row("shared-shortlist", "/shared/none/", "open", get=404, post=405),
    Row("reject-tag", "/experts/{active}/tags/reject/", "console", EDIT, get=405, post=302, send={"tag": "{tag}"}),
    Row("restore-tag", "/experts/{active}/tags/restore/", "console", EDIT, get=405, post=302, send={"tag": "{tag}"}),
    Row("show-contact", "/experts/{active}/contact/?q=bread", "console", get=404),  # who has no profile elsewhere
    Row("expert-photo", "/experts/{active}/photo/{photo}/", "console"),
    Row("expert-document", "/experts/{active}/documents/{document}/", "console", ("experts.view_document",)),
    Row("not-a-match", "/not-a-match/?q=bread", "console", get=405, post=302, send={"expert": "{active}"}),
    Row("index:map", "/admin/index/map/", "console", VIEW),
    Row("index:map-points", "/admin/index/map/points/", "console", VIEW, get=202),
    Row("index:map-colours", "/admin/index/map/colours/", "console", VIEW, get=202),
    Row("index:map-selection", "/admin/index/map/selection/", "console", VIEW, get=405, post=200, send={"ids": "1"}),
    Row(
        "index:map-tag",
        "/admin/index/map/tag/",
        "console",
        ("experts.add_experttag",),
        get=405,
        post=302,
        send={"expert": "{expert}", "tag": "{tag}"},
    ),
    Row("index:map-people", "/admin/index/map/people/?ids={expert}", "console", VIEW),
]
RUNS = "/api/admin/ingest/runs"
EXPERTS = "/api/directory/experts"
SEES = ("experts.view_expert", "experts.change_expert")
API = [
    Row("api:openapi-json", "/api/openapi.json", "open", post=200),
    Row("api:openapi-view", "/api/docs", "open", post=200, post_needs=()),
    Row("api:api-root", "/api/", "open", get=404, post=404),
    Row("api:sign_in", "/api/admin/auth", "open", get=405, post=422),
    Row("api:start", "/api/admin/ingest/run", "api", ("indexing.rebuild",), get=405, post=409),
    Row("api:show_status", "/api/admin/ingest/status", "api", VIEW),
    Row("api:list_runs", RUNS, "api", VIEW),
    Row("api:show_run", RUNS + "/{run}", "api", VIEW),
    Row("api:show_log", RUNS + "/{run}/log", "api", VIEW),
    Row("api:cancel", RUNS + "/{run}/cancel", "api", CANCEL, get=405, post=202),
    Row("api:list_versions", "/api/admin/versions", "api", VIEW),
    *(
        Row(
            f"api:{name}",
            f"/api/admin/versions/{version}/{action}",
            "api",
            PUBLISH,
            get=405,
            post=status,
            send={"reason": "asked for"},
        )
        for name, action, version, status in (
            ("publish_version", "publish", "{held}", 200),
            ("discard_version", "discard", "{held}", 200),
            ("roll_back", "rollback", "{kept}", 409),
            ("pin_version", "pin", "{kept}", 200),
            ("unpin_version", "unpin", "{kept}", 409),
        )
    ),
    Row("api:release_schedule", "/api/admin/schedule/release", "api", PUBLISH, get=405, post=200),
    *(
        Row(f"api:{name}", "/api/admin/search-tests", "api", VIEW, post=422, post_needs=(ADD_TEST,))
        for name in ("list_search_tests", "create_search_test")
    ),
    Row(
        "api:delete_search_test",
        "/api/admin/search-tests/999999/delete",
        "api",
        ("indexing.delete_searchtest",),
        get=405,
        post=404,
    ),
    Row("api:use_counts", "/api/admin/use?limit=5", "api", VIEW),
    Row("api:run_search_tests", "/api/admin/search-tests/run?a={version}&b={held}", "api", VIEW),
    Row("api:run_saved_queries", "/api/admin/lab/saved-queries?a={version}&b={held}", "api", VIEW),
    Row("api:embedding_map", "/api/admin/embedding-map", "api", VIEW, get=202),
    Row("api:preview_import", "/api/directory/imports", "api", IMPORT, get=405, post=422),
    Row("api:apply_import", "/api/directory/imports/none/apply", "api", IMPORT, get=405, post=422),
    Row("api:undo_import", "/api/directory/imports/999999/undo", "api", IMPORT, get=405, post=404),
    Row("api:list_experts", EXPERTS, "api", SEES, post=422, post_needs=("experts.add_expert",)),
    Row("api:add_expert", EXPERTS, "api", SEES, post=422, post_needs=("experts.add_expert",)),
    *(
        Row(f"api:{name}", f"{EXPERTS}/nobody/documents", "api", SEES, get=404, post=422, post_needs=EDIT)
        for name in ("list_documents", "add_document")
    ),
    *(
        Row(
            f"api:{name}", f"{EXPERTS}/nobody/{path}", "api", EDIT, get=405
        )  # as below: tests/api/test_attachments.py
        for name, path in (("remove_document", "documents/1"), ("set_photo", "photo"), ("remove_photo", "photo"))
    ),
    *(
        Row(
            f"api:{name}_expert", f"{EXPERTS}/nobody", "api", SEES, get=404
        )  # other methods: tests/api/test_experts.py
        for name in ("show", "change", "delete")
    ),
    Row("api:find", "/api/search?q=bread", "api"),
    Row("api:find_rank", "/api/where?q=bread&expert={active}", "api"),
    Row("api:find_similar", "/api/experts/{active}/similar?k=3", "api"),
    Row("api:complete", "/api/suggest?q=br", "api"),
]
AUTOCOMPLETE = "/admin/autocomplete/?app_label=indexing&model_name=searchtest&field_name=expected&term=x"
ACCOUNTS = [
    Row("accounts:sign-in", "/accounts/sign-in/", "login"),
    Row("accounts:sign-out", "/accounts/sign-out/", "open", get=405, post=302),
    Row("accounts:password", "/accounts/password/", "own", post=200),
    Row("accounts:reset", "/accounts/password/reset/", "open", get=404, post=404),  # no mail server is set
    Row("accounts:reset-sent", "/accounts/password/reset/sent/", "open", get=404),
    Row("accounts:reset-confirm", "/accounts/password/reset/MQ/x-y/", "open", get=404, post=404),
    Row("accounts:oidc-start", "/accounts/oidc/start/", "open", get=404),  # no provider is set
    Row("accounts:oidc-return", "/accounts/oidc/return/?code=x&state=y", "open", get=404),
    Row("accounts:invitations", "/accounts/invitations/", "console", INVITE, post=200),
    Row("accounts:withdraw", "/accounts/invitations/{invitation}/withdraw/", "console", INVITE, get=405, post=302),
    Row("accounts:accept", "/accounts/invitation/x/", "open", get=410, post=410),
]
HEALTH = [
    Row("healthz", "/healthz", "open"),
    Row("readyz", "/readyz", "open"),
    Row("metrics", "/metrics", "metrics", VIEW),
]
ADMIN = [
    Row("admin:index", "/admin/", "admin", post=200),
    Row("admin:login", "/admin/login/", "login"),
    Row("admin:logout", "/admin/logout/", "logout"),
    Row("admin:password_change", "/admin/password_change/", "admin", post=200),
    Row("admin:password_change_done", "/admin/password_change/done/", "admin"),
    Row("admin:autocomplete", AUTOCOMPLETE, "admin", ("experts.view_expert", "experts.change_expert")),
    Row("admin:jsi18n", "/admin/jsi18n/", "admin"),
    Row("admin:view_on_site", "/admin/r/{expert_type}/{expert}/", "admin", get=302, post=302),
    Row(r"^admin/indexing/savedquery/(?P<rest>.*)$", "/admin/indexing/savedquery/add/", "open", get=302, post=302),
    Row("admin:app_list", "/admin/experts/", "admin", DIRECTORY, post=200, refused=404),
    Row("admin/(?P<url>.*)$", "/admin/nothing", "admin", get=404, post=404),
    Row("admin:auth_user_password_change", "/admin/auth/user/{user}/password/", "admin", (SUPERUSER_ONLY,), post=200),
    Row("admin:experts_expert_import", "/admin/experts/expert/import/", "admin", IMPORT, post=200),
    Row("admin:experts_expert_import_preview", "/admin/experts/expert/import/preview/", "admin", IMPORT, get=302),
    Row("admin:experts_expert_import_choose", "/admin/experts/expert/import/choose/", "admin", IMPORT, 405, 302),
    Row("admin:experts_expert_import_refused", "/admin/experts/expert/import/refused/", "admin", IMPORT, get=302),
    Row("admin:experts_expert_import_template", "/admin/experts/expert/import/template/", "admin", IMPORT),
    Row(
        "admin:experts_expert_remove_samples",
        "/admin/experts/expert/samples/remove/",
        "admin",
        ("experts.delete_expert",),
        post=302,
    ),
    Row("admin:experts_expert_columns", "/admin/experts/expert/columns/", "admin", SEES, 405, 302),
    Row("admin:experts_expert_save_view", "/admin/experts/expert/views/", "admin", SEES, 405, 302, {"name": "x"}),
    Row("admin:experts_expert_view", "/admin/experts/expert/views/{view}/", "admin", SEES, get=302),
    Row("admin:experts_expert_delete_view", "/admin/experts/expert/views/999999/delete/", "admin", SEES, 405, 404),
    Row(
        "admin:indexing_synonym_export",
        "/admin/indexing/synonym/export/",
        "admin",
        ("indexing.view_synonym", "indexing.change_synonym"),
        post=200,
    ),
    Row(
        "admin:indexing_synonym_import",
        "/admin/indexing/synonym/import/",
        "admin",
        ("indexing.add_synonym",),
        post=200,
    ),
    Row("admin:experts_expert_import_apply", "/admin/experts/expert/import/apply/", "admin", IMPORT, 405, 302),
    Row("admin:experts_expert_import_discard", "/admin/experts/expert/import/discard/", "admin", IMPORT, 405, 302),
    Row("admin:experts_expert_import_undo", "/admin/experts/expert/import/{import}/undo/", "admin", IMPORT, 200, 302),
]


def model_rows(
    app: str, model: str, *, add: int = 200, change: int = 200, delete: int = 302, listed: int = 200
) -> Iterator[Row]:
    """The admin's pages of one model, and what posting gives: 403 where nobody may, not even a superuser."""
    base, name = f"/admin/{app}/{model}/", f"admin:{app}_{model}"
    one = f"{base}{{{model}}}/"
    may = {action: (f"{app}.{action}_{model}",) for action in ("add", "change", "delete", "view")}
    sees = may["view"] + may["change"]
    yield Row(f"{name}_changelist", base, "admin", sees, listed, listed)
    yield Row(f"{name}_add", f"{base}add/", "admin", may["add"], get=add, post=add)
    yield Row(f"{name}_history", f"{one}history/", "admin", sees, post=200)
    yield Row(
        f"{name}_delete",
        f"{one}delete/",
        "admin",
        may["delete"],
        delete if delete == 403 else 200,
        delete,
        {"post": "yes"},
    )
    yield Row(f"{name}_change", f"{one}change/", "admin", sees, post=change, post_needs=may["change"])
    yield Row(f"admin/{app}/{model}/<path:object_id>/", one, "admin", get=302, post=302)


TABLE = [
    *CONSOLE,
    *API,
    *ACCOUNTS,
    *HEALTH,
    *ADMIN,
    *model_rows("experts", "expert"),
    *model_rows("experts", "tag"),
    *model_rows("auth", "user"),
    *model_rows("auth", "group"),
    *model_rows("indexing", "apitoken", add=403, change=302),
    *model_rows("indexing", "searchtest", listed=302),
    *model_rows("indexing", "synonym"),
    *model_rows("indexing", "notification", add=403, change=403, delete=403),
    *model_rows("axes", "accessattempt", add=403, change=302),
    *model_rows("axes", "accesslog", add=403, change=302),
    *model_rows("axes", "accessfailurelog", add=403, change=302),
]


def names() -> list[str]:
    """Every URL of this site, as rows name them."""
    return list(_names(get_resolver().url_patterns))


def _names(patterns: list[URLPattern | URLResolver], route: str = "", namespace: str = "") -> Iterator[str]:
    for each in patterns:
        if isinstance(each, URLPattern):
            yield namespace + each.name if each.name else route + str(each.pattern)
        else:
            inner = f"{namespace}{each.namespace}:" if each.namespace else namespace
            yield from _names(each.url_patterns, route + str(each.pattern), inner)
