"""The Lab: one query, asked of versions that need not be live, two of them or two modes side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from django.http import HttpResponse, QueryDict
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_htmx.http import replace_url

from indexing.console.access import VIEW, ConsoleRequest, allowed, may
from indexing.console.lab.saved_query_views import ADD
from indexing.console.responses import number, page_or_fragment, wants_fragment
from indexing.console.search_modes import mode_of, modes
from indexing.errors import EncoderUnavailable, SnapshotInvalid
from indexing.models import IndexVersion
from indexing.quality.overlap import Place, overlap, places
from indexing.search import Hit, Mode, Results, search
from indexing.serving import open_versions
from indexing.versions import opening

HITS = 20
ALONE = "none"
"""In the address in place of a version to compare with."""

SideName = Literal["before", "after"]
PARAMETERS: dict[SideName, tuple[str, str]] = {"before": ("with", "with_mode"), "after": ("version", "mode")}
"""What each side's version and mode are called in the address."""


@dataclass(frozen=True, slots=True)
class Side:
    """What is asked in one column. The first is what the second is compared with."""

    name: SideName
    version: IndexVersion
    mode: Mode

    @property
    def mode_label(self) -> str:
        return next(label for mode, label, _help in modes() if mode == self.mode)


@dataclass(frozen=True, slots=True)
class Column:
    """The answer in one column, or the sentence that says why there is none."""

    side: Side
    results: Results | None = None
    problem: str = ""
    words_address: str = ""
    """where the same is asked by words: the model is what is missing, and they need none"""

    @property
    def ids(self) -> list[int]:
        return [hit.expert.pk for hit in self.results.hits] if self.results else []

    @property
    def timings(self) -> list[tuple[str, float]]:
        """Milliseconds per step and of the whole, to be read."""
        if self.results is None:
            return []
        labels = {
            "encode": _("encode"),
            "vectors": _("vectors"),
            "keywords": _("keywords"),
            "fuse": _("fuse"),
            "cards": _("cards"),
        }
        steps = [(labels.get(step, step), seconds * 1000) for step, seconds in self.results.timings.items()]
        return [*steps, (_("in all"), self.results.seconds * 1000)]


@dataclass(frozen=True, slots=True)
class Row:
    hit: Hit
    place: Place | None
    """None where nothing is compared"""


@dataclass(frozen=True, slots=True)
class Comparison:
    overlap: float | None
    moved: int
    gained: int
    lost: int


@require_safe
@never_cache
@allowed(VIEW)
def lab_page(request: ConsoleRequest) -> HttpResponse:
    query = request.GET.get("q", "")
    versions = opening.searchable()
    tried, before = _asked(versions, request.GET)
    unknown = next((asked for asked, version in (tried, before) if asked and version is None), None)
    sides = [] if unknown else _sides(before[1], tried[1], request.GET)
    columns = [_column(side, query, request.GET) for side in sides] if query.strip() else []
    context: dict[str, Any] = {
        "title": _("Lab"),
        "query": query,
        "modes": modes(),
        "versions": versions,
        "choices": _choices(before[1], tried[1], request.GET),
        "asked_in_vain": unknown,
        "columns": [(column, _rows(column, columns)) for column in columns],
        "comparison": _comparison(columns),
        "hits": HITS,
        "address": request.GET.urlencode(),
        "may_save": any(column.results for column in columns) and may(request.user, ADD),
        "may_open_experts": may(request.user, "experts.view_expert", "experts.change_expert"),
    }
    status = 503 if any(column.problem for column in columns) else 404 if unknown else 200
    response = page_or_fragment(
        request, context, page="indexing/lab/lab.html", fragment="indexing/lab/_lab_results.html", status=status
    )
    return replace_url(response, request.get_full_path()) if wants_fragment(request) else response


Asked = tuple[str | None, IndexVersion | None]
"""What the address says, and the version that is; (text, None) where there is no such version."""


def _asked(versions: list[IndexVersion], address: QueryDict) -> tuple[Asked, Asked]:
    """The version to try and the one to compare it with.

    With none named one tries the newest, since a held candidate is what one comes here for, and compares with the
    live one. Who names the live version wants to see that, and who names nothing gets two columns if there are two.
    """
    tried, other = address.get("version") or None, address.get("with") or None
    after = _numbered(versions, tried) if tried else next(iter(versions), None)
    if other == ALONE:
        return (tried, after), (None, None)
    if other:
        return (tried, after), (other, _numbered(versions, other))
    live = next((version for version in versions if version.state == IndexVersion.State.LIVE), None)
    if live != after:
        return (tried, after), (None, live)
    rest = [version for version in versions if version != after]
    return (tried, after), (None, rest[0] if rest and not tried else None)


def _numbered(versions: list[IndexVersion], asked: str) -> IndexVersion | None:
    return next((version for version in versions if version.number == number(asked)), None)


def _sides(before: IndexVersion | None, after: IndexVersion | None, address: QueryDict) -> list[Side]:
    pairs: tuple[tuple[SideName, IndexVersion | None], ...] = (("before", before), ("after", after))
    return [Side(name, version, _mode(name, address)) for name, version in pairs if version is not None]


def _mode(name: SideName, address: QueryDict) -> Mode:
    """What is compared with is asked in the same mode, unless another one is named."""
    return mode_of(address.get(PARAMETERS[name][1]) or address.get("mode", ""))


def _choices(before: IndexVersion | None, after: IndexVersion | None, address: QueryDict) -> list[dict[str, Any]]:
    """What the form offers for each column, with what is chosen."""
    chosen: tuple[tuple[SideName, str, IndexVersion | None], ...] = (
        ("before", _("Compare"), before),
        ("after", _("with"), after),
    )
    return [
        {
            "name": name,
            "legend": legend,
            "version": version,
            "mode": _mode(name, address),
            "version_parameter": PARAMETERS[name][0],
            "mode_parameter": PARAMETERS[name][1],
            "optional": name == "before",
        }
        for name, legend, version in chosen
    ]


def _column(side: Side, query: str, address: QueryDict) -> Column:
    try:
        results = search(query, open_versions.opened(side.version), HITS, side.mode)
    except EncoderUnavailable as error:
        return Column(side, problem=str(error), words_address=_by_words(side, address))
    except SnapshotInvalid as error:
        return Column(side, problem=str(error))
    return Column(side, results)


def _by_words(side: Side, address: QueryDict) -> str:
    changed = address.copy()
    if side.name == "after":
        changed["with_mode"] = _mode("before", address)  # which would follow it otherwise
    changed[PARAMETERS[side.name][1]] = Mode.KEYWORD
    return f"?{changed.urlencode()}"


def _rows(column: Column, columns: list[Column]) -> list[Row]:
    hits = column.results.hits if column.results else ()
    if not _comparable(columns):
        return [Row(hit, None) for hit in hits]
    other = columns[0] if column is columns[1] else columns[1]
    return [Row(hit, place) for hit, place in zip(hits, places(column.ids, other.ids), strict=True)]


def _comparison(columns: list[Column]) -> Comparison | None:
    if not _comparable(columns):
        return None
    before, after = (column.ids for column in columns)
    found = places(after, before)
    gained = sum(place.mark == "only" for place in found)
    return Comparison(
        overlap=overlap(before, after),
        moved=sum(place.moved != 0 for place in found),
        gained=gained,
        lost=len(before) - (len(after) - gained),
    )


def _comparable(columns: list[Column]) -> bool:
    return len(columns) == 2 and all(column.results for column in columns)
