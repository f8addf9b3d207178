"""In which order things happen in training, what shuffles it, and what stops it."""

import numpy as np
import pytest
from training_cases import E, H, T, V, draw_examples, note, sentiment_model

from minirnn.callbacks import EarlyStopping, LambdaCallback, TerminateOnNaN
from minirnn.layers import Dense, Embedding, Input, SimpleRNN
from minirnn.training import batches, shuffled


@pytest.fixture
def examples():
    return draw_examples()


# ----------------------------------------------------------------------------------------------------------------------- order and stopping

TRAIN = ("train_begin", "epoch_begin", "train_batch_begin", "train_batch_end", "epoch_end", "train_end")
TEST = ("test_begin", "test_batch_begin", "test_batch_end", "test_end")


def test_hooks_are_called_in_keras_s_order(examples):
    x, y = examples
    diary = []

    sentiment_model().fit(x, y, batch_size=12, validation_data=(x[:3], y[:3]), verbose=0, callbacks=[note(diary, *TRAIN, *TEST)])

    assert diary == [
        *("train_begin", "epoch_begin"),
        *("train_batch_begin", "train_batch_end") * 2,
        *("test_begin", "test_batch_begin", "test_batch_end", "test_end"),
        *("epoch_end", "train_end"),
    ]


def test_initial_epoch_counts_from_where_it_says(examples):
    x, y = examples

    history = sentiment_model().fit(x, y, initial_epoch=2, epochs=5, verbose=0)

    assert history.epoch == [2, 3, 4]
    assert len(history.history["loss"]) == 3


@pytest.mark.parametrize(("initial_epoch", "epochs"), [(0, 0), (5, 5), (7, 3)])
def test_no_epochs_are_no_error(examples, initial_epoch, epochs):
    model = sentiment_model(0.1)
    before = model.get_weights()

    history = model.fit(*examples, initial_epoch=initial_epoch, epochs=epochs, verbose=0)

    assert (history.epoch, history.history) == ([], {})
    np.testing.assert_equal(model.get_weights(), before)


def stop(model, hook):
    def set_flag(*_, **__):
        model.stop_training = True

    return LambdaCallback(**{hook: set_flag})


def test_stopping_at_a_batch_still_ends_the_epoch(examples):
    x, y = examples
    diary, model = [], sentiment_model()

    listeners = [stop(model, "on_train_batch_end"), note(diary, *TRAIN, "test_begin")]
    history = model.fit(x, y, batch_size=4, epochs=3, validation_data=(x, y), verbose=0, callbacks=listeners)

    assert diary == ["train_begin", "epoch_begin", "train_batch_begin", "train_batch_end", "test_begin", "epoch_end", "train_end"]
    assert len(history.history["val_loss"]) == 1


def test_stopping_at_an_epoch_runs_no_other(examples):
    model = sentiment_model()

    history = model.fit(*examples, epochs=5, verbose=0, callbacks=[stop(model, "on_epoch_end")])

    assert history.epoch == [0]
    assert model.fit(*examples, epochs=2, verbose=0).epoch == [0, 1]


def test_early_stopping_puts_the_best_weights_back(examples):
    x, y = examples
    model = sentiment_model(0.05)
    weights = []
    keeper = LambdaCallback(on_epoch_end=lambda *_: weights.append(model.get_weights()))
    rest = (x[:6], 1 - y[:6])  # labels turned round: every epoch makes it worse

    history = model.fit(
        x, y, epochs=9, validation_data=rest, verbose=0, callbacks=[keeper, EarlyStopping(patience=2, restore_best_weights=True)]
    )

    best = int(np.argmin(history.history["val_loss"]))
    assert len(history.epoch) == best + 3
    np.testing.assert_equal(model.get_weights(), weights[best])


# -------------------------------------------------------------------------------------------------------------------------------- shuffling


def orders(shuffle, N=23, batch_size=5, epochs=3, seed=0):
    rng = np.random.default_rng(seed)
    return [list(batches(N, batch_size, shuffle, rng)) for _ in range(epochs)]


def test_without_shuffling_batches_are_in_the_data_s_order():
    for epoch in orders(False):
        np.testing.assert_array_equal(np.concatenate(epoch), np.arange(23))
        assert [len(rows) for rows in epoch] == [5, 5, 5, 5, 3]


def test_shuffling_draws_a_fresh_permutation_each_epoch():
    flat = [np.concatenate(epoch).tolist() for epoch in orders(True)]

    assert all(sorted(order) == list(range(23)) for order in flat)
    assert len({tuple(order) for order in flat}) == 3
    assert [len(rows) for rows in orders(True)[0]] == [5, 5, 5, 5, 3]


@pytest.mark.parametrize("N", [1, 2, 23, 70_000])
def test_the_order_is_numpy_s_permutation_in_half_its_memory(N):
    order = shuffled(N, np.random.default_rng(5))

    assert order.dtype == np.int32
    np.testing.assert_array_equal(order, np.random.default_rng(5).permutation(N))


@pytest.mark.parametrize("shuffle", [True, False, "batch"])
def test_rows_are_of_one_dtype_so_that_kernels_are_compiled_once(shuffle):
    assert {rows.dtype for epoch in orders(shuffle) for rows in epoch} == {np.dtype(np.intp)}


def test_shuffling_by_batch_stays_inside_fixed_batches():
    epochs = orders("batch")

    for epoch in epochs:
        for start, rows in zip(range(0, 23, 5), epoch, strict=True):
            assert sorted(rows) == list(range(start, min(start + 5, 23)))
    assert any((rows != np.sort(rows)).any() for rows in epochs[0])
    assert any((a != b).any() for a, b in zip(epochs[0], epochs[1], strict=True))


def trained(shuffle, examples, seed=1):
    model = sentiment_model(0.01, seed=seed)
    model.fit(*examples, batch_size=5, epochs=2, shuffle=shuffle, verbose=0)
    return model.get_weights()


def test_the_same_seed_shuffles_the_same(examples):
    np.testing.assert_equal(trained(True, examples), trained(True, examples))


@pytest.mark.parametrize("shuffle", [True, "batch"])
def test_shuffling_changes_the_training(examples, shuffle):
    assert any((a != b).any() for a, b in zip(trained(shuffle, examples), trained(False, examples), strict=True))


@pytest.mark.parametrize("shuffle", [1, np.True_])
def test_what_python_calls_true_shuffles(examples, shuffle):
    np.testing.assert_equal(trained(shuffle, examples), trained(True, examples))


def test_evaluation_and_prediction_take_nothing_from_the_shuffling(examples):
    x, y = examples
    model = sentiment_model(0.01)
    model.evaluate(x, y, verbose=0)
    model.predict(x, verbose=0)
    model.fit(x, y, batch_size=5, epochs=2, verbose=0)

    np.testing.assert_equal(model.get_weights(), trained(True, examples))


# ------------------------------------------------------------------------------------------------------------------------ non-finite losses


def diverging_model():
    """Its first step throws the weights so far that the next loss is no number."""
    stack = [Input((T,)), Embedding(V, E), SimpleRNN(H, "linear"), Dense(1, "sigmoid")]
    return sentiment_model(1e30, stack=stack)


def test_a_loss_that_is_no_number_raises_and_puts_the_epoch_s_first_weights_back(examples):
    model = diverging_model()
    before = model.get_weights()

    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="fit: the loss is nan at epoch 1, batch 2 of 3") as caught:
        model.fit(*examples, batch_size=10, epochs=3, verbose=0)

    assert "learning_rate" in str(caught.value)
    np.testing.assert_equal(model.get_weights(), before)
    assert all((vector == 0).all() for vector in model.optimizer.state.values())
    assert model.optimizer.iterations == 0


def test_later_epochs_go_back_to_their_own_beginning(examples):
    kept, model = [], diverging_model()
    model.optimizer.learning_rate = 0.01

    def spoil(epoch, logs=None):
        kept.append(model.get_weights())
        model.optimizer.learning_rate = 0.01 if epoch == 0 else 1e30

    listener = LambdaCallback(on_epoch_begin=spoil)
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="epoch 2"):
        model.fit(*examples, batch_size=10, epochs=3, verbose=0, callbacks=listener)

    np.testing.assert_equal(model.get_weights(), kept[1])
    assert (kept[0][0] != kept[1][0]).any()
    assert model.optimizer.iterations == 3  # a schedule goes on with the step after those of the first epoch


def test_after_a_loss_that_is_no_number_a_stateful_model_starts_afresh(examples):
    x, y = examples
    stack = [Input((T,), batch_size=3), Embedding(V, E), SimpleRNN(H, "linear", stateful=True), Dense(1, "sigmoid")]
    model = sentiment_model(1e30, stack=stack)
    outputs = model.predict(x[:3], batch_size=3, verbose=0)

    with np.errstate(all="ignore"), pytest.raises(FloatingPointError):
        model.fit(x[:9], y[:9], batch_size=3, verbose=0)

    np.testing.assert_array_equal(model.predict(x[:3], batch_size=3, verbose=0), outputs)


def test_with_terminate_on_nan_the_epoch_is_ended_and_training_stops(examples, capsys):
    model, diary = diverging_model(), []

    with np.errstate(all="ignore"):
        history = model.fit(
            *examples, batch_size=10, epochs=3, verbose=0, callbacks=[TerminateOnNaN(), note(diary, "epoch_end", "train_end")]
        )

    assert "Batch 1: Invalid loss, terminating training" in capsys.readouterr().out
    assert diary == ["epoch_end", "train_end"]
    assert np.isnan(history.history["loss"]).tolist() == [True]
