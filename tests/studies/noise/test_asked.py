"""A study as a value: what it refuses, what names its points, and what its claims may be about."""

import msgspec
import pytest

from testbed.judging import check_claims
from testbed.model.noise.gaussian import Gaussian
from testbed.sources import BlockStationary
from testbed.studies.noise import Arm, Fit
from testbed.studies.noise.points import check_arms
from testbed.study import decode
from testbed.weights import GaussianLogits
from tests.shared.small import EXPERIMENT
from tests.small_study import CLAIMS, MODEL, STUDY, TOKENS, claim

ARM = STUDY.arms[0]


def varied(value, **changes):
    return msgspec.structs.replace(value, **changes)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: varied(ARM, name="a/b"), "arm 'a/b': a name must not be empty or hold '/'; e.g. 'markov'"),
        (lambda: varied(ARM, draws=0), "draws=0: must be at least 1"),
        (lambda: varied(ARM, world=BlockStationary(vocabulary=5)), "vocabulary=3 must be the number of symbols .* 5"),
        (lambda: varied(ARM, fit=Fit(), draws=1), "draws=1: models trained separately .* need 2 draws or more"),
        (
            lambda: varied(ARM, fit=Fit(context=8), model=varied(MODEL, embedding_noise=Gaussian())),
            "training hands the model no key, so it must have no noise",
        ),
        (lambda: Fit(steps=0), "fit.steps=0: must be at least 1"),
        (lambda: Fit(learning_rate=0.0), "fit.learning_rate=0.0: must be positive"),
        (lambda: varied(STUDY, arms=()), "there must be some"),
        (lambda: varied(STUDY, arms=(ARM, ARM)), "each name once"),
        (lambda: varied(STUDY, lengths=(4, 8, 16)), r"lengths=\(4, 8, 16\) of arm tokens: must be 6 or more"),
        (lambda: varied(STUDY, lengths=(8, 4, 16, 32, 64, 128)), "rising order"),
        (lambda: varied(STUDY, lengths=(1, 4, 16, 32, 64, 128)), "at least 2"),
        (lambda: varied(STUDY, sequences=10), "sequences=10: must be at least 100"),
        (lambda: varied(STUDY, seed=-1), "seed=-1"),
        (lambda: varied(STUDY, claims=(CLAIMS[0], CLAIMS[0])), "each id once"),
        (
            lambda: varied(STUDY, arms=(varied(ARM, model=varied(MODEL, positions="learned")),)),
            "length 24 exceeds the context 16",
        ),
    ],
)
def test_a_wrong_request_is_refused_with_a_remedy(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    ("claimed", "words"),
    [
        (claim("odd", "tokens", "no_such", 0.0, 1.0), "its quantity 'no_such' is unknown; known: noise_slope"),
        (claim("odd", "nobody", "noise_slope", 0.0, 1.0), "no arm 'nobody'; known: tokens, regimes, trained"),
        (claim("odd", "tokens/2", "noise_slope", 0.0, 1.0), "layer 2 of tokens is not observed"),
        (claim("odd", "tokens/1/heads", "noise_slope", 0.0, 1.0), "names no observed vector"),
        (claim("odd", "tokens/1/attention/query/x", "noise_slope", 0.0, 1.0), "names no observed vector"),
        (claim("odd", None, "noise_slope", 0.0, 1.0), "is about no arm"),
    ],
)
def test_a_claim_about_what_is_not_there_is_refused(claimed, words):
    with pytest.raises(ValueError, match=words):
        check_claims(varied(STUDY, claims=(claimed,)))


def test_weights_that_cannot_be_planted_are_refused_by_arm():
    check_arms(STUDY)
    with pytest.raises(ValueError, match=r"arm tokens: .*gaussian_logits"):
        check_arms(varied(STUDY, arms=(varied(ARM, weights=GaussianLogits()),)))


def test_an_arm_that_drops_what_it_does_not_say_is_refused():
    for said in ("none", "A1"):
        with pytest.raises(ValueError, match=r"arm tokens: drops='\w+' is not what .* is 'several'.*A4: As to the"):
            check_arms(varied(STUDY, arms=(varied(ARM, drops=said),)))


def test_json_round_trip_and_kinds_are_told_apart():
    payload = msgspec.json.encode(STUDY)
    assert decode(payload) == STUDY and decode(msgspec.json.encode(EXPERIMENT)) == EXPERIMENT
    with pytest.raises(ValueError, match="unknown fields"):
        decode(payload[:-1] + b', "odd": 1}')


def test_points_are_told_apart_by_all_that_changes_them_and_by_nothing_else():
    digests = {point.digest for point in STUDY.points()}
    assert len(digests) == len(STUDY.points()) == 6 * (1 + 1 + 2)
    renamed = varied(STUDY, arms=(varied(ARM, name="other", switch="words"), *STUDY.arms[1:]), claims=())
    assert {point.digest for point in renamed.points()} == digests
    for change in (
        {"world": varied(TOKENS, weights=(0.4, 0.4, 0.2))},
        {"deep": True},
        {"model": varied(MODEL, heads=1)},
    ):
        other = varied(STUDY, arms=(varied(ARM, **change), *STUDY.arms[1:]))
        assert len(digests & {point.digest for point in other.points()}) == len(digests) - 6
    assert not digests & {point.digest for point in varied(STUDY, seed=1).points()}


def test_windows_of_a_growing_world_and_models_of_their_own_follow_the_length():
    world = BlockStationary(vocabulary=3, regimes=2, order=0, block_share=0.25)
    study = varied(STUDY, arms=(Arm(name="grow", switch="w", world=world, model=MODEL, fit=Fit(), draws=2),))
    for point in study.points():
        assert point.world.block_length == max(1, round(point.length / 4))
        assert point.cell.model.context == point.length and point.cell.world == point.world
    assert len(study.cells()) == len(study.points())
    shared = varied(study, arms=(varied(study.arms[0], fit=Fit(context=8), draws=1),))
    assert len(shared.cells()) == 1


def test_longer_windows_get_fewer_sequences():
    assert [STUDY.sequences_at(n) for n in (4, 24, 32, 64)] == [400, 341, 256, 200]


def test_a_new_version_of_a_point_draws_the_sequences_that_it_drew():
    """Verdicts change with what was mended, and not because the dice were thrown again."""
    points = STUDY.points()
    assert [point.stream for point in points] == [int(point.named(1, 2)[:8], 16) % 2**31 for point in points]
    assert len({point.stream for point in points}) == len(points)
