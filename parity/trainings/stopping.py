"""Where early stopping ends a training, and which epoch it and the checkpoint keep.

Comes in: records of one model, from the same first weights on the same batches, by trainer. Goes out: findings on three things:

    decision      in each training by itself: the best epoch has the least val_loss, and patience ran out exactly so many epochs later
    epochs        minirnn stops and restores where Keras does
    weights kept  those restored, and those in the checkpoint's file, are the best epoch's, bit by bit

Stopping is a comparison of two numbers that may lie as near to each other as rounding errors are large, so trainings that agree may still
stop apart. Whether that is rounding's doing is shown by Keras itself, when it stops elsewhere on another backend that does the same
mathematics, in float64, or from first weights that are one unit in the last place away. Then `epochs` says only that no more can be asked
of anyone, and its finding is marked; a fault in the stopping itself is caught by `decision`, which no rounding touches.
"""

from __future__ import annotations

from collections.abc import Mapping

from parity.trainings.findings import Finding
from parity.trainings.record import Record
from parity.trainings.trainers import TRAINERS, ours_like


def ends(record: Record) -> tuple[int | None, int | None]:
    """Give the epoch that stopped a training and the one that was restored, counted from 1."""
    return record.stopped_epoch, record.best_epoch


def decides(record: Record, patience: int) -> bool:
    """Say whether a training ended as its own val_loss demands."""
    losses = record.logs["val_loss"]
    best = min(range(len(losses)), key=losses.__getitem__) + 1
    return ends(record) == (len(losses), best) and len(losses) == best + patience


def judge(records: Mapping[str, Record], patience: int) -> list[Finding]:
    """Require that minirnn stops and restores where each Keras does, unless Keras does not agree with itself there."""
    findings = []
    for name, record in records.items():
        theirs, model = TRAINERS[name], record.job.model
        if not theirs.is_keras or theirs.moved or ours_like(theirs, model).name not in records:
            continue
        ours = records[ours_like(theirs, model).name]
        alike = [TRAINERS[other] for other in records if TRAINERS[other].is_keras and TRAINERS[other].kind(model) == theirs.kind(model)]
        disagree = len({ends(records[other.name]) for other in alike}) > 1
        words = "minirnn stops after epoch {} and restores {}, Keras {} and {}".format(*ends(ours), *ends(record))
        equal = ends(ours) == ends(record)
        if not equal and disagree:
            words += "; nor does Keras agree with itself: " + ", ".join(
                "{}: {} and {}".format(other.title, *ends(records[other.name])) for other in alike
            )
        findings.append(Finding("stopping", model, name, "epochs", equal or disagree, words, by_floor=not equal and disagree))
        erring = [TRAINERS[one.job.trainer].title for one in (ours, record) if not decides(one, patience)]
        words = (
            f"not as val_loss and patience {patience} demand: {', '.join(erring)}" if erring else "as val_loss and patience demand, in both"
        )
        findings.append(Finding("stopping", model, name, "decision", not erring, words))
        kept = {"restored": ours.restored_best, "checkpoint": ours.checkpoint_best}
        kept |= {"restored by Keras": record.restored_best, "checkpoint of Keras": record.checkpoint_best}
        wrong = [what for what, best in kept.items() if not best]
        words = (
            f"not the best epoch's: {', '.join(wrong)}"
            if wrong
            else "restored weights and checkpoint are the best epoch's, bit by bit, in both"
        )
        findings.append(Finding("stopping", model, name, "weights kept", not wrong, words))
    return findings
