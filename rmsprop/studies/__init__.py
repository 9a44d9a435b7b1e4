"""Studies: many methods on many seeds, recorded in ``book/sweeps``, and what is concluded.

`methods` makes the rules that are compared; `digits_study` and `students_study` compare them on a
task each. A study's module is its declaration: the methods, the task, the conclusions.
"""

from rmsprop.studies import digits_study, students_study

__all__ = ["STUDIES"]

STUDIES = (digits_study.STUDY, students_study.STUDY)
