"""A tile of a matrix product as LLVM sees it: all its sums stay in registers from the first product to the last.

Comes in: pointers, and how far apart rows and terms lie. Goes out: intrinsics of one fixed size each, with the names and the meaning that
``products.py`` documents. Imported only when kernels are compiled.

How many numbers a register holds, and how many sums fit beside the operands, is a fact of the processor: with AVX-512 there are 32
registers of 64 bytes, and a tile of 8 rows by 2 registers uses 19 of them; elsewhere 16 of 32 bytes are counted on, for 4 rows by 2.

Source: K. Goto and R. van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34 (2008), for why a tile, and packed.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types

from minirnn.simd_llvm import I64, OF, Lanes, alignment, call_llvm, intrinsic, spread

WIDE_REGISTERS: bool = bool(llvmlite.binding.get_host_cpu_features().get("avx512f"))
TILE_ROWS = 8 if WIDE_REGISTERS else 4


def register_of(dtype: types.Float) -> Lanes:
    """Give the lanes that one register holds."""
    return OF[dtype, (512 if WIDE_REGISTERS else 256) // dtype.bitwidth]


@intrinsic
def register_size(typingctx: Any, place: Any) -> Any:  # noqa: D103
    count = register_of(place.dtype).count
    return types.int64(place), lambda context, builder, sig, args: ir.Constant(I64, count)


def _tile(rows: int, registers: int, half: bool = False) -> Any:
    """The intrinsic for a tile of so many rows by so many registers, or by half of one."""
    places = [(row, column) for row in range(rows) for column in range(registers)]

    @intrinsic
    def tile(
        typingctx: Any,
        x: Any,
        x_row: Any,
        x_term: Any,
        W: Any,
        W_term: Any,
        terms: Any,
        start: Any,
        rows_of: Any,
        length: Any,
        out: Any,
        out_row: Any,
    ) -> Any:
        whole = register_of(x.dtype)
        lanes = OF[x.dtype, whole.count // 2] if half else whole

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            x_, x_row_, x_term_, W_, W_term_, terms_, start_, rows_of_, length_, out_, out_row_ = (
                value if isinstance(kind, types.CPointer) else context.cast(builder, value, kind, types.intp)
                for value, kind in zip(args, sig.args, strict=True)
            )

            def vector(place: Any, column: int) -> Any:
                return builder.bitcast(builder.gep(place, [ir.Constant(I64, column * lanes.count)]), ir.PointerType(lanes.vector))

            def load(place: Any, column: int) -> Any:
                loaded = builder.load(vector(place, column))
                loaded.align = alignment(lanes)
                return loaded

            starts, x_rows, out_rows = [], [], []
            for row in range(rows):
                number = builder.sext(builder.load(builder.gep(rows_of_, [ir.Constant(I64, row)])), I64)
                starts.append(builder.gep(start_, [builder.mul(number, length_)]))
                x_rows.append(builder.gep(x_, [builder.mul(x_row_, ir.Constant(I64, row))]))
                out_rows.append(builder.gep(out_, [builder.mul(out_row_, ir.Constant(I64, row))]))
            first_sums = [load(starts[row], column) for row, column in places]

            before, body, after = builder.block, builder.append_basic_block("terms"), builder.append_basic_block("sums")
            builder.cbranch(builder.icmp_signed(">", terms_, ir.Constant(I64, 0)), body, after)

            builder.position_at_end(body)
            term = builder.phi(I64)
            sums = [builder.phi(lanes.vector) for _ in places]
            W_row = builder.gep(W_, [builder.mul(term, W_term_)])
            weights = [load(W_row, column) for column in range(registers)]
            at = builder.mul(term, x_term_)
            factors = [spread(context, builder, builder.load(builder.gep(x_row, [at])), lanes.dtype, lanes) for x_row in x_rows]
            added = [
                call_llvm(builder, f"llvm.fma.{lanes.suffix}", lanes.vector, [factors[row], weights[column], so_far])
                for (row, column), so_far in zip(places, sums, strict=True)
            ]
            following = builder.add(term, ir.Constant(I64, 1))
            term.add_incoming(ir.Constant(I64, 0), before)
            term.add_incoming(following, body)
            for so_far, first, more in zip(sums, first_sums, added, strict=True):
                so_far.add_incoming(first, before)
                so_far.add_incoming(more, body)
            builder.cbranch(builder.icmp_signed("<", following, terms_), body, after)

            builder.position_at_end(after)
            totals = [builder.phi(lanes.vector) for _ in places]
            for total, first, more in zip(totals, first_sums, added, strict=True):
                total.add_incoming(first, before)
                total.add_incoming(more, body)
            for (row, column), total in zip(places, totals, strict=True):
                stored = builder.store(total, vector(out_rows[row], column))
                stored.align = alignment(lanes)
            return context.get_dummy_value()

        return types.void(x, x_row, x_term, W, W_term, terms, start, rows_of, length, out, out_row), codegen

    return tile


tile_of_two, tile_of_one = _tile(TILE_ROWS, 2), _tile(TILE_ROWS, 1)
tile_of_half = _tile(TILE_ROWS, 1, half=True)
row_of_two, row_of_one, row_of_half = _tile(1, 2), _tile(1, 1), _tile(1, 1, half=True)
