"""CSVLogger: the bytes it writes, and that they are there when a training crashes."""

import os

import numpy as np
import pytest
from scripted_model import ScriptedModel, run

from minirnn.callbacks import CSVLogger


def written(path, epochs_of_logs, **arguments):
    run(CSVLogger(path, **arguments), ScriptedModel(), epochs_of_logs)
    return path.read_bytes()


def test_columns_are_sorted_lines_end_in_crlf_and_digits_are_full(tmp_path):
    logs = [{"val_loss": 1 / 3, "loss": 0.1, "accuracy": float(np.float32(0.7))}, {"val_loss": 2.0, "loss": 1e-17, "accuracy": 1.0}]

    assert written(tmp_path / "log.csv", logs) == (
        b"epoch,accuracy,loss,val_loss\r\n0,0.699999988079071,0.1,0.3333333333333333\r\n1,1.0,1e-17,2.0\r\n"
    )


def test_val_columns_are_made_when_validation_comes_later(tmp_path):
    logs = [{"loss": 0.5}, {"loss": 0.4}, {"loss": 0.3, "val_loss": 0.6}]

    assert written(tmp_path / "log.csv", logs) == b"epoch,loss,val_loss\r\n0,0.5,NA\r\n1,0.4,NA\r\n2,0.3,0.6\r\n"


def test_missing_values_are_na_and_new_names_are_left_out(tmp_path):
    logs = [{"loss": 0.5, "val_loss": 0.6}, {"surprise": 7.0, "val_loss": 0.7}]

    assert written(tmp_path / "log.csv", logs) == b"epoch,loss,val_loss\r\n0,0.5,0.6\r\n1,NA,0.7\r\n"


def test_nan_is_written(tmp_path):
    assert written(tmp_path / "log.csv", [{"loss": float("nan")}]) == b"epoch,loss,val_loss\r\n0,nan,NA\r\n"


def test_rows_of_values_are_one_cell_and_text_is_kept(tmp_path):
    logs = [{"loss": np.array(0.5), "note": "a,b", "rates": [0.1, 0.2], "val_loss": 1.0}]

    assert written(tmp_path / "log.csv", logs) == b'epoch,loss,note,rates,val_loss\r\n0,0.5,"a,b","""[0.1, 0.2]""",1.0\r\n'


def test_separator(tmp_path):
    assert written(tmp_path / "log.tsv", [{"loss": 0.5}], separator="\t") == b"epoch\tloss\tval_loss\r\n0\t0.5\tNA\r\n"


def test_append_writes_no_second_header(tmp_path):
    path = tmp_path / "log.csv"
    written(path, [{"loss": 0.5}])

    assert written(path, [{"loss": 0.4}], append=True) == b"epoch,loss,val_loss\r\n0,0.5,NA\r\n0,0.4,NA\r\n"


def test_append_writes_a_header_into_an_empty_file(tmp_path):
    (tmp_path / "log.csv").touch()

    assert written(tmp_path / "log.csv", [{"loss": 0.4}], append=True).startswith(b"epoch,loss")


def test_one_appending_logger_serves_two_trainings(tmp_path):
    logger = CSVLogger(tmp_path / "log.csv", append=True)

    for _ in range(2):
        run(logger, ScriptedModel(), [{"loss": 0.5}])

    assert (tmp_path / "log.csv").read_bytes() == b"epoch,loss,val_loss\r\n0,0.5,NA\r\n0,0.5,NA\r\n"


def test_without_append_the_earlier_file_is_replaced(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("a much longer earlier file\n" * 5)

    assert written(path, [{"loss": 0.5}]) == b"epoch,loss,val_loss\r\n0,0.5,NA\r\n"


def test_earlier_file_is_kept_until_there_is_a_line_to_replace_it(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("earlier")
    logger = CSVLogger(path)

    logger.on_train_begin()
    logger.release()

    assert path.read_text() == "earlier"


def test_a_line_is_on_disk_as_soon_as_its_epoch_ends(tmp_path):
    logger = CSVLogger(tmp_path / "log.csv")
    logger.on_train_begin()

    for epoch in range(2):
        logger.on_epoch_end(epoch, {"loss": 0.5})

        assert len((tmp_path / "log.csv").read_bytes().splitlines()) == epoch + 2
    logger.release()


def test_folders_are_made(tmp_path):
    written(tmp_path / "new" / "deeper" / "log.csv", [{"loss": 0.5}])

    assert (tmp_path / "new" / "deeper" / "log.csv").is_file()


def test_release_may_come_more_than_once(tmp_path):
    logger = CSVLogger(tmp_path / "log.csv")
    logger.on_train_begin()

    logger.release()
    logger.release()

    assert logger.csv_file is None


@pytest.mark.parametrize("separator", ["", ";;", "\n", '"', 7])
def test_separator_that_cannot_be_used_is_refused(tmp_path, separator):
    with pytest.raises(ValueError, match="CSVLogger: separator must be one character"):
        CSVLogger(tmp_path / "log.csv", separator=separator)


def test_folder_in_place_of_the_file_is_refused_at_once(tmp_path):
    with pytest.raises(IsADirectoryError, match="CSVLogger: expected the name of a file"):
        CSVLogger(tmp_path)


def test_file_that_cannot_be_written_is_known_before_the_first_epoch(tmp_path, monkeypatch):
    path = tmp_path / "log.csv"
    path.write_text("earlier")
    logger = CSVLogger(path)
    path.unlink()
    os.mkdir(path)  # what the super-user cannot write either

    with pytest.raises(IsADirectoryError):
        logger.on_train_begin()


def test_epoch_before_training_begins_is_an_error_that_says_so(tmp_path):
    with pytest.raises(RuntimeError, match="Call on_train_begin first"):
        CSVLogger(tmp_path / "log.csv").on_epoch_end(0, {"loss": 0.5})
