/* What a reader can turn: the player, the switches, the keys, and the address that keeps it all. */
"use strict";

const Controls = (() => {
  const { byId } = View;
  const BEAT = 700; // milliseconds between two steps of play

  /* The settings that an address may hold, each read with care: it comes from outside. */
  const FIELDS = {
    text: { read: value => value.slice(0, 20000) },
    step: { read: integer },
    unit: { read: integer },
    layer: { read: integer },
    label: { read: value => (["positive", "negative"].includes(value) ? value : undefined) },
    padding: { read: value => (["pre", "post"].includes(value) ? value : undefined) },
    mask: { read: value => (["on", "off"].includes(value) ? value === "on" : undefined), write: value => (value ? "on" : "off") },
    bptt: { read: value => { const n = integer(value); return n >= 1 ? n : undefined; } },
    wh: { read: value => { const n = Number(value); return n >= 0.2 && n <= 3 ? n : undefined; } },
    untrained: { read: value => (value === "on" ? true : undefined), write: value => (value ? "on" : "off") },
    colour: { read: value => (["sensitivity", "push"].includes(value) ? value : undefined) },
    pads: { read: value => (value === "all" ? true : undefined), write: value => (value ? "all" : "few") },
  };

  function integer(value) {
    return /^\d{1,6}$/.test(value) ? Number(value) : undefined;
  }

  function fromAddress() {
    const given = new URLSearchParams(location.hash.slice(1)), found = {};
    for (const [name, { read }] of Object.entries(FIELDS)) {
      const value = given.has(name) ? read(given.get(name)) : undefined;
      if (value !== undefined) found[name] = value;
    }
    return found;
  }

  let written = location.hash;

  function toAddress(settings, defaults) {
    const kept = new URLSearchParams();
    for (const [name, { write }] of Object.entries(FIELDS))
      if (settings[name] !== defaults[name] && settings[name] !== null) kept.set(name, write ? write(settings[name]) : String(settings[name]));
    const hash = String(kept) ? `#${kept}` : "";
    if (hash === written) return;
    written = hash;
    try {
      history.replaceState(null, "", hash || "#");
    } catch {
      location.replace(hash || "#"); // browsers that keep history.replaceState from pages on disk
    }
  }

  /* Wire every control to change(what), step(by) and the like. */
  function connect({ change, go, stops, current, addressed }) {
    byId("text-input").addEventListener("input", event => change({ text: event.target.value, step: null }));
    for (const name of ["label", "padding", "colour"])
      for (const radio of document.getElementsByName(name)) radio.addEventListener("change", () => change({ [name]: radio.value }));
    byId("mask").addEventListener("change", event => change({ mask: event.target.checked }));
    byId("untrained").addEventListener("change", event => change({ untrained: event.target.checked }));
    byId("show-pads").addEventListener("change", event => change({ pads: event.target.checked }));
    byId("bptt").addEventListener("input", event => change({ bptt: Number(event.target.value) >= Number(event.target.max) ? null : Number(event.target.value) }));
    byId("wh").addEventListener("input", event => change({ wh: Number(event.target.value) }));
    byId("reset").addEventListener("click", () => change("reset"));

    const move = by => { pause(); go(current() + by); };
    byId("first").addEventListener("click", () => move(-Infinity));
    byId("back").addEventListener("click", () => move(-1));
    byId("forth").addEventListener("click", () => move(1));
    byId("last").addEventListener("click", () => move(Infinity));
    byId("time").addEventListener("input", event => { pause(); go(Number(event.target.value)); });

    let timer = null;
    function pause() {
      clearInterval(timer);
      timer = null;
      showPlaying(false);
    }
    function play() {
      if (timer !== null) return pause();
      if (current() >= stops() - 1) go(0);
      showPlaying(true);
      timer = setInterval(() => {
        go(current() + 1);
        if (current() >= stops() - 1) pause();
      }, BEAT);
    }
    byId("play").addEventListener("click", play);

    document.addEventListener("keydown", event => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target, typing = target.closest && target.closest("textarea, input, select, summary");
      const own = { ArrowLeft: () => move(-1), ArrowRight: () => move(1), Home: () => move(-Infinity), End: () => move(Infinity) };
      if (typing && target.id !== "time" && target.type !== "checkbox") return;
      const row = target.closest && target.closest("tr[data-unit]"), rows = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling" };
      if (row && rows[event.key]) {
        event.preventDefault();
        const next = row[rows[event.key]];
        if (!next) return;
        next.querySelector("button").focus();
        next.click();
        return;
      }
      if (own[event.key]) {
        event.preventDefault();
        own[event.key]();
        if (target.classList && target.classList.contains("word")) document.querySelector("#words .chosen").focus();
      } else if (event.key === " " && !(target.closest && target.closest("button:not(.word), input:not(#time)"))) {
        event.preventDefault();
        play();
      }
    });
    window.addEventListener("hashchange", () => { if (location.hash !== written) { written = location.hash; addressed(fromAddress()); } });
    return { pause };
  }

  function showPlaying(playing) {
    byId("play").setAttribute("aria-pressed", String(playing));
    byId("play").setAttribute("aria-label", playing ? "Pause" : "Play");
  }

  /* Put what is set into the controls. */
  function show(settings, T) {
    const input = byId("text-input");
    if (input.value !== settings.text) input.value = settings.text;
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight + 2, 200)}px`;
    for (const radio of document.getElementsByName("label")) radio.checked = radio.value === settings.shownLabel;
    for (const name of ["padding", "colour"]) for (const radio of document.getElementsByName(name)) radio.checked = radio.value === settings[name];
    byId("mask").checked = settings.mask;
    byId("untrained").checked = settings.untrained;
    byId("show-pads").checked = settings.pads;
    byId("bptt").max = T;
    byId("bptt").value = settings.bptt === null ? T : settings.bptt;
    byId("bptt-value").textContent = settings.bptt === null ? `all ${T} steps` : View.plural(settings.bptt, "step");
    byId("wh").value = settings.wh;
    byId("wh-value").textContent = settings.wh.toFixed(2);
  }

  return { connect, show, fromAddress, toAddress };
})();
