"""Run as a program: Keras in a process of its own, which does the jobs below as it is asked.

Comes in, on the standard input: pickled (name of a job, arguments). Goes out, on the standard output: pickled (True, answer), or (False,
the error's text). Whatever else is printed goes to the standard error. Which Keras, and on which backend, the environment says.
"""

import importlib
import os
import pickle
import sys
import traceback
import warnings

import numpy as np


def versions(keras):
    return {"keras": keras.__version__, "backend": keras.backend.backend()}


def report(keras, model, case):
    """All numbers of a model that a file holds, and what it predicts; called, since `predict` would compile a graph first."""
    from interop_cases import B, examples, reset

    x, _ = examples(case)
    reset(model)
    return {
        "weights": [np.array(weight) for weight in model.get_weights()],
        "optimizer": [np.array(variable) for variable in model.optimizer.variables],
        "names": [variable.path.rsplit("/", 1)[-1] for variable in model.optimizer.variables],
        "learning_rate": float(np.array(model.optimizer.learning_rate)),
        "predictions": np.concatenate([np.array(model(x[start : start + B])) for start in range(0, len(x), B)]),
        "trainable": [layer.trainable for layer in model.layers],
        "layers": [layer.name for layer in model.layers],
    }


def run(keras, model, case):
    """Train; on TensorFlow without compiling a graph, which takes longer and which no file shows."""
    from interop_cases import train

    model.run_eagerly = keras.backend.backend() == "tensorflow"
    train(model, case)
    model.run_eagerly = False


def write(keras, case, path):
    """Build, train, save; then go on training without having saved."""
    from interop_cases import build

    model = build(keras, case)
    run(keras, model, case)
    (model.save_weights if path.endswith(".h5") else model.save)(path)
    saved = report(keras, model, case)
    run(keras, model, case)
    return saved, report(keras, model, case)


def resume(keras, case, path):
    """Open, and go on training."""
    model = keras.saving.load_model(path)
    opened = report(keras, model, case)
    run(keras, model, case)
    return opened, report(keras, model, case)


def resume_weights(keras, case, path):
    """The same from a file of weights."""
    from interop_cases import build

    model = build(keras, case)
    model.optimizer.build(model.trainable_variables)  # or Keras skips the optimizer's state
    model.load_weights(path)
    opened = report(keras, model, case)
    run(keras, model, case)
    return opened, report(keras, model, case)


def resave(keras, case, path, to):
    """Open, and save under another name."""
    model = keras.saving.load_model(path)
    model.save(to)
    return report(keras, model, case)


def seed(keras, path, train_input, train_target, val_input, val_target, units, embedding_dim=None):
    """The seed's own program, on fewer reviews and for fewer epochs; give what its best model says of the validation reviews."""
    V, T = 11, train_input.shape[1]
    model = keras.Sequential()
    if embedding_dim is None:
        model.add(keras.layers.Input(shape=(T, V)))
        train_input, val_input = (keras.utils.to_categorical(ids, V) for ids in (train_input, val_input))
    else:
        model.add(keras.layers.Embedding(V, embedding_dim, input_shape=(T,)))
    model.add(keras.layers.SimpleRNN(units))
    model.add(keras.layers.Dense(1, activation="sigmoid"))
    model.compile(optimizer=keras.optimizers.RMSprop(learning_rate=0.05), loss="binary_crossentropy", metrics=["accuracy"])
    checkpoint = keras.callbacks.ModelCheckpoint(path, save_best_only=True)
    early_stopping = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    validation = (val_input, val_target)
    callbacks = [checkpoint, early_stopping]
    history = model.fit(train_input, train_target, epochs=3, batch_size=8, validation_data=validation, callbacks=callbacks, verbose=0)
    return min(history.history["val_loss"]), np.array(model.predict(val_input, verbose=0))


def open_checkpoint(keras, path, x, y):
    """Open a checkpoint; give what it says of x, its loss and accuracy there, its updates so far, and those after one more epoch."""
    model = keras.saving.load_model(path)
    x = keras.utils.to_categorical(x, model.input_shape[-1]) if len(model.input_shape) == 3 else x
    before, figures = int(np.array(model.optimizer.iterations)), model.evaluate(x, y, verbose=0)
    probs = np.array(model.predict(x, verbose=0))
    model.fit(x, y, batch_size=8, verbose=0)
    return probs, figures, before, int(np.array(model.optimizer.iterations))


def write_refusals(keras, folder):
    """Write the models that minirnn lacks something for; give the weights of each."""
    from keras_refusals import MODELS

    weights = {}
    for name, (make, _) in MODELS.items():
        model = make(keras)
        model.save(f"{folder}/{name}.keras")
        weights[name] = [np.array(weight) for weight in model.get_weights()]
    return weights


def write_other_forms(keras, case, folder):
    """Write a model in the forms of Keras's that minirnn does not read: a folder, and HDF5."""
    from interop_cases import build

    model = build(keras, case)
    model.save(f"{folder}/folder", zipped=False)
    model.save(f"{folder}/older.h5")


def main():
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not get between the answers
    warnings.simplefilter("ignore")
    keras = importlib.import_module("keras")
    while True:
        try:
            job, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer = (True, globals()[job](keras, **arguments))
        except Exception:
            answer = (False, traceback.format_exc())
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
