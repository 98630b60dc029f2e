"""What a rollback would change for people who search, shown before anybody decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from numpy.typing import NDArray

from experts.models import Expert
from experts.profiles.records import FIELDS
from indexing.lib import times
from indexing.models import IndexState, IndexVersion
from indexing.snapshot.baseline import Baseline
from indexing.versions.opening import in_state, open_baseline, require_files

TEXT_COLUMNS = [place for place, name in enumerate(FIELDS) if name in ("name", "job_title", "company", "bio")]
"""Columns of a version's field hashes: the fields whose words make an expert's text."""


@dataclass(frozen=True, slots=True)
class RollbackEffect:
    """What changes for people who search when an earlier version is live again."""

    number: int
    built: datetime
    hidden: int
    """experts that the live version finds and the earlier one does not have"""
    older_texts: int
    """experts who will be found by their earlier text"""
    model: str
    """the earlier version's model if the live one has another; else empty"""
    still_hidden: int
    """experts of the earlier version who were deleted or deactivated since: no version shows them"""

    @property
    def sentence(self) -> str:
        """All of it, for the person who decides."""
        then = times.day(self.built)
        parts = [
            words % {"count": f"{count:,}", "then": then}
            for count, words in (
                (
                    self.hidden,
                    ngettext(
                        "hides %(count)s expert added since then",
                        "hides %(count)s experts added since then",
                        self.hidden,
                    ),
                ),
                (
                    self.older_texts,
                    ngettext(
                        "%(count)s expert is found by their profile as of %(then)s",
                        "%(count)s experts are found by their profiles as of %(then)s",
                        self.older_texts,
                    ),
                ),
                (
                    self.still_hidden,
                    ngettext(
                        "%(count)s expert deactivated or deleted since then will stay hidden",
                        "%(count)s experts deactivated or deleted since then will stay hidden",
                        self.still_hidden,
                    ),
                ),
            )
            if count
        ]
        if self.model:
            parts.append(_("searches use the earlier model, %(model)s") % {"model": self.model})
        if not parts:
            return _("Search finds the same experts by the same profiles.")
        summary = "; ".join(parts)
        return f"{summary[0].upper()}{summary[1:]}."


def rollback_effect(number: int) -> RollbackEffect:
    """What `decisions.roll_back` to a kept version would mean. Raises Refused, SnapshotInvalid.

    Quick and frugal, since a page that only asks for confirmation calls it: it compares a few files of the two
    versions, and of the others of the earlier one looks at the sizes. `roll_back` itself checks every hash.
    """
    version = in_state(number, IndexVersion.State.KEPT)
    require_files(version)
    earlier = open_baseline(version)
    live = IndexState.read().live_version
    ids, older_texts = _compare(earlier, open_baseline(live)) if live else (np.empty(0, np.int64), 0)
    other_model = live is not None and live.model_fingerprint != version.model_fingerprint
    active = set(Expert.objects.active().values_list("pk", flat=True))
    return RollbackEffect(
        number=number,
        built=version.created_at,
        hidden=len(active.intersection(np.setdiff1d(ids, earlier.ids).tolist())),
        older_texts=older_texts,
        model=version.model_name if other_model else "",
        still_hidden=len(set(earlier.ids.tolist()) - active),
    )


def _compare(earlier: Baseline, live: Baseline) -> tuple[NDArray[np.int64], int]:
    """The live version's expert ids, int64[n], and how many experts in both have another text."""
    _common, at_earlier, at_live = np.intersect1d(earlier.ids, live.ids, assume_unique=True, return_indices=True)
    # Not text hashes: those include the model's fingerprint, so they all differ after a change of model.
    differs = earlier.field_hashes[at_earlier] != live.field_hashes[at_live]
    return live.ids, int(np.any(differs[:, TEXT_COLUMNS], axis=1).sum())
