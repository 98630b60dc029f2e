"""What a rollback would mean for who searches: said before anybody decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from experts.models import Expert
from experts.profiles.text import FIELDS
from indexing.lib import paths
from indexing.models import IndexState, IndexVersion
from indexing.snapshot.reader import Snapshot
from indexing.versions.decisions import in_state, opened

TEXT = [place for place, name in enumerate(FIELDS) if name in ("name", "job_title", "company", "bio")]
"""The columns of a version's field hashes that people are found by the words of."""


@dataclass(frozen=True, slots=True)
class RollbackEffect:
    """What making an earlier version live again means for who searches."""

    number: int
    built: datetime
    hidden: int
    """experts that the live version finds and the earlier one does not know"""
    older_texts: int
    """experts found by the text they had then"""
    model: str
    """the earlier version's, where it is another than the live one's; else empty"""
    still_hidden: int
    """experts of the earlier version that were deleted or deactivated since: no version shows them"""

    @property
    def sentence(self) -> str:
        """All of it, for whoever is about to decide."""
        then = date_format(timezone.localtime(self.built), "DATE_FORMAT")
        parts = [
            words % {"count": f"{count:,}", "then": then}
            for count, words in (
                (
                    self.hidden,
                    ngettext(
                        "hides %(count)s expert added since", "hides %(count)s experts added since", self.hidden
                    ),
                ),
                (
                    self.older_texts,
                    ngettext(
                        "%(count)s expert returns to the text of %(then)s",
                        "%(count)s experts return to the texts of %(then)s",
                        self.older_texts,
                    ),
                ),
                (
                    self.still_hidden,
                    ngettext(
                        "%(count)s expert deleted or deactivated since stays hidden",
                        "%(count)s experts deleted or deactivated since stay hidden",
                        self.still_hidden,
                    ),
                ),
            )
            if count
        ]
        if self.model:
            parts.append(_("queries are compared by the model of then, %(model)s") % {"model": self.model})
        if not parts:
            return _("The same experts are found, by the same texts.")
        told = "; ".join(parts)
        return f"{told[0].upper()}{told[1:]}."


def rollback_effect(number: int) -> RollbackEffect:
    """What `roll_back` would mean. Raises Refused, SnapshotInvalid."""
    version = in_state(number, IndexVersion.State.RETIRED)
    then = opened(number)
    live = IndexState.read().live_version
    now_ids, now_fields = _rows_of(live) if live else (np.empty(0, np.int64), np.empty((0, len(FIELDS)), np.uint64))
    _common, at_then, at_now = np.intersect1d(then.ids, now_ids, return_indices=True)
    # By the fields, which know no model: the hashes of the texts are all others where the model is.
    older = np.any((then.field_hashes[at_then] != now_fields[at_now])[:, TEXT], axis=1)
    other_model = live is not None and live.model_fingerprint != version.model_fingerprint
    active = set(Expert.objects.active().values_list("pk", flat=True))
    return RollbackEffect(
        number=number,
        built=version.created_at,
        hidden=len(active.intersection(np.setdiff1d(now_ids, then.ids).tolist())),
        older_texts=int(older.sum()),
        model=version.model_name if other_model else "",
        still_hidden=len(set(then.ids.tolist()) - active),
    )


def _rows_of(version: IndexVersion) -> tuple[np.ndarray, np.ndarray]:
    snapshot = Snapshot.open(
        paths.version_folder(version.number), manifest_sha256=version.manifest_sha256, check_hashes=False
    )
    return snapshot.ids, snapshot.field_hashes
