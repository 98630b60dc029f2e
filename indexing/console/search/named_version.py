"""The version that an address names, for pages that are about one search: the live one, or another in the Lab."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _

from indexing.console.access import VIEW, ConsoleRequest, may
from indexing.serving import live, open_versions
from indexing.snapshot.reader import Snapshot
from indexing.versions import opening


def named_snapshot(request: ConsoleRequest) -> Snapshot:
    """Version `version` of the address, for those who may see the index; the live one if it names none.

    Raises PermissionDenied, Http404 if there is no such version, NoIndexYet, SnapshotInvalid.
    """
    text = request.GET.get("version")
    if not text:
        return live.current()
    if not may(request.user, VIEW):
        raise PermissionDenied(_("Your account does not have the permission that this page needs."))
    version = opening.numbered(opening.searchable(), text)
    if version is None:
        raise Http404(_("There is no such version on disk."))
    return open_versions.open_version(version)
