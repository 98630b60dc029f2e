"""Plans and runs imports of small files."""

from __future__ import annotations

import io

from experts.importing.apply import apply_plan
from experts.importing.plan import ImportPlan, make_plan

FULL = (
    "Username,First Name,Last Name,Job Title,Company,Bio,Hourly Rate,Currency,Profile URL,Profile Image Url,"
    "Created At\n"
    'zoë,Zoë,Ångström,Planner,Öresund Lines,"Plans ships,\nand trains",95.50,eur,'
    "https://example.com/zoe,https://example.com/zoe.jpg,2024-05-31\n"
)

"""A file with every column and one expert."""


def plan_of(text: str | bytes, *, sync: bool = False) -> ImportPlan:
    return make_plan(io.BytesIO(text.encode() if isinstance(text, str) else text), sync=sync)


def import_file(text: str | bytes, *, sync: bool = False, skip_bad: bool = False) -> ImportPlan:
    plan = plan_of(text, sync=sync)
    apply_plan(plan, skip_bad=skip_bad)
    return plan


def problems(plan: ImportPlan) -> list[tuple[int, str, str]]:
    return [(one.line, one.field, one.value) for one in plan.rejected]
