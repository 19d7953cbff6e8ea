"""Wrong requests by the hundred: words, the files they name, and the experiment files that hold them."""

import json
import os
import shlex
from pathlib import Path

from tests.cli import wrong_fits
from tests.cli.common import FILE
from tests.cli.wrong_files import HEAD, SOURCES, STUDIES, STUDY_HEAD

HUGE = ["", " ", "é" * 500, "9" * 300, "1" + "0" * 30]
HUGE += ["nan", "inf", "-1", "0", "1e3", "2.5", "three", "[red]", "t[/]", "<b>"]
"""Words that stand for no number that may be used, whatever the field."""

DEEP = "[" * 500 + "]" * 500
LONG = "x" * 100_000

OVERRIDES = """
grid.replicates grid.multiples grid.tokens training.steps training.ladder training.ratio training.learning-rates
optimiser.batch optimiser.warmup optimiser.clip optimiser.beta1 evaluation.sequences evaluation.checkpoints model.width
model.layers model.heads model.context seed world.vocabulary
"""
NUMBERS = "length lags contexts tokens width"
MAY = {
    "optimiser.warmup": "0",
    "optimiser.beta1": "0",
    "optimiser.clip": f"1e3 2.5 {HUGE[4]}",
    "training.learning-rates": f"2.5 1e3 {HUGE[4]}",
    "seed": "0",
    "lags": "0",
    "width": f"1e3 2.5 {HUGE[3]} {HUGE[4]}",
}
"""What is no wrong request."""

IID, RUN = "truth iid --vocabulary 4", f"run {FILE}"
LINES = f"""
''
@LONG
[red]run
list truth
truth t[/]
truth 'iid@LINE markov'
truth @LONG
truth ''
truth @HALF
truth ../iid
{IID} --vocabulary x
{IID} --@LONG
{IID} @LONG
{IID} --json=3
{IID} --lags 1 x
{IID} --svg /dev/null
{IID} --svg no/where.svg
{IID} --svg ''
{IID} --svg @WIDE/a.svg
truth iid --vocabulary @LONG
truth iid --vocabulary 2 --weights nan 1
truth iid --vocabulary 2 --concentration 1 --seed 1@ZEROS
truth iid --vocabulary 2 --concentration 1 --seed -1
truth markov --vocabulary 2 --rows @DEEP
truth markov --vocabulary 2 --rows @LONG
truth markov --vocabulary 2 --rows [[NaN,1],[0,1]]
truth markov --vocabulary 2 --rows [[1e999,1],[0,1]]
truth markov --vocabulary 2 --order 1000000000
truth block_stationary --block-length 1000000000000000000
truth facts --facts 1000000000000000000
truth grammar --depth 1000000000
truth hidden_markov --process t[/]
truth hidden_markov --process ''
truth hidden_markov --process @LONG
truth hidden_markov --process mess3 --parameters nan inf
{RUN} --preset t[/]
{RUN} --preset ''
{RUN} --preset @LONG
{RUN} --model.attention hardmax
{RUN} --model.attention=hardmax
{RUN} --model.feedforward reluu
{RUN} --model.layout [red]
{RUN} --model.width 4000000
{RUN} --model.width 4,000
{RUN} --model.layers 1000000000
{RUN} --model.context 1000000000000
{RUN} --model.context 1048576 --grid.tokens 1048576
{RUN} --world iid
{RUN} --grid 3
{RUN} --claims none
{RUN} --claims.0.level 95
{RUN} --grid.replicates 1000000000
{RUN} --grid.multiples 0
{RUN} --grid.multiples 2 1
{RUN} --grid.multiples 1 1152921504606846976
{RUN} --optimiser.batch 1000000000000
{RUN} --optimiser.batch 16777216
run ''
run 'a@NULLb'
run @WIDE.py
run @PATH
run t[/].py
run 'a@LINEb.py'
run experiments/no_such.py
run /dev/null
run .
judge
judge ''
judge 'a@NULLb'
judge @WIDE
judge t[/]
judge /dev/null
report a b
report /dev/null
gallery --out /dev/null
gallery --out ''
gallery --out @PATH
"""
MEANT = {"@LONG": LONG, "@DEEP": DEEP, "@LINE": "\n", "@NULL": "\0", "@HALF": "\udcff", "@WIDE": "x" * 300}
MEANT |= {"@PATH": "x/" * 5000, "@ZEROS": "0" * 23, "@NINES": "9" * 400, "@DIGITS": "9" * 5000}
FEATURES = """
@DEEP @LONG {} [[1e308],[1],[1],[1]] [[1e999],[1],[1],[1]] [[NaN],[1],[1],[1]] [["a"],[1],[1],[1]] [[1],[1,2],[1],[1]]
[[@NINES],[1],[1],[1]] [[@DIGITS],[1],[1],[1]]
"""
BASES = """
@DEEP @LONG null {"kind":"t[/]"} {"kind":"iid","vocabulary":NaN} {"kind":"iid","vocabulary":@DIGITS} "\\ud800"
@WORLDS
"""
MEANT |= {"@WORLDS": '{"kind": "noisy", "sigma": 0.1, "base": ' * 500 + "0" + "}" * 500}


def words() -> dict[str, list[str]]:
    """Return the wrong requests that need no file, by name."""
    lines = (LINES + wrong_fits.LINES).splitlines()[1:]
    found = {f"line {at}": _meant(line) for at, line in enumerate(lines)} | {"nothing": []}
    for command, fields in ((RUN, OVERRIDES), (IID, NUMBERS), ("truth iid", "vocabulary")):
        for field in fields.split():
            for at, word in enumerate(HUGE):
                if word not in MAY.get(field, "").split():
                    found[f"{field} {at}"] = [*command.split(), f"--{field}", word]
    for option in ("--checkpoint-seconds", "--memory-gib"):
        for at, word in enumerate(("nan", "inf", "-1", "x", "", "1e300", LONG)):
            found[f"{option} {at}"] = [*RUN.split(), option, word]
    for at, word in enumerate(["", *FEATURES.split()]):
        found[f"features {at}"] = [*IID.split(), "--features", *_meant(word, [word])]
    for at, word in enumerate(["", *BASES.split()]):
        found[f"base {at}"] = ["truth", "noisy", "--sigma", "0.1", "--base", *_meant(word, [word])]
    return found


def _meant(line: str, said: list[str] | None = None) -> list[str]:
    """Return the words of a line, with what its names in capitals stand for."""
    said = shlex.split(line) if said is None else said
    for name, meant in MEANT.items():
        said = [word.replace(name, meant) for word in said]
    return said


CHAIN, REPORT, JUDGE = "truth hidden_markov --file", "report foreign --picture", "judge foreign --claims-of"
FILES = f"""
{RUN} --out letter
{RUN} --out letter/run
{RUN} --out fifo
{RUN} --out broken
{RUN} --out folder
{RUN} --out loop
{RUN} --out foreign
{RUN} --out @WIDE
{RUN} --out @PATH
{RUN} --out /dev/null
{RUN} --out /proc/x/y
judge letter
judge fifo
judge broken
judge loop
judge folder
judge empty
report letter
report fifo
report empty
run letter
run fifo
run broken
run loop
run folder
run no.json
{JUDGE} letter
{JUDGE} fifo
{JUDGE} broken
{JUDGE} folder
{IID} --svg folder
{IID} --svg fifo
{IID} --svg letter/a.svg
{IID} --svg @WIDE
{IID} --svg loop
{REPORT} folder
{REPORT} fifo
{REPORT} no/where.svg
{REPORT} letter/a.svg
{CHAIN} folder
{CHAIN} fifo
{CHAIN} letter
{CHAIN} no.json
{CHAIN} latin.json
{CHAIN} odd.npz
{CHAIN} broken
"""
TEXTS = {"deep": "[" * 100_000, "null": "null", "list": "[1]", "words": '{"T": "[red]"}', "cut": '{"T": [[[0.5'}
TEXTS |= {"endless": '{"T": [[[1e999]]]}', "huge": json.dumps({"T": LONG})}
"""Files that hold no process."""


def with_files(folder: Path) -> dict[str, list[str]]:
    """Leave files that are not what they should be in a folder; return the requests that name them."""
    _left(folder)
    found = {}
    for name, text in SOURCES.items():
        found[f"file: {name}"] = ["run", _written(folder / "sources" / f"{name}.py", HEAD + text)]
    for name, text in STUDIES.items():
        found[f"study: {name}"] = ["run", _written(folder / "studies" / f"{name}.py", STUDY_HEAD + text)]
    for line in (FILES + wrong_fits.FILES + "".join(f"{CHAIN} {text}.json\n" for text in TEXTS)).splitlines()[1:]:
        *said, last = _meant(line)
        found[line] = [*(str(folder / each) if each == "foreign" else each for each in said), str(folder / last)]
    return found


def _left(folder: Path) -> None:
    for name in ("folder", "empty", "foreign"):
        (folder / name).mkdir(parents=True)
    _written(folder / "folder" / "letter", "Dear")
    _written(folder / "letter", "Dear")
    os.mkfifo(folder / "fifo")
    (folder / "broken").symlink_to(folder / "nowhere" / "at" / "all")
    (folder / "loop").symlink_to(folder / "loop")
    _written(folder / "foreign" / "spec.json", '{"kind": "t[/]"}')
    for name, text in TEXTS.items():
        _written(folder / f"{name}.json", text)
    (folder / "latin.json").write_bytes(b'{"T": "\xe9"}')
    (folder / "odd.npz").write_bytes(b"PK\x03\x04 and no more")


def _written(path: Path, text: str) -> str:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return str(path)
