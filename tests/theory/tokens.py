"""Tokens drawn with plain numpy, and averages of them: the side of every comparison that shares no code."""

import numpy as np


def markov(rng, rows_VV, law_V, shape):
    """Sequences of a chain from its stationary law, by inverting the cumulative rows."""
    replicates, length = shape
    cumulative_VV = np.cumsum(rows_VV, axis=1)
    tokens_RL = np.empty(shape, dtype=int)
    tokens_RL[:, 0] = rng.choice(len(law_V), size=replicates, p=law_V)
    uniform_RL = rng.random(shape)
    for place in range(1, length):
        rows = cumulative_VV[tokens_RL[:, place - 1]]
        tokens_RL[:, place] = (uniform_RL[:, place, None] >= rows[:, :-1]).sum(1)
    return tokens_RL


def regimes(rng, prior_Z, laws_ZV, block_of_RL):
    """Tokens i.i.d. given the regime of their block; blocks are numbered within each sequence."""
    replicates = len(block_of_RL)
    regime_RZ = rng.choice(len(prior_Z), size=(replicates, block_of_RL.max() + 1), p=prior_Z)
    regime_RL = np.take_along_axis(regime_RZ, block_of_RL, axis=1)
    cumulative_ZV = np.cumsum(laws_ZV, axis=1)
    uniform_RL = rng.random(block_of_RL.shape)
    return sum((uniform_RL >= cumulative_ZV[regime_RL, symbol]).astype(int) for symbol in range(laws_ZV.shape[1] - 1))


def attended(heads, tokens_RL):
    """The attention of the query over each sequence, from the definition: softmax weights of every position."""
    mixed = 0.0
    for head in range(len(heads.query_HK)):
        score_RL = heads.scale * (heads.key_VHK[:, head] @ heads.query_HK[head])[tokens_RL]
        weight_RL = np.exp(score_RL)
        weight_RL /= weight_RL.sum(axis=1, keepdims=True)
        value_RK = np.einsum("rl,rlk->rk", weight_RL, heads.value_VHK[:, head][tokens_RL])
        mixed = mixed + value_RK @ heads.mix_HKM[head]
    return mixed


def spread(averages_RM, length):
    """n times the trace of the covariance over replicates, with its standard error."""
    centred_RM = averages_RM - averages_RM.mean(0)
    square_R = length * (centred_RM**2).sum(1) * len(averages_RM) / (len(averages_RM) - 1)
    return square_R.mean(), square_R.std() / len(square_R) ** 0.5


def agrees(value, measured, *, errors=4.0, bias=0.0):
    """Whether a value lies within so many standard errors of a measured mean, and a relative bias."""
    mean, error = measured
    return abs(value - mean) <= errors * error + bias * abs(value)
