import random

import numpy as np
import pytest

from minirnn.randomness import generator, global_generator, set_aside, set_random_seed


def test_the_same_seed_gives_the_same_global_stream():
    set_random_seed(11)
    first = global_generator().random(5)
    set_random_seed(11)
    np.testing.assert_array_equal(global_generator().random(5), first)


def test_another_seed_gives_another_stream():
    set_random_seed(11)
    first = global_generator().random(5)
    set_random_seed(12)
    assert not np.array_equal(global_generator().random(5), first)


def test_the_global_stream_is_pcg64_of_that_seed():
    set_random_seed(2**40)
    np.testing.assert_array_equal(global_generator().random(3), np.random.Generator(np.random.PCG64(2**40)).random(3))


@pytest.mark.parametrize("seed", [1.0, "1", None, np.int64(3), [1]])
def test_a_seed_that_is_no_python_integer_is_refused_and_changes_nothing(seed):
    before = global_generator()
    with pytest.raises(ValueError, match=f"set_random_seed: seed must be a Python integer.*{type(seed).__name__}"):
        set_random_seed(seed)
    assert global_generator() is before


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="must be 0 or more, received -1"):
        set_random_seed(-1)


def test_the_states_of_random_and_numpy_random_are_left_alone():
    python_state = random.getstate()
    numpy_state = np.random.get_state()[1].tobytes()  # noqa: NPY002 - the legacy state is what must not move
    set_random_seed(5)
    generator(None).random(4)
    generator(6).random(4)
    assert random.getstate() == python_state
    assert np.random.get_state()[1].tobytes() == numpy_state  # noqa: NPY002


def test_a_seeded_generator_is_reproducible_and_its_own():
    first, second = generator(7), generator(7)
    assert first is not second
    assert first.random() == second.random()


def test_a_negative_seed_of_a_generator_is_not_that_of_its_absolute_value():
    assert generator(-7).random() == generator(-7).random()
    assert generator(-7).random() != generator(7).random()


def test_unseeded_generators_differ_and_follow_the_global_seed():
    set_random_seed(3)
    first = [generator().random() for _ in range(3)]
    set_random_seed(3)
    again = [generator().random() for _ in range(3)]
    assert first == again
    assert len(set(first)) == 3


def test_draws_from_the_global_generator_do_not_move_spawned_streams():
    set_random_seed(3)
    expected = generator().random()
    set_random_seed(3)
    global_generator().random(100)
    assert generator().random() == expected


def test_what_is_drawn_while_the_global_generator_is_set_aside_leaves_it_alone():
    set_random_seed(4)
    expected = [generator().random(), global_generator().random()]
    set_random_seed(4)

    with set_aside():
        generator()
        global_generator().random()

    assert [generator().random(), global_generator().random()] == expected
