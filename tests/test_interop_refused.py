"""Files of Keras's with something that minirnn lacks: each gets an error that names the layer or argument and says what to do."""

import numpy as np
import pytest
from interop_cases import CASES
from keras_process import OLDEST
from keras_refusals import MODELS, SETTINGS

from minirnn import saving

pytest.importorskip("h5py")
pytestmark = pytest.mark.usefixtures("minirnn_alone")

KERAS = ["installed on tensorflow", f"{OLDEST} on tensorflow"]


@pytest.fixture(scope="module", params=KERAS)
def written(request, processes, tmp_path_factory):
    """A folder with a file of each model, and the weights of each."""
    folder = tmp_path_factory.mktemp("refused")
    return folder, processes(request.param)("write_refusals", folder=str(folder))


@pytest.mark.parametrize("name", MODELS)
def test_what_minirnn_lacks_is_named(written, name):
    path = written[0] / f"{name}.keras"

    with pytest.raises(saving.FormatError, match=MODELS[name][1]) as caught:
        saving.load_model(path)

    assert str(caught.value).startswith(f"load_model: {str(path)!r}: ")


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_minirnn_lacks_can_be_left_out(written, name):
    folder, weights = written

    model = saving.load_model(folder / f"{name}.keras", compile=False)

    assert not model.compiled
    for own, weight in zip(model.get_weights(), weights[name], strict=True):
        np.testing.assert_array_equal(own, weight)


@pytest.mark.parametrize("which", KERAS)
def test_keras_s_other_forms_are_named(processes, tmp_path, which):
    processes(which)("write_other_forms", case=CASES["one-hot"], folder=str(tmp_path))

    with pytest.raises(saving.FormatError, match=r"a folder.* must be zipped first"):
        saving.load_model(tmp_path / "folder")
    with pytest.raises(saving.FormatError, match=r"an HDF5 file, not a \.keras archive.* save them as '\.keras' with Keras"):
        saving.load_model(tmp_path / "older.h5")
