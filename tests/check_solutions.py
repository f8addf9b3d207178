"""What a good reader would hand in: every exercise solved plainly, without minirnn."""

import numpy as np


def my_pad_sequences(sequences, maxlen):
    ids = np.zeros((len(sequences), maxlen), int)
    for n, sequence in enumerate(sequences):
        kept = sequence[-maxlen:]
        ids[n, maxlen - len(kept) :] = kept
    return ids


def my_to_categorical(ids, num_classes):
    return np.eye(num_classes)[ids]


def my_embedding_forward(ids, embeddings):
    return np.array([[embeddings[v] for v in row] for row in ids])


def my_embedding_backward(dx, ids, V):
    dembeddings = np.zeros((V, dx.shape[2]))
    for b, row in enumerate(ids):
        for t, v in enumerate(row):
            dembeddings[v] += dx[b, t]
    return dembeddings


def my_rnn_forward(x, Wx, Wh, b):
    (B, T, _), H = x.shape, len(b)
    hs = np.zeros((B, T + 1, H))
    for t in range(T):
        hs[:, t + 1] = np.tanh(x[:, t] @ Wx + hs[:, t] @ Wh + b)
    return hs


def my_rnn_backward(dh_last, x, Wx, Wh, hs):
    dx, dWx, dWh, db = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(len(Wh))
    dh = dh_last
    for t in reversed(range(x.shape[1])):
        dz = dh * (1 - hs[:, t + 1] ** 2)
        dx[:, t] = dz @ Wx.T
        dWx += x[:, t].T @ dz
        dWh += hs[:, t].T @ dz
        db += dz.sum(axis=0)
        dh = dz @ Wh.T
    return {"dx": dx, "dWx": dWx, "dWh": dWh, "db": db}


def my_bce_logits(logits, y):
    loss = np.mean(np.logaddexp(0, logits) - y * logits)
    return loss, (0.5 + 0.5 * np.tanh(logits / 2) - y) / len(y)


def my_rmsprop_step(weights, gradients, velocity, learning_rate, rho, epsilon):
    velocity = rho * velocity + (1 - rho) * gradients**2
    return weights - learning_rate / np.sqrt(velocity + epsilon) * gradients, velocity


def my_early_stopping(val_losses, patience):
    best, best_epoch = float("inf"), 0
    for epoch, loss in enumerate(val_losses, 1):
        if loss < best:
            best, best_epoch = loss, epoch
        elif epoch - best_epoch >= patience:
            break
    return epoch, best_epoch


SOLUTIONS = {name.removeprefix("my_"): function for name, function in globals().items() if name.startswith("my_")}


# the same in other words: other orders of summation, other formulas


def rnn_forward_unit_by_unit(x, Wx, Wh, b):
    (B, T, E), H = x.shape, len(b)
    hs = np.zeros((B, T + 1, H))
    for row in range(B):
        for t in range(T):
            for j in range(H):
                z = 0.0
                for i in reversed(range(H)):
                    z += hs[row, t, i] * Wh[i, j]
                for i in reversed(range(E)):
                    z += x[row, t, i] * Wx[i, j]
                hs[row, t + 1, j] = 1 - 2 / (np.exp(2 * (z + b[j])) + 1)
    return hs


def rnn_backward_row_by_row(dh_last, x, Wx, Wh, hs):
    dx, dWx, dWh, db = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(len(Wh))
    for row in reversed(range(len(x))):
        dh = dh_last[row]
        for t in range(x.shape[1] - 1, -1, -1):
            h = hs[row, t + 1]
            dz = dh * ((1 - h) * (1 + h))
            dx[row, t] = Wx @ dz
            dWx += np.outer(x[row, t], dz)
            dWh += np.outer(hs[row, t], dz)
            db += dz
            dh = Wh @ dz
    return dx, dWx, dWh, db


def embedding_backward_by_one_hot(dx, ids, V):
    return np.eye(V)[ids].reshape(-1, V).T @ dx.reshape(-1, dx.shape[2])


def bce_by_row(logits, y):
    losses = [max(z, 0) - z * label + np.log1p(np.exp(-abs(z))) for z, label in zip(logits[:, 0], y[:, 0], strict=True)]
    p = np.where(logits < 0, np.exp(np.minimum(logits, 0)), 1) / (1 + np.exp(-np.abs(logits)))
    return sum(reversed(losses)) / len(y), (p - y) * (1 / len(y))


def rmsprop_by_power(weights, gradients, velocity, learning_rate, rho, epsilon):
    velocity = velocity - (1 - rho) * (velocity - gradients * gradients)
    return weights - learning_rate * (gradients * (velocity + epsilon) ** -0.5), velocity


IN_OTHER_WORDS = (
    (rnn_forward_unit_by_unit, "rnn_forward"),
    (rnn_backward_row_by_row, "rnn_backward"),
    (embedding_backward_by_one_hot, "embedding_backward"),
    (bce_by_row, "bce_logits"),
    (rmsprop_by_power, "rmsprop_step"),
)
