"""The page that says which rule is proved by which test tells the truth."""

from __future__ import annotations

from tests.rule_coverage import PAGE, page, read_marks, read_rules


def test_every_mark_names_a_rule() -> None:
    assert read_marks().keys() <= read_rules().keys()


def test_a_rule_without_a_test_says_why() -> None:
    silent = [number for number, rule in read_rules().items() if not rule["missing"] and number not in read_marks()]
    assert silent == [], (
        "mark the test that proves it by @pytest.mark.rule(number), or say in rules.csv what is missing"
    )


def test_the_page_is_what_the_marks_say() -> None:
    assert PAGE.read_text() == page(), "write it anew: .venv/bin/python -m tests.rule_coverage"
