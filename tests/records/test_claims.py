"""A verdict exists only if every number behind it holds."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsprop.records.claims import CLAIMS, RULINGS, at_least, at_most, check, equal, verdict
from rmsprop.records.mime import EVIDENCE, VERDICT

HOLDS = equal("window", 10.0, 10.0)
finite = st.floats(allow_nan=False, allow_infinity=False, max_value=1e100, min_value=-1e100)


def test_claims_are_numbered_from_one_to_eleven_and_are_sentences():
    assert list(CLAIMS) == [f"C{n}" for n in range(1, 12)]
    assert all(statement.endswith(".") for statement in CLAIMS.values())


def test_each_ruling_is_defined_in_one_sentence():
    assert list(RULINGS) == ["holds", "holds with a correction", "does not hold"]
    assert all(meaning.endswith(".") and meaning.count(".") == 1 for meaning in RULINGS.values())


@pytest.mark.parametrize(
    ("evidence", "holds"),
    [
        (equal("q", 1.0, 1.0), True),
        (equal("q", 1.0 + 1e-15, 1.0), False),
        (equal("q", 1.5, 1.0, atol=0.5), True),
        (equal("q", 0.4, 1.0, atol=0.5), False),
        (equal("q", -2.2, -2.0, rtol=0.125), True),
        (equal("q", -2.2, -2.0, rtol=0.0625), False),
        (equal("q", 3.0, 2.0, rtol=0.25, atol=0.5), True),
        (at_least("q", 2.0, 2.0), True),
        (at_least("q", 1.9, 2.0), False),
        (at_least("q", math.inf, 2.0), True),
        (at_most("q", 2.0, 2.0), True),
        (at_most("q", 2.1, 2.0), False),
        (at_most("q", math.inf, 2.0), False),
    ],
    ids=str,
)
def test_number_holds_exactly_within_its_requirement(evidence, holds):
    assert evidence.holds is holds


@pytest.mark.parametrize("compare", [equal, at_least, at_most])
@pytest.mark.parametrize(
    ("measured", "reference"), [(math.nan, 1.0), (1.0, math.nan), (math.nan, math.nan)]
)
def test_nan_holds_nowhere(compare, measured, reference):
    assert not compare("q", measured, reference).holds


@pytest.mark.parametrize(
    ("reference", "tolerance"),
    [(math.inf, {"rtol": 0.1}), (-math.inf, {"rtol": 0.1}), (1.0, {"atol": math.inf})],
)
def test_infinite_requirement_does_not_let_every_number_pass(reference, tolerance):
    try:
        holds = equal("q", 5.0, reference, **tolerance).holds
    except ValueError:
        holds = False
    assert not holds


@given(measured=finite, reference=finite)
def test_number_is_at_least_or_at_most_its_bound_and_both_when_equal(measured, reference):
    above, below = at_least("q", measured, reference).holds, at_most("q", measured, reference).holds
    assert above or below
    assert (above and below) == equal("q", measured, reference).holds


def test_verdict_shows_claim_ruling_reason_and_every_number():
    ruled = verdict(
        "C8", "does not hold", "It is the root.", HOLDS, at_most("error", 0.25, 0.5),
        at_least("speed-up", 1234567.0, 3), equal("half-life", 6.5788, 6.58, atol=0.005),
    )  # fmt: skip
    assert str(ruled) == f"C8 does not hold: {CLAIMS['C8']} It is the root."
    assert ruled.table.splitlines() == [
        "| measured | value | required |",
        "| :-- | --: | :-- |",
        "| window | 10 | = 10 |",
        "| error | 0.25 | at most 0.5 |",
        "| speed-up | 1.23457e+06 | at least 3 |",
        "| half-life | 6.5788 | = 6.58 ± 0.005 |",
    ]
    bundle = ruled._repr_mimebundle_()
    assert bundle["text/plain"] == str(ruled)
    for part in ("C8 does not hold", CLAIMS["C8"], "It is the root.", ruled.table):
        assert part in bundle["text/markdown"]


def test_published_verdict_survives_the_notebook_file():
    published = verdict("C1", "holds", "Yes.", HOLDS)._repr_mimebundle_()[VERDICT]
    restored = json.loads(json.dumps(published, allow_nan=False))
    assert restored["claim"] == "C1"
    assert restored["ruling"] == "holds"
    assert restored["reason"] == "Yes."
    assert restored["table"].splitlines()[2] == "| window | 10 | = 10 |"
    assert restored["evidence"][0]["measured"] == 10.0


@pytest.mark.parametrize("quantity", ["$|w_t - w_{t-1}|$", "a | b"])
def test_bar_in_a_quantity_does_not_split_the_cell(quantity):
    row = verdict("C1", "holds", "Yes.", equal(quantity, 1.0, 1.0)).table.splitlines()[2]
    assert row.replace(r"\|", "").count("|") == 4


@pytest.mark.parametrize("ruling", RULINGS)
@pytest.mark.parametrize("claim", CLAIMS)
def test_every_claim_can_be_ruled_in_every_way(claim, ruling):
    ruled = verdict(claim, ruling, "So.", HOLDS)
    assert (ruled.claim, ruled.ruling, ruled.evidence) == (claim, ruling, (HOLDS,))


@pytest.mark.parametrize(
    ("claim", "ruling", "evidence", "message"),
    [
        ("C12", "holds", [HOLDS], "claim must be one of C1, .*, C11, got 'C12'"),
        ("c1", "holds", [HOLDS], "claim must be one of .* got 'c1'"),
        ("C1", "true", [HOLDS], "ruling must be one of holds, .* got 'true'"),
        ("C1", "holds", [], "evidence must hold at least one number, got none for C1"),
    ],
)
def test_malformed_verdict_is_refused(claim, ruling, evidence, message):
    with pytest.raises(ValueError, match=message):
        verdict(claim, ruling, "So.", *evidence)


@pytest.mark.parametrize(
    ("evidence", "message"),
    [
        (equal("window", 9.0, 10.0, atol=0.5), "window is 9.0, required = 10 ± 0.5"),
        (at_least("speed-up", 1.5, 2.0), "speed-up is 1.5, required at least 2"),
        (at_most("error", math.nan, 2.0), "error is nan, required at most 2"),
    ],
    ids=str,
)
def test_number_that_fails_stops_the_verdict_and_is_named(evidence, message):
    with pytest.raises(AssertionError, match=f"^C7 has a number that fails: {message}$"):
        verdict("C7", "holds", "So.", HOLDS, evidence, HOLDS)


def test_every_number_that_fails_is_named():
    with pytest.raises(AssertionError, match=r"one is 1\.0, .*; two is 2\.0, "):
        verdict("C7", "holds", "So.", equal("one", 1, 0), HOLDS, equal("two", 2, 0))


def test_check_shows_its_numbers_as_a_table():
    bundle = check(HOLDS, at_most("a|b", 1.0, 2.0))._repr_mimebundle_()
    assert bundle[EVIDENCE] == {"count": 2, "table": bundle["text/markdown"]}
    assert "| window | 10 | = 10 |" in bundle["text/markdown"]
    assert r"| a\|b | 1 | at most 2 |" in bundle["text/markdown"]


def test_check_that_fails_names_the_number():
    with pytest.raises(AssertionError, match=r"the check .* memory is 3\.0, required = 4"):
        check(HOLDS, equal("memory", 3.0, 4.0))


def test_check_of_nothing_is_refused():
    with pytest.raises(ValueError, match="got none for the check"):
        check()
