"""Whole trainings: the seed's two models, trained to the end by minirnn and by Keras, and how far apart they run.

Comes in: reviews. Goes out: a record per training, and from the records a table, figures and a verdict.

    workload.py     what everyone trains on: ids, labels, hyper-parameters, first weights
    trainers.py     who trains: minirnn and Keras, on each backend, in each dtype
    record.py       what is kept of a training: figures per epoch as JSON, weights as npz
    train.py        one training, the same lines for Keras and minirnn
    worker.py       trainings in a process of their own, since Keras takes its backend when it is imported
    plan.py         which trainings each experiment needs, and which would take too long
    drift.py        how far two trainings from the same first weights run apart, step by step, beside the floor of rounding
    stopping.py     where early stopping ends each, and which epoch it restores
    seeds.py        trainings from their own first weights: are the distributions the same?
    figures.py      the pictures, each with a sentence that says what to look for
    report.py       the table, and everything in it as JSON

``python -m parity.trainings`` runs it.
"""
