"""Law: the slowest mode that pairs of tokens see is found, slow or nearly over, to the error that is stated."""

import numpy as np
import pytest

from testbed.laws.machines import lasting, spectrum
from testbed.sources import Absent, HiddenMarkov


def first_of(chain_SS):
    """A world that tells the first state of a chain from all others, and these not from each other."""
    transitions = np.zeros((2, *chain_SS.shape))
    transitions[0, 0], transitions[1, 1:] = chain_SS[0], chain_SS[1:]
    return HiddenMarkov(transitions=tuple(tuple(map(tuple, rows)) for rows in transitions.tolist()))


def path(states, rate):
    """A symmetric walk on a path, which leaves a state at a rate: all of its modes are seen from its end."""
    edges = np.diag(np.full(states - 1, rate), 1)
    edges = edges + edges.T
    return edges + np.diag(1 - edges.sum(1))


def almost_independent(states, share):
    """The uniform law and a little of the Laplacian of a path."""
    edges = np.diag(np.ones(states - 1), 1)
    edges = edges + edges.T
    return 1 / states + share * (np.diag(edges.sum(1)) - edges)


def second(chain_SS):
    """The eigenvalue of largest modulus that is not 1, of a symmetric chain."""
    values = np.linalg.eigvalsh(chain_SS)
    rest = np.delete(values, np.abs(values - 1).argmin())
    return rest[np.abs(rest).argmax()]


CHAINS = [
    *(path(states, rate) for states, rate in ((5, 1e-4), (4, 1e-6), (6, 1e-3), (8, 1e-2), (3, 1e-8), (12, 0.3))),
    *(almost_independent(states, share) for states, share in ((4, 1e-6), (3, 1e-5), (5, 1e-2))),
]


def is_told(chain_SS, found):
    """Whether a decay is the second eigenvalue to its error, which is small beside what parts it from 0 and from 1."""
    expected = second(chain_SS)
    error = found.error + 1e-15
    sharp = error < 1e-3 * min(abs(expected), 1 - abs(expected))
    return found.decay == "geometric" and abs(found.value - expected) <= error and sharp


@pytest.mark.parametrize("chain_SS", CHAINS, ids=lambda each: f"{len(each)}-{each[0, 1]:.3g}")
def test_slow_and_fast_modes_are_told_to_their_error(chain_SS):
    assert is_told(chain_SS, first_of(chain_SS).mixing())


def test_the_law_rejects_what_weak_directions_leave_out(monkeypatch):
    """The liar: directions are taken in the order in which they are reached, and the weakest are left out."""
    monkeypatch.setattr(spectrum, "slowest", lambda fading: None)
    assert not is_told(CHAINS[0], first_of(CHAINS[0]).mixing())


def test_modes_that_are_not_seen_do_not_count():
    """Two equal halves: what moves between them is not seen by tokens, however slowly it moves."""
    inner, slow = np.array([[0.6, 0.4], [0.3, 0.7]]), 1e-6
    chain_SS = np.kron((1 - 2 * slow) * np.eye(2) + slow, inner)
    transitions = np.zeros((2, 4, 4))
    transitions[0, ::2], transitions[1, 1::2] = chain_SS[::2], chain_SS[1::2]
    found = HiddenMarkov(transitions=tuple(tuple(map(tuple, rows)) for rows in transitions.tolist())).mixing()
    assert found.decay == "geometric" and found.value == pytest.approx(0.3, abs=1e-12) and found.error < 1e-12


def test_random_chains_agree_with_what_their_pair_laws_do():
    rng = np.random.default_rng(1)
    for _ in range(40):
        states = int(rng.integers(2, 6))
        weights = rng.random((states, states)) ** 4
        weights = weights + weights.T + 1e-3
        chain_SS = weights / weights.sum(1, keepdims=True)
        world = first_of(chain_SS)
        found = world.mixing()
        assert not isinstance(found, Absent)
        law = np.diag(world.pair_law(0))
        sizes = [np.abs(world.pair_law(lag) - np.outer(law, law)).max() for lag in (40, 42)]
        if min(sizes) > 1e-9:
            assert found.value**2 == pytest.approx(sizes[1] / sizes[0], rel=0.1)


def test_a_defective_chain_is_left_to_the_directions_it_reaches():
    shift = np.diag(np.ones(3), 1)
    fading = (shift, np.eye(4)[:, 3:], np.eye(4)[:, :1])
    assert spectrum.slowest(fading) is None and lasting.NEGLIGIBLE < 1e-9
