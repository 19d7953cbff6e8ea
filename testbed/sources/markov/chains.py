"""Drawn transition rows with a shape asked for: few successors, or a given stationary law. Float64 numpy."""

import numpy as np
from jaxtyping import Float, Int

SWEEPS = 20_000
CONVERGED = 1e-14


def sparse_rows(symbols: int, order: int, support: int, concentration: float, *, seed: int) -> Float[np.ndarray, "U V"]:
    """Return rows of an irreducible chain of that order in which each context has `support` possible successors.

    One of them is the next symbol of a random cycle through all contexts (a de Bruijn sequence), the others are drawn
    without replacement; their probabilities are a draw from the symmetric Dirichlet law.
    """
    draw = np.random.default_rng(seed)
    contexts = symbols**order
    keys_UV = draw.random((contexts, symbols))
    keys_UV[np.arange(contexts), _cycle(symbols, order, draw)] = -1.0
    chosen_UK = np.argsort(keys_UV, axis=1)[:, :support]
    rows_UV = np.zeros((contexts, symbols))
    weights_UK = np.maximum(draw.dirichlet(np.full(support, concentration), size=contexts), np.finfo(float).tiny)
    np.put_along_axis(rows_UV, chosen_UK, weights_UK / weights_UK.sum(1, keepdims=True), axis=1)
    return rows_UV


def _cycle(symbols: int, order: int, draw: np.random.Generator) -> Int[np.ndarray, " U"]:
    """Return the symbol that follows each context on a random cycle through all of them.

    It is an Eulerian circuit of the graph of contexts one symbol shorter, found by Hierholzer's method.
    """
    nodes = symbols ** (order - 1)
    unused = [[int(symbol) for symbol in draw.permutation(symbols)] for _ in range(nodes)]
    path, circuit = [(0, -1)], []
    while path:
        node, reached_by = path[-1]
        if unused[node]:
            context = node * symbols + unused[node].pop()
            path.append((context % nodes, context))
        else:
            circuit.append(reached_by)
            path.pop()
    visited_U = np.array(circuit[-2::-1])
    following_U = np.empty(symbols**order, int)
    following_U[visited_U] = np.roll(visited_U, -1) % symbols
    return following_U


def balanced_rows(rows_VV: Float[np.ndarray, "V V"], law_V: Float[np.ndarray, " V"]) -> Float[np.ndarray, "V V"]:
    """Return the rows of the chain nearest to `rows_VV`, in relative entropy of pairs, whose stationary law is `law_V`.

    The joint law of a pair is scaled to both marginals in turn until it has them.

    Error: the stationary law holds to 1e-14; ValueError if the scaling does not get there.
    Source: Sinkhorn (1967), "Diagonal equivalence to matrices with prescribed row and column sums".
    """
    right_V, off = np.ones(len(law_V)), np.inf
    for _ in range(SWEEPS):
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # where a symbol has no way in or out
            left_V = 1 / (rows_VV @ right_V)
            arriving_V = right_V * ((law_V * left_V) @ rows_VV)
            off = float(np.abs(arriving_V - law_V).max())
            if off < CONVERGED:
                return np.asarray(left_V[:, None] * rows_VV * right_V)
            if not np.isfinite(off):
                break
            right_V = right_V * law_V / arriving_V
    raise ValueError(
        f"the drawn rows are too uneven for that stationary law (off by {off:.1e} after all scalings);"
        " raise the smoothing or the concentration."
    )
