"""A model as a table: its layers, their output shapes, and how many weights each has.

Comes in: a model. Goes out: text.

Source: Keras 3.15, ``keras/src/utils/summary_utils.py``: columns, footers, and that the total counts the optimizer's numbers too.
"""

from __future__ import annotations

import io
from typing import Any


def summary_table(model: Any) -> str:
    """Give the table and its footers, without colours."""
    from rich.box import HEAVY_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table("Layer (type)", "Output Shape", box=HEAVY_HEAD, show_lines=True, width=70)
    table.add_column("Param #", justify="right")
    for layer in model.layers:
        shape = "?" if layer.output_shape is None else str(layer.output_shape)
        table.add_row(f"{layer.name} ({type(layer).__name__})", shape, f"{layer.count_params():,}" if layer.built else "0 (unbuilt)")
    text = io.StringIO()
    console = Console(file=text, width=88, color_system=None)
    console.print(f'Model: "{model.name}"')
    console.print(table)
    leaves = [leaf for layer in model.layers for leaf in layer.walk()]
    trainable = sum(value.size for leaf in leaves if leaf.trainable for value in leaf.values.values())
    frozen = sum(layer.count_params() for layer in model.layers if layer.built) - trainable
    state = sum(vector.size for vector in model.optimizer.state.values()) + 2 if model.optimizer and model.optimizer.state else 0
    size = model.dtype.itemsize
    console.print(f" Total params: {_count(trainable + frozen + state, size)}")
    console.print(f" Trainable params: {_count(trainable, size)}")
    console.print(f" Non-trainable params: {_count(frozen, size)}")
    if state:
        console.print(f" Optimizer params: {_count(state, size)}")
    return text.getvalue()


def _count(numbers: int, itemsize: int) -> str:
    size = float(numbers * itemsize)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size /= 1024
    return f"{numbers:,} ({size:.2f} {unit})"
