import numpy as np
import pytest

from minirnn.layers import Input
from minirnn.layers.input_layer import InputLayer


@pytest.mark.parametrize(
    ("arguments", "batch_shape"),
    [
        ({"shape": (100,)}, (None, 100)),
        ({"shape": [None, 5]}, (None, None, 5)),
        ({"shape": ()}, (None,)),
        ({"shape": (7,), "batch_size": 3}, (3, 7)),
        ({"batch_shape": (4, None, 2)}, (4, None, 2)),
        ({"shape": (np.int64(6),)}, (None, 6)),
    ],
)
def test_shapes_of_batches(arguments, batch_shape):
    layer = Input(**arguments)
    assert isinstance(layer, InputLayer)
    assert layer.batch_shape == batch_shape
    assert InputLayer(**layer.get_config()).get_config() == layer.get_config()


def test_the_first_argument_is_the_shape():
    assert Input((100,)).batch_shape == (None, 100)
    assert Input((3,)).dtype == "float32"
    assert Input((3,), dtype="int32").dtype == "int32"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shape": 5}, r"shape must be a tuple of sizes, received 5. Write \(5,\)"),
        ({"shape": (-1,)}, "received -1"),
        ({"shape": (2.5,)}, "received 2.5"),
        ({"shape": (True,)}, "received True"),
        ({}, "give either shape or batch_shape"),
        ({"shape": (2,), "batch_shape": (3, 2)}, "give either shape or batch_shape"),
        ({"batch_shape": (3, 2), "batch_size": 3}, "either batch_size or batch_shape"),
        ({"shape": (2,), "sparse": True}, "sparse is not supported"),
        ({"shape": (2,), "tensor": 1}, "tensor is not supported"),
    ],
)
def test_bad_shapes_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Input(**arguments)
