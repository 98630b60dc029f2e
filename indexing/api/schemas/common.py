"""What every part of the API shares. Times are Unix seconds."""

from __future__ import annotations

from typing import Any

from ninja import Field, Schema

NO_NUL = r"^[^\x00]*$"
"""PostgreSQL stores no NUL in a text: without this check it would be a server error."""
NOT_BLANK = r"\S"
"""More than spaces."""


class Refusal(Schema):
    detail: str = Field(description="A sentence for the user.")


class Invalid(Refusal):
    fields: dict[str, str] = Field(description="Field name and what is wrong with it.")


class BusyRefusal(Refusal):
    run: int = Field(description="The run that is active.")
    sentence: str = Field(description="Which run is active, and who requested it when.")


class Credentials(Schema):
    username: str = Field(max_length=150, pattern=NO_NUL)
    password: str = Field(max_length=4096, pattern=NO_NUL)


class Token(Schema):
    token: str
    expires_at: float


REFUSALS: dict[int, Any] = {401: Refusal, 403: Refusal, 422: Invalid}
"""The responses that every endpoint with a permission may give: any may get a parameter that it does not have."""
