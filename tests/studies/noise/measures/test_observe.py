"""What streams past is what is there: sums against two passes in float64, exact numbers of sequences, given queries."""

import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest

from testbed.model import observing as model_observing
from testbed.model.initial import init
from testbed.model.noise.gaussian import Gaussian
from testbed.model.transformer import Transformer
from testbed.sources import Iid, Markov
from testbed.stats.streaming import total, variance, variance_within
from testbed.studies.noise.measures import observe as observing
from testbed.studies.noise.measures import programs
from testbed.studies.noise.measures.observe import observe, split
from testbed.studies.noise.measures.seen import Seen

WORLD = Markov(vocabulary=3, smoothing=0.1)
MODEL = Transformer(
    vocabulary=3, context=16, width=4, layers=2, heads=2, hidden=5, layout="paper", positions="none"
)  # fmt: skip
LENGTH, SEQUENCES = 24, 333


@pytest.fixture(scope="module")
def params():
    return init(MODEL, key=jax.random.key(0))


def seen_by(
    params, model=MODEL, world=WORLD, *, deep=False, kept=50, seed=1, length=LENGTH, sequences=SEQUENCES, **rest
):
    keys = {"key": jax.random.key(seed), "directions": jax.random.key(0)}
    return observe(world, model, params, length=length, sequences=sequences, kept=kept, deep=deep, **keys, **rest)


def directly(params, seed=1):
    """The same sequences at once: their vectors in float64, and query tokens."""
    sample_key = jax.random.split(jax.random.key(seed))[1]
    keys = jax.vmap(jax.random.fold_in, (None, 0))(sample_key, jnp.arange(SEQUENCES))
    tables = jax.tree.map(jnp.asarray, WORLD.tables())
    tokens_BL = jax.vmap(lambda key: WORLD.sample(tables, key=key, length=LENGTH)[0])(keys)
    last = model_observing.observe(MODEL, params, tokens_BL, last=True)
    parts = last.attention_NBLM, last.feedforward_NBLM, last.representation_NBLM
    x_OBM = [np.asarray(part[layer, :, 0], np.float64) for layer in range(MODEL.layers) for part in parts]
    return x_OBM, np.asarray(tokens_BL[:, -2]), np.asarray(last.effective_NBH, np.float64)


@pytest.fixture(scope="module")
def truth(params):
    return directly(params)


def two_passes(x_BM, query_B):
    """T given the query and unconditional, by the definition."""
    shares = [(np.mean(query_B == q), np.cov(x_BM[query_B == q], rowvar=False)) for q in np.unique(query_B)]
    return sum(share * np.trace(cov) for share, cov in shares), np.trace(np.cov(x_BM, rowvar=False))


@pytest.mark.parametrize("deep", [False, True])
def test_streaming_moments_are_those_of_two_passes(deep, params, truth):
    seen, (x_OBM, query_B, _) = seen_by(params, deep=deep), truth
    assert seen.second_VOWW[:, 0, 0, 0].tolist() == np.bincount(query_B, minlength=3).tolist()
    for place in range(seen.second_VOWW.shape[1]):
        given, free = two_passes(x_OBM[place], query_B)
        assert variance_within(seen.groups(place))[0] == pytest.approx(given, rel=1e-6)
        assert variance(total(seen.groups(place)))[0] == pytest.approx(free, rel=1e-6)


def test_many_small_calls_give_what_one_gives(params, monkeypatch):
    whole = seen_by(params)
    monkeypatch.setattr(observing, "_CALL", {"cpu": (17, 3)})
    size = split(LENGTH, SEQUENCES, "cpu", deep=False)
    assert size.calls > 2 and size.batch * size.batches * size.calls > SEQUENCES  # the last call is not full
    parts = seen_by(params)
    np.testing.assert_array_equal(parts.query_B, whole.query_B)
    np.testing.assert_allclose(parts.projected_BOR, whole.projected_BOR, rtol=1e-3, atol=1e-5)
    for place in range(3):
        np.testing.assert_allclose(
            variance_within(parts.groups(place)), variance_within(whole.groups(place)), rtol=1e-5
        )


def test_room_to_spare_changes_nothing(params):
    tight = seen_by(params)
    loose = seen_by(params, room=40)
    np.testing.assert_array_equal(loose.query_B, tight.query_B)
    np.testing.assert_allclose(loose.second_VOWW, tight.second_VOWW, rtol=1e-3, atol=1e-3)


def test_sequences_past_the_last_would_be_noticed(params, truth, monkeypatch):
    """The liar counts them."""
    monkeypatch.setattr(observing, "_CALL", {"cpu": (100, 1)})
    look = programs.observer(MODEL, False, tuple(jax.local_devices()))
    monkeypatch.setattr(observing, "observer", lambda *_: lambda p, t, w, *rest: look(p, t, np.ones_like(w), *rest))
    counted = seen_by(params).second_VOWW[:, 0, 0, 0]
    assert counted.sum() == 400 and not np.array_equal(counted, np.bincount(truth[1], minlength=3))


def test_projections_are_components_of_the_first_vectors(params, truth):
    seen, (x_OBM, query_B, _) = seen_by(params), truth
    np.testing.assert_array_equal(seen.query_B, query_B[:50])
    off_BM = x_OBM[0][:50] - seen.centre_VOM[query_B[:50], 0]
    np.testing.assert_allclose(seen.projected_BOR[:, 0], off_BM @ seen.direction_OMR[0], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(seen.direction_OMR, axis=1), 1, rtol=1e-6)


def test_random_directions_are_the_same_at_every_length(params):
    near, far = seen_by(params), seen_by(params, seed=2, length=7)
    np.testing.assert_array_equal(near.direction_OMR[..., :3], far.direction_OMR[..., :3])
    assert not np.array_equal(near.direction_OMR[..., 3:], far.direction_OMR[..., 3:])


def test_principal_directions_lead(params):
    seen = seen_by(params, sequences=3000)
    groups = seen.groups(0)
    within_MM = sum(group.about(group.mean_M).second_WW[1:-1, 1:-1] for group in groups)
    along_R = np.einsum("mr,mn,nr->r", seen.direction_OMR[0], within_MM, seen.direction_OMR[0])
    assert along_R[3] == along_R.max() and along_R[3] == pytest.approx(np.linalg.eigvalsh(within_MM)[-1], rel=0.1)


def test_effective_sizes_are_means_over_heads_and_sequences(params, truth):
    np.testing.assert_allclose(seen_by(params, deep=True).effective_N, truth[2].mean((1, 2)), rtol=1e-5)


def test_noise_is_drawn_anew_for_every_sequence_and_call(monkeypatch):
    model = msgspec.structs.replace(MODEL, layers=1, embedding_noise=Gaussian(deviation=1.0))
    params = init(model, key=jax.random.key(0))
    monkeypatch.setattr(observing, "_CALL", {"cpu": (4, 4)})
    seen = seen_by(params, model, Iid(vocabulary=3), kept=64, length=4, sequences=64)
    assert len(np.unique(seen.projected_BOR[:, 0, 0])) == 64


def test_a_query_without_a_token_is_refused(params):
    with pytest.raises(ValueError, match="length=1: the last query reads the token before the last; use 2"):
        seen_by(params, length=1)


def test_what_was_seen_survives_storage(params):
    seen = seen_by(params)
    assert Seen(**{name: np.asarray(value) for name, value in seen._asdict().items()}).query_B.shape == (50,)
