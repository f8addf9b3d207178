"""The JAX peer trains the same model as minirnn: losses and probabilities agree, whichever of its forms the sizes choose."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import peer_cases
import pytest

from benchmarks.drawn import MODELS, Sizes, draw

jax = pytest.importorskip("jax", reason="JAX is not installed")
from benchmarks import jax_scan  # noqa: E402  it imports JAX

FORMS = [jax_scan.Plan(*form) for form in product((False, True), repeat=3)]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", peer_cases.WORKLOADS)
def test_losses_equal_minirnns(name: str, model: str) -> None:
    peer_cases.compare(jax_scan.Session, peer_cases.WORKLOADS[name], model)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_every_form_is_the_same_mathematics(form: jax_scan.Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jax_scan, "plan_for", lambda *_: form)

    peer_cases.compare(jax_scan.Session, peer_cases.WORKLOADS["a short last batch"], "embedding")


@pytest.mark.parametrize(
    ("work", "form"),
    [
        (Sizes(), jax_scan.Plan(project_first=True, update_looked_up=False, write_out=True)),
        (replace(Sizes(), V=10_000), jax_scan.Plan(project_first=False, update_looked_up=False, write_out=True)),
        (replace(Sizes(), V=88_584), jax_scan.Plan(project_first=False, update_looked_up=True, write_out=True)),
        (replace(Sizes(), V=10_000, E=128, H=512), jax_scan.Plan(project_first=False, update_looked_up=False, write_out=False)),
    ],
)
def test_the_form_is_chosen_by_size(work: Sizes, form: jax_scan.Plan) -> None:
    assert jax_scan.plan_for(work, work.E, work.B) == form


def test_the_given_gradient_is_the_one_that_jax_derives() -> None:
    rng = np.random.default_rng(9)
    T, B, H = 5, 3, 4
    z, Wh, dh_last = (rng.standard_normal(shape).astype(np.float32) for shape in ((T, B, H), (H, H), (B, H)))

    def unrolled(z: jax.Array, Wh: jax.Array) -> jax.Array:
        h = jax.numpy.zeros((B, H))
        for z_t in z:
            h = jax.numpy.tanh(z_t + h @ Wh)
        return h

    given = jax.vjp(lambda *a: jax_scan.last_state(*a, False), z, Wh)[1](dh_last)
    derived = jax.vjp(unrolled, z, Wh)[1](dh_last)

    for mine, theirs in zip(given, derived, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-5)


def test_ids_may_be_a_mapped_file(tmp_path: Path) -> None:
    work = peer_cases.WORKLOADS["a short last batch"]
    arrays = draw(work)
    np.save(tmp_path / "ids.npy", arrays.ids)
    mapped = replace(arrays, ids=np.load(tmp_path / "ids.npy", mmap_mode="r"))

    assert jax_scan.Session(work, mapped).epoch() == jax_scan.Session(work, arrays).epoch()


@pytest.mark.parametrize("rows", [1, 4, 100])
def test_probabilities_do_not_depend_on_how_many_rows_are_taken_at_a_time(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    work = peer_cases.WORKLOADS["a short last batch"]
    arrays = draw(work)
    usual = jax_scan.Session(work, arrays)
    expected = usual.predict(arrays.ids), usual.evaluate(work.N)
    monkeypatch.setattr(jax_scan, "FORWARD_ROWS", rows)
    session = jax_scan.Session(work, arrays)

    np.testing.assert_allclose(session.predict(arrays.ids), expected[0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(session.evaluate(work.N), expected[1], rtol=0, atol=1e-6)
