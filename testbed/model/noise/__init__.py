"""Shelf of embedding noises: continuous noise that is added to the vector of every token.

A variant is one file with one frozen struct, tagged by its file name, whose fields are its own settings, and
``__call__(*, key, width) -> noise_M``: the noise of one token, symmetric about zero, in float32. Tokens have
independent noise of one law; the network derives the key of each from the caller's key, its sequence and its place.
"""

from testbed.ground.catalog import extended

__path__ = extended(__path__, __name__)

from typing import TYPE_CHECKING, Any, TypeAlias, Union

from testbed.ground import catalog

if TYPE_CHECKING:
    AnyNoise: TypeAlias = Any
else:
    AnyNoise = Union[tuple(catalog.shelf(__name__).values())]  # noqa: UP007 - built from what the shelf holds
