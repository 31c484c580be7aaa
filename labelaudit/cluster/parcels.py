"""What travels between processes of one audit."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["packed", "unpacked"]

_SMALL = 512
_CODEC = "zstd"
_LEVEL = 1


class _Planes(NamedTuple):
    """The bytes of an array: first the first byte of all numbers, then the second, and so on.

    Numbers that are much alike have the same high bytes, which then stand side by side.
    """

    width: int
    size: int
    packed: bytes

    @classmethod
    def of(cls, buffer: pickle.PickleBuffer, codec: Any) -> _Planes:
        with memoryview(buffer) as view:
            width, size = view.itemsize, view.nbytes
        planes = np.frombuffer(buffer.raw(), np.uint8).reshape(-1, width).T
        return cls(width, size, codec.compress(np.ascontiguousarray(planes), asbytes=True))

    def array(self, codec: Any) -> npt.NDArray[np.uint8]:
        planes = np.frombuffer(codec.decompress(self.packed, self.size), np.uint8)
        return planes.reshape(self.width, -1).T.copy()


def packed(value: Any) -> bytes:
    """Return a value as bytes; large arrays are compressed."""
    import pyarrow as pa

    codec = pa.Codec(_CODEC, _LEVEL)
    apart: list[tuple[int, int, bytes]] = []

    def stays(buffer: pickle.PickleBuffer) -> bool:
        with memoryview(buffer) as view:
            if view.nbytes < _SMALL:
                return True
        planes = _Planes.of(buffer, codec)
        apart.append((planes.width, planes.size, planes.packed))
        return False

    found = pickle.dumps(value, protocol=5, buffer_callback=stays)
    if not apart:
        return found
    return pickle.dumps(_Apart(found, apart), protocol=5)


class _Apart(NamedTuple):
    """A pickled value, and its large arrays."""

    found: bytes
    arrays: list[tuple[int, int, bytes]]


def unpacked(parcel: bytes) -> Any:
    """Return the value that was packed."""
    # Both ends run this audit, and whoever reaches a worker of an engine runs code there anyway.
    found = pickle.loads(parcel)  # noqa: S301 - as the comment above says
    if not isinstance(found, _Apart):
        return found
    import pyarrow as pa

    codec = pa.Codec(_CODEC)
    arrays = [_Planes(*each).array(codec) for each in found.arrays]
    return pickle.loads(found.found, buffers=arrays)  # noqa: S301 - as above
