"""Observing noise: memory as the number of sequences grows a hundredfold, and nanoseconds a token.

Run: ``python benchmarks/noise.py``. Each number of sequences has a process of its own, whose peak memory is read at its
end; exits with status 1 if memory grew by more than a tenth.
"""

import json
import resource
import subprocess
import sys
import time

from testbed.model.initial import init

GROWTH = 1.1
COUNTS = (10_000, 100_000, 1_000_000)
LENGTH = 16


def observed(sequences: int) -> dict[str, float]:
    """Observe so many sequences; return the peak memory of this process in MiB and the time of a token in ns."""
    import jax

    from testbed.model.transformer import Transformer
    from testbed.sources import Iid
    from testbed.studies.noise.measures.observe import observe

    model = Transformer(
        vocabulary=4, context=LENGTH, width=8, layers=1, heads=2, hidden=16, layout="paper", positions="none"
    )
    params, world = init(model, key=jax.random.key(0)), Iid(vocabulary=4)

    def look(count: int) -> None:
        keys = {"key": jax.random.key(1), "directions": jax.random.key(2)}
        observe(world, model, params, length=LENGTH, sequences=count, kept=4096, deep=False, **keys)

    look(1000)  # compile
    began = time.monotonic()
    look(sequences)
    seconds = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"sequences": sequences, "MiB": peak, "ns": 1e9 * seconds / (sequences * LENGTH)}


def main() -> int:
    """Print a line for each number of sequences."""
    found = []
    print(f"{'sequences':>10} {'peak MiB':>9} {'ns a token':>11}")
    for count in COUNTS:
        said = subprocess.run([sys.executable, __file__, str(count)], capture_output=True, text=True, check=True).stdout
        found.append(json.loads(said))
        print(f"{count:10d} {found[-1]['MiB']:9.0f} {found[-1]['ns']:11.0f}", flush=True)
    growth = found[-1]["MiB"] / found[0]["MiB"]
    print(f"memory at {COUNTS[-1]} sequences over that at {COUNTS[0]}: {growth:.3f} (at most {GROWTH})")
    return 0 if growth <= GROWTH else 1


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(observed(int(sys.argv[1]))))
    else:
        sys.exit(main())
