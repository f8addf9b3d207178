"""The page in a real browser: its numbers are the Trace's, whatever is turned on it, and it speaks to nobody."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pytest
from explain_cases import MODELS, OTHER, TEXT, WORD_INDEX, T, V, model_of, traced

import minirnn
from minirnn.explain import assembly, page, write_page
from minirnn.layers import Dense, Embedding, SimpleRNN

FLAGS = ["no-sandbox", "disable-gpu", "disable-background-networking", "disable-component-update", "disable-sync", "no-first-run"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

READ = """() => {
  const list = values => (values ? Array.from(values) : null), trace = minirnn.trace(), untrained = minirnn.untrained();
  return {
    ...minirnn.state(),
    probs: list(trace.probs), saliency: list(trace.saliency), leaning: list(trace.leaning), loss: trace.loss, mask: list(trace.mask),
    untrained: untrained ? list(untrained.probs) : null,
    layers: trace.layers.map((layer, n) => ({
      z_input: list(layer.zInput), z_recurrent: list(layer.zRecurrent), z: list(layer.z),
      hs: list(layer.hs), dh: list(layer.dh), dz: list(layer.dz),
      Wh: list(layer.contributionWh), Wx: list(layer.contributionWx), b: list(layer.contributionB),
      jacobian_norms: list(minirnn.jacobians()[n].norms), jacobian_product: list(minirnn.jacobians()[n].product),
    })),
  };
}"""

SHOWN = """() => {
  const nodes = Array.from(document.querySelectorAll("[id^=shown-]"));
  return Object.fromEntries(nodes.map(node => [node.id.slice(6), Number(node.dataset.value)]));
}"""


@pytest.fixture(scope="session")
def browser():
    """The system's Chromium, started once."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"no browser here: none of {', '.join(BROWSERS)}")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=program, args=[f"--{flag}" for flag in FLAGS])
        yield started
        started.close()


class Opened:
    """A page in a tab of its own: what it asked for, and what it complained of."""

    def __init__(self, browser, path, fragment="", **context):
        self.address = path.as_uri()
        self.context = browser.new_context(**context)
        self.tab = self.context.new_page()
        self.requests, self.complaints = [], []
        self.tab.on("request", lambda request: self.requests.append(request.url.split("#")[0]))
        self.tab.on("console", lambda message: self.complaints.append(message.text) if message.type in ("error", "warning") else None)
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.goto(self.address + fragment)

    def read(self):
        self.until("minirnn.state().complete")
        return self.tab.evaluate(READ)

    def until(self, condition, seconds=20):
        """Wait for a condition; by asking again and again, because the page's policy forbids what Playwright would do."""
        for _ in range(seconds * 20):
            if self.tab.evaluate(condition):
                return
            self.tab.wait_for_timeout(50)
        raise AssertionError(f"not so after {seconds} s: {condition}")

    def shown(self):
        return self.tab.evaluate(SHOWN)

    def set_range(self, name, value):
        self.tab.locator(f"#{name}").evaluate("(node, value) => { node.value = value; node.dispatchEvent(new Event('input')); }", value)

    def choose(self, name, value):
        self.tab.locator(f"input[name={name}][value={value}]").check(force=True)


@pytest.fixture
def opened(browser, tmp_path):
    """Open a model's page; at the end, nothing was asked of anybody, and nothing was wrong."""
    pages = []

    def open_page(kind, text=TEXT, fragment="", model=None, context=None, **about):
        path = tmp_path / f"page {len(pages)}.html"
        model = model or model_of(kind)
        write_page(path, page(model, text, **{"word_index": WORD_INDEX, "untrained": model_of(kind, seed=9)} | about))
        pages.append(Opened(browser, path, fragment, **(context or {})))
        return model, pages[-1]

    yield open_page
    for one in pages:
        assert one.requests == [one.address] * len(one.requests)
        assert one.requests
        assert one.complaints == []
        one.context.close()


def agree(name, actual, expected):
    """The two agree to a millionth."""
    expected = np.asarray(expected, float).ravel()
    np.testing.assert_allclose(
        np.asarray(actual, float), expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max(initial=1e-300), err_msg=name
    )


def compare(numbers, shown, trace):
    """All that the page computed, and what it shows of it, is the Trace's."""
    t, last = numbers["step"], trace.positions[-1]
    assert numbers["ids"] == trace.ids.tolist()
    for name in ("probs", "saliency", "leaning"):
        agree(name, numbers[name], getattr(trace, name))
    agree("loss", [numbers["loss"]], [trace.loss])
    assert len(numbers["layers"]) == len(trace.layers)
    for found, layer in zip(numbers["layers"], trace.layers, strict=True):
        for name in ("z_input", "z_recurrent", "z", "hs", "dh", "dz", "jacobian_norms", "jacobian_product"):
            agree(f"{layer.name}.{name}", found[name], getattr(layer, name))
        for name, norms in layer.contribution_norms.items():
            agree(f"{layer.name}: contribution to {name}", found[name], norms)
    layer = trace.layers[numbers["layer"]]
    s = layer.positions.tolist().index(t)
    for name, value in {
        "p": trace.probs[last],
        "p-step": trace.probs[t],
        "p-now": trace.probs[t],
        "saliency": trace.saliency[t],
        "leaning": trace.leaning[t],
        "loss": trace.loss,
        "h": layer.h[s, numbers["unit"]],
        "dh": np.linalg.norm(layer.dh[s]),
        "dWh": layer.contribution_norms["Wh"][s],
        "dWx": layer.contribution_norms["Wx"][s],
        "jacobian": layer.jacobian_norms[s],
        "product": layer.jacobian_product[s],
    }.items():
        agree(f"shown {name}", [shown[name]], [value])


def expected(model, numbers, text=TEXT, **switches):
    return traced(model, text, label=numbers["label"], **switches)


# ------------------------------------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize("kind", MODELS)
def test_what_a_page_shows_is_the_trace_after_load_and_after_each_switch(kind, opened):
    model, view = opened(kind)
    assert ("backwards, from the last word" in view.tab.locator("#label-note").inner_text()) == kind.startswith("backwards")
    own = kind in ("mask_zero", "stack", "backwards stack", "bidirectional stack")

    numbers = view.read()
    compare(numbers, view.shown(), expected(model, numbers))
    assert numbers["label"] == (numbers["answer"] > 0.5)

    view.tab.locator("#text-input").fill(OTHER)
    numbers = view.read()
    compare(numbers, view.shown(), expected(model, numbers, OTHER))
    view.tab.locator("#text-input").fill(TEXT)

    switches = {"bptt": 5, "wh": 1.7, "padding": "post", "mask": not own}
    view.set_range("bptt", 5)
    numbers = view.read()
    compare(numbers, view.shown(), expected(model, numbers, bptt=5))
    view.set_range("wh", 1.7)
    numbers = view.read()
    compare(numbers, view.shown(), expected(model, numbers, bptt=5, wh=1.7))
    view.choose("padding", "post")
    numbers = view.read()
    compare(numbers, view.shown(), expected(model, numbers, bptt=5, wh=1.7, padding="post"))
    view.tab.locator("#mask").set_checked(not own)
    numbers = view.read()
    compare(numbers, view.shown(), expected(model, numbers, **switches))

    view.choose("label", "negative" if numbers["label"] else "positive")
    turned = view.read()
    assert turned["label"] == 1 - numbers["label"]
    compare(turned, view.shown(), expected(model, turned, **switches))

    view.tab.locator("#reset").click()
    numbers = view.read()
    compare(numbers, view.shown(), expected(model, numbers))


FAULTS = {
    "the way back is not transposed": (
        "network.js",
        "addTransposed(dz, s * H, Wh, H, H, carried, 0)",
        "addProduct(dz, s * H, Wh, H, H, carried, 0)",
    ),
    "the mask is ignored": ("network.js", "skipped ? hs[k] : activate(z[k])", "activate(z[k])"),
    "the bias is left out": ("network.js", "zRecurrent[k] + b[j]", "zRecurrent[k]"),
    "the cut is a step late": ("network.js", "T - options.bptt)", "T - options.bptt - 1)"),
    "the label is left out": ("network.js", "p - options.y", "p"),
    "a Jacobian is counted twice": ("network.js", "D = next", "D = next; for (let i = 0; i < H * H; i++) D[i] *= s === 4 ? 1.001 : 1"),
    "a word outside the vocabulary is dropped": (
        "words.js",
        "piece.id === null) continue",
        "piece.id === null || piece.id === OOV) continue",
    ),
    "a number of another unit is shown": ("formula.js", "number(layer.h[k], 3", "number(layer.h[k - 1], 3"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault, opened, monkeypatch):
    name, right, wrong = FAULTS[fault]
    source = assembly._asset
    assert source(name).count(right) == 1
    monkeypatch.setattr(assembly, "_asset", lambda asked: source(asked).replace(right, wrong) if asked == name else source(asked))
    model, view = opened("stack", fragment="#bptt=5&unit=2")

    numbers = view.read()

    with pytest.raises(AssertionError):
        compare(numbers, view.shown(), expected(model, numbers, bptt=5))


def test_a_long_text_loses_its_beginning(opened):
    text = "great " * 3 + TEXT + " was the film not bad"
    model, view = opened("embedding", text)

    compare(view.read(), view.shown(), expected(model, view.read(), text))
    assert view.tab.locator("#words .cut").count() > 3


def test_every_unit_and_every_word_shows_its_number(opened):
    model, view = opened("embedding")
    trace = expected(model, view.read())

    t = 9
    view.tab.locator(f"#words [data-step='{t}']").click()

    values = "nodes => nodes.map(node => Number(node.dataset.value))"
    layer = trace.layers[0]
    agree("z", view.tab.locator("#units [data-name=z] .number").evaluate_all(values), layer.z[t])
    agree("h", view.tab.locator("#units [data-name=h] .number").evaluate_all(values), layer.h[t])
    view.tab.locator("#units [data-unit='3']").click()
    terms = view.tab.locator("#recurrent-sum tbody tr:not(.total) td:last-child .number").evaluate_all(values)
    agree("terms of the recurrent part", terms, layer.hs[t] * layer.Wh[:, 3])
    agree("their sum", [sum(terms)], [layer.z_recurrent[t, 3]])
    terms = view.tab.locator("#input-sum tbody tr:not(.total) td:last-child .number").evaluate_all(values)
    agree("terms of the input part", terms, layer.x[t] * layer.Wx[:, 3])
    words = view.tab.locator("#words .word:not(.pad)")
    agree("saliency of each word", words.evaluate_all(values), trace.saliency[trace.ids != 0])


@pytest.mark.parametrize(("colour", "name"), [("sensitivity", "saliency"), ("push", "leaning")])
def test_colours_are_as_strong_as_what_they_stand_for(colour, name, opened):
    model, view = opened("embedding")
    trace = expected(model, view.read())
    words = trace.ids != 0

    view.choose("colour", colour)

    strength = view.tab.locator("#words .word:not(.pad)").evaluate_all(
        "nodes => nodes.map(n => Number(n.style.getPropertyValue('--strength')))"
    )
    size = np.abs(getattr(trace, name)[words])
    np.testing.assert_allclose(strength, size / size.max(), atol=6e-4)  # written with three digits
    pushes_up = view.tab.locator("#words .word:not(.pad)").evaluate_all("nodes => nodes.map(node => node.classList.contains('up'))")
    assert pushes_up == (trace.leaning[words] >= 0).tolist()


def test_the_untrained_copy_is_computed_beside(opened):
    _, view = opened("one-hot", fragment="#untrained=on&step=11")

    numbers = view.read()

    agree("untrained", numbers["untrained"], traced(model_of("one-hot", seed=9), TEXT, label=1).probs)
    agree("shown", [view.shown()["p-untrained"]], [numbers["untrained"][11]])
    assert view.tab.locator("#units [data-name=untrained]").count() == 5


def test_the_layer_shown_can_be_chosen(opened):
    model, view = opened("stack")

    view.tab.locator("#layer-choice button").nth(1).click()

    numbers = view.read()
    assert numbers["layer"] == 1
    compare(numbers, view.shown(), expected(model, numbers))


# ------------------------------------------------------------------------------------------------------------------------- handling


def test_slider_buttons_and_keys_move_through_time(opened):
    model, view = opened("embedding")
    trace = expected(model, view.read())
    stops = int(view.tab.locator("#time").get_attribute("max"))
    words = len(trace.ids) - np.count_nonzero(trace.ids == 0)
    assert stops == words  # the padding before them is one stop

    view.set_range("time", 4)
    at_four = view.read()
    compare(at_four, view.shown(), trace)
    view.tab.locator("#words .chosen").focus()
    for key, step in [("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", stops - 4), ("Home", -4)]:
        view.tab.keyboard.press(key)
        numbers = view.read()
        assert numbers["at"] == 4 + step, key
        compare(numbers, view.shown(), trace)
        assert view.tab.evaluate("document.activeElement.classList.contains('chosen')"), key
    for button, at in [("forth", 1), ("forth", 2), ("back", 1), ("last", stops), ("first", 0)]:
        view.tab.locator(f"#{button}").click()
        assert view.read()["at"] == at, button


def test_space_plays_and_pauses(opened):
    _, view = opened("embedding")
    view.tab.locator("#first").click()
    view.tab.locator("#words .chosen").focus()

    view.tab.keyboard.press(" ")
    view.until("minirnn.state().at >= 2")
    view.tab.keyboard.press(" ")

    at = view.read()["at"]
    assert view.tab.locator("#play").get_attribute("aria-pressed") == "false"
    view.tab.wait_for_timeout(900)
    assert view.read()["at"] == at


def test_a_unit_chosen_by_key_keeps_the_focus(opened):
    _, view = opened("embedding")

    view.tab.locator("#units [data-key='unit 4']").focus()
    view.tab.keyboard.press("Enter")
    view.tab.keyboard.press("ArrowLeft")

    assert view.read()["unit"] == 4
    assert view.tab.evaluate("document.activeElement.dataset.key") == "unit 4"


def test_the_units_are_one_stop_of_the_tab_key_and_up_and_down_go_through_them(opened):
    _, view = opened("128 units")
    view.read()
    buttons = view.tab.locator("#units button")
    order = [int(text) for text in buttons.all_inner_texts()]
    assert buttons.evaluate_all("nodes => nodes.filter(node => node.tabIndex === 0).map(node => Number(node.textContent))") == [0]

    at = order.index(0)
    view.tab.locator("#units [data-key='unit 0']").focus()
    for key, by in (
        [("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1)] if at < 126 else [("ArrowUp", -1), ("ArrowUp", -2), ("ArrowDown", -1)]
    ):
        view.tab.keyboard.press(key)
        unit = order[at + by]
        assert view.read()["unit"] == unit
        assert view.tab.evaluate("document.activeElement.dataset.key") == f"unit {unit}"
    view.tab.keyboard.press("Tab")
    assert view.tab.evaluate("document.activeElement.dataset.key") == "recurrent-sum"


def test_typing_does_not_move_time(opened):
    _, view = opened("embedding")
    view.tab.locator("#last").click()
    before = view.read()["at"]

    view.tab.locator("#text-input").focus()
    for key in ("Home", "ArrowRight", "ArrowLeft"):
        view.tab.keyboard.press(key)

    assert view.read()["at"] == before


def test_the_address_keeps_what_is_shown(opened, browser):
    _, view = opened("embedding")
    view.tab.locator("#text-input").fill(OTHER)
    view.set_range("wh", 0.6)
    view.choose("padding", "post")
    view.tab.locator("#mask").check()
    view.set_range("bptt", 4)
    view.tab.locator("#words [data-step='3']").click()
    view.tab.locator("#units [data-unit='2']").click()
    before, fragment = view.read(), "#" + view.tab.url.split("#")[1]

    _, again = opened("embedding", fragment=fragment)

    assert again.read() == before
    assert again.tab.locator("#text-input").input_value() == OTHER


def test_an_address_with_nonsense_is_ignored(opened):
    _, view = opened("embedding", fragment="#step=99999&unit=77&layer=5&bptt=-3&wh=Infinity&padding=left&mask=2&label=%3Cb%3E&untrained=no")

    numbers = view.read()

    assert (numbers["unit"], numbers["layer"], numbers["bptt"], numbers["wh"], numbers["padding"]) == (5, 0, None, 1, "pre")


# --------------------------------------------------------------------------------------------------------------------------- words


def test_words_outside_the_vocabulary_and_unknown_ones_look_different_and_are_explained(opened):
    _, view = opened("embedding")

    assert view.tab.locator("#words .oov").all_text_contents() == ["every", "minute"]
    assert view.tab.locator("#words .dropped").all_text_contents() == ["b", "b", "frankly"]
    assert "2 of 16 words outside the vocabulary of 19; 3 not in the word index, dropped." in view.tab.locator("#label-note").inner_text()
    view.tab.locator("#words .oov").first.click()
    assert "outside the vocabulary, so the network reads <oov>, id 2" in view.tab.locator("#word-detail").inner_text()


def test_words_whose_weights_the_page_has_no_room_for_are_marked(opened, monkeypatch):

    index = WORD_INDEX | {"penultimate": 2_000, "ultimate": 2_100}
    model = model_of("larger vocabulary")
    whole = len(page(model, OTHER, word_index=index).encode())
    monkeypatch.setattr(assembly, "BUDGET", whole - 60_000)  # a third of what the rows take
    _, view = opened("larger vocabulary", "the penultimate film", model=model, word_index=index)

    assert view.read()["ids"][-3:] == [4, 2_003, 6]
    assert view.tab.locator("#words .known").all_text_contents() == ["the", "penultimate", "film"]
    view.tab.locator("#text-input").fill("the penultimate, not the ultimate film")
    assert view.read()["ids"][-6:] == [4, 2_003, 8, 4, 2, 6]
    assert view.tab.locator("#words .missing").all_text_contents() == ["ultimate"]
    assert "1 word whose weights are not in this page" in view.tab.locator("#label-note").inner_text()
    assert "The page has room for the weights of 1," in view.tab.locator("#provenance").inner_text()
    view.tab.locator("#words .missing").click()
    assert "this page does not hold its weights" in view.tab.locator("#word-detail").inner_text()


@pytest.mark.parametrize("text", ["", "   ", "zzyzx", "</script><script>alert(1)</script>", "É\u00a0amélie \U0001f600", "not " * 400])
def test_any_text_can_be_typed(text, opened):
    model, view = opened("embedding")

    view.tab.locator("#text-input").fill(text)

    compare(view.read(), view.shown(), expected(model, view.read(), text))
    assert view.tab.locator("#words script, #words b").count() == 0


def test_the_top_line_names_the_word_at_which_the_answer_turned(opened):
    model, view = opened("embedding")
    probs = expected(model, view.read()).probs
    turns = np.flatnonzero((probs[1:] > 0.5) != (probs[:-1] > 0.5)) + 1

    sentence = view.tab.locator("#finding-turn").inner_text()

    if len(turns):
        word = view.tab.locator(f"#words [data-step='{turns[-1]}']").inner_text()
        assert f"for good at “{word}”" in sentence or "in the padding" in sentence or "<start>" in sentence
    else:
        assert "never changed its mind" in sentence


def test_a_change_of_mind_is_between_numbers_that_differ(opened):
    model = model_of("embedding")
    weights = model.get_weights()
    weights[-2] *= 1e-4  # so that the logit hardly moves, around 0
    weights[-1][:] = 0
    model.set_weights(weights)
    _, view = opened("embedding", model=model)
    probs = view.read()["probs"]
    turn = [t for t in range(1, T) if (probs[t] > 0.5) != (probs[t - 1] > 0.5)][-1]

    before, after = re.search(r"from ([\d.]+) to ([\d.]+?)[ .]*(\(|$)", view.tab.locator("#finding-turn").inner_text()).groups()[:2]

    assert before != after
    assert [float(before), float(after)] == pytest.approx([probs[turn - 1], probs[turn]], abs=6e-6)


def test_a_network_that_explodes_beyond_all_numbers_is_said_to_have_no_answer(opened):
    model = model_of("any length")
    lines = minirnn.Sequential([minirnn.Input((None,)), Embedding(V, 4), SimpleRNN(6, "linear"), Dense(1, "sigmoid")])
    lines.set_weights([weight * 2 for weight in model.get_weights()])
    _, view = opened("any length", "not bad " * 300, "#wh=3", model=lines, untrained=None)
    view.until("minirnn.state().complete")

    assert view.tab.locator(".answer-word").inner_text().lower() == "no answer"
    assert re.search("beyond what a number can hold, at “(not|bad)”: there is no answer", view.tab.locator("#finding-turn").inner_text())
    assert view.tab.locator("#finding-words").inner_text() == "No word moved the answer."
    assert view.tab.locator("#finding-reach").inner_text() == "It grows beyond what a number can hold."


def test_where_no_gradient_comes_back_to_a_word_none_is_said_to_push(opened):
    _, view = opened("embedding", "bad film", fragment="#padding=post&bptt=2")

    assert set(view.read()["leaning"][:3]) == {0}
    assert "In the end none pushes: no gradient comes back to a word." in view.tab.locator("#finding-words").inner_text()


def test_a_run_of_padding_says_of_which_of_its_steps_the_numbers_are(opened):
    _, view = opened("embedding", "bad film")

    view.tab.locator("#first").click()

    assert view.tab.locator("#word-detail").inner_text().startswith(f"Padding, id 0, the last of {T - 3} steps.")


# --------------------------------------------------------------------------------------------------------------------------- looks


CONTRASTS = """() => {
  const parts = colour => { const found = colour.match(/[\\d.]+/g).map(Number); return found.length < 4 ? [...found, 1] : found; };
  const over = (top, below) => [0, 1, 2].map(k => top[k] * top[3] + below[k] * (1 - top[3])).concat([1]);
  const linear = v => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const found = {}, walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim(), node = walker.currentNode.parentElement;
    if (!text || !node.getClientRects().length || node.closest(":disabled")) continue;
    const above = [];
    for (let one = node; one; one = one.parentElement) above.push(getComputedStyle(one));
    let paper = above.reduceRight((below, style) => over(parts(style.backgroundColor), below), [255, 255, 255, 1]);
    if (node.classList.contains("word")) {
      const tint = getComputedStyle(node, "::before"), colour = parts(tint.backgroundColor);
      paper = over([...colour.slice(0, 3), colour[3] * Number(tint.opacity)], paper);
    }
    const ink = parts(node instanceof SVGElement ? above[0].fill : above[0].color);
    ink[3] *= above.reduce((opacity, style) => opacity * Number(style.opacity), 1);
    const [dark, light] = [luminance(over(ink, paper)), luminance(paper)].sort((one, other) => one - other);
    found[`${node.tagName} ${node.getAttribute("class")} ${text.slice(0, 20)}`] = (light + 0.05) / (dark + 0.05);
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_the_contrast_that_wcag_asks_of_it(scheme, opened):
    still = {"color_scheme": scheme, "reduced_motion": "reduce"}  # no colour is caught on its way
    _, view = opened("embedding", TEXT + " great film zzyzx" * 3, fragment="#untrained=on&bptt=4&wh=1.5", context=still)
    view.read()
    assert view.tab.locator("#words .cut").count() > 0

    contrasts = view.tab.evaluate(CONTRASTS)

    assert len(contrasts) > 100
    assert {text: contrast for text, contrast in contrasts.items() if contrast < 4.5} == {}


@pytest.mark.parametrize("answer", [False, True])
def test_the_note_of_a_late_change_of_mind_does_not_run_into_the_axis_on_a_telephone(answer, opened):
    late = [
        seed
        for seed in range(60)
        if [p > 0.5 for p in traced(model_of("embedding", seed=seed), TEXT, label=1).probs[-2:]] == [not answer, answer]
    ]
    _, view = opened("embedding", model=model_of("embedding", seed=late[0]), context={"viewport": {"width": 375, "height": 800}})

    note = view.tab.locator("#probability .note").bounding_box()
    for name in ("positive", "negative"):
        box = view.tab.locator("#probability text.axis", has_text=name).bounding_box()
        beside = note["x"] >= box["x"] + box["width"] or note["y"] >= box["y"] + box["height"] or note["y"] + note["height"] <= box["y"]
        assert beside, (name, note, box)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["stack", "128 units"])
def test_it_holds_on_a_telephone(kind, scheme, opened):
    text = TEXT + " " + "unbelievably" * 12
    _, view = opened(
        kind, text, fragment="#untrained=on&pads=all", context={"viewport": {"width": 375, "height": 800}, "color_scheme": scheme}
    )
    view.read()

    assert view.tab.evaluate("document.documentElement.scrollWidth") <= 375
    paper = view.tab.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, paper.strip("rgb()").split(",")))
    assert (brightness > 600) == (scheme == "light")
