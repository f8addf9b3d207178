"""Ctrl-C: at once, except while kernels are compiled."""

import os
import signal

import pytest

from minirnn.interrupt import Interrupter


def test_ctrl_c_comes_at_once_outside_the_compiler():
    with pytest.raises(KeyboardInterrupt), Interrupter():
        os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_inside_the_compiler_waits_for_the_end_of_the_batch(capsys):
    inside = {"__name__": "numba.core.compiler", "os": os, "signal": signal}
    exec("def compile_kernel():\n    os.kill(os.getpid(), signal.SIGINT)\n    return 'compiled'", inside)

    with Interrupter() as interrupter:
        assert not interrupter.wants_batch()
        assert inside["compile_kernel"]() == "compiled"
        assert interrupter.wants_batch()
        with pytest.raises(KeyboardInterrupt):
            interrupter.on_train_batch_end(0)
        interrupter.on_epoch_end(0)  # passed on once, not twice

    assert "as soon as the kernels are compiled" in capsys.readouterr().err


def test_a_second_ctrl_c_does_not_wait():
    inside = {"__name__": "llvmlite.binding", "os": os, "signal": signal}
    exec("def compile_kernel():\n    os.kill(os.getpid(), signal.SIGINT)\n    os.kill(os.getpid(), signal.SIGINT)", inside)

    with pytest.raises(KeyboardInterrupt), Interrupter():
        inside["compile_kernel"]()


def test_the_handler_that_was_there_is_put_back():
    before = signal.getsignal(signal.SIGINT)

    with Interrupter():
        assert signal.getsignal(signal.SIGINT) is not before

    assert signal.getsignal(signal.SIGINT) is before
