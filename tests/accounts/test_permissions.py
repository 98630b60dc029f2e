"""What somebody may do is read with one statement, and is what Django itself says."""

from __future__ import annotations

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission, User

from experts.models import Expert
from tests.support import cast

pytestmark = pytest.mark.django_db

ASKED = ("indexing.view", "indexing.rebuild", "experts.view_expert", "experts.view_document", "nothing.at_all")


def again(user: User) -> User:
    """The same user as the next request reads them, without the permissions that were read before."""
    return User.objects.get(pk=user.pk)


@pytest.fixture
def member() -> User:
    user = cast.staff("indexing.view")
    group = Group.objects.create(name="Editors")
    group.permissions.add(Permission.objects.get(codename="view_document"))
    user.groups.add(group)
    return user


def test_own_permissions_and_those_of_groups_are_read_at_once(member, django_assert_num_queries):
    user = again(member)
    with django_assert_num_queries(1):
        found = {each: user.has_perm(each) for each in ASKED}
    assert found == {each: each in ("indexing.view", "experts.view_document") for each in ASKED}
    assert found == {each: ModelBackend().has_perm(again(member), each) for each in ASKED}


def test_a_permission_that_is_taken_away_is_gone_with_the_next_request(member):
    member.groups.clear()
    assert not again(member).has_perm("experts.view_document")


def test_who_is_not_active_may_nothing_and_a_superuser_everything(member):
    User.objects.filter(pk=member.pk).update(is_active=False)
    assert not again(member).has_perm("indexing.view")
    User.objects.filter(pk=member.pk).update(is_active=True, is_superuser=True)
    assert again(member).has_perm("nothing.at_all")


def test_nobody_has_a_permission_for_one_object_only(member):
    assert not again(member).has_perm("indexing.view", Expert(username="one"))
