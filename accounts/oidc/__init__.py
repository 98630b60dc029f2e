"""Single sign-on with OpenID Connect: off unless TCS_OIDC_ISSUER is set.

mozilla-django-oidc makes the requests (code flow with PKCE, state and nonce) and checks signatures. What it leaves
open is done here: discovery (`provider`), the issuer and audience of a token (`backend`), and the account and groups
of a person (`people`).
"""
