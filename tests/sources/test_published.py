"""Numbers of the literature, to the digits that were published."""

import pytest

from benchmarks.published import ROWS, agrees, redundancy


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_published_number(row):
    assert agrees(row, row.computed())


def test_a_number_that_is_slightly_off_does_not_agree():
    by_name = {row.name: row for row in ROWS}
    assert not agrees(by_name["KT redundancy, n = 64"], redundancy(64) * 1.00001)
    interval = by_name["mess3(.15, .6), rate"]
    assert not agrees(interval, float(interval.published[1]) + 1e-11)
