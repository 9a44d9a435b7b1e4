"""Studies: one task at many points, recorded in ``book/sweeps``, and what is concluded.

`digits_study` and `students_study` train networks by many `methods` on many seeds, `batches_study`
at many batch sizes, `bits_study` with averages of few digits; `valleys_study`, `scopes_study`
and `curves_study` race towards minima; `floors_study` and `releases_study` hover over them;
`biases_study`, `rests_study` and `forgetting_study` measure where a short memory ends. A study's
module is its declaration: what is compared, the task, the points, the conclusions.
"""

from rmsprop.studies import (
    batches_study,
    biases_study,
    bits_study,
    curves_study,
    digits_study,
    floors_study,
    forgetting_study,
    releases_study,
    rests_study,
    scopes_study,
    students_study,
    valleys_study,
)

__all__ = ["STUDIES"]

STUDIES = (
    digits_study.STUDY,
    students_study.STUDY,
    valleys_study.STUDY,
    scopes_study.STUDY,
    curves_study.STUDY,
    floors_study.STUDY,
    releases_study.STUDY,
    batches_study.STUDY,
    biases_study.STUDY,
    rests_study.STUDY,
    forgetting_study.STUDY,
    bits_study.STUDY,
)
