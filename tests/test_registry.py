import pytest

from minirnn.registry import lookup

TABLE = {"linear": object(), "tanh": object(), "random_uniform": object()}
TABLE["RandomUniform"] = TABLE["uniform"] = TABLE["random_uniform"]


def test_a_known_name_gives_its_entry():
    assert lookup("activation", "tanh", TABLE) is TABLE["tanh"]


def test_an_alias_gives_the_same_entry():
    assert lookup("initializer", "RandomUniform", TABLE) is lookup("initializer", "random_uniform", TABLE)


def test_names_are_matched_with_their_case():
    with pytest.raises(ValueError, match="unknown activation 'Tanh': did you mean 'tanh'"):
        lookup("activation", "Tanh", TABLE)


def test_a_typo_names_the_nearest_and_all_known_without_aliases():
    with pytest.raises(ValueError) as caught:
        lookup("activation", "tahn", TABLE)
    assert str(caught.value) == "unknown activation 'tahn': did you mean 'tanh'? Known: linear, random_uniform, tanh."


def test_an_alias_is_suggested_when_no_main_name_is_near():
    with pytest.raises(ValueError, match="did you mean 'uniform'"):
        lookup("initializer", "unifrm", TABLE)


def test_a_name_near_nothing_gets_no_suggestion():
    with pytest.raises(ValueError) as caught:
        lookup("activation", "xyz", TABLE)
    assert str(caught.value) == "unknown activation 'xyz': Known: linear, random_uniform, tanh."


@pytest.mark.parametrize("identifier", [3, None, 1.5, ["tanh"]])
def test_what_is_no_string_is_named_with_its_type(identifier):
    with pytest.raises(ValueError, match=f"of type {type(identifier).__name__}: expected a name"):
        lookup("activation", identifier, TABLE)
