"""Guessing passwords gets slower and slower, and nobody can lock out somebody else.

What counts together, and how long one waits after the next failure (`limits`):

- a name from an address, and an address whatever the names (an IPv6 address is its /64, which one person has whole);
- a name from all addresses together, with short waits only: else a stranger could keep its owner out;
- a browser that has signed in with this name before. It is known by a signed cookie, counts by itself, and what
  strangers do anywhere does not make it wait (OWASP calls it a device cookie). An address that has signed in with the
  name lately is not slowed down by strangers elsewhere either, for programs have no cookie.

An attempt counts before its password is checked, so that many at once are not more than one after another; a success
takes it back (`counting`). django-axes asks before a password is checked, logs sign-ins, and lists failures
(`axes_handler`); it knows one limit and one length of a lock-out.
"""
