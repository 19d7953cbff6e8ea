"""What the report of a study of noise says of itself: the caption of each figure, and the key to its marks."""

from typing import NamedTuple


class Words(NamedTuple):
    """A heading, what is shown and how to read it, a key (names of marks with what they mean), and files of numbers.

    Formulas stand between dollar signs.
    """

    heading: str
    caption: str
    key: tuple[tuple[str, str], ...]
    files: tuple[str, ...]


DECAY = Words(
    "Noise against 1/n",
    "$T$ against $1/n$ on logarithmic axes, n rising to the right, for the part and layer that the prediction is "
    "about. Equal slopes look equal in all panels whose points leave room for it; the faint line falls as $1/n$ from "
    "the first point. Where theory says that there is no variance, the interquartile range along one direction, the "
    "same at every n, is shown too; there the faint line falls as $n^{−½}$. Bars reach 1.96 standard errors to each "
    "side; one that reaches zero, or the bottom of the axis, ends in an open arrow. Below each panel, where theory "
    "gives $T$ at every $n$: $frac{measured}{theory} − 1$. Elsewhere: the residuals of the fitted power law in "
    "standard errors; the band is ±1.96, and a bend means that no single power law holds and the slope is only an "
    "average.",
    (
        ("dot", "given the query token (the colour is that of the assumption dropped)"),
        ("ring", "unconditional: adds the variance between the means of query tokens"),
        ("line", "theory: the predicted T given the query token"),
        ("dash", "theory gives the slope only; the height is fitted"),
        ("dots", "no prediction: the fitted power law"),
        ("faint", "1/n; for an interquartile range, n^−½"),
    ),
    ("levels.parquet", "fits.parquet"),
)
DISTANCES = Words(
    "Distance to the normal law",
    "Kolmogorov–Smirnov distance $D$ between the law of a projection and the normal law of its own mean and "
    "variance, against $n$, on logarithmic axes; that of $D$ is shared by all panels. Bars are 95 % intervals of the "
    "true distance. A Gaussian sample of the same size shows the grey line on average and exceeds the dashed one "
    "once in twenty, so that points in the shaded area cannot be told from a Gaussian; the largest of several "
    "directions leaves it by chance more often than that. Towards a Gaussian limit, with finite third moments, $D$ "
    "falls as $n^{−½}$ until it meets the floor (Berry–Esseen); towards another limit it levels off.",
    (
        ("dot", "direction with the largest distance at this n"),
        ("ringed", "direction with the median distance"),
        ("grey", "floor: mean under a Gaussian"),
        ("greydash", "exceeded by one Gaussian sample in twenty"),
    ),
    ("shapes.parquet", "fits.parquet"),
)
QUANTILES = Words(
    "Quantiles against normal quantiles",
    "Quantiles of a standardised projection against those of the normal law: of the direction whose KS distance is "
    "largest at the largest $n$, and of the same direction at the smallest. A Gaussian sample follows the line, but "
    "for the last few points at each end, which rest on some thousandths of the sample. Above the line at both ends: "
    "a skew to the right. Below it at the left and above it at the right: tails heavier than normal; the reverse: "
    "lighter ones. A level stretch is a value taken often, a jump a gap between values.",
    (("hollow", "smallest n"), ("dot", "largest n"), ("line", "the normal law")),
    ("shapes.parquet",),
)
EFFECTIVE = Words(
    "Effective sample size of attention",
    "$frac{1}{Σ_k a_k^2}$ of the weights $a_k$ with which the last query attends to the $n$ positions, averaged over "
    "heads and sequences, against $n$. Uniform attention lies on the dashed line; the noise falls as $1/n$ only "
    "where the effective sample size grows in proportion to $n$, that is in parallel to it. A level line means that "
    "a bounded number of positions is averaged, however long the context.",
    (("dash", "n: uniform attention"),),
    ("levels.parquet",),
)
LAYERS = Words(
    "Layer by layer",
    "$T$ against $n$ for each layer and part of the arms of which more than one layer was observed. The theory of "
    "the first layer does not hold for the others as it stands: what they average already depends on all tokens. The "
    "panels of one arm share the axis of $T$; bars reach 1.96 standard errors to each side.",
    (),
    ("levels.parquet", "fits.parquet"),
)
