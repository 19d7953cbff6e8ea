"""Law: a plane is a plain grid, cell by cell; what cannot be laid out is refused in one sentence."""

import itertools

import msgspec
import pytest

from testbed.ground.options import Options
from testbed.sources import BlockStationary, Facts, Noisy
from testbed.studies.grid.stages import ahead
from testbed.studies.grids.places import places
from tests.studies.grids.common import BASES, REGIMES, SMALL, imagined


def cells(study):
    return {cell.digest for cell in study.main_cells(dict.fromkeys(study.tuned(), 0.02))}


def test_the_first_plane_is_the_plain_grid_and_every_plane_has_cells_of_its_own():
    first, *_ = SMALL.planes
    plain = msgspec.structs.replace(first.study, name="plain")
    assert cells(plain) == cells(first.study) and first.study.seed == SMALL.seed
    assert all(not cells(a.study) & cells(b.study) for a, b in itertools.combinations(SMALL.planes, 2))
    assert len({plane.study.seed for plane in SMALL.planes}) == 4


def test_a_step_reads_as_many_tokens_at_every_context_length():
    assert {plane.study.step_tokens for plane in SMALL.planes} == {SMALL.step_tokens}
    assert {plane.study.model.context for plane in SMALL.planes} == {8, 16}


def test_worlds_of_equal_shapes_add_lanes_and_no_programs():
    alone = ahead(SMALL.planes[:1], Options())
    noises = ahead([plane for plane in SMALL.planes if plane.study.model.context == 8], Options())
    assert len(noises) == len(alone)
    assert sum(each.runs for each in noises) == 2 * sum(each.runs for each in alone)


def test_places_are_called_by_what_differs():
    assert [place.label for place in SMALL.places] == [
        "σ = 0.1, n = 8", "σ = 0.1, n = 16", "σ = 0.4, n = 8", "σ = 0.4, n = 16",
    ]  # fmt: skip
    several = places([Noisy(base=base, sigma=0.1) for base in BASES] + [Facts(facts=8, answers=4)], [8])
    assert several[0].family == "block_stationary"
    assert "facts = 8" in several[2].family and "facts = 16" in several[1].family
    assert len({place.label for place in several}) == 3


def test_what_is_guessed_is_no_part_of_what_is_asked():
    assert "signal" not in SMALL.identity() and tuple(SMALL.identity()["contexts"]) == (16,)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"worlds": (), "contexts": ()}, "two planes or more"),
        ({"worlds": (SMALL.world,)}, "each once"),
        ({"contexts": (7,)}, "a divisor of the 32 tokens of a step"),
        ({"contexts": (8,)}, "each once"),
        ({"contexts": (0,)}, "a divisor"),
        ({"world": REGIMES, "worlds": (Noisy(base=REGIMES, sigma=0.0),)}, "told apart"),
        ({"worlds": (Noisy(base=REGIMES, sigma=0.1000001),)}, "told apart"),
        ({"worlds": (Noisy(base=SMALL.world, sigma=0.3),)}, "none below the outermost"),
    ],
)
def test_what_cannot_be_laid_out_is_refused(fields, words):
    with pytest.raises(ValueError, match=words) as refusal:
        msgspec.structs.replace(SMALL, **fields)
    assert len(str(refusal.value)) < 400


def test_a_world_of_another_alphabet_gets_a_model_of_its_own():
    study = imagined(bases=BASES, sigmas=(0.1,))
    assert [plane.study.model.vocabulary for plane in study.planes] == [4, 20]
    assert {plane.study.model.width for plane in study.planes} == {4}


def test_noise_on_a_world_that_refuses_it_is_refused():
    from testbed.sources import Polya

    with pytest.raises(ValueError, match=r"noise|machine|urn"):
        Noisy(base=Polya(vocabulary=3), sigma=0.1)


def test_claims_are_about_planes_and_capabilities_that_there_are():
    from tests.studies.grids.common import claim

    SMALL.check_claim(claim("a", "threshold_width", 0.0, 1.0, about="naming_regime"))
    SMALL.check_claim(claim("b", "online_step", None, 0.0, about="σ = 0.1, n = 8"))
    with pytest.raises(ValueError, match="one capability"):
        SMALL.check_claim(claim("c", "threshold_width", 0.0, 1.0, about="recall"))
    with pytest.raises(ValueError, match="one plane"):
        SMALL.check_claim(claim("d", "online_step", None, 0.0, about="recall"))
    with pytest.raises(ValueError, match="about"):
        SMALL.check_claim(claim("e", "context_step", None, 0.0, about="recall"))


def test_the_law_of_the_world_is_what_differs_between_planes():
    assert isinstance(REGIMES, BlockStationary)
    assert [plane.study.world.sigma for plane in SMALL.planes] == [0.1, 0.1, 0.4, 0.4]
