"""The words that a page knows: a word index, written small.

Comes in: a word index, word -> rank, and V. Goes out: what the page needs to turn a text into ids exactly as `minirnn.datasets.imdb.encode`
does: which words there are at all, and the ids of those below V.

A word that the index does not know is dropped, so even of the words that V cuts the page must know that they exist. They stand sorted, and
each is written as what it does not share with the one before (front coding): the number of letters shared, one digit to base 36, then the
rest. IMDB's 88,584 words take 401 kB this way, a little more than half of what they take in full. A space is between two words, because it
can be in none of them.

    best bet better      ->      0best 2t 3ter

Source: I. H. Witten, A. Moffat and T. C. Bell, "Managing Gigabytes", 2nd ed. (1999), section 4.1, for front coding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minirnn.datasets import imdb

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
INDEX_FROM = 3
"""What `encode` adds to a rank."""


def front_code(words: list[str]) -> str:
    """Write sorted words, each by its difference from the one before.

    >>> front_code(["best", "bet", "better"])
    '0best 2t 3ter'
    """
    parts, before = [], ""
    for word in words:
        shared, most = 0, min(len(word), len(before), len(DIGITS) - 1)
        # A letter beyond the basic plane is two of JavaScript's, so nothing from it on is shared: both count alike up to there.
        while shared < most and word[shared] == before[shared] and ord(word[shared]) < 0x10000:
            shared += 1
        parts.append(DIGITS[shared] + word[shared:])
        before = word
    return " ".join(parts)


def word_list(word_index: Mapping[str, int], V: int) -> dict[str, Any]:
    """Give a page's vocabulary.

    Parameters
    ----------
    word_index : word -> rank, from 1
    V : ids are 0..V-1

    Returns
    -------
    dict
        ``words``, front coded; ``known``, for each word that has an id below V its place among the sorted words, in the order of the ids;
        and ``ids``, theirs, or None where they are ``first``, first + 1, ... as in any complete index.

    Examples
    --------
    >>> word_list({"better": 2, "bet": 1, "best": 9}, V=6)
    {'words': '0best 2t 3ter', 'known': [1, 2], 'ids': None, 'first': 4}
    """
    # The tokenizer leaves neither separators nor capitals in a word, so a word that holds one can never be met.
    words = sorted(word for word in word_index if word and imdb.words_of(word) == [word])
    known = sorted((word_index[word] + INDEX_FROM, place) for place, word in enumerate(words) if word_index[word] + INDEX_FROM < V)
    ids = [word_id for word_id, _ in known]
    first = ids[0] if ids else 0
    in_a_row = ids == list(range(first, first + len(ids)))
    return {"words": front_code(words), "known": [place for _, place in known], "ids": None if in_a_row else ids, "first": first}
