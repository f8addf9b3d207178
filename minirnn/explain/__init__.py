"""A trained network and a text as one page that explains itself: it holds the weights and computes in the browser.

Comes in: a model, a text, a word index. Goes out: one HTML file that asks the network for nothing.

    payload   what the page holds of the model               payload.py, words.py
    page      that, with the assets around it, as HTML       assembly.py, assets/
    command   `minirnn explain`                              command.py

In ``assets``, `network.js` computes what `minirnn.trace` does, under the same names, from what `weights.js` unpacks, and `words.js` turns
a text into ids; the other files show it.
"""

from minirnn.explain.assembly import page, write_page

__all__ = ["page", "write_page"]
