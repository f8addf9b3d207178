"""parity.json and parity.html: what was found stands in them, and nothing else is needed to read them."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from parity_reports import FACTS, failed, measured, outcome

from parity import page, record
from parity.compare import compare_equal
from parity.errors import EDGES
from parity.figures import drawings, plates
from parity.full import Section
from parity.record import KINDS, kind_of

NUMBERS = np.arange(4)


def made(outcomes=None, **options):
    arguments = {"absent": {"torch": "torch not installed; pip"}, "stale": [], "trainings": None, **options}
    return record.of_run(FACTS, [outcome()] if outcomes is None else outcomes, **arguments)


def read_back(report, tmp_path):
    record.write(tmp_path / "parity.json", report)
    return json.loads((tmp_path / "parity.json").read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


# --------------------------------------------------------------------------------------------------------------------------------- JSON


def test_the_json_holds_header_cases_tensors_and_the_verdict(tmp_path):
    report = read_back(made(), tmp_path)

    assert (report["passed"], report["failures"], report["header"]["commit"]) == (True, [], FACTS["commit"])
    assert report["left_out"] == {"torch": "torch not installed; pip"}
    assert report["backends"]["tensorflow"]["tensors"] == 6
    assert report["backends"]["tensorflow"]["denormals"] == {"NumPy": "kept", "Keras": "kept"}
    assert report["cases"]["simple_rnn"] == {"seeds": [31], "command": "python -m parity --only simple_rnn", "seconds": {"tensorflow": 0.5}}


def test_a_tensor_of_the_json_has_every_statistic_and_its_worst_place(tmp_path):
    tensor = read_back(made(), tmp_path)["tensors"][0]

    assert (tensor["backend"], tensor["case"], tensor["tensor"], tensor["word"], tensor["kind"]) == (
        "tensorflow",
        "simple_rnn",
        "output",
        "ok",
        "outputs",
    )
    assert {pair: errors["max_ulp"] for pair, errors in tensor["statistics"].items()} == {
        "minirnn-truth": 1,
        "keras-truth": 2,
        "minirnn-keras": 3,
    }
    assert set(tensor["statistics"]["keras-truth"]) == {
        *("max_ulp", "mean_ulp", "p999_ulp", "max_abs", "max_rel", "bias_ulp", "at", "histogram")
    }
    assert len(tensor["statistics"]["keras-truth"]["histogram"]) == len(EDGES) + 2
    assert (tensor["at"], float.fromhex(tensor["worst"]["truth"])) == ([1, 2], -2)


def test_what_is_infinite_is_written_as_a_word(tmp_path):
    report = made([outcome(verdicts=[measured("a", "b", float("inf"))])])

    assert read_back(report, tmp_path)["tensors"][0]["error"] == "inf"


def test_a_failure_a_crash_and_a_stale_entry_fail_the_whole():
    for report in (
        made([outcome(verdicts=[measured("a", "b"), failed()])]),
        made([outcome(crash="the process ended")]),
        made(stale=["an entry"]),
        made([outcome(verdicts=[])]),
        made(trainings=Section("Trainings", False, (), {}, {})),
    ):
        assert not report["passed"]


def test_a_failure_is_named():
    assert made([outcome(verdicts=[failed()])])["failures"] == ["tensorflow: simple_rnn, dkernel: the reason"]


def test_decisions_are_rows_over_all_backends_and_the_worst_tensor_speaks():
    case = "decision.D4.masked_first_steps"
    equal = compare_equal(case, "last", *[NUMBERS] * 2)
    intended = compare_equal(case, "output", NUMBERS, NUMBERS + 1, intended="D4, zeros")

    (row,) = made([outcome(verdicts=[equal]), outcome("jax", [equal, intended])])["decisions"]

    assert row == {
        "name": "D4",
        "topic": "masked first steps",
        "case": case,
        "backends": {"tensorflow": {"word": "equal", "reason": ""}, "jax": {"word": "intended", "reason": "D4, zeros"}},
    }


@pytest.mark.parametrize(
    ("case", "tensor", "kind"),
    [
        ("activations.tanh", "output", "activations"),
        ("simple_rnn", "output", "outputs"),
        ("simple_rnn", "dx", "gradients on inputs"),
        ("simple_rnn", "drecurrent_kernel", "gradients of weights"),
        ("model.stack", "ddense.kernel", "gradients of weights"),
        ("model.embedding.epoch", "dense.kernel", "weights after steps"),
        ("rmsprop.rho", "bias@20", "weights after steps"),
        ("model.stack", "loss", "losses and metrics"),
    ],
)
def test_a_tensor_is_of_a_kind(case, tensor, kind):
    assert kind_of(measured(case, tensor)) == kind
    assert kind in KINDS


def test_what_has_to_be_equal_is_of_a_kind_of_its_own():
    assert kind_of(compare_equal("a", "loss", NUMBERS, NUMBERS)) == KINDS[0]


# --------------------------------------------------------------------------------------------------------------------------------- HTML


class Page(HTMLParser):
    """Notes links, names and rows, and that every tag is closed."""

    EMPTY = ("meta", "link", "input", "path", "use", "rect")

    def __init__(self, text):
        super().__init__()
        self.open, self.outside, self.identities, self.rows = [], [], [], 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.rows += tag == "tr"
        for name, value in attributes:
            if name in ("href", "src", "xlink:href") and not value.startswith(("#", "data:")):
                self.outside.append(value)
            if name == "id":
                self.identities.append(value)
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.EMPTY:
            assert self.open.pop() == tag

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.EMPTY:
            self.open.pop()


@pytest.fixture(scope="module")
def text():
    return page.page(made([outcome(), outcome("jax")]), {})


def test_the_page_asks_the_network_for_nothing(text):
    assert Page(text).outside == []
    assert not re.search(r"@import|url\((?!#)|fetch\(|<script src", text)


def test_the_page_is_whole_and_no_name_is_used_twice(text):
    parsed = Page(text)

    assert parsed.open == []
    assert len(parsed.identities) == len(set(parsed.identities))


def test_the_page_says_what_was_compared_and_every_tensor_stands_in_it(text):
    assert "All 12 tensors passed." in text
    assert "Keras on torch (torch not installed; pip)" in text
    for words in (
        "0123456789ab",
        "a processor &amp; &lt;another&gt;",
        "avx2, fma",
        "growth.simple_rnn.10",
        "D3, an error &amp; no &lt;NaN&gt;",
    ):
        assert words in text
    table = text[text.index('id="tensors"') :]
    assert table[: table.index("</table>")].count("<tr>") == 1 + 12


def test_the_page_names_what_failed():
    text = page.page(made([outcome(verdicts=[measured("a", "b"), failed()])]), {})

    assert "1 of 2 tensors or checks FAILED." in text
    assert "simple_rnn, dkernel: the reason" in text


def test_the_page_can_be_written_when_all_failed_before_anything_was_measured(tmp_path):
    page.write(tmp_path / "parity.html", made([outcome(verdicts=[], crash="it ended")]), {})

    assert "it ended" in (tmp_path / "parity.html").read_text()


def test_infinite_errors_can_be_drawn():
    verdicts = [measured("a", "b", float("inf")), measured("a", "c", 1, float("inf")), measured("growth.a.1", "b", float("nan"), length=1)]

    page.page(made([outcome(verdicts=verdicts)]), {})


# ------------------------------------------------------------------------------------------------------------------------------ figures


def test_every_figure_has_a_title_units_and_a_sentence_that_says_what_to_look_for():
    found = drawings(made())

    assert set(found) == {"histograms", "scatter", "growth"}
    for drawing in found.values():
        assert "Look for" in drawing.caption
        for narrow in (False, True):
            figure = drawing.draw(narrow)
            words = [text.get_text() for text in figure.findobj(lambda part: hasattr(part, "get_text"))]
            assert any("ULP" in word for word in words)


def test_the_histogram_shows_the_shares_that_were_counted():
    figure = drawings(made())["histograms"].draw(False)

    lines = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}

    # outputs: three tensors of six elements; 0 is the bin of no error, 7 up to 1 ULP, 9 up to 4
    ours = lines["minirnn to truth"]
    assert [round(18 * ours[place]) for place in (0, 7, 9)] == [15, 2, 1]
    assert sum(ours) == pytest.approx(1)


def test_the_growth_line_is_what_was_granted():
    (axes, *_) = drawings(made())["growth"].draw(False).axes

    lines = {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}

    assert lines["growth granted by the formula"] == ([1, 10], [6, 9])
    assert lines["minirnn"] == ([1, 10], [1, 3])
    assert lines["Keras on tensorflow"] == ([1, 10], [1, 4])


def test_figures_of_trainings_are_shown_with_their_captions():
    plate = plates(made())["scatter"]
    section = Section("Whole trainings", True, ("They end alike.",), {"passed": True}, {"drift": plate._replace(caption="Look here")})

    text = page.page(made(trainings=section), section.plates)

    assert all(words in text for words in ("<h2>Whole trainings</h2>", "They end alike.", "Look here"))
