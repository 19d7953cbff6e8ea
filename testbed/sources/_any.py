"""The union of all worlds, for fields that hold any of them; it is built when first asked for, from the whole shelf."""

from typing import TYPE_CHECKING, Any, TypeAlias, Union

from testbed.ground import catalog

if TYPE_CHECKING:
    from testbed.laws.source import Source

    AnySource: TypeAlias = Source


def __getattr__(name: str) -> Any:
    if name != "AnySource":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return Union[tuple(catalog.shelf(__package__).values())]  # noqa: UP007 - built from what the shelf holds
