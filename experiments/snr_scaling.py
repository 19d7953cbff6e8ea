"""T3: does the signal-to-noise ratio of what a model predicts grow as D·Φ(P)/σ²?

SNR is read in two ways that are never mixed: across contexts, where the signal is what the predictions hold of the
regime behind a position, and across trainings, where it is what trainings on other data have in common. The paper's
text, its §4.2.1 and its appendix C.2 imply the powers 1, 2 and 3 of D in turn: each is a row.
"""

import msgspec

from testbed.cell import Evaluation, Optimiser
from testbed.model.transformer import Transformer
from testbed.sources import BlockStationary, Budget, Noisy
from testbed.studies.grid import Grid, Training
from testbed.studies.grids import GridsStudy
from testbed.verdict import Claim

SECTION = "T3: SNR ∝ D·Φ(P)/σ²"
POWERS = (
    ("text", 1.0, "as the text of the theorem has it"),
    ("section", 2.0, "as ‖S‖² ∝ D·Φ with E‖N‖² ∝ 1/D gives it, §4.2.1"),
    ("appendix", 3.0, "as ‖S‖ ∝ D·Φ with E‖N‖² ∝ σ²/(D·Φ) gives it, appendix C.2"),
)


def claim(
    name: str, quantity: str, region: tuple[float | None, float | None], sentence: str, *, strict: bool = False
) -> Claim:
    """Return a claim at level 0.95."""
    low, high = region
    return Claim(
        id=name, sentence=sentence, section=SECTION, quantity=quantity, low=low, high=high, level=0.95, strict=strict
    )


def of_reading(reading: str) -> tuple[Claim, ...]:
    """Return the claims on SNR by one reading."""
    told = f"SNR across {reading}"
    return (
        *(
            claim(
                f"{reading}.data.{name}",
                f"{reading}_data_power",
                (power - 0.1, power + 0.1),
                f"Over these sizes, noises and D, {told} goes on average as D to the power {power:g} ± 0.1, {why}.",
            )
            for name, power, why in POWERS
        ),
        claim(
            f"{reading}.data.everywhere",
            f"{reading}_data_departure",
            (None, 0.1),
            f"{told} is proportional to D everywhere: no local exponent is further from 1 than 0.1.",
        ),
        claim(
            f"{reading}.noise",
            f"{reading}_noise_departure",
            (None, 0.25),
            f"{told} falls as 1/σ² everywhere: no local exponent of σ² is further from −1 than 0.25.",
        ),
        claim(
            f"{reading}.size",
            f"{reading}_size_step",
            (0.0, None),
            f"{told} rises with the model: averaged over D and σ, Φ(P) grows at every step in size.",
            strict=True,
        ),
    )


CLAIMS = (*of_reading("contexts"), *of_reading("trainings"))

BASE = BlockStationary(vocabulary=8, regimes=4, block_length=16, order=0, concentration=0.3)
FIRST, *REST = (Noisy(base=BASE, sigma=sigma) for sigma in (0.1, 0.2, 0.4))

QUICK = GridsStudy(
    name="snr_scaling",
    question="Does SNR grow as D·Φ(P)/σ², across contexts or across trainings?",
    world=FIRST,
    worlds=tuple(REST),
    model=Transformer(vocabulary=FIRST.alphabet, context=32, width=4, layers=1, heads=1),
    grid=Grid(multiples=(1, 2, 4), tokens=(1024, 4096, 16384), replicates=6),
    training=Training(steps=256, learning_rates=(0.025,), pilots=1),
    optimiser=Optimiser(batch=8),
    evaluation=Evaluation(sequences=1024, checkpoints=6),
    budget=Budget(tokens=2**15),
    claims=CLAIMS,
)

STANDARD = msgspec.structs.replace(
    QUICK,
    model=Transformer(vocabulary=FIRST.alphabet, context=64, width=8),
    worlds=tuple(Noisy(base=BASE, sigma=sigma) for sigma in (0.05, 0.2, 0.3, 0.4, 0.5)),
    grid=Grid(multiples=(1, 2, 4, 8), tokens=(1024, 4096, 16384, 65536, 262144), replicates=8, initialisations=4),
    training=Training(steps=2048, learning_rates=(0.004, 0.0063, 0.01, 0.016, 0.025)),
    evaluation=Evaluation(sequences=2048, checkpoints=12),
    budget=Budget(),
)

PRESETS = {"quick": QUICK, "standard": STANDARD}
