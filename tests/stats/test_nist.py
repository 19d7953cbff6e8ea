"""One-way splits against the certified values of NIST's Statistical Reference Datasets for analysis of variance.

Certified sums of squares hold for the decimals as they are printed. Float64 stores 107.8681568 to 7e-15 and
1000000000000.4 to 6e-5, so that of their spread 9 and 3 digits are left whatever is done with them: what is asked of
the split is as many digits of the certified values, and 14 of the exact result for the numbers as they are stored.
"""

from fractions import Fraction
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from testbed.stats.crossed import nested

OBSERVED = {"SiRstv": 12, "AtmWtAg": 9}
"""Digits of the certified values that float64 leaves."""
GENERATED = {
    f"SmLs0{3 * level + size + 1}": (before, runs, digits)
    for level, (before, digits) in enumerate((("1", 13), ("1000000", 9), ("1000000000000", 3)))
    for size, runs in enumerate((21, 201, 2001))
}
"""Simon and Lesage's data: what stands before the point, runs in each of nine treatments, digits that are left."""
CERTIFIED = {21: (1.68, 1.8, 21.0), 201: (16.08, 18.0, 201.0), 2001: (160.08, 180.0, 2001.0)}
"""Sums of squares between and within treatments, and F, whatever stands before the point."""
SCIPY = resources.files("scipy") / "stats" / "tests" / "data" / "nist_anova"


def read(text):
    """Runs by treatment, and the certified sums of squares and F, from the text of a data file."""
    lines = [line.split() for line in text.splitlines()]
    between, within = (next(words for words in lines if words[:1] == [name]) for name in ("Between", "Within"))
    rows = np.array([[float(word) for word in words] for words in lines[60:] if words])
    runs_AN = np.stack([rows[rows[:, 0] == treatment, 1] for treatment in np.unique(rows[:, 0])])
    return runs_AN, (float(between[3]), float(within[3]), float(between[5]))


def generated(name):
    """The first run of a treatment ends in .4, or in .3 and .5 in turn; those after it lie 0.1 below and above."""
    before, runs, _ = GENERATED[name]
    tenths = np.array([4, 3, 5, 3, 5, 3, 5, 3, 5])[:, None] + np.array([0, *([-1, 1] * (runs // 2))])
    return np.array([[float(f"{before}.{tenth}") for tenth in row] for row in tenths.tolist()]), CERTIFIED[runs]


def data(name):
    return read((Path(__file__).parent / "nist" / f"{name}.dat").read_text()) if name in OBSERVED else generated(name)


def exact(y_AN):
    """Both sums of squares of the numbers as float64 stores them, in fractions, from sums and sums of squares."""
    draws, times = y_AN.shape
    kinds = [dict(zip(*np.unique(row, return_counts=True), strict=True)) for row in y_AN]
    total_A = [sum(Fraction(float(value)) * int(count) for value, count in kind.items()) for kind in kinds]
    squares = sum(Fraction(float(value)) ** 2 * int(count) for kind in kinds for value, count in kind.items())
    rows = sum(total**2 for total in total_A) / times
    return float(rows - sum(total_A) ** 2 / (draws * times)), float(squares - rows)


def digits(found, wanted):
    """How many digits agree: −log10 of the relative error."""
    return min(15.0, -np.log10(abs(found / wanted - 1) + 1e-300))


@pytest.mark.parametrize("name", [*OBSERVED, *GENERATED])
def test_certified_values_to_the_digits_that_float64_leaves(name):
    y_AN, (between, within, ratio) = data(name)
    squares = nested(y_AN, level=0.95).squares
    least = OBSERVED.get(name) or GENERATED[name][2]
    found = *squares.sum_S, squares.mean_S[0] / squares.mean_S[1]
    told = [digits(one, other) for one, other in zip(found, (between, within, ratio), strict=True)]
    assert min(told) >= least, told
    assert min(digits(one, other) for one, other in zip(squares.sum_S, exact(y_AN), strict=True)) >= 14


@pytest.mark.parametrize("name", ["SmLs04", "SmLs05", "SmLs09"])
def test_a_difference_of_sums_of_squares_loses_what_the_split_keeps(name):
    """The liar: the formula of the textbook, Σy² − (Σy)²/n."""
    y_AN, _ = data(name)
    liar = np.sum(y_AN**2) - np.sum(np.sum(y_AN, axis=1) ** 2) / y_AN.shape[1]
    assert digits(liar, exact(y_AN)[1]) < 6


@pytest.mark.parametrize("name", GENERATED)
def test_the_recipe_gives_the_published_files(name):
    file = SCIPY / f"{name}.dat"
    if not file.is_file():
        pytest.skip("this scipy comes without the data of its tests")
    (y_AN, certified), (made_AN, computed) = read(file.read_text()), generated(name)
    assert (y_AN == made_AN).all() and np.allclose(certified, computed, rtol=1e-14)
