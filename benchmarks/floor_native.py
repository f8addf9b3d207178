"""The floor of this very machine as a peer: the fastest of the builds in `floor.py`, whatever instructions it takes.

Comes in: sizes and arrays, as for `floor_session.py`. Goes out: a session that trains, and says which build it is.
"""

from __future__ import annotations

from benchmarks import floor, floor_session
from benchmarks.drawn import Arrays, Sizes
from benchmarks.peers import Unavailable


class Session(floor_session.Session):
    """As the floor's, on another build."""

    def __init__(self, work: Sizes, arrays: Arrays, model: str = "embedding") -> None:
        super().__init__(work, arrays, model)
        try:
            build, self.run_epoch = floor.fastest_call(self.case)
        except floor.FloorUnavailable as reason:
            raise Unavailable(str(reason)) from None
        self.way = build.name
