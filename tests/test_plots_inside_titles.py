"""Titles of the pictures of a network's inside: they say what these numbers show, and no more."""

from dataclasses import replace

import numpy as np
import pytest
from inside_cases import INDEX, TEXT, WORDS, lines, network, painted, read

import minirnn
from minirnn import plots
from minirnn.plots.contributions import contributions_title
from minirnn.plots.gradient import gradient_title
from minirnn.plots.steps import read_steps


@pytest.mark.parametrize("scale", [0.15, 0.9])
def test_the_gradients_title_is_that_of_its_words_numbers(scale):
    trace = read(scale=scale)

    title = plots.gradient_picture(trace, padding=False).title

    norms = np.linalg.norm(trace.layers[0].dh, axis=1)[4:][::-1]
    assert title == gradient_title(norms, np.arange(6), norms[0])
    assert ("The gradient vanishes" in title) == (norms[-1] < 0.01 * norms[0])


def test_an_exploding_gradient_is_called_so_and_a_cut_one_too():
    back = np.arange(6)

    assert "explodes: 3 steps back" in gradient_title(5.0**back, back, 1.0)
    assert gradient_title(np.r_[1.0, 0.5, 0, 0, 0, 0], back, 1.0) == "The gradient reaches 1 step back, and is exactly 0 before that"
    assert "fades" in gradient_title(0.6**back, back, 1.0)
    assert "grows" in gradient_title(2.0**back, back, 1.0)
    assert gradient_title(np.zeros(6), back, 0.0) == "No gradient goes back: it is 0 at every step"


def test_a_gradient_that_dips_and_comes_back_has_not_vanished():
    assert "neither vanishes" in gradient_title(np.array([1.0, 0.001, 0.5]), np.arange(3), 1.0)


def test_bptt_cut_is_seen_in_the_picture():
    trace = minirnn.trace(network(), TEXT, 1, word_index=INDEX, bptt=3)

    picture = plots.gradient_picture(trace)

    assert picture.title == "The gradient reaches 2 steps back, and is exactly 0 before that"
    assert np.isnan(lines(painted(picture))["gradient |dL/dh_t|, left scale"][3:, 1]).all()


@pytest.mark.parametrize(
    ("padded", "probs", "title"),
    [
        (
            0.7,
            [0.6, 0.7, 0.8, 0.7, 0.9, 0.6],
            "It leans to positive from the first word on, never changes its mind, and ends at 0.60: positive",
        ),
        (0.7, [0.6, 0.4, 0.3, 0.2, 0.1, 0.2], "It changes its mind once, at “not” (1st time), and ends at 0.20: negative"),
        (0.1, [0.6, 0.7, 0.8, 0.7, 0.9, 0.6], "It changes its mind once, at “<start>”, and ends at 0.60: positive"),
    ],
)
def test_the_probabilitys_title_counts_the_changes_of_mind(padded, probs, title):
    trace = replace(read(), outputs=np.r_[[padded] * 4, probs][:, None])

    assert plots.probability_picture(trace).title == title


def test_padding_behind_the_text_that_turns_the_answer_round_is_said_to():
    trace = minirnn.trace(network(), np.array([4, 5, 6, 7, 0, 0, 0, 0, 0, 0]), 1, word_index=INDEX)
    trace = replace(trace, outputs=np.r_[[0.6] * 4, [0.3] * 6][:, None])

    assert plots.probability_picture(trace).title.endswith("ends at 0.30: negative; the padding behind the text turns it round")


def test_the_states_title_names_the_word_that_moves_them_most():
    trace = read()
    moves = np.linalg.norm(np.diff(trace.layers[0].hs, axis=0), axis=1)[4:]

    k = int(moves.argmax())

    assert f"“{WORDS[k]}”" in plots.states_picture(trace).title


def test_padding_that_gives_most_is_said_to():
    steps = read_steps(read(), np.arange(10))

    assert contributions_title(steps, np.r_[[1.0] * 4, 0.1, 0.2, 0.3, 0.1, 0.1, 0.1]).startswith(
        "Padding gives 81.6\xa0% of all contributions; of"
    )
    assert contributions_title(steps, np.r_[[0.0] * 4, 1, 1, 1, 1, 2, 4]) == (
        "“dull” teaches most, 40.0\xa0% of all contributions; the last 2 of 10 steps give half"
    )
    assert contributions_title(steps, np.zeros(10)) == "No step teaches anything: every contribution is 0"


def test_the_texts_title_names_the_word_that_pushes_hardest():
    trace = replace(read(), leaning=np.r_[[0.0] * 4, 0.1, 0.2, -0.7, 0, 0.3, 0])

    assert (
        plots.saliency_picture(trace).title
        == "“bad” pushes hardest, towards negative (−0.70 in the logit); “not” (2nd time) follows (+0.30)"
    )
