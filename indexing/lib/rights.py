"""Who may do what: one rule for the pages, the API and the socket."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser, User

SEARCH = "indexing.search"
DOCUMENTS = "experts.view_document"
WITHOUT_STAFF = frozenset({SEARCH, "experts.view_contact", DOCUMENTS})
"""Permissions that count for people who only search. Every other one is for staff alone."""


def may(user: User | AnonymousUser, *permissions: str) -> bool:
    """Whether an active user has any of `permissions`; with none named, whether they may search, as all staff may."""
    if not user.is_active:
        return False
    if not permissions:
        return user.is_staff or user.has_perm(SEARCH)
    return any((user.is_staff or each in WITHOUT_STAFF) and user.has_perm(each) for each in permissions)
