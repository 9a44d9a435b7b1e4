"""What the words beside the sum for batches say is what the study of batches found."""

import pytest

from rmsprop.press.live.batch import DEFAULTS, REGIMES, RULES, SHORT, data, stories
from rmsprop.studies.batches_study import STUDY, TUNED

CONCLUSIONS = {conclusion.id: conclusion for conclusion in STUDY.conclusions}


def regime(factor):
    return next(each["text"] for each in REGIMES if factor <= each["upTo"])


def test_every_factor_of_two_sizes_has_its_words():
    ends = [each["upTo"] for each in REGIMES]
    assert ends == sorted(ends)
    assert ends[-1] == 2**16
    assert regime(1) == "The size is the same."
    assert len({regime(2.0**k) for k in range(-16, 17)}) == len(REGIMES)


def test_measured_sizes_are_those_of_the_study():
    assert TUNED == DEFAULTS["old"] == 32
    for factor, words in ((8 / 32, "From 32 to 8 "), (128 / 32, "to 128 "), (512 / 32, "to 512 ")):
        assert words in regime(factor)


def test_words_rest_on_conclusions():
    for id in ("batches-root-8", "batches-root-8-short"):
        assert CONCLUSIONS[id].greatest <= 1.2
    assert CONCLUSIONS["batches-kept-8"].greatest < 1
    assert CONCLUSIONS["batches-kept-8-short"].greatest <= 1.1
    for size in ("128", "128-short"):
        assert CONCLUSIONS[f"batches-kept-{size}"].least > 1
    assert CONCLUSIONS["batches-root-128"].greatest == 1.27
    assert "1.27" in regime(4)
    assert CONCLUSIONS["batches-same-128-wide"].greatest == 1
    assert CONCLUSIONS["batches-linear-128"].least >= 2
    for id in ("512", "512-wide"):
        assert CONCLUSIONS[f"batches-power-{id}"].greatest <= 0.25


@pytest.mark.parametrize("name", RULES)
def test_rules_have_words(name):
    assert RULES[name]["text"].endswith(".")
    assert name in stories()


def test_data_are_what_the_script_reads():
    assert set(data()) == {"defaults", "rules", "regimes", "short"}
    assert SHORT.endswith(".")
