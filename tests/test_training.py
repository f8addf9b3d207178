"""What an epoch reports, and what its validation does."""

import numpy as np
import pytest
from training_cases import E, H, N, T, V, draw_examples, hits, losses_of_each, note, sentiment_model

from minirnn.callbacks import History, LambdaCallback
from minirnn.inputs import split_validation
from minirnn.layers import Dense, Dropout, Embedding, Input, SimpleRNN


@pytest.fixture
def examples():
    return draw_examples()


# -------------------------------------------------------------------------------------------------------------------- what an epoch reports


@pytest.mark.parametrize("batch_size", [1, 5, 7, N, 64])
@pytest.mark.parametrize("shuffle", [True, False, "batch"])
def test_the_loss_is_the_mean_over_all_examples_however_short_the_last_batch(examples, batch_size, shuffle):
    x, y = examples
    model = sentiment_model()

    logs = model.fit(x, y, batch_size=batch_size, shuffle=shuffle, verbose=0).history

    assert logs["loss"] == pytest.approx([losses_of_each(model, x, y).mean()], rel=1e-6)
    assert logs["accuracy"] == pytest.approx([hits(model, x, y).mean()])


def test_sample_weights_multiply_losses_and_leave_accuracy_alone(examples):
    x, y = examples
    weights = np.random.default_rng(3).uniform(0, 4, N)
    model = sentiment_model()

    logs = model.fit(x, y, batch_size=5, sample_weight=weights, verbose=0).history

    assert logs["loss"] == pytest.approx([np.sum(losses_of_each(model, x, y) * weights) / N], rel=1e-6)
    assert logs["accuracy"] == pytest.approx([hits(model, x, y).mean()])


@pytest.mark.parametrize("class_weight", [{0: 3.0, 1: 0.5}, {1: 2.5}, {}])
def test_class_weights_are_sample_weights_by_label_and_1_where_none_is_named(examples, class_weight):
    x, y = examples
    weights = np.array([class_weight.get(label, 1.0) for label in y])
    by_class, by_sample = sentiment_model(0.01), sentiment_model(0.01)

    logs = by_class.fit(x, y, class_weight=class_weight, batch_size=7, verbose=0).history
    expected = by_sample.fit(x, y, sample_weight=weights, batch_size=7, verbose=0).history

    assert logs == expected
    np.testing.assert_equal(by_class.get_weights(), by_sample.get_weights())


def test_class_weights_go_by_the_largest_label_where_there_are_several_outputs(examples):
    x, labels = examples
    y = np.eye(3)[labels + 1]
    model = sentiment_model(stack=[Input((T,)), Embedding(V, E), SimpleRNN(H), Dense(3, "sigmoid")])

    weighted = model.fit(x, y, class_weight={2: 3.0}, verbose=0).history["loss"]
    expected = model.evaluate(x, y, sample_weight=1 + 2.0 * (labels == 1), verbose=0)[0]

    assert weighted == pytest.approx([expected], rel=1e-6)


def test_losses_are_taken_before_the_update_and_validation_after_the_epoch(examples):
    x, y = examples
    model = sentiment_model(0.05)
    before = losses_of_each(model, x, y).mean()

    logs = model.fit(x, y, batch_size=N, validation_data=(x, y), verbose=0).history

    after = losses_of_each(model, x, y).mean()
    assert logs["loss"] == pytest.approx([before], rel=1e-6)
    assert logs["val_loss"] == pytest.approx([after], rel=1e-6)
    assert before != pytest.approx(after, rel=1e-3)


def test_every_epoch_has_means_of_its_own(examples):
    x, y = examples
    in_one_go, by_epoch = sentiment_model(0.05), sentiment_model(0.05)

    together = in_one_go.fit(x, y, batch_size=5, epochs=3, verbose=0).history
    apart = []
    for _ in range(3):
        by_epoch.reset_metrics()
        apart.append(by_epoch.fit(x, y, batch_size=5, verbose=0).history)

    assert together == {name: [logs[name][0] for logs in apart] for name in together}
    assert len(set(together["loss"])) == 3


def test_an_evaluation_between_batches_leaves_the_epoch_s_means_alone(examples):
    x, y = examples
    model = sentiment_model()
    listener = LambdaCallback(on_train_batch_end=lambda *_, **__: model.evaluate(x[:2], y[:2], verbose=0))

    logs = model.fit(x, y, batch_size=5, verbose=0, callbacks=[listener]).history

    assert logs["loss"] == pytest.approx([losses_of_each(model, x, y).mean()], rel=1e-6)


def test_nothing_is_dropped_in_evaluation_and_prediction(examples):
    x, y = examples
    stack = [
        Input((T,)),
        Embedding(V, E),
        Dropout(0.5),
        SimpleRNN(H, dropout=0.5, recurrent_dropout=0.5),
        Dropout(0.5),
        Dense(1, "sigmoid"),
    ]
    model = sentiment_model(stack=stack)
    expected = losses_of_each(model, x, y).mean()

    logs = model.fit(x, y, validation_data=(x, y), verbose=0).history

    assert logs["val_loss"] == pytest.approx([expected], rel=1e-6)
    assert model.evaluate(x, y, verbose=0)[0] == pytest.approx(expected, rel=1e-6)
    assert model.test_on_batch(x, y)[0] == pytest.approx(expected, rel=1e-6)
    assert logs["loss"] != pytest.approx([expected], rel=1e-3)


def test_the_history_s_keys_are_sorted(examples):
    x, y = examples

    history = sentiment_model().fit(x, y, epochs=2, validation_split=0.3, verbose=0)

    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert history.epoch == [0, 1]
    assert all(type(value) is float for values in history.history.values() for value in values)


def test_fit_returns_the_history_it_was_given(examples):
    x, y = examples
    own, model = History(), sentiment_model()

    assert model.fit(x, y, callbacks=[own], verbose=0) is own
    assert model.history is own
    assert model.fit(x, y, verbose=0) is not own


def test_batches_see_the_running_mean(examples):
    x, y = examples
    seen, model = [], sentiment_model()

    model.fit(x, y, batch_size=5, shuffle=False, verbose=0, callbacks=LambdaCallback(on_train_batch_end=lambda _, logs: seen.append(logs)))

    each = losses_of_each(model, x, y)
    assert [logs["loss"] for logs in seen] == pytest.approx([each[:end].mean() for end in (5, 10, 15, 20, 23)], rel=1e-6)


def test_a_validation_in_between_leaves_the_epoch_s_means_alone(examples):
    x, y = examples

    with_validation = sentiment_model(0.01).fit(x, y, batch_size=5, epochs=2, validation_data=(x[:4], y[:4]), verbose=0).history
    without = sentiment_model(0.01).fit(x, y, batch_size=5, epochs=2, verbose=0).history

    assert with_validation["loss"] == without["loss"]


def test_labels_that_are_soft_count_in_the_loss_and_never_as_hits(examples):
    x, _ = examples
    model, soft = sentiment_model(), np.full(N, 0.75)
    p = model.predict(x, verbose=0)[:, 0].astype(np.float64)

    loss, accuracy = model.evaluate(x, soft, verbose=0)

    assert loss == pytest.approx(np.mean(-0.75 * np.log(p) - 0.25 * np.log(1 - p)), rel=1e-6)
    assert accuracy == 0


# ------------------------------------------------------------------------------------------------------------------------------- validation


@pytest.mark.parametrize(("N", "share", "stays"), [(10, 0.8, 1), (25_000, 0.9, 2499), (25_000, 0.8, 4999), (5, 1e-9, 4), (10, 0.25, 7)])
def test_validation_split_rounds_as_keras_does(N, share, stays):
    x = np.arange(N)

    (training, nothing), (validation, _) = split_validation("fit", share, x, None)

    np.testing.assert_array_equal(training, x[:stays])
    np.testing.assert_array_equal(validation, x[stays:])
    assert nothing is None


@pytest.mark.parametrize(("N", "share"), [(10, 0.9), (1, 0.5), (10, 1.0), (10, -0.1), (10, 1.5), (10, float("nan")), (10, "0.2")])
def test_a_split_that_leaves_nothing_is_refused(N, share):
    with pytest.raises(ValueError, match="validation_split"):
        split_validation("fit", share, np.arange(N))


def test_validation_split_takes_the_last_examples_with_their_weights(examples):
    x, y = examples
    weights = np.random.default_rng(4).uniform(0, 2, N)
    split, given = sentiment_model(0.01), sentiment_model(0.01)
    stays = int(N * 0.7)

    logs = split.fit(x, y, sample_weight=weights, validation_split=0.3, epochs=2, verbose=0).history
    rest = (x[stays:], y[stays:], weights[stays:])
    expected = given.fit(x[:stays], y[:stays], sample_weight=weights[:stays], validation_data=rest, epochs=2, verbose=0).history

    assert logs == expected


def test_validation_data_goes_before_validation_split(examples):
    x, y = examples
    model = sentiment_model()

    logs = model.fit(x, y, validation_data=(x[:3], y[:3]), validation_split=0.5, verbose=0).history

    assert logs["val_loss"] == pytest.approx([losses_of_each(model, x[:3], y[:3]).mean()], rel=1e-6)
    assert logs["loss"] == pytest.approx([losses_of_each(model, x, y).mean()], rel=1e-6)


@pytest.mark.parametrize(("freq", "epochs"), [(1, [1, 2, 3, 4, 5]), (2, [2, 4]), ([1, 4], [1, 4]), (6, [])])
def test_validation_freq(examples, freq, epochs):
    x, y = examples
    validated = []
    listener = LambdaCallback(on_epoch_end=lambda epoch, logs: validated.extend([epoch + 1] * ("val_loss" in logs)))

    logs = sentiment_model().fit(x, y, validation_split=0.3, validation_freq=freq, epochs=5, verbose=0, callbacks=[listener]).history

    assert validated == epochs
    assert len(logs["loss"]) == 5
    assert len(logs.get("val_loss", [])) == len(epochs)


@pytest.mark.parametrize("freq", [0, -1, 1.5, "2", True, None])
def test_another_validation_freq_is_refused(examples, freq):
    x, y = examples

    with pytest.raises(ValueError, match="validation_freq must be"):
        sentiment_model().fit(x, y, validation_split=0.3, validation_freq=freq, verbose=0)


@pytest.mark.parametrize(("arguments", "count"), [({}, 6), ({"validation_batch_size": 10}, 3)])
def test_validation_has_batches_of_fit_s_size_or_its_own(examples, arguments, count):
    x, y = examples
    diary = []

    sentiment_model().fit(x, y, validation_data=(x, y), batch_size=4, verbose=0, callbacks=[note(diary, "test_batch_end")], **arguments)

    assert len(diary) == count
