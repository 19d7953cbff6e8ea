"""The examples in the docstrings of statistics, measures, verdicts and the report run as written."""

import doctest
import importlib
import pkgutil

import pytest

ROOMS = (
    "testbed.stats",
    "testbed.stats.emergence",
    "testbed.stats.scaling",
    "testbed.stats.signal",
    "testbed.report",
    "testbed.report.scaling",
)
ALONE = ("testbed.verdict", "testbed.measure.geometric")


def modules() -> list[str]:
    found = list(ALONE)
    for room in ROOMS:
        found += [f"{room}.{entry.name}" for entry in pkgutil.iter_modules(importlib.import_module(room).__path__)]
    return found


@pytest.mark.parametrize("name", modules())
def test_examples_run_as_written(name):
    module = importlib.import_module(name)
    results = doctest.testmod(module, extraglobs={"np": importlib.import_module("numpy")})
    assert results.failed == 0


@pytest.mark.parametrize("name", [name for name in modules() if name.startswith("testbed.stats")])
def test_every_public_statistic_has_an_example(name):
    module = importlib.import_module(name)
    for symbol, value in vars(module).items():
        if callable(value) and getattr(value, "__module__", "") == name and not symbol.startswith("_"):
            plain = symbol[0].isupper() and symbol != "Estimate"
            assert plain or symbol == "check_level" or ">>>" in (value.__doc__ or ""), f"{name}.{symbol} has no example"
