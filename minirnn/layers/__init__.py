"""The layers."""

from minirnn.layers.bidirectional import Bidirectional
from minirnn.layers.dense import Dense
from minirnn.layers.dropout import Dropout
from minirnn.layers.embedding import Embedding
from minirnn.layers.flatten import Flatten
from minirnn.layers.input_layer import Input, InputLayer
from minirnn.layers.layer import Layer
from minirnn.layers.masking import Masking
from minirnn.layers.simple_rnn import SimpleRNN

__all__ = ["Bidirectional", "Dense", "Dropout", "Embedding", "Flatten", "Input", "InputLayer", "Layer", "Masking", "SimpleRNN"]
