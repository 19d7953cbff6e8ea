"""Vectors and cells with planted signal and noise."""

import numpy as np

from testbed.stats.signal.plane import Cells

MEANS = {groups: np.random.default_rng(9).standard_normal((groups, 4)) for groups in (2, 4, 8)}


def contexts(rng, sequences, *, snr, groups=4, length=64, block=8, shared=0.5, origin=5.0):
    """Counts, sums and squares of sequences of blocks, each of one group; a share of the noise is the block's."""
    share_G = 1 / np.arange(1.0, groups + 1)
    share_G /= share_G.sum()
    mean_GM = MEANS[groups] - share_G @ MEANS[groups]
    mean_GM = mean_GM * np.sqrt(snr / (share_G @ np.sum(mean_GM**2, axis=1))) + origin
    blocks = length // block
    group_BL = np.repeat(rng.choice(groups, (sequences, blocks), p=share_G), block, axis=1)
    noise_BLM = np.sqrt(shared) * np.repeat(rng.standard_normal((sequences, blocks, 4)), block, axis=1)
    noise_BLM += np.sqrt(1 - shared) * rng.standard_normal((sequences, length, 4))
    h_BLM = mean_GM[group_BL] + noise_BLM / 2
    at_BLG = (group_BL[..., None] == np.arange(groups)).astype(float)
    return at_BLG.sum(1), at_BLG.swapaxes(1, 2) @ h_BLM, np.einsum("blg,blm->bg", at_BLG, h_BLM**2)


def functions(rng, trainings, *, snr, directions, sequences=20, width=6):
    """f of trainings on sequences of unlike strength, whose noise lies in so many directions common to all of them."""
    flat = sequences * width
    load_NQ = rng.standard_normal((directions, flat)) / np.sqrt(directions * width)
    noise_RQ = rng.standard_normal((trainings, directions)) @ load_NQ
    strength_Q = np.repeat(np.exp(0.5 * rng.standard_normal(sequences) - 0.125), width)
    signal_Q = np.sqrt(snr / width) * rng.standard_normal(flat)
    f_RQ = (signal_Q + noise_RQ) * np.sqrt(strength_Q)
    return f_RQ.reshape(trainings, sequences, width).swapaxes(0, 1)


def effects(rng, draws, starts, parts, *, snr, directions, sequences=20, width=6):
    """f of crossed trainings, whose noise has planted parts of the draw, the initialisation and both."""
    flat = sequences * width
    load_NQ = rng.standard_normal((directions, flat)) / np.sqrt(directions * width)

    def effect(part, *shape):
        return np.sqrt(part) * rng.standard_normal((*shape, directions)) @ load_NQ

    signal_Q = np.sqrt(snr / width) * rng.standard_normal(flat)
    f_AIQ = effect(parts[0], draws, 1) + effect(parts[1], 1, starts) + effect(parts[2], draws, starts) + signal_Q
    return f_AIQ.reshape(draws * starts, sequences, width).swapaxes(0, 1)


def gram(f_BRM):
    return f_BRM @ f_BRM.swapaxes(1, 2)


def cells(rng, *, a=1.0, b=1.0, step=0.7, extra=0.0, freedom=1000.0, shape=(3, 3, 3)):
    """Cells of a plane, a scatter beyond their errors, and errors that are known to so many degrees of freedom."""
    at = np.array(list(np.ndindex(*shape))).T
    tokens_N, params_N, variance_N = 1e3 * 2.0 ** at[0], 1e4 * 4.0 ** at[1], 0.1 * 2.0 ** at[2]
    count = at.shape[1]
    error_N = 0.05 * np.exp(0.5 * rng.standard_normal(count))
    y_N = a * np.log(tokens_N) - b * np.log(variance_N) + step * at[1]
    y_N = y_N + np.hypot(error_N, extra) * rng.standard_normal(count)
    seen_N = error_N * np.sqrt(rng.chisquare(freedom, count) / freedom)
    return Cells(y_N, seen_N, np.full(count, freedom), tokens_N, params_N, variance_N)
