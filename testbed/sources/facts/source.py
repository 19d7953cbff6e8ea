"""Facts: a fixed table of associations, from keys of Zipf's law to answers."""

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, Int32, Key

from testbed.ground import catalog
from testbed.laws import record, simplex, zipf_law
from testbed.laws.kernels import sampling
from testbed.laws.machines import finite
from testbed.laws.machines.finite import Machine
from testbed.laws.record import Absent, Budget, Mixing, Truth
from testbed.laws.source import Source
from testbed.sources.facts import kernel
from testbed.sources.facts.kernel import Latents, Tables


class Facts(Source, frozen=True, kw_only=True, tag=catalog.tag(__package__)):
    """Key, answer, key, answer, …: keys are independent draws from Zipf's law, each has one right answer.

    The right answers are drawn once, uniformly, under `seed`. Keys are the symbols 0..facts-1, answers the following.

    What it says of B(P): models store about 2 (arXiv 2404.05405) to 3.6 (2505.24832) bits per parameter, and a fact
    takes log2(answers) bits. A model of P parameters that spends c bits each on the most frequent facts holds
    M = c·P/log2(answers) of them, and loses `bias(M)`: proportional to P^-(zipf-1) as long as 1 << M << facts. A model
    with parameters for each symbol, as an embedding has, holds them all; see `testbed.theory.memory`.
    """

    good_for: ClassVar[str] = (
        "Memory: every fact must be stored by itself, so the bias falls as a known power of the number of parameters"
        " and the variance as a known power of the training tokens. Recall can be scored fact by fact."
    )

    facts: int = 256
    """Number of keys."""
    answers: int = 16
    """Number of different answers."""
    zipf: float = 1.5
    """Exponent a of the law of the keys, P(key) ∝ (key+1)^-a."""
    confusion: float = 0.0
    """Probability that an answer is wrong; all wrong ones are equally likely."""
    seed: int = 0
    """Seed of the draw of the right answers."""
    phase: Literal["aligned", "uniform"] = "aligned"
    """Whether a key stands at the first position, or the sequence is met at a random moment."""

    def __post_init__(self) -> None:
        simplex.at_least("facts", self.facts, 2, "a single key carries no information")
        simplex.at_least("answers", self.answers, 2, "a single answer needs no memory")
        simplex.laid_out(f"facts={self.facts} with answers={self.answers}", self.alphabet)
        simplex.seed(self.seed)
        zipf_law.check("zipf", self.zipf, self.facts)
        simplex.fraction("confusion", self.confusion)
        simplex.one_of("phase", self.phase, ("aligned", "uniform"))

    @classmethod
    def exhibit(cls) -> "Facts":
        """Return 64 facts with 8 answers."""
        return cls(facts=64, answers=8)

    @property
    def alphabet(self) -> int:
        """Return the number of keys and answers."""
        return self.facts + self.answers

    @property
    def stationary(self) -> bool:
        """Return whether the sequence is met at a random moment."""
        return self.phase == "uniform"

    def key_law(self) -> Float[np.ndarray, " F"]:
        """Return the probabilities of the keys, float64."""
        return zipf_law.law(self.facts, self.zipf)

    def right_answers(self) -> Int[np.ndarray, " F"]:
        """Return the right answer of each key, from 0 to answers-1."""
        return np.random.default_rng(self.seed).integers(self.answers, size=self.facts)

    def answer_law(self) -> Float[np.ndarray, " R"]:
        """Return the law of an answer whose key is not known, float64."""
        right_R = np.bincount(self.right_answers(), self.key_law(), minlength=self.answers)
        return (1 - self.confusion) * right_R + self.confusion / (self.answers - 1) * (1 - right_R)

    def answer_entropy(self) -> float:
        """Return H(answer | key), in nats."""
        wrong = self.confusion
        return float(simplex.entropy(np.array([wrong, 1 - wrong]))) + wrong * float(np.log(self.answers - 1))

    def bias(self, stored: int) -> float:
        """Return the loss per token above the truth of one who knows the `stored` most frequent facts and no other.

        It gives each answer the same probability for all other keys, so that the loss is
        (ln answers - H(answer | key))/2 · Σ_{a > stored} P(a). For zipf > 1 it falls as stored^-(zipf-1) while
        1 << stored << facts.
        """
        zipf_law.check_count("stored", stored, self.facts)
        return self._ignorance() * zipf_law.beyond(self.key_law(), stored)

    def unseen(self, tokens: int) -> float:
        """Return the expected loss per token above the truth of one who knows each fact seen in `tokens` tokens.

        The tokens are pairs of key and answer, and one example of a fact tells its law. The other facts are treated as
        in `bias`, so that the loss is (ln answers - H(answer | key))/2 · Σ_a P(a)·(1 - P(a))^(tokens/2). For zipf > 1
        it falls as tokens^-(zipf-1)/zipf as long as many facts are unseen.
        """
        zipf_law.check_count("tokens", tokens)
        return self._ignorance() * zipf_law.unseen(self.key_law(), tokens // 2)

    def _ignorance(self) -> float:
        """Return what a token costs more where no fact is known."""
        return (float(np.log(self.answers)) - self.answer_entropy()) / 2

    def machine(self) -> Machine | Absent:
        """Return the machine whose states are "a key comes" and "the answer of that key comes"."""
        edges = self.facts * (1 + (self.answers if self.confusion else 1))
        if edges > finite.LARGEST_EDGES:
            return Absent(f"{edges} edges: machines have at most {finite.LARGEST_EDGES}")
        key_F, law_F, answer_F = np.arange(self.facts), self.key_law(), self.right_answers()
        rows_FR = np.full((self.facts, self.answers), self.confusion / (self.answers - 1))
        rows_FR[key_F, answer_F] = 1 - self.confusion
        origin_E, answer_E = np.nonzero(rows_FR)
        after_S = np.append(1.0, law_F) / 2
        return Machine(
            symbols=self.alphabet,
            initial_S=after_S if self.stationary else np.eye(1, self.facts + 1)[0],
            stationary_S=after_S,
            origin_E=np.concatenate([np.zeros_like(key_F), origin_E + 1]),
            symbol_E=np.concatenate([key_F, self.facts + answer_E]),
            target_E=np.concatenate([key_F + 1, np.zeros_like(origin_E)]),
            probability_E=np.concatenate([law_F, rows_FR[origin_E, answer_E]]),
        )

    def pair_law(self, lag: int) -> Float[np.ndarray, "V V"]:
        """Return P(X_0 = a, X_lag = b) at a random moment; only a key and the next token depend on each other."""
        finite.check_lag(lag)
        law_F, law_R = self.key_law(), self.answer_law()
        key_V, answer_V = np.pad(law_F, (0, self.answers)), np.pad(law_R, (self.facts, 0))
        if lag == 0:
            return np.diag(key_V + answer_V) / 2
        if lag % 2 == 0:
            return (np.outer(key_V, key_V) + np.outer(answer_V, answer_V)) / 2
        pairs_VV = np.outer(key_V, answer_V)
        if lag == 1:
            wrong_F = law_F * self.confusion / (self.answers - 1)
            pairs_VV[: self.facts, self.facts :] = wrong_F[:, None]
            right = self.facts + self.right_answers()
            pairs_VV[np.arange(self.facts), right] = law_F * (1 - self.confusion)
        return (pairs_VV + np.outer(answer_V, key_V)) / 2

    def mixing(self) -> Mixing:
        """Return the period 2 in which keys and answers take turns."""
        return Mixing(decay="periodic", value=2.0)

    def tables(self, dtype: npt.DTypeLike = np.float32) -> Tables:
        """Return the numbers of the law."""
        law_F, law_R, late = self.key_law(), self.answer_law(), 0.5 if self.stationary else 0.0
        first_V = np.concatenate([(1 - late) * law_F, late * law_R])
        answer_2 = np.array([1 - self.confusion, self.confusion / (self.answers - 1)])
        logs = map(simplex.logarithm, (law_F, first_V, law_R, answer_2))
        off_R = np.append(np.full(self.answers - 1, answer_2[1]), answer_2[0])
        draws = *sampling.laws(law_F, off_R), *sampling.events(np.array(late))
        floats = simplex.cast(dtype, *logs, np.array(late))
        return Tables(*floats, *simplex.cast(np.int32, self.right_answers()), *draws)

    @staticmethod
    def sample(tables: Tables, *, key: Key[Array, ""], length: int) -> tuple[Int32[Array, " L"], Latents]:
        """Return one sequence, and the key that each answer belongs to."""
        return kernel.sampled(tables, key, length)

    @staticmethod
    def log_predictive(tables: Tables, tokens_L: Int[Array | np.ndarray, " L"]) -> Float[Array, "L V"]:
        """Return the law of keys or, after a key, that of its answer; the first token tells where keys stand."""
        return kernel.predicted(tables, tokens_L)

    def truth(self, length: int, *, budget: Budget = Budget()) -> Truth:  # noqa: B008 - frozen
        """Return the entropies, closed forms, so the budget is not used; nothing but the phase is hidden."""
        record.check_length(length)
        key, answer = float(simplex.entropy(self.key_law())), self.answer_entropy()
        values = np.array([key, answer] * (length // 2 + 1))[:length]
        if self.stationary:
            values[:] = (key + answer) / 2
            values[0] = np.log(2) + (key + float(simplex.entropy(self.answer_law()))) / 2
        curve = tuple(record.rounded(float(value), 4.0 * self.alphabet) for value in values)
        rate = record.rounded((key + answer) / 2, 4.0 * self.alphabet)
        epsilon = record.rounded(float(values.mean()), 4.0 * self.alphabet)
        return Truth(length=length, curve=curve, epsilon=epsilon, rate=rate, oracle=rate)
