"""Inviting people who only search: by mail, or by a link to hand over where no mail server is set."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Invitation
from experts.stored_language import stored_language

logger = logging.getLogger(__name__)
ROLE = "Searcher"


@dataclass(frozen=True, slots=True)
class Invited:
    """One person who was invited."""

    email: str
    link: str
    by_mail: bool
    """Whether the link was sent; otherwise somebody has to hand it over."""


def has_account(email: str) -> bool:
    return User.objects.filter(Q(username__iexact=email) | Q(email__iexact=email)).exists()


def invite(emails: Iterable[str], by: User, link_of: Callable[[str], str]) -> list[Invited]:
    """Invite addresses that have no account yet. `link_of` makes a link of its secret.

    A mail server that fails once is not asked again: the links that are left come back unsent.
    """
    Invitation.objects.delete_old()
    with transaction.atomic():
        issued = [Invitation.objects.issue(email, by) for email in emails]
    invited, goes_on = [], bool(settings.MAIL_IS_SET)
    for invitation, secret in issued:
        link = link_of(secret)
        goes_on = goes_on and _send(invitation, link)
        invited.append(Invited(invitation.email, link, goes_on))
    return invited


@transaction.atomic
def accept(invitation: Invitation, password: str, first_name: str, last_name: str) -> User | None:
    """The new account; None if somebody was faster, or the address has an account by now."""
    mine = Invitation.objects.open().filter(pk=invitation.pk)
    if has_account(invitation.email) or not mine.update(accepted_at=timezone.now()):
        return None
    email = invitation.email
    user = User.objects.create_user(email, email, password, first_name=first_name, last_name=last_name)
    user.groups.add(Group.objects.get_or_create(name=ROLE)[0])
    return user


def _send(invitation: Invitation, link: str) -> bool:
    with stored_language():
        context = {"link": link, "days": settings.TCS_INVITATION_DAYS, "by": invitation.invited_by}
        body = render_to_string("accounts/invitation_mail.txt", context)
        message = EmailMessage(_("Your invitation to search for experts"), body, None, [invitation.email])
    try:
        message.send()
    except (OSError, smtplib.SMTPException) as error:
        logger.warning("An invitation could not be sent (%s).", error)
        return False
    return True
