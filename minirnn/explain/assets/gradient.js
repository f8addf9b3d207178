/* The gradient's way back: how much of it arrives at each step, on a log scale, against the distance from the end of reading. */
"use strict";

const GradientPanel = (() => {
  const { el, svg, fill, byId, number, write, plural } = View;
  const LEFT = 50, RIGHT = 12, TOP = 12, HIGH = 190;

  const superscript = power => [...String(power)].map(c => "⁰¹²³⁴⁵⁶⁷⁸⁹"["0123456789".indexOf(c)] || "⁻").join("");

  function draw(reading, view, settings, choose) {
    const layer = reading.trace.layers[view.layer], { sizes } = Findings.reach(layer), T = layer.T;
    const node = byId("gradient"), width = Math.max(240, node.clientWidth || 500);
    const relative = values => values.map(v => v / values[T - 1]);
    const lines = [{ values: relative(sizes), kind: "line", name: "|dL/dhₜ|" }];
    if (reading.untrained) lines.push({ values: relative(Findings.reach(reading.untrained.layers[view.layer]).sizes), kind: "line untrained", name: "|dL/dhₜ|, untrained" });
    const jacobians = reading.jacobians[view.layer];
    if (jacobians) lines.push({ values: jacobians.product, kind: "line product", name: "|dh_T/dhₜ|, the product of Jacobians" });
    let low = 0, high = 0;
    for (const { values } of lines) for (const v of values) if (v > 0 && isFinite(v)) { low = Math.min(low, Math.log10(v)); high = Math.max(high, Math.log10(v)); }
    low = Math.max(Math.floor(Math.min(low, -2.3)), -16);
    high = Math.min(Math.ceil(high), 16);
    const x = s => (T === 1 ? width - RIGHT : LEFT + ((width - LEFT - RIGHT) * s) / (T - 1));
    const y = log => TOP + (HIGH * (high - Math.max(low, Math.min(high, log)))) / (high - low);
    const path = values => {
      let d = "", pen = "M";
      for (let s = 0; s < T; s++) {
        if (!(values[s] >= 10 ** low) || !isFinite(values[s])) { pen = "M"; continue; }
        d += `${pen}${x(s).toFixed(1)} ${y(Math.log10(values[s])).toFixed(1)}`;
        pen = "L";
      }
      return d;
    };
    const every = Math.ceil((high - low) / 6), powers = [];
    for (let power = high; power >= low; power -= every) powers.push(power);
    const chosen = reading.places[view.layer].get(view.step);
    const cut = settings.bptt !== null && settings.bptt < T ? T - settings.bptt : null;
    const distances = ticksOf(T);
    const height = TOP + HIGH + 38;
    const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": spoken(layer, sizes) },
      pads(reading, layer, x, width),
      powers.map(power => [
        svg("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(power), y2: y(power) }),
        svg("text", { class: "axis", x: LEFT - 6, y: y(power) + 4, "text-anchor": "end" }, power === 0 ? "1" : `10${superscript(power)}`),
      ]).flat(),
      svg("line", { class: "half", x1: LEFT, x2: width - RIGHT, y1: y(-2), y2: y(-2) }),
      svg("text", { class: "axis", x: LEFT + 4, y: y(-2) - 5 }, "1 %"),
      cut === null ? null : [
        svg("rect", { class: "cut-off", x: LEFT, y: TOP, width: Math.max(0, (x(cut) + x(cut - 1)) / 2 - LEFT), height: HIGH }),
        svg("line", { class: "cut-line", x1: (x(cut) + x(cut - 1)) / 2, x2: (x(cut) + x(cut - 1)) / 2, y1: TOP, y2: TOP + HIGH }),
        svg("text", { class: "note", x: (x(cut) + x(cut - 1)) / 2 - 6, y: TOP + 14, "text-anchor": "end" }, "cut"),
      ],
      svg("line", { class: "cursor", x1: x(chosen), x2: x(chosen), y1: TOP, y2: TOP + HIGH }),
      lines.slice().reverse().map(line => svg("path", { class: line.kind, d: path(line.values) })),
      sizes[chosen] > 0 && isFinite(lines[0].values[chosen]) ? svg("circle", { class: "dot up", cx: x(chosen), cy: y(Math.log10(lines[0].values[chosen])), r: 5 }) : null,
      distances.map(d => svg("text", { class: "axis", x: x(T - 1 - d), y: TOP + HIGH + 16, "text-anchor": d === 0 ? "end" : "middle" }, d)),
      svg("text", { class: "axis", x: width - RIGHT, y: TOP + HIGH + 32, "text-anchor": "end" }, "steps before the end of reading"));
    picture.addEventListener("click", event => {
      const at = event.clientX - picture.getBoundingClientRect().left;
      const s = Math.max(0, Math.min(T - 1, Math.round(((at - LEFT) / (width - LEFT - RIGHT)) * (T - 1))));
      choose(layer.positions[s]);
    });
    fill(node, legend(lines), picture);
    describe(reading, view, layer, sizes, jacobians, chosen);
  }

  function legend(lines) {
    return el("ul", { class: "legend" }, lines.map(line => el("li", {}, el("span", { class: `key ${line.kind}`, "aria-hidden": "true" }), line.name)), el("li", {}, "each as a share of its value at the end"));
  }

  function pads(reading, layer, x, width) {
    const half = layer.T > 1 ? (x(1) - x(0)) / 2 : 0;
    return Array.from(layer.positions).map((t, s) =>
      reading.steps[t].pad ? svg("rect", { class: "pads", x: Math.max(LEFT, x(s) - half), y: TOP, width: Math.min(width - RIGHT, x(s) + half) - Math.max(LEFT, x(s) - half) + 0.5, height: HIGH }) : null);
  }

  function ticksOf(T) {
    const step = [1, 2, 5, 10, 20, 50, 100, 200, 500].find(size => T / size <= 11) || 1000, found = [];
    for (let d = 0; d < T; d += step) found.push(d);
    return found;
  }

  function spoken(layer, sizes) {
    const T = layer.T, shown = ticksOf(T).map(d => `${d} steps before the end ${write(sizes[T - 1 - d], 4)}`);
    return `Size of the gradient on the state: ${shown.join(", ")}.`;
  }

  function describe(reading, view, layer, sizes, jacobians, s) {
    const distance = layer.T - 1 - s;
    fill(byId("gradient-detail"), `At ${Findings.named(reading.steps[view.step])}, ${plural(distance, "step")} before the end: |dL/dh`, el("sub", {}, "t"), "| = ", number(sizes[s] * Math.abs(reading.trace.dlogit), 4, { id: "shown-dh" }),
      ". This step added |dWh| = ", number(layer.contributionWh[s], 4, { id: "shown-dWh" }), ", |dWx| = ", number(layer.contributionWx[s], 4, { id: "shown-dWx" }), " to the weights’ gradients. ",
      jacobians ? ["Jacobian of this step ", number(jacobians.norms[s], 3, { id: "shown-jacobian" }), ", product from here to the end ", number(jacobians.product[s], 3, { id: "shown-product" }), "."] : "The Jacobians are being computed.");
  }

  return { draw };
})();
