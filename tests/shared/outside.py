"""What is added from outside is found, checked, run and judged: run by `test_extension` in a process of its own."""

import sys
from pathlib import Path

from testbed.model.attention.recent import Recent
from testbed.sources.turning import Turning
from testbed.studies.windows import WindowsStudy

import testbed
from testbed import cli
from testbed.ground import catalog
from testbed.model.transformer import Transformer
from testbed.studies.grid import Evaluation, Grid, GridStudy, Training
from testbed.study import kinds
from testbed.verdict import Claim


def claim(quantity: str, low: float | None, high: float | None) -> Claim:
    """Return a claim about a number that is added."""
    return Claim(id=quantity, sentence="s", section="s", quantity=quantity, low=low, high=high, level=0.9)


def main(folder: Path) -> None:
    """Walk through all four."""
    assert "turning" in catalog.shelf("testbed.sources") and "recent" in catalog.shelf("testbed.model.attention")
    assert set(kinds()) == {"grid", "grids", "noise", "scaling", "windows"}
    grid = GridStudy(
        name="outside", question="Does what is added from outside run?", world=Turning(vocabulary=4),
        model=Transformer(vocabulary=4, context=8, width=4, layers=1, heads=1, attention=Recent(span=2)),
        grid=Grid(multiples=(1,), tokens=(64,), replicates=2), evaluation=Evaluation(sequences=8, checkpoints=2),
        training=Training(steps=32, ratio=2, learning_rates=(0.03,)), claims=(claim("overconfidence", 0.0, 9.0),),
    )  # fmt: skip
    run = testbed.run(grid, folder / "grid")
    assert [verdict.verdict for verdict in run.verdicts] == ["supported"] and "ensemble_sureness" in run.tables
    assert "Sureness" in run.report.read_text() and run.study == grid
    asked = WindowsStudy(
        name="windows", question="q", world=Turning(vocabulary=4), claims=(claim("window_gain", 0.5, None),)
    )
    run = testbed.run(asked, folder / "windows")
    assert [verdict.verdict for verdict in run.verdicts] == ["supported"] and len(run.tables["windows"]) == 3
    assert "windows.parquet" in run.report.read_text()
    (folder / "windows" / "truth-4.json").unlink()
    assert testbed.run(asked, folder / "windows").verdicts == run.verdicts
    for words in (["judge", "windows"], ["report", "windows"], ["list"], ["truth", "turning", "--length", "8"]):
        assert cli.main([words[0], *(str(folder / word) if word == "windows" else word for word in words[1:])]) == 0
    assert cli.main(["report", str(folder / "windows"), "--picture", str(folder / "none.svg")]) == 2


if __name__ == "__main__":
    main(Path(sys.argv[1]))
