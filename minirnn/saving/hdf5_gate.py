"""The gate before the HDF5 library: is this file put together the way that Keras puts it together, and does every list in it end?

Comes in: the bytes of a file of weights. Goes out: nothing, or an error. No number is read here.

The library is written for files that are what they say. HDF5 1.14.6 takes memory without end from a file of 38 kB when eight of its bytes
make one list of free space run in a circle (``test_a_circle_in_the_free_list_is_refused``). So the structure is walked first: each node
once, a known number of steps, everything inside the file, and of all kinds of message only those of plain groups and plain datasets::

    superblock -> root group
    group      -> B-tree -> leaves -> entries: a name in the heap, and the address of a group or a dataset
    group      -> heap   -> its list of free space

Source: HDF5 File Format Specification 3.0, sections II.A (superblock 0), III.A (B-tree 1), III.B, III.C, III.D, IV.A.1 (object header 1).
"""

from __future__ import annotations

import struct
from typing import Any

SIGNATURE = b"\x89HDF\r\n\x1a\n"

_NONE = (1 << 64) - 1
_FREE_END = 1
"""What ends a heap's list of free space."""

_CONTINUATION, _SYMBOL_TABLE = 0x10, 0x11
_KNOWN = frozenset({0x00, 0x01, 0x03, 0x04, 0x05, 0x08, 0x0C, _CONTINUATION, _SYMBOL_TABLE, 0x12})
"""Nothing, dataspace, datatype, fill value (old and new), layout, attribute, continuation, symbol table, time. Not among them, and so
refused: data in other files, filters, shared messages, and the groups of newer files."""

_MOST_STEPS = 1_000_000

Member = tuple[int, int, tuple[int, int] | None]
"""Of a group: where its name starts in the heap, the address of its header, and what the entry repeats of it: (tree, heap)."""


def check_structure(contents: bytes) -> None:
    """Pass a file, or raise.

    Raises
    ------
    ValueError
        The file is not laid out as Keras does it, is cut short, or has lists that do not end.
    """
    if contents[:8] != SIGNATURE:
        raise ValueError("it does not begin like HDF5")
    _Walk(contents).file()


class _Walk:
    def __init__(self, contents: bytes) -> None:
        self._contents = contents
        # in an honest file every message, entry and free block has eight bytes of its own
        self._steps = min(len(contents) // 8, _MOST_STEPS)
        self._seen: set[tuple[str, int]] = set()

    def file(self) -> None:
        version, sizes = self._take("<B4xBB", 8)[0], self._take("<BB", 13)
        base, _, end, driver, _, root = self._take("<6Q", 24)
        if version != 0 or sizes != (8, 8) or base != 0 or driver != _NONE:
            raise ValueError(f"its superblock (version {version}, sizes {sizes}) is not of the kind that Keras writes")
        if end > len(self._contents):
            raise ValueError(f"it is cut short: {len(self._contents)} of {end} bytes")
        waiting = [(root, self._cached(72))]
        while waiting:
            address, cached = waiting.pop()
            if self._first_time("object", address):
                tables = self._tables(address)
                if len(tables) > 1 or (cached is not None and tables != [cached]):
                    raise ValueError(f"the group at byte {address} has two lists of members")
                for tree, heap in tables:
                    names = self._heap(heap)
                    for name, member, cache in self._entries(tree):
                        if names.find(b"\0", name) < 0:
                            raise ValueError(f"a name lies outside the heap at byte {heap}")
                        waiting.append((member, cache))

    def _tables(self, address: int) -> list[tuple[int, int]]:
        """Walk an object's messages; give the (tree, heap) of a group, nothing for a dataset."""
        version, size = self._take("<B7xI", address)
        if version != 1:
            raise ValueError(f"the object at byte {address} has a header of version {version}")
        chunks: list[tuple[int, int]] = [(address + 16, size)]
        tables: list[tuple[int, int]] = []
        while chunks:
            place, left = chunks.pop()
            if not self._first_time("messages", place):
                raise ValueError(f"the messages at byte {place} are listed twice")
            while left >= 8:
                kind, length, flags = self._take("<HHB", place)
                if kind not in _KNOWN or flags & 2:
                    raise ValueError(f"an object holds a message of kind {kind:#x} (flags {flags:#x}), which Keras does not write")
                if kind in (_CONTINUATION, _SYMBOL_TABLE):
                    first, second = self._take("<QQ", place + 8)
                    (chunks if kind == _CONTINUATION else tables).append((first, second))
                place, left = place + 8 + length, left - 8 - length
        return tables

    def _entries(self, tree: int) -> list[Member]:
        """Walk a B-tree; give the members that its leaves list."""
        entries: list[Member] = []
        nodes = [(tree, -1)]
        while nodes:
            node, expected = nodes.pop()
            signature, kind, level, used = self._take("<4sBBH", node)
            if signature != b"TREE" or kind != 0 or (expected >= 0 and level != expected) or not self._first_time("node", node):
                raise ValueError(f"the B-tree node at byte {node} is not one, or stands twice in its tree")
            for child in range(used):
                (address,) = self._take("<Q", node + 32 + 16 * child)
                if level:
                    nodes.append((address, level - 1))
                else:
                    entries += self._leaf(address)
        return entries

    def _leaf(self, address: int) -> list[Member]:
        signature, version, count = self._take("<4sBxH", address)
        if signature != b"SNOD" or version != 1 or not self._first_time("leaf", address):
            raise ValueError(f"the list of members at byte {address} is not one, or stands twice")
        members = []
        for place in range(address + 8, address + 8 + 40 * count, 40):
            name, member = self._take("<QQ", place)
            members.append((name, member, self._cached(place + 16)))
        return members

    def _cached(self, place: int) -> tuple[int, int] | None:
        """Give what an entry repeats of its group, since the library goes by it."""
        kind, tree, heap = self._take("<I4xQQ", place)
        if kind not in (0, 1):
            raise ValueError(f"the entry at byte {place} is a link to elsewhere, which is not followed")
        return (tree, heap) if kind else None

    def _heap(self, address: int) -> bytes:
        """Walk a heap's free list; give the bytes that hold the names."""
        signature, version, size, free, start = self._take("<4sB3xQQQ", address)
        if signature != b"HEAP" or version != 0 or start + size > len(self._contents):
            raise ValueError(f"the heap at byte {address} is not one, or leaves the file")
        while free != _FREE_END:
            if free + 16 > size or not self._first_time("free", start + free):
                raise ValueError(f"the free space of the heap at byte {address} runs in a circle or out of it")
            (free,) = self._take("<Q", start + free)
        return self._contents[start : start + size]

    def _first_time(self, kind: str, address: int) -> bool:
        if (kind, address) in self._seen:
            return False
        self._seen.add((kind, address))
        return True

    def _take(self, form: str, place: int) -> tuple[Any, ...]:
        """Read some fields, inside the file and within the number of steps."""
        self._steps -= 1
        if self._steps < 0:
            raise ValueError("its structure has more parts than a file of its size can have")
        if place + struct.calcsize(form) > len(self._contents):
            raise ValueError(f"it points to byte {place} of {len(self._contents)}")
        return struct.unpack_from(form, self._contents, place)
