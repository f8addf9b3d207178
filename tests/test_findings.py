"""The titles: they claim what the numbers hold, and no more."""

from math import log

import pytest

from minirnn.findings import Curve, accuracy_title, loss_title


def curve(name, val_loss, tested=0.7):
    return Curve(name, {"val_loss": [0.7, val_loss]}, 2, tested)


@pytest.mark.parametrize(
    ("one_hot", "embedding", "says", "not_said"),
    [
        (0.550, 0.545, "near the same", "lower"),
        (0.545, 0.550, "near the same", "lower"),
        (0.60, 0.54, "The embedding model reaches the lower", "same"),
        (0.54, 0.60, "The one-hot model reaches the lower", "same"),
        (0.692, 0.54, "Embedding gets below guessing", "same"),
        (0.54, 0.692, "One-hot gets below guessing", "same"),
        (0.692, 0.71, "Neither encoding is better than guessing after 2 epochs", "best"),
    ],
)
def test_the_loss_title_says_what_the_numbers_say(one_hot, embedding, says, not_said):
    title = loss_title([curve("one-hot", one_hot), curve("embedding", embedding)])

    assert says in title
    assert not_said not in title
    assert f"{one_hot:.3f}" in title
    assert f"{embedding:.3f}" in title


def test_a_single_model_gets_a_title_of_its_own():
    assert loss_title([curve("embedding", 0.54)]).endswith("at epoch 2: validation loss 0.540")
    assert (
        loss_title([curve("embedding", log(2))]) == "The embedding model is no better than guessing after 2 epochs: validation loss 0.693"
    )


@pytest.mark.parametrize(
    ("one_hot", "embedding", "tests", "says"),
    [
        (0.730, 0.734, 25_000, "about equally often"),
        (0.730, 0.745, 25_000, "the embedding model is right more often"),
        (0.745, 0.730, 25_000, "the one-hot model is right more often"),
        (0.730, 0.745, 2_500, "about equally often"),
    ],
)
def test_the_accuracy_title_calls_only_a_difference_beyond_chance_one(one_hot, embedding, tests, says):
    title = accuracy_title([curve("one-hot", 0.5, one_hot), curve("embedding", 0.5, embedding)], tests)

    assert says in title
    assert f"{one_hot:.1%}".replace("%", "\N{NO-BREAK SPACE}%") in title


def test_a_very_small_loss_is_not_shown_as_nothing():
    assert "1.2e-05" in loss_title([curve("embedding", 0.0000123)])
