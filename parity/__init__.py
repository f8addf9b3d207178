"""parity: the same numbers as Keras, shown tensor by tensor.

Comes in: minirnn and an installed Keras, given identical weights and inputs. Goes out: a verdict per tensor, and one overall.

    compare.py          the yardstick: errors to the float64 truth, in units in the last place, and the verdict derived from them
    errors.py           the statistics of one tensor's errors
    growth.py           how far rounding alone may carry what is made of many steps
    case.py             what a case is: a set-up that gives calls without arguments, one per side
    minirnn_side.py     minirnn's answers, in any dtype and backend; the truth is the NumPy reference in float64
    keras_side.py       Keras's answers, in any dtype
    keras_backend.py    Keras loaded on its backend, and that backend's automatic differentiation
    cases/              what is compared, a file per part of minirnn
    intended.json       where minirnn differs from Keras on purpose: case, tensors, reason, source; intended.py reads it

    backends.py         a process for each of Keras's backends, which runs worker.py
    header.py           versions, machine, what becomes of denormals
    table.py            the lines on the terminal
    record.py           parity.json
    page.py             parity.html, with figures.py, page.css and page.js
    readme.py           the part of the READMEs that a run makes
    full.py             where whole trainings plug in
    trainings/          whole trainings on IMDB, their drift, their stopping, their seeds; ``python -m parity.trainings``

minirnn never imports this package. ``python -m parity`` runs it.
"""
