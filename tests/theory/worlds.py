"""Small worlds whose second-order laws the tests know."""

import numpy as np

from testbed.laws.record import Absent
from testbed.sources.iid import Iid
from testbed.sources.markov.source import Markov


def two_states(eigenvalue):
    stay = (1 + eigenvalue) / 2
    return Markov(vocabulary=2, rows=((stay, 1 - stay), (1 - stay, stay)))


def chain(rows_VV):
    return Markov(vocabulary=len(rows_VV), rows=tuple(map(tuple, rows_VV.tolist())))


def stationary(rows_VV):
    values, vectors = np.linalg.eig(rows_VV.T)
    law_V = np.real(vectors[:, np.argmin(np.abs(values - 1))])
    return law_V / law_V.sum()


class Blocks(Iid, tag="blocks_of_the_tests", frozen=True, kw_only=True):
    """Tokens i.i.d. within hidden blocks, given by P(both tokens lie in one block) at each lag, 0 beyond the last."""

    vocabulary: int = 2
    prior: object
    laws: object
    together: tuple[float, ...]
    claimed: object

    def pair_law(self, lag):
        own_V = self.prior @ self.laws
        if lag == 0:
            return np.diag(own_V)
        same = self.together[lag] if lag < len(self.together) else 0.0
        return same * (self.laws.T * self.prior) @ self.laws + (1 - same) * np.outer(own_V, own_V)

    def mixing(self):
        return Absent("not known") if self.claimed is None else self.claimed
