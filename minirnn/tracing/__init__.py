"""What goes on inside a network while it reads one review: every state, and every gradient on its way back.

Comes in: a trained model and a review. Goes out: a `Trace`. Nothing here is faster or cleverer than the library; it is the library's own
float64 reference, with every number kept that the kernels throw away.

    walk.py        what is asked, brought into form, and what is found, put together
    round_trip.py  the review through the layers, and the gradient back
    recurrent.py   one recurrent layer, step by step
    stopping.py    what the model would say if reading stopped after each step
    record.py      the numbers of all, as text, as arrays and as JSON

The package is not called after its function, ``minirnn.trace``, because a package of that name would take its place.
"""

from minirnn.tracing.record import Trace
from minirnn.tracing.recurrent import LayerTrace
from minirnn.tracing.walk import trace

__all__ = ["LayerTrace", "Trace", "trace"]
