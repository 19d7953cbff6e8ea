"""What is guessed of signal, noise and capabilities before anything is measured: enough to simulate their tables."""

from testbed.ground.checked import Checked
from testbed.ground.rules import require

MOST, STEEPEST = 1e6, 8.0


class SignalGuess(Checked, frozen=True, kw_only=True):
    """SNR as c·D^power·Φ(P)/(σ²)^noise_power, and scores as logistic curves of log SNR."""

    snr: float = 0.1
    """SNR of the smallest size on the fewest tokens of the first plane."""
    power: float = 0.7
    """Power of D."""
    noise_power: float = 1.0
    """Power of 1/σ²."""
    rise: float = 0.3
    """Rise of log SNR from one size to the next."""
    scatter: float = 0.15
    """Standard deviation of log SNR over replicates."""
    windows: float = 0.05
    """Standard error of log SNR by the evaluation windows, common to all runs of a plane."""
    width: float = 1.0
    """Decades of SNR between a tenth and nine tenths of the rise of a score."""
    score_noise: float = 0.05
    """Standard deviation over replicates of a score, as a share of the way from chance to Bayes."""

    def __post_init__(self) -> None:
        """Refuse what no signal can be."""
        require(0 < self.snr <= MOST, "signal.snr", self.snr, f"above zero, at most {MOST:g}", "e.g. 0.1")
        for name in ("power", "noise_power", "rise"):
            value = getattr(self, name)
            require(abs(value) <= STEEPEST, f"signal.{name}", value, f"from −{STEEPEST:g} to {STEEPEST:g}", "e.g. 1")
        for name in ("scatter", "windows", "width", "score_noise"):
            value = getattr(self, name)
            require(0 < value <= STEEPEST, f"signal.{name}", value, f"above 0, at most {STEEPEST:g}", "e.g. 0.1")
