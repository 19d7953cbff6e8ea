"""What is measured of the assumptions is what the model does: oracles, worlds that keep and break each, and liars."""

import functools
import math
from typing import get_args

import jax
import numpy as np
import pytest

from testbed.model import network, observing
from testbed.model.attention.softmax import Softmax
from testbed.model.initial import init
from testbed.model.transformer import Positions, Transformer
from testbed.sources import BlockStationary, Iid, OneRegime
from testbed.stats.two_sample import two_sample
from testbed.studies.noise.measures import assumed as module
from testbed.studies.noise.measures.assumed import assumed

SIGMAS = 4.0  # a true law fails once in 3·10⁴ tests
VECTORS = ("query", "key", "value")
IID = Iid(vocabulary=8, zipf=1.0)
ONE = OneRegime(vocabulary=8, order=0, concentration=0.3)
SHARE = BlockStationary(vocabulary=8, order=0, concentration=0.3, block_share=0.5)


def small(**switches):
    return Transformer(
        **{"vocabulary": 8, "context": 256, "width": 8, "layers": 1, "layout": "paper", "positions": "none"} | switches
    )


@functools.cache
def measured(model, source, *, length=64, sequences=64, seed=0):
    """Every row of a model's table, by layer and quantity."""
    params = init(model, key=jax.random.key(0))
    table = assumed(model, params, source, length=length, sequences=sequences, key=jax.random.key(seed))
    return {(row.layer, row.quantity): row for row in table.itertuples()}


def value(found, quantity, layer=1):
    return found[layer, quantity].value


def observed(model, source, *, length=64, sequences=64, seed=0):
    """What the model does on the windows that `measured` looks at."""
    key = jax.random.split(jax.random.split(jax.random.key(seed))[0], 5)[0]
    sample = jax.vmap(lambda key: source.sample(source.tables(), key=key, length=length)[0])
    look = jax.jit(lambda params, keys: observing.observe(model, params, sample(keys)))
    return jax.tree.map(np.asarray, look(init(model, key=jax.random.key(0)), jax.random.split(key, sequences)))


def test_norms_scores_and_sizes_are_those_of_the_observed_arrays():
    model = small(layers=2, layout="prenorm", positions="rotary", attention=Softmax(temperature=0.4))
    found = measured(model, IID)
    seen = observed(model, IID)
    levels = {"median": 0.5, "95 % quantile": 0.95, "99.9 % quantile": 0.999, "maximum": 1.0}
    for at in range(2):
        for name in VECTORS:
            norm_BLH = getattr(seen, f"{name}_norm_NBLH")[at]
            for level, share in levels.items():
                expected = np.quantile(norm_BLH, share)
                assert value(found, f"{name} norm, {level}", at + 1) == pytest.approx(expected, rel=1e-4)
        fed_BL = np.linalg.norm(seen.feedforward_NBLM[at], axis=-1)
        assert value(found, "feed-forward norm, median", at + 1) == pytest.approx(np.median(fed_BL), rel=1e-4)
        assert value(found, "feed-forward norm, maximum", at + 1) == pytest.approx(fed_BL.max(), rel=1e-4)
        share = float(seen.effective_NBH[at].mean()) / 64
        assert value(found, "effective sample size over n", at + 1) == pytest.approx(share, rel=1e-4)
        spread = np.log(seen.weights_NBHS[at, ..., 1:].astype(np.float64)).std(axis=-1).mean()
        assert value(found, "score spread", at + 1) == pytest.approx(spread, rel=1e-3)
    one = {name: value(found, f"{name} norm, maximum") for name in VECTORS}
    other = {name: value(found, f"{name} norm, maximum", 2) for name in VECTORS}
    assert value(found, "slope of the weights, stated bound") == 1 / (2 * 0.4)
    assert len({*one.values(), *other.values()}) == 6, "no part or layer stands for another"


BOUNDS = {"query_bound": 1.0, "key_bound": 0.7, "value_bound": 0.5, "feedforward_lipschitz": 0.4}


def test_maxima_lie_at_the_bounds():
    held, free = measured(small(**BOUNDS, feedforward_bound=0.02), IID), measured(small(), IID)
    for name in VECTORS:
        bound = BOUNDS[f"{name}_bound"]
        assert value(held, f"{name} norm, maximum") == pytest.approx(bound, rel=1e-5)
        assert value(free, f"{name} norm, maximum") > 2 * bound, "without a bound the maximum lies elsewhere"
        assert str(bound) in held[1, f"{name} norm, maximum"].note
    assert value(held, "feed-forward norm, maximum") == pytest.approx(0.02, rel=1e-5)
    assert value(held, "feed-forward norm, stated bound") == 0.02 < value(free, "feed-forward norm, maximum")
    assert value(held, "feed-forward slope, stated bound") == 0.4 < value(free, "feed-forward slope, maximum")
    assert 0 < value(held, "feed-forward slope, maximum") <= 0.4 * (1 + 1e-5)
    assert math.isnan(value(free, "feed-forward slope, stated bound"))
    assert math.isnan(value(free, "feed-forward norm, stated bound"))


def dense(function, x_B):
    """The largest singular value of the whole Jacobian at each input, in float64."""
    jacobian_B = np.asarray(jax.jit(jax.vmap(jax.jacobian(function)))(x_B), np.float64)
    return np.linalg.norm(jacobian_B.reshape(len(x_B), -1, x_B[0].size), 2, axis=(1, 2))


def test_slopes_are_those_of_whole_jacobians():
    model, shape = small(), {"length": 6, "sequences": 8}
    found, params, seen = (
        measured(model, IID, **shape),
        init(model, key=jax.random.key(0)),
        observed(model, IID, **shape),
    )
    enters_BLM, reads_RM = seen.into_attention_NBLM[0], seen.into_feedforward_NBLM[0].reshape(-1, 8)
    attended_B = dense(lambda x: network.attend(model, params, 0, x[None])[0], enters_BLM)
    fed_R = dense(lambda x: network.feed(model, params, 0, x[None, None])[0, 0], reads_RM)
    for name, expected in (("attention", attended_B), ("feed-forward", fed_R)):
        assert value(found, f"{name} slope, median") == pytest.approx(np.median(expected), rel=1e-3)
        assert value(found, f"{name} slope, maximum") == pytest.approx(max(expected), rel=1e-3)
    last_B = dense(lambda x: network.attend(model, params, 0, x[None])[0, -1], enters_BLM)
    assert max(last_B) < 0.9 * max(attended_B), "one query's output for all outputs is the liar"


def excess(found, what):
    """Distances over their floors, least and largest over query, key and value."""
    rows = [found[1, f"{name} law, between {what}"] for name in VECTORS]
    ratios = [row.value / row.floor for row in rows]
    return min(ratios), max(ratios)


def at_the_floor(found):
    """Whether halves and windows differ as i.i.d. vectors of one law would."""
    return all(0.8 < ratio < 1.2 for what in ("halves", "windows") for ratio in excess(found, what))


def test_windows_of_independent_tokens_are_alike_and_regimes_keep_them_apart():
    short, long = {"length": 16}, {}
    assert at_the_floor(measured(small(), IID, **short)) and at_the_floor(measured(small(), IID, **long))
    one, half = measured(small(), ONE, **long), measured(small(), SHARE, **long)
    assert excess(one, "windows")[0] > 3 and excess(one, "halves")[1] < 1.2, "a regime for ever never changes"
    assert excess(half, "halves")[0] > 2, "blocks of half a window do"
    for source, factor in ((IID, 0.5), (ONE, 1.0)):
        before, after = (value(measured(small(), source, **size), "key law, between windows") for size in (short, long))
        assert after / before == pytest.approx(factor, rel=0.2)


def test_places_tell_themselves_apart_only_where_they_are_encoded():
    found = {positions: measured(small(positions=positions), IID) for positions in get_args(Positions)}
    assert excess(found["none"], "places")[1] < 1.5
    assert excess(found["learned"], "places")[0] > 2.5
    turned = found["rotary"]
    assert value(turned, "query law, between places") > 2 * turned[1, "query law, between places"].floor
    assert value(turned, "value law, between places") == value(found["none"], "value law, between places")


def test_one_place_in_the_same_windows_is_not_a_second_sample():
    def is_fair(pair):
        """Whether stationary places of windows with a law of their own differ as two samples of one law do."""
        rng, above = np.random.default_rng(0), []
        for _ in range(150):
            own_B1M = 3 * rng.choice([-1.0, 1.0], size=(40, 1, 3))
            found = two_sample(*pair(own_B1M + rng.standard_normal((40, 5, 3))), directions=8, relabellings=20, seed=0)
            above.append(found.distance - found.floor)
        return abs(np.mean(above)) < SIGMAS * np.std(above) / np.sqrt(len(above))

    assert is_fair(module._places)
    assert not is_fair(lambda x_BLM: (x_BLM[None, :20, 0], x_BLM[None, :20, -1]))


def test_samples_are_disjoint_and_leave_no_place_out_that_has_a_partner():
    x_BLM = np.arange(5 * 7, dtype=float).reshape(5, 7, 1)
    for pair, used in ((module._halves, 5 * 6), (module._windows, 4 * 7), (module._places, 4 * 2)):
        first_BNM, second_BSM = pair(x_BLM)
        assert first_BNM.shape == second_BSM.shape
        assert len({*first_BNM.ravel(), *second_BSM.ravel()}) == used


def test_distances_that_lie_are_rejected(monkeypatch):
    def of_fewer(first_BNM, second_BSM, **how):
        found, quarter = two_sample(first_BNM, second_BSM, **how), slice(None, None, 4)
        return found._replace(floor=two_sample(first_BNM[:, quarter], second_BSM[:, quarter], **how).floor)

    def with_itself(x_BLM):
        return x_BLM[:, :31], x_BLM[:, :31]

    def neighbours(x_BLM):  # most of the one half lies in the other
        return x_BLM[:, :31], x_BLM[:, 4:35]

    for name, liar in (("_halves", with_itself), ("_halves", neighbours), ("two_sample", of_fewer)):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, liar)
            assert not at_the_floor(measured.__wrapped__(small(), IID))
    assert at_the_floor(measured.__wrapped__(small(), IID))
