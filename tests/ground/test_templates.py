"""Templates keep the form that `make lint` checks."""

from __future__ import annotations

from tests.ground import template_lines


def test_a_long_line_and_two_conditions_on_one_line_are_found():
    assert list(template_lines.problems_of("{% if a %}b{% endif %}\nshort\n")) == []
    assert len(list(template_lines.problems_of("x" * 119 + "\n{% if a %}{% elif b %}{% endif %}\n"))) == 2


def test_every_template_keeps_the_form():
    assert template_lines.problems() == []
