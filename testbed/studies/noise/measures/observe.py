"""Observing noise: many sequences of one length stream past a model, and sums of fixed size remain.

The sampler and the model's forward are one compiled program each, whose batches are dealt out to all devices; that of
the first layer serves all lengths. A call takes some hundred sequences; between calls nothing is kept but sums, and
projections of the first sequences, so that memory does not grow with their number.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from testbed.model.transformer import Transformer
from testbed.sources import Source
from testbed.stats.identified import told
from testbed.stats.streaming import total
from testbed.studies.noise.analysis import PARTS
from testbed.studies.noise.measures.programs import observer, sampler
from testbed.studies.noise.measures.seen import Seen, View

RANDOM, PRINCIPAL = 3, 2
"""Numbers of fixed directions: at random, and of the largest variance given the query in a pilot."""

LEAST, PILOT = 100, 512
"""Sequences of the pilot: a quarter of the sample's within these."""

_CALL = {"cpu": (64, 8)}
_CALL_ELSEWHERE = 1024, 4
_DEEP = {"cpu": 2**15}
_DEEP_ELSEWHERE = 2**19
"""Sequences that a model reads at once, and how often in a call; where every layer is read, tokens at once at most."""

_TOKENS = 2**23
"""Tokens of a call on a CPU, where several batches have more."""


class Split(NamedTuple):
    """How S sequences are taken: calls of T batches of B sequences; what is over is masked."""

    batch: int
    batches: int
    calls: int

    @property
    def taken(self) -> int:
        """Return the sequences of a call."""
        return self.batch * self.batches


def split(room: int, sequences: int, platform: str, *, deep: bool, devices: int = 1) -> Split:
    """Return how so many sequences are taken on a kind of device; the batches of a call are dealt out to the devices.

    ``room`` is the number of tokens of a sequence that the program has room for.

    >>> split(512, 4000, "cpu", deep=False), split(65536, 4000, "cpu", deep=False, devices=2)
    (Split(batch=64, batches=8, calls=8), Split(batch=64, batches=2, calls=32))
    """
    batch, batches = _CALL.get(platform, _CALL_ELSEWHERE)
    if deep:
        batch = min(batch, max(_DEEP.get(platform, _DEEP_ELSEWHERE) // room, 1))
    if platform == "cpu":
        batches = min(batches, max(_TOKENS // (batch * room), 1))
    batches = -(-batches // devices) * devices
    return Split(batch, batches, -(-sequences // (batch * batches)))


def observe(
    source: Source,
    model: Transformer,
    params: Any,
    *,
    length: int,
    sequences: int,
    kept: int,
    deep: bool,
    key: Key[Array, ""],
    directions: Key[Array, ""],
    room: int | None = None,
    told: Callable[[float], None] = lambda share: None,
) -> Seen:
    """Return what S independent sequences of n = ``length`` tokens do to the vectors at the last position.

    The query is the last position, which reads the token before the last. ``deep`` observes every layer, at n²
    operations a sequence; otherwise the first layer alone, at n. Equal keys of ``directions`` give the same random
    directions at every length, so that the spread along one can be followed; centres and principal directions come from
    a pilot of sequences that take no further part. Points of one ``room``, no shorter than their lengths, share the
    program that reads the first layer. Shares of the sample that are done are ``told`` as it goes on.

    Error: sums are float32 within a call and float64 between calls; a total variance is that of the float32 vectors to
    1e-6 of itself.
    """
    if length < 2:
        raise ValueError(f"length={length}: the last query reads the token before the last; use 2 or more tokens.")
    pilot_key, sample_key = jax.random.split(key)
    stream = _Stream(source, model, params, length, deep, length if room is None else room)
    places = len(PARTS) * (model.layers if deep else 1)
    random_OMR = _units(np.random.default_rng(np.asarray(jax.random.key_data(directions))), places, model.width)
    blank = _view(np.zeros((model.vocabulary, places, model.width)), random_OMR, np.zeros((places, model.width, 0)))
    pilot = stream.of(pilot_key, blank, sequences=min(max(sequences // 4, LEAST), PILOT), kept=0)
    return stream.of(sample_key, _suggested(pilot, random_OMR), sequences=sequences, kept=kept, told=told)


class _Stream:
    """Sequences of one length through one model, spread over all devices of this process."""

    def __init__(self, source: Source, model: Transformer, params: Any, length: int, deep: bool, room: int) -> None:
        self.params, self.length, self.noisy = params, length, model.embedding_noise is not None
        self.deep, self.room = deep, length if deep else room
        self.tables = jax.tree.map(jnp.asarray, source.tables())
        devices = tuple(jax.local_devices())
        self.platform, self.devices = devices[0].platform, len(devices)
        self.sample, self.look = sampler(type(source), length, self.room, devices), observer(model, deep, devices)

    def of(
        self,
        key: Key[Array, ""],
        view: View,
        *,
        sequences: int,
        kept: int,
        told: Callable[[float], None] = lambda share: None,
    ) -> Seen:
        """Return what these sequences show."""
        size = split(self.room, sequences, self.platform, deep=self.deep, devices=self.devices)
        noise_key = jax.random.fold_in(key, 2**31) if self.noisy else None
        whole: Any = None
        rows: list[np.ndarray] = []
        queries: list[np.ndarray] = []
        for call in range(size.calls):
            index_TB = np.arange(call * size.taken, (call + 1) * size.taken).reshape(size.batches, size.batch)
            tokens_TBL = self.sample(self.tables, key, index_TB)
            weight_TB = (index_TB < sequences).astype(np.float32)  # what lies past the last sequence counts for nothing
            own = np.arange(call * size.batches, (call + 1) * size.batches)
            glance = self.look(self.params, tokens_TBL, weight_TB, np.int32(self.length), own, noise_key, view)
            sums = (np.asarray(part, np.float64).sum(0) for part in (glance.second_DVOWW, glance.effective_DN))
            whole = tuple(sums) if whole is None else tuple(map(np.add, whole, sums))
            if call * size.taken < kept or not rows:
                rows.append(np.asarray(glance.projected_BOR))
                queries.append(np.asarray(glance.query_B))
            told(1 / size.calls)
        if whole is None:
            raise ValueError(f"sequences={sequences}: a spread needs some; use 3 or more.")
        first = slice(min(kept, sequences))
        return Seen(
            centre_VOM=np.asarray(view.centre_VOM, np.float64),
            second_VOWW=whole[0],
            direction_OMR=np.asarray(view.direction_OMR, np.float64),
            projected_BOR=np.concatenate(rows)[first],
            query_B=np.concatenate(queries)[first],
            effective_N=whole[1] / sequences,
        )


def _suggested(pilot: Seen, random_OMR: Float[np.ndarray, "O M R"]) -> View:
    """Return the centres and directions that a pilot suggests; a symbol that it never met gets the common mean."""
    places, width = pilot.centre_VOM.shape[1:]
    centre_VOM, leading = np.zeros_like(pilot.centre_VOM), []
    for place in range(places):
        groups = pilot.groups(place)
        whole = told(total)(groups)
        if isinstance(whole, str):  # a vector is not finite: nothing suggests a direction
            leading.append(np.eye(width)[:, : min(PRINCIPAL, width)])
            continue
        common_M = whole.mean_M
        centre_VOM[:, place] = [group.mean_M if group.vectors else common_M for group in groups]
        within_MM = np.sum([group.about(group.mean_M).second_WW[1:-1, 1:-1] for group in groups if group.vectors], 0)
        leading.append(np.linalg.eigh(within_MM)[1][:, ::-1][:, : min(PRINCIPAL, width)])
    return _view(centre_VOM, random_OMR, np.stack(leading))


def _view(
    centre_VOM: Float[np.ndarray, "V O M"],
    random_OMR: Float[np.ndarray, "O M R"],
    leading_OMR: Float[np.ndarray, "O M _"],
) -> View:
    """Return a view with as many directions as all have, so that one program serves: what is not known yet is zero."""
    places, width, count = *random_OMR.shape[:2], RANDOM + min(PRINCIPAL, random_OMR.shape[1])
    direction_OMR = np.zeros((places, width, count), np.float32)
    known_OMR = np.concatenate([random_OMR, leading_OMR], axis=2)
    direction_OMR[..., : known_OMR.shape[2]] = known_OMR
    return View(centre_VOM.astype(np.float32), direction_OMR)


def _units(rng: np.random.Generator, places: int, width: int) -> Float[np.ndarray, "O M R"]:
    """Return random unit vectors."""
    x_OMR = rng.standard_normal((places, width, RANDOM), np.float32)
    return np.asarray(x_OMR / np.linalg.norm(x_OMR, axis=1, keepdims=True))
