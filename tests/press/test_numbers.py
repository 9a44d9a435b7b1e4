"""Tables that chapters show."""

from rmsprop.press import verdict_table
from rmsprop.records.claims import CLAIMS, at_least, equal, verdict


def test_verdict_table_has_a_row_for_each_verdict_with_the_count_of_its_numbers():
    first = verdict("C8", "does not hold", "Why.", equal("a", 1, 1), at_least("b", 2, 1))
    second = verdict("C3", "holds", "Why.", equal("c", 0, 0))
    rows = verdict_table(first, second).data.splitlines()[2:]
    assert rows == [
        f"| C8: {CLAIMS['C8']} | does not hold | 2 |",
        f"| C3: {CLAIMS['C3']} | holds | 1 |",
    ]
