"""Train the small experiment's first size on all devices of this process and print its divergences as JSON."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import jax

from tests.shared.small import EXPERIMENT
from tests.train.lanes_common import train


def main(placement):
    cells = EXPERIMENT.pilot_cells() + EXPERIMENT.main_cells(dict.fromkeys(EXPERIMENT.tuned(), 0.03))
    own = [cell for cell in cells if cell.model == EXPERIMENT.models[0]]
    outcomes = train(own, placement=placement)
    told = [outcome.evidence["kl_B"].mean(1).tolist() for outcome in outcomes]
    print(json.dumps({"devices": jax.local_device_count(), "mean_kl": told}))


if __name__ == "__main__":
    main(sys.argv[1])
