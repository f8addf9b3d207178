"""Many batches in one compiled call, for the network that this package exists for.

Comes in: ids (N,T) and the rows of some batches; a network of ids, Embedding or one-hot, SimpleRNN, Dense(sigmoid); binary cross-entropy
and a plain RMSprop. Goes out: outputs and losses of those batches, and after a training the weights, as after as many steps of the loop in
``training.py``, layer by layer; ``tests/test_express.py`` compares the two. Any other network takes that loop.

One batch, as tasks for ``threads.py``. What stands in one line is done side by side; the next line waits for it:

    pack        once: the weights as ``products.py`` reads them; and the first batch's distinct words
    table       for some words each:  table = embeddings · Wx + b
    through     for some rows of the batch each:  h_1 .. h_T, logits, loss, and back:  dWh, dtable, sums of their own
    words       for some words each:  dtable of all rows;  dembeddings, dWx;  RMSprop on these words.  And the next batch's distinct words
    weights     the sums for dWx, dWh, db and the head;  RMSprop on them;  pack

The rows of a batch are cut into chunks of ``plan.CHUNK`` rows or more, at most ``threads.MOST``, and the words into ``threads.MOST`` parts,
whatever the number of threads.
"""

from minirnn.express.plan import Express, parts

__all__ = ["Express", "parts"]
