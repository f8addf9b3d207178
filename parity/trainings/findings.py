"""What a run says in the end: one finding per thing that was judged.

Comes in: nothing. Goes out: `Finding`.
"""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """One thing that was judged.

    Attributes
    ----------
    experiment, model, keras : in which experiment, on which model, against which Keras
    what : the tensor or figure
    passed : whether minirnn does what that Keras does
    words : the figures behind it
    by_floor : whether it passed only because Keras is as far from itself: the target as such was missed
    """

    experiment: str
    model: str
    keras: str
    what: str
    passed: bool
    words: str
    by_floor: bool = False
