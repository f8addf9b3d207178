"""A model whose weights and outputs cost something, and what they cost, recomputed in NumPy."""

import numpy as np
from training_cases import E, H, T, V, sentiment_model

from minirnn.layers import Dense, Embedding, Input, SimpleRNN
from minirnn.regularizers import L1, L1L2, L2

BOTH = L1L2(0.25, 0.375)


def penalized_model(learning_rate=0.0, **options):
    stack = [
        Input((T,)),
        Embedding(V, E, embeddings_regularizer=L2(0.25)),
        SimpleRNN(H, kernel_regularizer=L1(0.125), bias_regularizer=L2(0.5), activity_regularizer=L2(0.0625)),
        Dense(1, "sigmoid", kernel_regularizer=BOTH, activity_regularizer=L1(0.75)),
    ]
    return sentiment_model(learning_rate, stack=stack, **options)


def price_of_weights(model):
    embeddings, kernel, _, bias, head, _ = model.get_weights()
    return [
        0.25 * np.sum(embeddings**2),
        0.125 * np.abs(kernel).sum(),
        0.5 * np.sum(bias**2),
        0.25 * np.abs(head).sum() + 0.375 * np.sum(head**2),
    ]


def price_of_outputs(model, x):
    states = model.layers[1](model.layers[0](x))
    return [0.0625 * np.sum(states**2) / len(x), 0.75 * model(x).sum() / len(x)]
