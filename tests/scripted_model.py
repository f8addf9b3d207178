"""A model that only follows a script: its one weight is the epoch, its files hold that weight."""

from types import SimpleNamespace

import numpy as np


class ScriptedModel:
    def __init__(self, optimizer=None, **directions):
        self.optimizer = optimizer
        self.stop_training = False
        self.metrics = [SimpleNamespace(name=name, direction=direction) for name, direction in directions.items()]
        self.set_epoch(-1)

    def set_epoch(self, epoch):
        self._weights = [np.array([epoch], dtype=np.float32)]

    def get_weights(self):
        return [weight.copy() for weight in self._weights]

    def set_weights(self, weights):
        self._weights = [np.array(weight) for weight in weights]

    @property
    def epoch(self):
        return int(self._weights[0][0])

    def save(self, path, overwrite=True):
        self._write(path, f"model {self.epoch}")

    def save_weights(self, path, overwrite=True):
        self._write(path, f"weights {self.epoch}")

    @staticmethod
    def _write(path, text):
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)


def run(callback, model, epochs_of_logs, *, batches=0, on_epoch=None):
    """Drive one callback as fit does; return the number of epochs that ran."""
    callback.set_model(model)
    model.stop_training = False
    callback.on_train_begin()
    ran = 0
    for epoch, logs in enumerate(epochs_of_logs):
        callback.on_epoch_begin(epoch)
        for batch in range(batches):
            callback.on_train_batch_begin(batch)
            callback.on_train_batch_end(batch, logs=dict(logs))
        model.set_epoch(epoch)
        callback.on_epoch_end(epoch, dict(logs))
        ran += 1
        if on_epoch is not None:
            on_epoch(epoch)
        if model.stop_training:
            break
    callback.on_train_end()
    return ran
