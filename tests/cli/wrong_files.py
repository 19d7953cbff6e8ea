"""GridStudy files and studies that are wrong, each in one way."""

HEAD = """
import msgspec
from testbed.model.transformer import Transformer
from testbed.sources import Iid
from testbed.cell import Evaluation, Optimiser
from testbed.studies.grid import GridStudy
from testbed.studies.grid.layout import Grid, Training
from testbed.verdict import Claim
from tests.presets import JUDGED
def changed(**fields):
    return {"quick": msgspec.structs.replace(JUDGED, **fields)}
def claim(**fields):
    return {"quick": msgspec.structs.replace(JUDGED, claims=(msgspec.structs.replace(JUDGED.claims[0], **fields),))}
"""

SOURCES = {
    "exits": "import sys\nsys.exit(0)",
    "exits with words": "raise SystemExit('[red]bye')",
    "raises BaseException": "raise BaseException('t[/]')",
    "raises GeneratorExit": "raise GeneratorExit",
    "raises without end": "def f():\n    f()\nf()",
    "raises 100 kB": "raise RuntimeError('x' * 100_000)",
    "asserts": "assert False, 'line\\nline'",
    "empty": "",
    "no Python": "\x01\x02",
    "other names": "PRESETS = {'quick': 1}",
    "no dict": "PRESETS = [1]",
    "keys are numbers": "PRESETS = {3: JUDGED}",
    "keys are none": "PRESETS = {None: JUDGED}",
    "keys are bytes": "PRESETS = {b'quick': JUDGED}",
    "keys are empty": "PRESETS = {'': JUDGED}",
    "keys are two lines": "PRESETS = {'a\\nb': JUDGED}",
    "classes": "PRESETS = {'quick': GridStudy}",
    "endless": "PRESETS = changed(training=Training(learning_rates=(float('inf'),)))",
    "replicates 2.5": "PRESETS = changed(grid=Grid(replicates=2.5))",
    "replicates True": "PRESETS = changed(grid=Grid(replicates=True))",
    "replicates in words": "PRESETS = changed(grid=Grid(replicates='three'))",
    "replicates None": "PRESETS = changed(grid=Grid(replicates=None))",
    "replicates huge": "PRESETS = changed(grid=Grid(replicates=10**30))",
    "replicates of 5000 digits": "PRESETS = changed(grid=Grid(replicates=10**5000))",
    "tokens 3e22": "PRESETS = changed(grid=Grid(tokens=(16, 3 * 10**22)))",
    "tokens of floats": "PRESETS = changed(grid=Grid(tokens=(64.5,)))",
    "tokens of numpy": "import numpy as np\nPRESETS = changed(grid=Grid(tokens=np.array([64, 128])))",
    "tokens a number": "PRESETS = changed(grid=Grid(tokens=64))",
    "seed 1e23": "PRESETS = changed(seed=10**23)",
    "seed of a world 1e23": "PRESETS = changed(world=msgspec.structs.replace(JUDGED.world, seed=10**23))",
    "seed NaN": "PRESETS = changed(seed=float('nan'))",
    "nested 1": "PRESETS = changed(grid=Grid(nested=1))",
    "name 3": "PRESETS = changed(name=3)",
    "name empty": "PRESETS = changed(name='')",
    "name of two lines": "PRESETS = changed(name='a\\nb')",
    "name without end": "PRESETS = changed(name='x' * 100_000)",
    "name with a bell": "PRESETS = changed(name='a\\x07')",
    "name that is no Unicode": "PRESETS = changed(name='\\ud800')",
    "question None": "PRESETS = changed(question=None)",
    "claims a word": "PRESETS = changed(claims='all')",
    "claims of words": "PRESETS = changed(claims=('all',))",
    "claims None": "PRESETS = changed(claims=None)",
    "claim NaN": "PRESETS = claim(low=float('nan'))",
    "claim endless": "PRESETS = claim(low=float('-inf'), high=None)",
    "claim of text": "PRESETS = claim(low='0')",
    "claim without a name": "PRESETS = claim(id='')",
    "claim of two lines": "PRESETS = claim(id='a\\nb')",
    "claim level 95": "PRESETS = claim(level=95.0)",
    "claim level NaN": "PRESETS = claim(level=float('nan'))",
    "claim of an unknown number": "PRESETS = claim(quantity='[red]nothing[/red]')",
    "claim of 100 kB": "PRESETS = claim(quantity='x' * 100_000)",
    "world a model": "PRESETS = changed(world=JUDGED.model)",
    "world a dict": "PRESETS = changed(world={'kind': 'nowhere'})",
    "world None": "PRESETS = changed(world=None)",
    "model None": "PRESETS = changed(model=None)",
    "attention in words": "PRESETS = changed(model=msgspec.structs.replace(JUDGED.model, attention='hard_max'))",
    "width 8.0": "PRESETS = changed(model=msgspec.structs.replace(JUDGED.model, width=8.0))",
    "layout new": "PRESETS = changed(model=msgspec.structs.replace(JUDGED.model, layout='new'))",
    "optimiser a dict": "PRESETS = changed(optimiser={'batch': 0})",
    "warmup NaN": "PRESETS = changed(optimiser=Optimiser(warmup=float('nan')))",
    "stopping early": "PRESETS = changed(training=Training(stopping='early'))",
    "evaluation endless": "PRESETS = changed(evaluation=Evaluation(checkpoints=10**9))",
    "references words": "PRESETS = changed(references=('counting',))",
}
"""GridStudy files, all of them wrong; by what they do."""

STUDY_HEAD = """
import msgspec
from tests.small_study import STUDY
from testbed.study import Arm, Fit, NoiseStudy
def changed(**fields):
    return {"quick": msgspec.structs.replace(STUDY, **fields)}
def arm(**fields):
    return changed(arms=(msgspec.structs.replace(STUDY.arms[0], **fields), *STUDY.arms[1:]))
"""
STUDIES = {
    "lengths without end": "PRESETS = changed(lengths=tuple(range(2, 30_000)))",
    "lengths too long": "PRESETS = changed(lengths=(2, 4, 8, 16, 32, 2**40))",
    "draws 1e9": "PRESETS = arm(draws=10**9)",
    "draws 2.5": "PRESETS = arm(draws=2.5)",
    "arm a slash": "PRESETS = arm(name='t[/]')",
    "arm of two lines": "PRESETS = arm(name='a\\nb')",
    "arm that drops": "PRESETS = arm(drops='A9')",
    "part unknown": "PRESETS = arm(part='[red]')",
    "arms none": "PRESETS = changed(arms=())",
    "arms words": "PRESETS = changed(arms=('a', 'b'))",
    "sequences NaN": "PRESETS = changed(sequences=float('nan'))",
    "kept 1e12": "PRESETS = changed(kept=10**12)",
    "tokens 1e30": "PRESETS = changed(tokens=10**30)",
    "study seed": "PRESETS = changed(seed=-1)",
    "fit endless": "PRESETS = arm(fit=Fit(steps=2**31, batch=2**31), draws=2)",
    "fit rate": "PRESETS = arm(fit=Fit(learning_rate=float('inf')), draws=2)",
    "huge model": "PRESETS = arm(model=msgspec.structs.replace(STUDY.arms[0].model, hidden=2**24, width=2**24))",
}
