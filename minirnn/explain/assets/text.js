/* The text, word by word: each that was read is a button, coloured by what the loss and the answer have to do with it. */
"use strict";

const TextPanel = (() => {
  const { el, fill, byId, number, quoted, plural } = View;
  let buttons = new Map();

  function draw(reading, settings, choose) {
    const { trace, steps, parts, cut } = reading;
    const weights = settings.colour === "push" ? trace.leaning.map(Math.abs) : trace.saliency;
    const strongest = Math.max(...steps.map((step, t) => (step.pad ? 0 : weights[t]))) || 1;
    buttons = new Map();
    const button = (t, label, kind, title) => {
      const strength = weights[t] / strongest;
      const node = el("button", {
        type: "button", class: `word ${kind} ${trace.leaning[t] < 0 ? "down" : "up"}`, title, "data-step": t, "data-key": `step ${t}`, tabindex: -1,
        "data-value": String(trace.saliency[t]), "data-leaning": String(trace.leaning[t]),
        click: () => choose(t),
      }, label);
      node.style.setProperty("--strength", Math.min(1, strength).toFixed(3));
      buttons.set(t, node);
      return node;
    };
    const stepOf = new Map();
    steps.forEach((step, t) => step.piece && stepOf.set(step.piece, t));
    const cutPieces = new Set(cut.map(step => step.piece));
    const nodes = [];
    const pads = padding(reading, settings, button);
    if (settings.padding === "pre") nodes.push(...pads);
    const start = steps.findIndex(step => step.start);
    if (start >= 0) nodes.push(button(start, "start", "mark", "the mark that begins every review"), " ");
    for (const piece of parts) {
      if (!piece.word) nodes.push(el("span", { class: "between" }, piece.text));
      else if (stepOf.has(piece)) {
        const t = stepOf.get(piece), step = steps[t];
        const kind = step.missing ? "missing" : step.id === Words.OOV ? "oov" : "known";
        const title = { missing: "its weights are not in this page: read as <oov>", oov: "outside the vocabulary: read as <oov>", known: null }[kind];
        nodes.push(button(t, piece.text, kind, title));
      } else if (cutPieces.has(piece)) nodes.push(el("span", { class: "cut", title: `cut: only the last ${trace.T} ids are read` }, piece.text));
      else nodes.push(el("span", { class: "dropped", title: "the word index does not know this word: it is dropped" }, piece.text));
    }
    if (settings.padding === "post") nodes.push(" ", ...pads);
    fill(byId("words"), nodes);
  }

  function padding(reading, settings, button) {
    const { columns, steps } = reading, found = [];
    for (const column of columns) {
      if (!steps[column.t].pad) continue;
      const label = column.count > 1 ? `${column.count} × pad` : "pad";
      found.push(button(column.t, label, "pad", "padding: id 0"), " ");
    }
    return settings.padding === "pre" || found.length === 0 || !reading.backwards ? found : found.reverse();
  }

  function mark(reading, t) {
    for (const [step, node] of buttons) {
      const chosen = step === t;
      node.classList.toggle("chosen", chosen);
      node.tabIndex = chosen ? 0 : -1;
      if (chosen) node.setAttribute("aria-current", "step");
      else node.removeAttribute("aria-current");
    }
    describe(reading, t);
  }

  function describe(reading, t) {
    const { trace, steps } = reading, step = steps[t];
    const run = step.pad ? reading.columns.find(column => column.t === t).count : 1;
    const what = step.pad ? `Padding, id 0${run > 1 ? `, the last of ${run} steps` : ""}` : step.start ? "The start mark, id 1" : [
      el("b", {}, quoted(step.piece.text)),
      step.missing ? ": this page does not hold its weights, so it reads <oov>, id 2" : step.id === Words.OOV ? ": outside the vocabulary, so the network reads <oov>, id 2" : `: id ${step.id}`,
    ];
    const way = trace.leaning[t] === 0 ? "pushes neither way" : trace.leaning[t] > 0 ? "pushes to positive" : "pushes to negative";
    fill(byId("word-detail"), what, ". It ", way, ": x", el("sub", {}, "t"), "·dlogit/dx", el("sub", {}, "t"), " = ", number(trace.leaning[t], 4, { id: "shown-leaning" }),
      ". Sensitivity of the loss here: |dL/dx", el("sub", {}, "t"), "| = ", number(trace.saliency[t], 4, { id: "shown-saliency" }), ".");
  }

  /* What of the text was not read as written. */
  function losses(reading) {
    const { parts, steps, cut, trace } = reading;
    const words = parts.filter(piece => piece.word);
    const dropped = words.filter(piece => piece.id === null).length;
    const outside = words.filter(piece => piece.id === Words.OOV).length, missing = steps.filter(step => step.missing).length;
    const found = [];
    if (reading.way) found.push(reading.way);
    if (outside) found.push(`${outside} of ${plural(words.length, "word")} outside the vocabulary of ${reading.V}`);
    if (missing) found.push(`${plural(missing, "word")} whose weights are not in this page, read as <oov>`);
    if (dropped) found.push(`${dropped} not in the word index, dropped`);
    if (cut.length) found.push(`${cut.length} cut from the front: only the last ${trace.T} are read`);
    return found;
  }

  return { draw, mark, losses };
})();
