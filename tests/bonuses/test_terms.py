"""The terms of an offer in words: whole in every language."""

from __future__ import annotations

import json
from string import Formatter

import pytest

from bonuses import rules_terms
from bonuses.rules_terms import LANGUAGES, describe, summary
from bonuses.services.offers import parse_rule
from pms.casino.offers import OFFERS
from tests.bonuses.offers import MATCH, merged


@pytest.mark.parametrize("term", sorted(rules_terms._TEXTS))
def test_a_term_is_said_in_every_language_with_the_same_figures(term: str) -> None:
    texts = rules_terms._TEXTS[term]
    assert tuple(texts) == LANGUAGES
    figures = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in texts.values()]
    assert all(one == figures[0] for one in figures)


@pytest.mark.parametrize("code", sorted(OFFERS))
def test_each_offer_of_the_casino_is_told_in_as_many_sentences_everywhere(code: str) -> None:
    rule = parse_rule(json.dumps(OFFERS[code][1]))
    told = [describe(rule, language, "EUR") for language in LANGUAGES]
    assert len({len(sentences) for sentences in told}) == 1
    assert describe(rule, "xx") == describe(rule, "en")
    assert summary(rule).startswith("Given ")


def test_what_was_agreed_stands_in_the_terms() -> None:
    rule = parse_rule(
        json.dumps(merged(MATCH, {"wagering": {"max_conversion": {"EUR": "500.00"}, "max_stake": {"EUR": "5.00"}}}))
    )
    assert describe(rule, "en") == [
        "100 % of the deposit as bonus money, at most 100.00 EUR.",
        "The deposit is at least 10.00 EUR.",
        "To become real money, 10 times the bonus has to be staked within 30 days.",
        "Of a stake on live, 0 % count.",
        "Of a stake on table, 10 % count.",
        "While it is wagered, a stake is at most 5.00 EUR.",
        "At most 500.00 EUR of it becomes real money.",
        "Who withdraws before that loses the bonus.",
        "It is not given beside another bonus that is being wagered.",
        "Each player gets it once.",
    ]
