"""Values that are asked for hold what they declare, however they are made; each law has a liar that it must reject."""

import re
import typing

import msgspec
import numpy as np
import pytest

from testbed.cell import Evaluation, Optimiser
from testbed.ground.checked import Checked
from testbed.ground.options import Options
from testbed.ground.wording import LONGEST_VALUE, sentence, short
from testbed.model.attention._attention import Attention
from testbed.model.transformer import Transformer
from testbed.sources import Budget, Iid, Markov
from testbed.studies.grid import GridStudy
from testbed.studies.grid.layout import Grid, Training
from testbed.studies.noise import Arm, Fit, NoiseStudy
from testbed.verdict import Claim
from tests.presets import CLAIMS, JUDGED
from tests.small_study import STUDY

VALUES = (
    JUDGED,
    JUDGED.grid,
    JUDGED.training,
    JUDGED.optimiser,
    JUDGED.evaluation,
    JUDGED.model,
    JUDGED.world,
    JUDGED.pilot_cells()[0],
    CLAIMS[0],
    STUDY,
    STUDY.arms[0],
    STUDY.points()[0],
    Fit(),
    Options(),
    Budget(),
    Markov(vocabulary=3),
)
WRONG = (object(), {1}, b"x", 1j, np.array([1.0, 2.0]), [[[object()]]], 10**30, 10**5000, "\ud800")
"""What no field holds."""

FIELDS = [(value, field.name) for value in VALUES for field in msgspec.structs.fields(type(value))]


def named(case):
    return f"{type(case).__name__}" if isinstance(case, msgspec.Struct) else str(case)


def inside(value, name):
    """The types that a field may hold."""
    (kind,) = (field.type for field in msgspec.structs.fields(type(value)) if field.name == name)
    return typing.get_args(kind) or (kind,)


@pytest.mark.parametrize(("value", "field"), FIELDS, ids=named)
def test_no_field_takes_what_it_does_not_declare(value, field):
    """Each refusal is short and names the field."""
    for wrong in WRONG if float not in inside(value, field) else WRONG[:-3]:
        with pytest.raises(ValueError, match=re.escape(field)) as refusal:
            msgspec.structs.replace(value, **{field: wrong})
        assert len(sentence(refusal.value)) <= 400


@pytest.mark.parametrize("value", VALUES, ids=named)
def test_numbers_are_of_their_kind_and_finite(value):
    for field in msgspec.structs.fields(type(value)):
        kinds = typing.get_args(field.type) or (field.type,)
        wrong = [True, 2.5, float("nan"), "1"] if int in kinds else []
        wrong += [True, float("nan"), float("inf"), "1"] if float in kinds else []
        for each in wrong:
            with pytest.raises(ValueError, match=field.name.replace("_", "[-_]")):
                msgspec.structs.replace(value, **{field.name: each})


def kinds(kind, seen):
    """Every struct that a type holds, fields and all."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind not in seen:
            seen.add(kind)
            for field in msgspec.structs.fields(kind):
                kinds(field.type, seen)
    else:
        for each in typing.get_args(kind):
            kinds(each, seen)
    return seen


class Unchecked(msgspec.Struct, frozen=True):
    """The liar: a struct of no rules, as a field would hold it."""

    count: int = 1


class Careless(Checked, frozen=True, kw_only=True):
    """Holds the liar."""

    inside: Unchecked = Unchecked()


def test_whatever_a_request_holds_is_checked():
    for asked in (GridStudy, NoiseStudy, Options, Budget):
        found = kinds(asked, set())
        assert all(issubclass(kind, Checked) for kind in found), found
    assert len(kinds(GridStudy, set())) > 25
    assert not all(issubclass(kind, Checked) for kind in kinds(Careless, set()))
    assert Unchecked(count="none").count == "none", "msgspec checks nothing that is made in Python"


def test_rules_of_a_class_and_of_its_parents_find_numbers_that_they_can_compare():
    class Parent(Checked, frozen=True, kw_only=True):
        count: int

        def __post_init__(self):
            if self.count < 1:
                raise ValueError("count: raise it.")

    class Child(Parent, frozen=True, kw_only=True):
        size: float = 1.0

    for make in (Parent, Child, lambda count: msgspec.structs.replace(Child(count=1), count=count)):
        with pytest.raises(ValueError, match="count='a': it must be a whole number"):
            make(count="a")
        with pytest.raises(ValueError, match="count: raise it"):
            make(count=0)
    with pytest.raises(ValueError, match="size=nan: it must be a finite number"):
        Child(count=1, size=float("nan"))


def test_what_loses_nothing_is_converted_and_equal_values_have_equal_digests():
    loose = Training(learning_rates=[1, np.float64(2)], steps=np.int64(320))
    assert loose == Training(learning_rates=(1.0, 2.0), steps=320)
    assert msgspec.json.encode(loose) == msgspec.json.encode(Training(learning_rates=(1.0, 2.0), steps=320))
    assert type(loose.steps) is int and loose.learning_rates == (1.0, 2.0)


ODD = (10**5000, "x" * 10**5, ("y",) * 10**5, "a\nb\x1b[31m", object(), -(10**30), 0.1, None)


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_any_value_is_told_in_a_few_printable_characters(value):
    assert len(short(value)) <= LONGEST_VALUE and short(value).isprintable()
    assert short("t[/]") == "t[/]" and short(12) == "12"


def example(message):
    """The value that a refusal gives as an example, in Python."""
    return re.search(r"e\.g\. [\w.\[\]]+=(.*)\.$", message)[1]


@pytest.mark.parametrize(
    ("kind", "needed"),
    [
        (Grid, {}),
        (Training, {}),
        (Optimiser, {}),
        (Evaluation, {}),
        (Options, {}),
        (Budget, {}),
        (Fit, {}),
        (Iid, {"vocabulary": 4}),
        (Markov, {"vocabulary": 4}),
        (Transformer, {"vocabulary": 4, "context": 8, "width": 8}),
        (Claim, {name: getattr(CLAIMS[0], name) for name in Claim.__struct_fields__}),
        (Arm, {name: getattr(STUDY.arms[0], name) for name in ("name", "switch", "world", "model")}),
    ],
)
def test_the_example_in_a_refusal_is_taken(kind, needed):
    """Whatever stands in place of a default, the default is the remedy, word for word where it is a plain value."""
    followed = 0
    for field in msgspec.structs.fields(kind):
        plain = isinstance(field.default, bool | int | float | str | tuple) or field.default is None
        if not plain or field.default is msgspec.NODEFAULT:
            continue
        with pytest.raises(ValueError) as refusal:
            kind(**needed | {field.name: object()})
        message = str(refusal.value)
        if "e.g." in message and field.default is not None:
            given = eval(example(message))
            assert getattr(kind(**needed | {field.name: given}), field.name) == given
            followed += 1
        else:
            assert "choose one of them" in message or field.default is None
    assert followed or kind in (Claim, Iid)


def test_a_path_stays_whole_in_a_long_sentence():
    """What is to be deleted must be named in full."""
    path = f"/a/{'b' * 60}/{'c' * 60}/parts/{'d' * 64}.parquet"
    said = sentence(
        f"{path} is damaged (could not open '{path}': no magic bytes in '{path}'): it must be whole; delete it."
    )
    assert len(said) <= 400 and said.startswith(f"{path} is damaged (… ") and said.endswith("; delete it.")
    assert len(sentence("x" * 10**5)) <= 400


def test_what_is_of_a_shelf_but_not_on_it_may_be_tried_out():
    class Mine(Attention, frozen=True, kw_only=True):
        """Attention of one's own, which says nothing."""

        lipschitz = 0.0
        scores = mass = None

    assert msgspec.structs.replace(JUDGED.model, attention=Mine()).attention == Mine()
    with pytest.raises(ValueError, match="attention="):
        msgspec.structs.replace(JUDGED.model, attention=JUDGED.world)
    with pytest.raises(ValueError, match="world="):
        msgspec.structs.replace(JUDGED, world=Mine())
