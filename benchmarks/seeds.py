"""Whether verdicts hang on the seed: the quick preset of an experiment under other seeds, claim by claim.

Run: ``python -m benchmarks.seeds [EXPERIMENT] [--seeds 1 2 3 4 5] [--out FOLDER]``. Each seed draws another world,
other data and other first parameters. A claim that is decided one way under one seed and the other way under another
ends in CONTRADICTED, and the script with status 1.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import testbed
from benchmarks.measured import measured

DECIDED = ("supported", "refuted")


def main() -> None:
    """Run every seed, print the table, and end with status 1 if verdicts contradict each other."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("experiment", nargs="?", default="bias_variance", help="name or file; bias_variance by default")
    words.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5], help="1 2 3 4 5 by default")
    words.add_argument("--out", type=Path, help="where runs are kept and taken up again; nowhere by default")
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.out or Path(scratch)
        found = {seed: verdicts(asked.experiment, seed, folder / f"seed-{seed}") for seed in asked.seeds}
    print(f"{measured('seeds')}\n")
    rows, sound = table(found)
    print("\n".join(rows))
    sys.exit(0 if sound else 1)


def verdicts(experiment: str, seed: int, folder: Path) -> dict[str, str]:
    """Return the verdict of each claim of the quick preset under a seed."""
    command = [sys.executable, "-m", "testbed", "run", experiment, "--preset", "quick", "--out", str(folder)]
    command += ["--seed", str(seed), "--world.seed", str(seed)]
    subprocess.run(command, check=True, stdout=sys.stderr)
    return {verdict.id: verdict.verdict for verdict in testbed.open(folder).verdicts}


def table(found: Mapping[int, Mapping[str, str]]) -> tuple[list[str], bool]:
    """Return a row for each claim with its verdict under every seed, and whether none is decided both ways."""
    rows = [f"| claim | {' | '.join(f'seed {seed}' for seed in found)} | |", f"|---|{'---|' * len(found)}---|"]
    sound = True
    for claim in next(iter(found.values())):
        each = [verdicts[claim] for verdicts in found.values()]
        word = _word(each)
        sound &= word != "CONTRADICTED"
        rows.append(f"| {claim} | {' | '.join(each)} | {word} |")
    return rows, sound


def _word(each: Sequence[str]) -> str:
    """Return whether verdicts are the same, open under some seeds, or contradict each other."""
    decided = {verdict for verdict in each if verdict in DECIDED}
    if len(decided) > 1:
        return "CONTRADICTED"
    return "same" if len(set(each)) == 1 else "open under some"


if __name__ == "__main__":
    main()
