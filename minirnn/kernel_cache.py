"""Compiled kernels on disk, so that the next process does not compile them again.

Comes in: what numba has compiled for one signature of a kernel. Goes out: a file, and at the next process's first call the same code again,
or nothing. Nothing that can be wrong with a folder or a file reaches the user: at worst the kernel is compiled anew.

Folders, in this order, up to the first that can be written to; all of these are read:

    NUMBA_CACHE_DIR, where it is set       numba's own variable
    ``__pycache__`` of the package
    ``kernels`` in minirnn's cache         the one of `minirnn.datasets.store`, in the user's home

So a folder that was filled while an image was built serves where it can only be read. One file holds one signature:

    digest of the package's sources (32 bytes), digest of the rest (32 bytes), the pickled code

The first makes a change in ``activations.py`` reach every kernel that contains a tanh, by what the files say, not by their times, which
images and archives round. The second finds what was cut short or has rotted. The name holds a digest of what else the code depends on:
signature, processor, versions of Python, numba and LLVM. A file comes into being whole, under its name, by being renamed; processes that
fill a folder at the same time write the same.

numba has such a cache, and this stands in its place (``Dispatcher._cache``). That one keeps an index that is written before the code it
names (two processes can give one signature the other's code), uses only folders that it can write to, and raises where a file is cut short
or a disk is full.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

SUFFIX = ".kernel"
_DIGEST = hashlib.sha256().digest_size


class Ready(NamedTuple):
    """One signature of a kernel that can now be called.

    Attributes
    ----------
    kernel : its name, e.g. ``losses.mse_jit``
    seconds : that it took to load or to compile, what it calls included
    loaded : whether it was found on disk
    path : its file; None where none could be written
    """

    kernel: str
    seconds: float
    loaded: bool
    path: Path | None


_listeners: list[Callable[[Ready], None]] = []


@contextlib.contextmanager
def watched(listener: Callable[[Ready], None]) -> Iterator[None]:
    """Tell the listener of every kernel that becomes ready meanwhile."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def attach(compiled: Any, name: str) -> None:
    """Give a compiled function of numba's this cache; one with a closure is compiled in each process."""
    if hasattr(compiled, "_cache") and compiled.py_func.__closure__ is None:
        compiled._cache = KernelCache(name, compiled.py_func)


def folders() -> list[Path]:
    """Give the folders that kernels are looked for in; the last is the one that they are written to, if it can be written to."""
    return _folders(given_folder())


def given_folder() -> str:
    """Give NUMBA_CACHE_DIR as numba has it, from the environment or its configuration file; empty where it is not set."""
    return str(_numba().config.CACHE_DIR)


def _numba() -> Any:
    """Give numba, which need not be there, and whose inside has no types."""
    import numba

    return numba


@functools.cache
def _folders(given: str) -> list[Path]:
    package = Path(__file__).resolve().parent
    own = f"{package.name}_{hashlib.sha256(os.fsencode(package)).hexdigest()[:16]}"
    found = [Path(given, own)] if given else [package / "__pycache__"]
    if given and not writable(found[-1]):
        found.append(package / "__pycache__")
    if not writable(found[-1]):
        from minirnn.datasets import store

        found.append(store.cache_folder() / "kernels" / own)
    return found


def writable(folder: Path) -> bool:
    """Whether files can be written to a folder, which is made if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


@functools.cache
def sources_digest() -> bytes:
    """Digest what every source file of the package says: 3 ms, once a process."""
    package, digest = Path(__file__).parent, hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(os.fsencode(path.relative_to(package)) + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.digest()


class KernelCache:
    """The files of one kernel, in the form in which numba asks for them.

    Parameters
    ----------
    name : of the kernel
    kernel : the Python function
    """

    def __init__(self, name: str, kernel: Callable[..., Any]) -> None:
        self._name, self._kernel = name, kernel
        self._asked: dict[str, float] = {}

    def load_overload(self, signature: Any, target: Any) -> Any:
        """Give the compiled code of a signature; None where there is none, or none that can be used."""
        start = self._asked[str(signature)] = time.perf_counter()
        with contextlib.suppress(Exception):
            # What loaded code calls. numba's own cache readies the whole compiler here, which takes three times as long as all the rest
            _numba().core.runtime.nrt.rtsys.initialize(target)
            rebuild = _numba().core.compiler.CompileResult._rebuild
            file = self._file(signature, target.codegen())
            for path in (folder / file for folder in folders()):
                with contextlib.suppress(Exception):  # missing, stale, cut short, unreadable: all the same
                    found = rebuild(target, *_read(path))
                    self._tell(Ready(self._name, time.perf_counter() - start, True, path))
                    return found
        return None

    def save_overload(self, signature: Any, found: Any) -> None:
        """Keep what was compiled for a signature, if it can be kept."""
        seconds = time.perf_counter() - self._asked.pop(str(signature), time.perf_counter())
        path = None
        with contextlib.suppress(Exception):  # a full disk, a folder that has gone
            if not (found.lifted or found._asdict()["library"].has_dynamic_globals):  # pointers of this process
                path = folders()[-1] / self._file(signature, found.codegen)
                _write(path, _numba().core.serialize.dumps(found._reduce()))
        self._tell(Ready(self._name, seconds, False, path if path is not None and path.exists() else None))

    def _file(self, signature: Any, codegen: Any) -> str:
        import llvmlite

        versions = sys.implementation.cache_tag, getattr(sys, "abiflags", ""), _numba().__version__, llvmlite.__version__
        depends_on = str(signature), codegen.magic_tuple(), hashlib.sha256(self._kernel.__code__.co_code).hexdigest(), versions
        return f"{self._name.replace('<', '').replace('>', '')}-{hashlib.sha256(repr(depends_on).encode()).hexdigest()[:16]}{SUFFIX}"

    @staticmethod
    def _tell(ready: Ready) -> None:
        for listener in _listeners:
            listener(ready)

    @property
    def cache_path(self) -> str:
        """The folder that is written to, as numba's statistics name it."""
        return str(folders()[-1])

    def enable(self) -> None:
        """Nothing: a cache is always on."""

    disable = flush = enable


def _read(path: Path) -> Any:
    content = path.read_bytes()
    sources, digest, code = content[:_DIGEST], content[_DIGEST : 2 * _DIGEST], content[2 * _DIGEST :]
    if sources != sources_digest() or digest != hashlib.sha256(code).digest():
        raise ValueError(f"{path} is stale or broken")
    return pickle.loads(code)


def _write(path: Path, code: bytes) -> None:
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex[:16]}")
    try:
        part.write_bytes(sources_digest() + hashlib.sha256(code).digest() + code)
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
