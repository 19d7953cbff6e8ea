"""A spec is refused or run as it is; a cell's digest is its identity."""

import msgspec
import pytest

from testbed.cell import SCHEMA, Cell
from testbed.ground import catalog
from testbed.ground.options import Options
from testbed.pipeline import run
from testbed.sources import Iid
from testbed.terminal.console import Console
from testbed.verdict import Claim
from tests.presets import CLAIMS, REFERENCES
from tests.shared.small import EXPERIMENT, varied

CELL = EXPERIMENT.pilot_cells()[0]
GOLDEN = "b4a07148ac262b33fcc4cff4f597cf2541fefccd4e250eaeaf504bb3afdfff48"
"""Digest of the first pilot cell. If it changes, every stored result of every run is orphaned: either a field was
added or renamed or has another default, which takes a new SCHEMA and a new golden, or the digest is no longer
canonical, which is a bug."""
UNIFORM_LAWS = [[[1 / 6] * 6] * 6] * 2
COMPANIONS = {("world", "tail"): {"lengths": "power_law"}}
"""Other fields without which a field has no other value."""


def replaced(value, **changes):
    return msgspec.structs.replace(value, **changes)


def test_the_digest_is_golden():
    assert (SCHEMA, CELL.digest) == (4, GOLDEN)


def test_the_digest_is_of_the_value_not_of_the_object():
    again = msgspec.json.decode(msgspec.json.encode(CELL), type=Cell)
    assert again == CELL
    assert again is not CELL
    assert again.digest == CELL.digest


def leaves(plain, path=()):
    """The paths of all plain fields below a struct, the tags of unions left out."""
    if not isinstance(plain, dict):
        return [path]
    return [leaf for name in plain if name != "kind" for leaf in leaves(plain[name], (*path, name))]


def other_values(value):
    """Values that may stand where ``value`` stands; some will be refused."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value + 2, 2 * value + 4, value - 1]
    if isinstance(value, float):
        return [value / 2, value + 0.25]
    if isinstance(value, list | tuple):
        return [value[:-1]]
    words = ["final", "online", "stored", "geometric", "uniform", "announced", "paper", "rotary", "1/d", "relu"]
    return (
        [word for word in words if word != value]
        if isinstance(value, str)
        else [0.25, 4, 8, {"kind": "gaussian"}, [0.25, 0.75], UNIFORM_LAWS]
    )


def changed(cell, path):
    """The first admissible cells that differ from ``cell`` in the field at ``path``, and in its companions."""
    found = []
    for value in other_values(_at(msgspec.to_builtins(cell), path)):
        plain = msgspec.to_builtins(cell)
        _at(plain, path[:-1])[path[-1]] = value
        _at(plain, path[:-1]).update(COMPANIONS.get(path, {}))
        try:
            found.append(msgspec.convert(plain, Cell))
        except (msgspec.ValidationError, ValueError):
            continue
    return found


def _at(plain, path):
    for name in path:
        plain = plain[name]
    return plain


@pytest.mark.parametrize("path", leaves(msgspec.to_builtins(CELL)), ids=".".join)
def test_the_digest_changes_with_every_field(path):
    found = changed(CELL, path)
    assert found, "no other admissible value was tried"
    digests = {cell.digest for cell in found}
    assert CELL.digest not in digests
    assert len(digests) == len(set(found))


def test_the_digest_changes_with_every_variant():
    worlds = [Iid(vocabulary=6)]
    models = [
        replaced(CELL.model, **{field: variant()})
        for field, package in (
            ("attention", "testbed.model.attention"),
            ("feedforward", "testbed.model.feedforward"),
            ("embedding_noise", "testbed.model.noise"),
        )
        for variant in catalog.shelf(package).values()
    ]
    cells = (
        {replaced(CELL, world=world) for world in worlds} | {replaced(CELL, model=model) for model in models} | {CELL}
    )
    assert len({cell.digest for cell in cells}) == len(cells) > 2


def test_the_schema_is_part_of_the_digest(monkeypatch):
    monkeypatch.setattr("testbed.cell.SCHEMA", SCHEMA + 1)
    assert CELL.digest != GOLDEN


def test_digests_of_a_grid_are_all_different():
    cells = grid_cells(EXPERIMENT)
    assert len({cell.digest for cell in cells}) == len(cells)


@pytest.mark.parametrize(
    "changes", [{"name": "other"}, {"question": "Why?"}, {"claims": CLAIMS[:1]}, {"references": REFERENCES}]
)
def test_words_claims_and_references_take_no_part_in_identity(changes):
    other = varied(**changes)
    assert other != EXPERIMENT
    assert other.identity() == EXPERIMENT.identity()
    assert [cell.digest for cell in grid_cells(other)] == [cell.digest for cell in grid_cells(EXPERIMENT)]


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"world": replaced(EXPERIMENT.world, seed=1)},
        {"model": replaced(EXPERIMENT.model, layers=2)},
        {"grid": replaced(EXPERIMENT.grid, replicates=3)},
        {"training": replaced(EXPERIMENT.training, stopping="final")},
        {"optimiser": replaced(EXPERIMENT.optimiser, clip=2.0)},
        {"evaluation": replaced(EXPERIMENT.evaluation, checkpoints=4)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_everything_else_does(changes):
    assert varied(**changes).identity() != EXPERIMENT.identity()


def grid_cells(experiment):
    return experiment.pilot_cells() + experiment.main_cells(dict.fromkeys(experiment.tuned(), 0.03))


def test_shared_draws_and_claims_do_not_go_together(tmp_path):
    """Before anything is trained; what cannot be judged may be declared exploratory, or not at all."""
    nested = msgspec.structs.replace(EXPERIMENT, grid=msgspec.structs.replace(EXPERIMENT.grid, nested=True))
    asked = Claim(id="t", sentence="t.", section="t", quantity="online_step", low=None, high=0.0, level=0.95)
    claimed = msgspec.structs.replace(nested, claims=(asked,))
    with pytest.raises(ValueError, match=r"claim t: with grid\.nested=True .* leave grid\.nested out, or declare no"):
        run(claimed, tmp_path / "run", Options(), Console(quiet=True))
    assert not (tmp_path / "run").exists()
    open_ended = msgspec.structs.replace(asked, exploratory=True)
    for sound in (nested, msgspec.structs.replace(nested, claims=(open_ended,)), EXPERIMENT):
        assert sound.looked_up() is sound
