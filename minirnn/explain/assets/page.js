/* The page: what is set, what follows from it, and which parts are drawn anew.

   A change of text or switch reads the text again; a change of step or unit only shows other numbers of the same reading. */
"use strict";

(() => {
  const { byId, el, fill, number, write } = View;
  const about = JSON.parse(byId("payload").textContent), payload = about.model;
  const network = Network.build(payload, "trained"), vocabulary = Words.vocabulary(payload.words);
  let untrainedNetwork = null;

  const first = payload.layers[0], ownMask = first.kind === "embedding" && first.maskZero;
  const reader = payload.layers.find(layer => layer.kind === "rnn" || layer.kind === "bidirectional");
  const readsTokens = payload.layers.indexOf(reader) <= 1 && (payload.layers.indexOf(reader) === 0 || first.kind === "embedding");
  const firstReaders = readsTokens ? (reader.kind === "bidirectional" ? 2 : 1) : 0; // layers that look up a row of a table for each id
  const defaults = { text: about.text, step: null, unit: 0, layer: 0, label: about.label, padding: "pre", mask: ownMask, bptt: null, wh: 1, untrained: false, pads: false, colour: "push" };
  let settings = { ...defaults, ...Controls.fromAddress() };
  let reading = null, waiting = null;
  const FEW = 16; // units that need no sorting
  const JACOBIANS_AT_ONCE = 3e6; // multiplications; more are left until the reader pauses

  /* ------------------------------------------------------------------------------------------------------------------- computing */

  function read() {
    const parts = Words.pieces(settings.text, vocabulary);
    const encoded = Words.encode(parts, payload.T, settings.padding, network.rowOf);
    const { ids, steps } = encoded, T = ids.length;
    const options = { mask: maskOf(settings.mask, ids), bptt: settings.bptt !== null && settings.bptt < T ? settings.bptt : null, whScale: settings.wh };
    const firstReading = Network.read(network, ids, options);
    const y = settings.label === null ? (firstReading.p > 0.5 ? 1 : 0) : settings.label === "positive" ? 1 : 0;
    const trace = y === 1 ? firstReading : Network.read(network, ids, { ...options, y });
    const sorted = trace.layers.map(unitOrder);
    reading = {
      ...encoded, parts, trace, V: payload.V, oneHot: network.oneHot, backwards: trace.positions[0] !== 0, way: wayOfReading(trace),
      readers: firstReaders,
      columnsOf: trace.layers.map(layer => columnsOf(layer, steps)),
      places: trace.layers.map(layer => new Map(Array.from(layer.positions, (t, s) => [t, s]))),
      orders: sorted.map(one => one.order), groups: sorted.map(one => one.groups),
      jacobians: trace.layers.map(() => null), untrained: null, unbroken: null,
    };
    reading.columns = reading.columnsOf[0];
    if (settings.untrained) {
      untrainedNetwork = untrainedNetwork || Network.build(payload, "untrained");
      reading.untrained = Network.read(untrainedNetwork, ids, { ...options, y });
    }
    if (isBroken()) {
      const plain = Words.encode(parts, payload.T, "pre", network.rowOf);
      reading.unbroken = Network.read(network, plain.ids, { mask: maskOf(ownMask, plain.ids), y });
    }
    keepInside();
    clearTimeout(waiting);
    const work = trace.layers.reduce((sum, layer) => sum + layer.T * layer.units ** 3, 0);
    if (work <= JACOBIANS_AT_ONCE) computeJacobians();
    else waiting = setTimeout(() => { computeJacobians(); GradientPanel.draw(reading, view(), settings, choose); }, 250);
  }

  function wayOfReading({ layers }) {
    const [one, two] = layers;
    if (reader.kind === "bidirectional") return `read in both directions, by ${one.name} and ${two.name}`;
    return reader.backwards ? "read backwards, from the last word to the first" : "";
  }

  function computeJacobians() {
    reading.jacobians = reading.trace.layers.map(Network.jacobians);
  }

  const maskOf = (wanted, ids) => (wanted ? ids.map(id => id !== 0) : null);
  const isBroken = () => settings.padding !== "pre" || settings.mask !== ownMask || settings.wh !== 1 || settings.bptt !== null;

  /* Steps in the order of reading, runs of padding as one column unless all are wanted. */
  function columnsOf(layer, steps) {
    const columns = [];
    Array.from(layer.positions).forEach((t, s) => {
      const before = columns[columns.length - 1];
      if (!settings.pads && steps[t].pad && before && before.pad) Object.assign(before, { t, s, r: s, count: before.count + 1 });
      else columns.push({ t, s, r: s, count: 1, pad: Boolean(steps[t].pad) });
    });
    return columns;
  }

  /* Few units stay in their order. Many are put in two groups, by the sign of dlogit/dh at the last step, and sorted there by their mean state. */
  function unitOrder(layer) {
    const { T, units: H, h, logitDh } = layer, order = Array.from({ length: H }, (_, j) => j);
    if (H <= FEW) return { order, groups: null };
    const mean = order.map(j => { let sum = 0; for (let s = 0; s < T; s++) sum += h[s * H + j]; return sum / T; });
    const group = order.map(j => (logitDh[(T - 1) * H + j] > 0 ? 0 : 1));
    order.sort((i, j) => group[i] - group[j] || mean[j] - mean[i]);
    return { order, groups: group.filter(g => g === 0).length };
  }

  /* Step, layer and unit are kept within what there is; a step inside a collapsed run becomes the run's last. */
  function keepInside() {
    settings.layer = Math.min(settings.layer, reading.trace.layers.length - 1);
    settings.unit = Math.min(settings.unit, reading.trace.layers[settings.layer].units - 1);
    if (settings.step === null || settings.step >= reading.trace.T) settings.step = null;
  }

  const view = () => {
    const columns = reading.columns, wanted = settings.step === null ? turningPoint() : settings.step;
    let at = columns.findIndex(column => column.t === wanted);
    if (at < 0) at = columns.findIndex(column => column.r >= reading.places[0].get(wanted));
    return { at, step: columns[at].t, unit: settings.unit, layer: settings.layer };
  };

  /* Where a reader begins: at the word where the answer turned for good, or at the last word. */
  function turningPoint() {
    const turns = Findings.turns(reading), columns = reading.columns;
    if (turns.length) return reading.trace.positions[turns[turns.length - 1]];
    const words = columns.filter(column => !column.pad);
    return words[words.length - 1].t;
  }

  /* --------------------------------------------------------------------------------------------------------------------- showing */

  function showAll() {
    settings.shownLabel = reading.trace.y ? "positive" : "negative";
    Controls.show(settings, reading.trace.T);
    Findings.show(reading, settings);
    TextPanel.draw(reading, settings, choose);
    const lost = TextPanel.losses(reading);
    fill(byId("label-note"), settings.label === null ? "The right answer was not given, so the network’s own stands for it. " : null, lost.length ? el("span", { class: "losses" }, `${lost.join("; ")}.`) : null);
    fill(byId("loss"), "L = −ln P(", settings.shownLabel, ") = ", number(reading.trace.loss, 4, { id: "shown-loss" }), " nats");
    showEffect();
    showLayers();
    showStep();
  }

  function showStep() {
    const now = view(), { trace, columns } = reading;
    const time = byId("time");
    time.max = columns.length - 1;
    time.value = now.at;
    const word = Plots.label(reading, columns[now.at]), p = trace.probs[now.step];
    time.setAttribute("aria-valuetext", `step ${now.at + 1} of ${columns.length}: ${word}, P positive ${write(p, 2)}`);
    fill(byId("now"), el("span", { class: "muted" }, `${now.at + 1} of ${columns.length} `), el("b", {}, word), el("span", { class: `p ${p > 0.5 ? "positive" : "negative"}` }, "P = ", number(p, 3, { id: "shown-p-now" })));
    byId("back").disabled = byId("first").disabled = now.at === 0;
    byId("forth").disabled = byId("last").disabled = now.at === columns.length - 1;
    TextPanel.mark(reading, now.step);
    FormulaPanel.draw(reading, now, unit => set({ unit }));
    Plots.probability(reading, now, choose);
    Plots.states(reading, now, (step, unit) => set(unit === null ? { step } : { step, unit }));
    GradientPanel.draw(reading, now, settings, choose);
    Controls.toAddress(settings, defaults);
  }

  function showEffect() {
    const { trace, unbroken } = reading;
    fill(byId("effect"), unbroken
      ? ["As trained, P(positive) = ", number(unbroken.p, 3, { id: "shown-p-unbroken" }), "; like this ", number(trace.p, 3), "."]
      : "Nothing is broken: this is the network as it was trained.");
  }

  function showLayers() {
    const { layers } = reading.trace;
    byId("layer-choice").hidden = layers.length < 2;
    fill(byId("layer-choice"), el("span", { class: "muted" }, "Layer shown:"), layers.map((layer, n) =>
      el("button", { type: "button", "data-key": `layer ${n}`, "aria-pressed": String(n === settings.layer), click: () => set({ layer: n }) },
        `${layer.name} (${layer.units} ${layer.activation}${layer.layer.backwards ? ", backwards" : ""})`)));
  }

  /* ------------------------------------------------------------------------------------------------------------------- changing */

  function change(what) {
    settings = what === "reset" ? { ...settings, padding: "pre", mask: ownMask, bptt: null, wh: 1, untrained: false } : { ...settings, ...what };
    if (what.padding || what === "reset") settings.step = null;
    read();
    showAll();
  }

  function set(what) {
    Object.assign(settings, what);
    keepInside();
    if (what.layer !== undefined) showLayers();
    showStep();
  }

  const choose = step => set({ step });
  const go = at => set({ step: reading.columns[Math.max(0, Math.min(reading.columns.length - 1, at))].t });

  const player = Controls.connect({
    change: what => { player.pause(); change(what); },
    go, stops: () => reading.columns.length, current: () => view().at,
    addressed: found => change({ ...defaults, ...found }),
  });

  byId("about").textContent = [about.title, about.source].filter(Boolean).join(" · ");
  byId("mask-note").textContent = ownMask
    ? "The embedding has mask_zero=True, so this network was trained with it: padded steps hand the state on."
    : "This network was trained without a mask: it reads every zero, and has learned to. With it, padded steps hand the state on.";
  byId("untrained-note").textContent = `The same architecture before training: ${about.untrainedNote}.`;
  byId("provenance").textContent = `${about.parameters.toLocaleString("en")} weights, ${payload.V.toLocaleString("en")} ids, computed here in float64.` +
    (payload.rows.count < payload.V ? ` The page has room for the weights of ${payload.rows.count.toLocaleString("en")} of these ids, the most frequent; other words are read as <oov> and marked.` : "");

  read();
  showAll();
  let width = document.documentElement.clientWidth;
  window.addEventListener("resize", () => { if (document.documentElement.clientWidth !== width) { width = document.documentElement.clientWidth; showStep(); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showStep);

  /* For tests, and for the curious: the numbers that the page shows, and all of them. */
  window.minirnn = {
    trace: () => reading.trace,
    jacobians: () => reading.jacobians,
    untrained: () => reading.untrained,
    state: () => ({ ...settings, ...view(), ids: Array.from(reading.ids), answer: reading.trace.p, label: reading.trace.y, complete: reading.jacobians.every(Boolean) }),
  };
})();
