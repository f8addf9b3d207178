/* One step of one layer in numbers: the formula, every unit, and one unit's sum written out. */
"use strict";

const FormulaPanel = (() => {
  const { el, fill, byId, number, write, quoted, plural } = View;
  const sub = (name, below) => [name, el("sub", {}, below)];
  const MANY = 12;

  function draw(reading, view, choose) {
    const layer = reading.trace.layers[view.layer], s = reading.places[view.layer].get(view.step);
    const other = reading.untrained && reading.untrained.layers[view.layer];
    drawFormula(reading, view, layer, s);
    drawUnits(reading, view, layer, s, other, choose);
    drawTerms(reading, view, layer, s);
  }

  const wordOf = (reading, t) => {
    const step = reading.steps[t];
    return step.pad ? "<pad>" : step.start ? "<start>" : step.id === Words.OOV ? "<oov>" : quoted(step.piece.text);
  };

  function inputName(reading, layer) {
    return reading.trace.layers.indexOf(layer) < reading.readers ? ["table[", sub("x", "t"), "]"] : [sub("x", "t"), "·Wx"];
  }

  function drawFormula(reading, view, layer, s) {
    const H = layer.units, k = s * H + view.unit, masked = layer.mask && !layer.mask[s];
    const first = reading.trace.layers.indexOf(layer) < reading.readers;
    const name = layer.activation;
    const activation = content => (name === "linear" ? content : [`${name}(`, content, ")"]);
    const bracket = value => (value < 0 ? ["(", number(value), ")"] : number(value));
    const withBias = layer.layer.weights.bias;
    fill(
      byId("formula"),
      el("p", { class: "equation" }, sub("z", "t"), " = ", el("span", { class: "from-input" }, inputName(reading, layer)), " + ",
        el("span", { class: "from-state" }, sub("h", "t−1"), "·Wh"), withBias ? " + b" : null,
        el("span", { class: "apart" }), sub("h", "t"), " = ", activation(sub("z", "t"))),
      el("p", { class: "equation live", id: "live" },
        el("span", { class: "unit-name" }, `unit ${view.unit}: `),
        number(layer.z[k]), " = ", el("span", { class: "from-input" }, bracket(layer.zInput[k])), " + ",
        el("span", { class: "from-state" }, bracket(layer.zRecurrent[k])), withBias ? [" + ", bracket(layer.b[view.unit])] : null,
        el("span", { class: "apart" }), masked ? [sub("h", "t"), " = ", sub("h", "t−1"), " = "] : [activation(number(layer.z[k])), " = "], number(layer.h[k], 3, { id: "shown-h" })),
      el("p", { class: "muted" },
        masked ? "This step is masked: the state is handed on as it was, and z is not used."
          : first ? ["table[", sub("x", "t"), "] is the row of ", reading.oneHot ? "Wx" : "embeddings·Wx", ` that the id of ${wordOf(reading, view.step)} picks.`]
            : [sub("x", "t"), " is what the layer below gives at this step."])
    );
  }

  function bar(value, largest, kind) {
    const node = el("span", { class: `bar ${kind}`, "aria-hidden": "true" });
    node.style.setProperty("--from", `${value < 0 ? 50 + (50 * value) / largest : 50}%`);
    node.style.setProperty("--size", `${(50 * Math.abs(value)) / largest}%`);
    return node;
  }

  function drawUnits(reading, view, layer, s, other, choose) {
    const H = layer.units, at = s * H;
    const columns = [
      { head: inputName(reading, layer), of: j => layer.zInput[at + j], kind: "from-input" },
      { head: [sub("h", "t−1"), "·Wh"], of: j => layer.zRecurrent[at + j], kind: "from-state" },
      ...(layer.layer.weights.bias ? [{ head: "b", of: j => layer.b[j], kind: null }] : []),
      { head: sub("z", "t"), of: j => layer.z[at + j], kind: "plain-bar", name: "z" },
      { head: sub("h", "t"), of: j => layer.h[at + j], kind: "of-state", name: "h" },
      ...(other ? [{ head: [sub("h", "t"), " untrained"], of: j => other.h[at + j], kind: "of-state", name: "untrained" }] : []),
    ];
    let largest = 1e-12;
    for (let j = 0; j < H; j++) for (const column of columns) largest = Math.max(largest, Math.abs(column.of(j)));
    if (!isFinite(largest)) largest = 1;
    const rows = reading.orders[view.layer].map(j =>
      el("tr", { class: j === view.unit ? "chosen" : null, "data-unit": j, click: () => choose(j) },
        el("th", { scope: "row" }, el("button", { type: "button", class: "unit", "data-key": `unit ${j}`, "aria-pressed": String(j === view.unit), "aria-label": `unit ${j}`, tabindex: j === view.unit ? 0 : -1 }, j)),
        columns.map(column => {
          const value = column.of(j);
          return el("td", { "data-name": column.name, class: column.kind ? "with-bar" : null }, column.kind ? bar(value, largest, column.kind) : null, number(value));
        })
      )
    );
    fill(byId("units"), el("table", {},
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "unit"), columns.map(column => el("th", { scope: "col" }, column.head)))),
      el("tbody", {}, rows)));
    const box = byId("units"), row = box.querySelector("tr.chosen"), head = box.querySelector("thead").offsetHeight;
    if (box.dataset.unit !== String(view.unit) && (row.offsetTop < box.scrollTop + head || row.offsetTop + row.offsetHeight > box.scrollTop + box.clientHeight))
      box.scrollTop = row.offsetTop - head - 40;
    box.dataset.unit = view.unit;
  }

  /* The sum over the units of the step before, written out; of many, those that weigh most. */
  function drawTerms(reading, view, layer, s) {
    const H = layer.units, E = layer.E, j = view.unit;
    const recurrent = Array.from({ length: H }, (_, i) => ({ i, left: layer.hs[s * H + i], right: layer.Wh[i * H + j] }));
    const lists = [sumOf(["The recurrent part: ", sub("h", "t−1"), "·Wh"], "h", "Wh", recurrent, j, layer.zRecurrent[s * H + j], "recurrent-sum")];
    if (!layer.input.ids) {
      const at = layer.places[s] * E;
      const input = Array.from({ length: E }, (_, i) => ({ i, left: layer.input.x[at + i], right: layer.Wx[i * H + j] }));
      lists.push(sumOf(["The input part: ", sub("x", "t"), "·Wx"], "x", "Wx", input, j, layer.zInput[s * H + j], "input-sum"));
    }
    const open = [...byId("terms").querySelectorAll("details")].map(node => node.open);
    lists.forEach((node, place) => (node.open = place in open ? open[place] : place === 0));
    fill(byId("terms"), lists);
  }

  function sumOf(title, letter, weight, terms, j, total, id) {
    const few = terms.length <= MANY;
    const shown = few ? terms : [...terms].sort((a, b) => Math.abs(b.left * b.right) - Math.abs(a.left * a.right)).slice(0, MANY);
    const largest = Math.max(1e-12, ...shown.map(term => Math.abs(term.left * term.right)));
    const rest = total - shown.reduce((sum, term) => sum + term.left * term.right, 0);
    const row = (cells, kind) => el("tr", { class: kind }, cells.map(cell => el("td", {}, cell)));
    return el("details", { id },
      el("summary", { "data-key": id }, title, ` of unit ${j} = `, number(total)),
      el("div", { class: "scroll" }, el("table", { class: "sum" }, el("tbody", {},
        shown.map(term => row([
          `${letter}[${term.i}]`, number(term.left), "×", `${weight}[${term.i},${j}]`, number(term.right), "=",
          [bar(term.left * term.right, largest, letter === "h" ? "from-state" : "from-input"), number(term.left * term.right)],
        ])),
        few ? null : row(["", "", "", plural(terms.length - MANY, "smaller term"), "", "", number(rest)], "rest"),
        row(["", "", "", "together", "", "", number(total)], "total")))));
  }

  return { draw, wordOf };
})();
