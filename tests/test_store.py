"""minirnn.datasets.store: data is found in a fixed order, downloaded whole or not at all, and its absence is explained."""

import hashlib
import http.server
import json
import threading
import zipfile
from pathlib import Path

import pytest

from minirnn.datasets import store
from minirnn.datasets.store import REVIEWS, WORD_INDEX, DataNotFoundError, fetch, find, locate, read_reviews, read_word_index

NAMES = [REVIEWS, WORD_INDEX]


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Every place of the finding order, empty, and no network."""
    folders = {"given": tmp_path / "given", "environment": tmp_path / "environment", "own": tmp_path / "own"}
    folders["keras"] = tmp_path / "home" / "datasets"
    for folder in folders.values():
        folder.mkdir(parents=True)
    monkeypatch.delenv("MINIRNN_DATA", raising=False)
    monkeypatch.setenv("MINIRNN_CACHE", str(folders["own"]))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("pooch.retrieve", lambda *_, **__: pytest.fail("the network was asked"))
    return folders


def put(folder, name=REVIEWS):
    path = folder / name
    if name == WORD_INDEX:
        path.write_text('{"the": 1}')
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("member", b"contents")
    return path


# The finding order


@pytest.mark.parametrize("name", NAMES)
def test_places_are_asked_in_order(places, monkeypatch, name):
    monkeypatch.setenv("MINIRNN_DATA", str(places["environment"]))
    there = {place: put(folder, name) for place, folder in places.items()}
    origins = {"given": "the path given", "environment": "MINIRNN_DATA", "own": "minirnn's cache", "keras": "Keras's cache"}
    for place, origin in origins.items():
        assert find(name, places["given"] if place == "given" else None) == (there[place], origin)
        there[place].unlink()
        if place == "environment":
            monkeypatch.delenv("MINIRNN_DATA")


def test_the_given_path_may_be_the_file_itself_and_the_word_index_lies_beside_it(places):
    own_name = put(places["given"]).rename(places["given"] / "copy.dat")
    beside = put(places["given"], WORD_INDEX)
    assert find(REVIEWS, own_name) == (own_name, "the path given")
    assert find(WORD_INDEX, own_name) == (beside, "the path given")


def test_the_environment_may_name_the_file_itself(places, monkeypatch):
    path = put(places["environment"])
    beside = put(places["environment"], WORD_INDEX)
    monkeypatch.setenv("MINIRNN_DATA", str(path))
    assert find(REVIEWS) == (path, "MINIRNN_DATA")
    assert find(WORD_INDEX) == (beside, "MINIRNN_DATA")


def test_an_empty_variable_is_no_variable(places, monkeypatch):
    monkeypatch.setenv("MINIRNN_DATA", "")
    path = put(places["own"])
    assert find() == (path, "minirnn's cache")


def test_the_word_index_is_looked_for_further_on_when_it_does_not_lie_beside_the_reviews(places):
    put(places["given"])
    path = put(places["keras"], WORD_INDEX)
    assert find(WORD_INDEX, places["given"]) == (path, "Keras's cache")


@pytest.mark.parametrize("given", ["absent", "absent.npz", ""])
def test_a_named_path_without_reviews_is_an_error_even_when_a_cache_has_them(places, given):
    put(places["own"])
    with pytest.raises(FileNotFoundError, match=r"the path given must be a file, or a folder that holds imdb\.npz") as caught:
        find(REVIEWS, places["given"] / given)
    assert not isinstance(caught.value, DataNotFoundError)


def test_a_wrong_variable_is_an_error_that_names_it(places, monkeypatch):
    put(places["own"])
    monkeypatch.setenv("MINIRNN_DATA", str(places["environment"] / "absent"))
    with pytest.raises(FileNotFoundError, match="MINIRNN_DATA must be a file") as caught:
        find()
    assert not isinstance(caught.value, DataNotFoundError)


@pytest.mark.parametrize("name", NAMES)
def test_a_cached_file_that_is_cut_off_is_passed_over(places, name):
    cut = put(places["own"], name)
    cut.write_bytes(cut.read_bytes()[:-5])
    path = put(places["keras"], name)
    assert find(name) == (path, "Keras's cache")


def test_keras_keeps_its_data_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert store.keras_folder() == tmp_path / ".keras" / "datasets"


def test_the_own_cache_is_where_the_system_keeps_caches(monkeypatch):
    pooch = pytest.importorskip("pooch")
    monkeypatch.delenv("MINIRNN_CACHE", raising=False)
    assert store.cache_folder() == Path(pooch.os_cache("minirnn"))


@pytest.mark.parametrize("ask", [find, fetch])
def test_only_the_published_files_have_names(places, ask):
    with pytest.raises(ValueError, match=r"name must be one of imdb\.npz, imdb_word_index\.json, received '\.\./imdb\.npz'"):
        ask("../imdb.npz")


# What locate makes of a path argument


@pytest.mark.parametrize("name", NAMES)
def test_the_default_path_is_searched_for_and_not_taken_from_the_working_folder(places, monkeypatch, name):
    put(places["given"], name)
    monkeypatch.chdir(places["given"])
    path = put(places["keras"], name)
    assert locate(name, name) == path


@pytest.mark.parametrize("name", NAMES)
def test_another_path_is_the_file_or_its_folder(places, name):
    path = put(places["given"], name)
    assert locate(path, name) == path
    assert locate(str(path), name) == path
    assert locate(path.parent, name) == path


def test_another_path_that_is_not_there_is_an_error(places):
    put(places["own"])
    with pytest.raises(FileNotFoundError, match=r"leave it out to have imdb\.npz found or downloaded"):
        locate("imbd.npz", REVIEWS)


# Downloads


def test_a_download_asks_for_the_published_file_and_hash(places, monkeypatch):
    asked = {}

    def retrieve(url, **arguments):
        asked.update(arguments, url=url)
        return str(put(places["own"]))

    monkeypatch.setattr("pooch.retrieve", retrieve)
    assert find() == (places["own"] / REVIEWS, "download")
    assert asked["url"] == "https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb.npz"
    assert asked["known_hash"] == "sha256:69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
    assert (asked["path"], asked["fname"]) == (places["own"], REVIEWS)
    assert asked["downloader"].kwargs["timeout"][0] <= 10


def test_without_leave_nothing_is_downloaded(places):
    with pytest.raises(DataNotFoundError, match="download: not asked for"):
        find(download=False)


@pytest.mark.parametrize("failure", [OSError("disk full"), ValueError("hash differs"), PermissionError(13, "read-only")])
def test_a_failed_download_says_where_was_looked_and_what_to_do(places, monkeypatch, failure):
    def retrieve(*_, **__):
        raise failure

    monkeypatch.setattr("pooch.retrieve", retrieve)
    (places["keras"] / REVIEWS).write_bytes(b"half a file")
    with pytest.raises(DataNotFoundError) as caught:
        find()
    message = str(caught.value)
    for part in (
        "MINIRNN_DATA: none",
        f"{places['own'] / REVIEWS}: not there",
        f"{places['keras'] / REVIEWS}: damaged",
        "tf-keras-datasets/imdb.npz",
        str(failure),
        "minirnn data download",
        "--data PATH",
    ):
        assert part in message
    assert caught.value.__context__ is None  # no traceback of the network library before the message


@pytest.fixture
def server(places, monkeypatch):
    """A host on this machine in the place of Keras's; returns what it serves, to be filled."""
    served = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            contents, announced = served.get(self.path[1:], (b"", 0))
            self.send_response(200 if contents else 404)
            self.send_header("Content-Length", str(announced))
            self.end_headers()
            self.wfile.write(contents)

        def log_message(self, *_):
            """Say nothing."""

    monkeypatch.undo()
    monkeypatch.delenv("MINIRNN_DATA", raising=False)
    monkeypatch.setenv("MINIRNN_CACHE", str(places["own"]))
    monkeypatch.setenv("KERAS_HOME", str(places["keras"].parent))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as host:
        monkeypatch.setattr(store, "_ADDRESS", f"http://127.0.0.1:{host.server_port}/")
        thread = threading.Thread(target=host.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        host.shutdown()
        thread.join()


def publish(monkeypatch, contents):
    monkeypatch.setitem(store._PUBLISHED, WORD_INDEX, "md5:" + hashlib.md5(contents).hexdigest())


def test_a_download_lands_in_the_cache_and_is_found_there_next_time(places, server, monkeypatch):
    contents = b'{"the": 1, "and": 2}'
    server[WORD_INDEX] = (contents, len(contents))
    publish(monkeypatch, contents)
    assert find(WORD_INDEX) == (places["own"] / WORD_INDEX, "download")
    assert find(WORD_INDEX) == (places["own"] / WORD_INDEX, "minirnn's cache")
    assert read_word_index(places["own"] / WORD_INDEX) == {"the": 1, "and": 2}


def test_a_damaged_cached_file_is_replaced_by_the_download(places, server, monkeypatch):
    contents = b'{"the": 1, "and": 2}'
    server[WORD_INDEX] = (contents, len(contents))
    publish(monkeypatch, contents)
    (places["own"] / WORD_INDEX).write_bytes(contents[:7])
    assert find(WORD_INDEX).origin == "download"
    assert (places["own"] / WORD_INDEX).read_bytes() == contents


@pytest.mark.parametrize("fault", ["other contents", "cut off", "not there"])
def test_a_bad_download_leaves_nothing(places, server, monkeypatch, fault):
    contents = b'{"the": 1, "and": 2}'
    publish(monkeypatch, contents)
    if fault != "not there":
        server[WORD_INDEX] = (contents[:-3], len(contents) if fault == "cut off" else len(contents) - 3)
    with pytest.raises(DataNotFoundError, match=r"127\.0\.0\.1"):
        find(WORD_INDEX)
    assert list(places["own"].iterdir()) == []


def test_a_refused_connection_is_a_plain_error_and_leaves_nothing(places, monkeypatch, server):
    monkeypatch.setattr(store, "_ADDRESS", "http://127.0.0.1:1/")
    with pytest.raises(DataNotFoundError, match=r"http://127\.0\.0\.1:1/imdb\.npz into .*: no connection"):
        find()
    assert list(places["own"].iterdir()) == []


# Reading


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b'{"the": 1, "an', "not complete JSON"),
        (b"", "not complete JSON"),
        (b"\xff\xfe\x00", "not complete JSON"),
        (b"[" * 200_000, "not complete JSON"),
        (b"[1, 2]", "received list"),
        (b'{"the": 1.5}', "received .'float'"),
        (b'{"the": true}', "received .'bool'"),
        (b'{"the": NaN}', "received .'float'"),
        (b'{"the": "1", "and": null}', "received .'NoneType', 'str'"),
    ],
)
def test_a_word_index_of_anything_but_ranks_is_refused(tmp_path, contents, message):
    path = tmp_path / "index.json"
    path.write_bytes(contents)
    with pytest.raises(ValueError, match=message) as caught:
        read_word_index(path)
    assert str(path) in str(caught.value)


def test_a_word_index_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_WORD_INDEX_LIMIT", 100)
    path = tmp_path / "index.json"
    path.write_text(json.dumps({f"word{rank}": rank for rank in range(20)}))
    with pytest.raises(ValueError, match="larger than the 100 bytes"):
        read_word_index(path)


def test_a_word_index_is_utf8_whatever_the_locale(tmp_path):
    path = tmp_path / "index.json"
    path.write_bytes('{"amÉlie": 7}'.encode())
    assert read_word_index(path) == {"amÉlie": 7}


def test_reading_a_damaged_archive_names_the_file(tmp_path):
    path = put(tmp_path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match="not a complete zip") as caught:
        read_reviews(path)
    assert str(path) in str(caught.value)
