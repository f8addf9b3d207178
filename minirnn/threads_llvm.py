"""Counters that threads share, as numba and LLVM see them: four intrinsics, with the names and the meaning that ``threads.py`` documents.

Imported only when kernels are compiled.

Source: the LLVM Language Reference (atomicrmw, atomic load, memory orderings).
"""

from __future__ import annotations

import sys
from typing import Any

from llvmlite import ir
from numba import types

from minirnn.simd_llvm import I32, I64, call_llvm, intrinsic, moved


@intrinsic
def take(typingctx: Any, counters: Any, which: Any) -> Any:  # noqa: D103
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = moved(context, builder, args[0], args[1], sig.args[1])
        return builder.atomic_rmw("add", place, ir.Constant(I64, 1), ordering="seq_cst")

    return types.int64(counters, which), codegen


@intrinsic
def look(typingctx: Any, counters: Any, which: Any) -> Any:  # noqa: D103
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = moved(context, builder, args[0], args[1], sig.args[1])
        return builder.load_atomic(place, ordering="seq_cst", align=8)

    return types.int64(counters, which), codegen


@intrinsic
def ticks(typingctx: Any) -> Any:  # noqa: D103
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return call_llvm(builder, "llvm.readcyclecounter", I64, [])

    return types.int64(), codegen


@intrinsic
def give_way(typingctx: Any) -> Any:  # noqa: D103
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        name = "SwitchToThread" if sys.platform == "win32" else "sched_yield"
        kind = ir.FunctionType(I32, [])
        known = builder.module.globals.get(name)
        builder.call(ir.Function(builder.module, kind, name) if known is None else known, [])
        return context.get_dummy_value()

    return types.void(), codegen
