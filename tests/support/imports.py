"""Plans and runs imports of small files."""

from __future__ import annotations

import io
from typing import Any

from experts.importing.apply import apply_plan
from experts.importing.options import ImportOptions
from experts.importing.plan import ImportPlan, make_plan

FULL = (
    "Username,First Name,Last Name,Job Title,Company,Bio,Hourly Rate,Currency,Profile URL,Profile Image Url,"
    "Created At\n"
    'zoë,Zoë,Ångström,Planner,Öresund Lines,"Plans ships,\nand trains",95.50,eur,'
    "https://example.com/zoe,https://example.com/zoe.jpg,2024-05-31\n"
)

"""A file with every column and one expert."""


def plan_of(text: str | bytes, **options: Any) -> ImportPlan:
    return make_plan(io.BytesIO(text.encode() if isinstance(text, str) else text), ImportOptions(**options))


def import_file(text: str | bytes, *, skip_bad: bool = False, **options: Any) -> ImportPlan:
    plan = plan_of(text, **options)
    apply_plan(plan, skip_bad=skip_bad)
    return plan


def problems(plan: ImportPlan) -> list[tuple[int, str, str]]:
    return [(one.line, one.field, one.value) for one in plan.rejected]
