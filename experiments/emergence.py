"""T4: does a capability appear abruptly once SNR passes a threshold that holds across worlds and noises?

Three worlds whose truth is known, each at three noises: the regime of a block must be named from the tokens of the
block, that of a whole sequence from the sequence, and the answer to a key must be recalled. Each run is one point:
its SNR across contexts beside what it scores, between chance and what the Bayes predictor scores. Multi-modal reasoning
cannot be asked of token worlds.
"""

import msgspec

from testbed.cell import Evaluation, Optimiser
from testbed.model.transformer import Transformer
from testbed.sources import BlockStationary, Budget, Facts, Noisy, OneRegime
from testbed.studies.grid import Grid, Training
from testbed.studies.grids import GridsStudy
from testbed.verdict import Claim

SECTION = "T4, §4.3, §5.4: a capability emerges where SNR passes a threshold"
NAMING, SEQUENCE, RECALL = "naming_regime in block_stationary", "naming_regime in one_regime", "recall"
WORDS = {NAMING: "naming the regime of a block", SEQUENCE: "naming that of a sequence", RECALL: "recalling facts"}
SHORT = {NAMING: "naming", SEQUENCE: "sequence", RECALL: "recall"}

SIGMAS = (0.05, 0.15, 0.3)
BASES = (
    BlockStationary(vocabulary=8, regimes=4, block_length=16, order=0, concentration=0.3),
    OneRegime(vocabulary=8, regimes=4, order=0, concentration=0.3),
    Facts(facts=32, answers=4, zipf=1.2),
)
FIRST, *REST = (Noisy(base=base, sigma=sigma) for base in BASES for sigma in SIGMAS)


def claim(
    name: str,
    quantity: str,
    region: tuple[float | None, float | None],
    sentence: str,
    about: str | None = None,
    exploratory: bool = False,
) -> Claim:
    """Return a claim at level 0.95."""
    low, high = region
    return Claim(
        id=name, sentence=sentence, section=SECTION, quantity=quantity, low=low, high=high, level=0.95, about=about,
        exploratory=exploratory,
    )  # fmt: skip


CLAIMS = (
    *(
        claim(
            f"abrupt.{SHORT[about]}",
            "threshold_width",
            (None, 0.3),
            f"{words.capitalize()} appears abruptly: its smooth score rises from a tenth to nine tenths within a factor"
            " of two in SNR.",
            about,
        )
        for about, words in WORDS.items()
    ),
    *(
        claim(
            f"one.threshold.{SHORT[about]}",
            "threshold_shift",
            (None, 0.1),
            f"{words.capitalize()} appears at one SNR whatever the noise: thresholds lie within 0.1 decades.",
            about,
        )
        for about, words in WORDS.items()
    ),
    claim(
        "universal",
        "threshold_between",
        (None, 0.1),
        "The threshold is universal: those of all capabilities and worlds lie within 0.1 decades of SNR.",
    ),
    *(
        claim(
            f"collapse.{SHORT[about]}",
            "collapse_on_loss",
            (None, 1.0),
            f"SNR alone tells {words} better than the loss does, for sizes and noises that were left out.",
            about,
            exploratory=True,
        )
        for about, words in WORDS.items()
    ),
)

QUICK = GridsStudy(
    name="emergence",
    question="Does a capability appear abruptly once SNR passes a threshold, the same for all worlds and noises?",
    world=FIRST,
    worlds=tuple(REST),
    model=Transformer(vocabulary=FIRST.alphabet, context=32, width=8, layers=1, heads=1),
    grid=Grid(multiples=(1, 2), tokens=(128, 512, 2048, 16384), replicates=8),
    training=Training(steps=256, learning_rates=(0.025,), pilots=1),
    optimiser=Optimiser(batch=8),
    evaluation=Evaluation(sequences=512, checkpoints=6),
    budget=Budget(tokens=2**15),
    claims=CLAIMS,
)

STANDARD = msgspec.structs.replace(
    QUICK,
    model=Transformer(vocabulary=FIRST.alphabet, context=64, width=16, heads=2),
    grid=Grid(multiples=(1, 2, 4, 8), tokens=(128, 512, 2048, 8192, 32768, 131072), replicates=16),
    training=Training(steps=2048, learning_rates=(0.004, 0.0063, 0.01, 0.016, 0.025)),
    evaluation=Evaluation(sequences=512, checkpoints=12),
    budget=Budget(),
)

PRESETS = {"quick": QUICK, "standard": STANDARD}
