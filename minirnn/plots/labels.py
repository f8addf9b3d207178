"""Words beside their points, so that none touches another.

Comes in: points and words. Goes out: where each word's middle stands, in points from its own point; a word without room gets no place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ANGLES = (0.0, 180.0, 90.0, 270.0, 45.0, 135.0, 315.0, 225.0)
MARK = 5.0
"""Points from the middle of a point's mark to its edge."""

DISTANCES = (6.0, 14.0, 24.0, 36.0, 50.0)


def place_labels(
    points: np.ndarray, sizes: np.ndarray, room: tuple[float, float, float, float], others: np.ndarray
) -> list[tuple[float, float] | None]:
    """Find a place for each word, the first words first, the nearest places first.

    Parameters
    ----------
    points (K,2) : where the words' points are, in points (1/72 inch)
    sizes (K,2) : width and height of each word
    room : left, bottom, right, top, which no word leaves
    others (M,2) : points that no word covers

    Examples
    --------
    >>> twins = np.array([[50.0, 50.0], [50.0, 50.0]])
    >>> place_labels(twins, np.array([[20.0, 10.0], [20.0, 10.0]]), (0, 0, 100, 100), twins)
    [(16.0, 0.0), (-16.0, 0.0)]
    >>> place_labels(twins, np.array([[20.0, 10.0], [20.0, 10.0]]), (0, 40, 75, 60), twins)
    [(-16.0, 0.0), None]
    """
    taken: list[tuple[float, float, float, float]] = []
    places: list[tuple[float, float] | None] = []
    for (x, y), (width, height) in zip(points.tolist(), sizes.tolist(), strict=True):
        place = None
        for dx, dy in _offsets(width, height):
            box = (x + dx - width / 2, y + dy - height / 2, x + dx + width / 2, y + dy + height / 2)
            inside = box[0] >= room[0] and box[1] >= room[1] and box[2] <= room[2] and box[3] <= room[3]
            if inside and not any(_touch(box, other) for other in taken) and not _covers(box, others):
                place = (dx, dy)
                taken.append(box)
                break
        places.append(place)
    return places


def _offsets(width: float, height: float) -> Sequence[tuple[float, float]]:
    """Give places around a point: in each direction so far that the word's edge keeps the distance."""
    offsets = []
    for distance in DISTANCES:
        for angle in ANGLES:
            across, up = round(float(np.cos(np.radians(angle))), 3), round(float(np.sin(np.radians(angle))), 3)
            side = width / 2 * float(np.sign(across)) if abs(across) > 0.1 else 0.0
            rise = height / 2 * float(np.sign(up)) if abs(up) > 0.1 else 0.0
            offsets.append((distance * across + side, distance * up + rise))
    return offsets


def _touch(box: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]


def _covers(box: tuple[float, ...], points: np.ndarray) -> bool:
    x, y = points.T
    return bool(np.any((x > box[0] - MARK) & (x < box[2] + MARK) & (y > box[1] - MARK) & (y < box[3] + MARK)))
