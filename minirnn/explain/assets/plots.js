/* Two pictures over the same columns: the probability as reading goes on, and the states.

   A column is one step of reading, or a run of padding, which shows what is there after its last step. */
"use strict";

const Plots = (() => {
  const { el, svg, fill, byId, number, write, quoted } = View;
  const LEFT = 40, RIGHT = 10;

  const label = (reading, column) => {
    const step = reading.steps[column.t];
    return step.pad ? (column.count > 1 ? `${column.count} pads` : "pad") : step.start ? "start" : step.piece.text;
  };

  function short(word) {
    return word.length > 14 ? `${word.slice(0, 13)}…` : word;
  }

  function layout(node, columns) {
    const width = Math.max(240, node.clientWidth || 500);
    const size = (width - LEFT - RIGHT) / columns.length;
    return { width, size, middle: k => LEFT + (k + 0.5) * size, columnAt: x => Math.max(0, Math.min(columns.length - 1, Math.floor((x - LEFT) / size))) };
  }

  /* Words under the columns, turned; where they are too many, as many as there is room for, and the chosen one in any case. */
  function ticks(reading, columns, place, chosen, y) {
    const every = Math.ceil(13 / place.size);
    const quiet = columns.filter(column => column.pad).length > 3;
    const kept = columns.map((_, k) => k).filter(k => k === chosen || !(quiet && columns[k].pad)).filter(k => k === chosen || (k % every === 0 && Math.abs(k - chosen) * place.size >= 13));
    return kept.map(k =>
      svg("text", {
        class: `tick${k === chosen ? " chosen" : ""}${reading.steps[columns[k].t].pad ? " faint" : ""}`, x: place.middle(k) + 4, y, "text-anchor": "end",
        transform: `rotate(-55 ${place.middle(k) + 4} ${y})`,
      }, short(label(reading, columns[k]))));
  }

  const tickRoom = (reading, columns) => 20 + 5.1 * Math.max(...columns.map(column => short(label(reading, column)).length));

  function pointer(node, place, columns, choose) {
    node.addEventListener("click", event => {
      const x = event.clientX - node.getBoundingClientRect().left;
      choose(columns[place.columnAt(x)].t, event);
    });
  }

  /* ------------------------------------------------------------------------------------------------------------------ probability */

  function probability(reading, view, choose) {
    const node = byId("probability"), { trace, columns } = reading, place = layout(node, columns);
    const top = 14, high = 150, room = tickRoom(reading, columns), height = top + high + room;
    const y = p => top + high * (1 - p);
    const chosen = columns.findIndex(column => column.t === view.step);
    const held = (probs, c) => c !== undefined && !isNaN(probs[c.t]); // an exploding network has probabilities up to some step
    const line = (probs, kind) => svg("path", { class: kind, d: columns.map((c, k) => held(probs, c) ? `${held(probs, columns[k - 1]) ? "L" : "M"}${place.middle(k).toFixed(1)} ${y(probs[c.t]).toFixed(1)}` : "").join("") });
    const turned = Findings.turns(reading), last = turned[turned.length - 1];
    const picture = svg("svg", { width: place.width, height, viewBox: `0 0 ${place.width} ${height}`, role: "img", "aria-label": spoken(reading) },
      svg("rect", { class: "above", x: LEFT, y: y(1), width: place.width - LEFT - RIGHT, height: high / 2 }),
      svg("rect", { class: "below", x: LEFT, y: y(0.5), width: place.width - LEFT - RIGHT, height: high / 2 }),
      [0, 0.5, 1].map(p => [
        svg("line", { class: p === 0.5 ? "half" : "grid", x1: LEFT, x2: place.width - RIGHT, y1: y(p), y2: y(p) }),
        svg("text", { class: "axis", x: LEFT - 6, y: y(p) + 4, "text-anchor": "end" }, p === 0.5 ? "0.5" : p),
      ]).flat(),
      svg("text", { class: "axis", x: LEFT + 6, y: y(1) + 14 }, "positive"),
      svg("text", { class: "axis", x: LEFT + 6, y: y(0) - 6 }, "negative"),
      chosen >= 0 ? svg("line", { class: "cursor", x1: place.middle(chosen), x2: place.middle(chosen), y1: top, y2: top + high }) : null,
      reading.untrained ? line(reading.untrained.probs, "line untrained") : null,
      line(trace.probs, "line"),
      columns.map((c, k) => place.size >= 9 && held(trace.probs, c) ? svg("circle", { class: `dot ${trace.probs[c.t] > 0.5 ? "up" : "down"}`, cx: place.middle(k), cy: y(trace.probs[c.t]), r: k === chosen ? 5 : 3 }) : null),
      turned.length ? turn(reading, place, columns.findIndex(column => column.r >= last), y) : null,
      chosen >= 0 && place.size < 9 && held(trace.probs, columns[chosen]) ? svg("circle", { class: "dot up", cx: place.middle(chosen), cy: y(trace.probs[view.step]), r: 5 }) : null,
      ticks(reading, columns, place, chosen, top + high + 14));
    pointer(picture, place, columns, choose);
    fill(node, picture);
    const named = Findings.named(reading.steps[view.step]);
    fill(byId("probability-detail"), `Had reading stopped after ${named}: P(positive) = `, number(trace.probs[view.step], 4, { id: "shown-p-step" }),
      reading.untrained ? [", untrained ", number(reading.untrained.probs[view.step], 4, { id: "shown-p-untrained" }), " (dashed)"] : null, ".");
  }

  /* The last change of mind is marked and named; those before it can be seen where the line crosses. */
  function turn(reading, place, k, y) {
    const column = reading.columns[k], x = place.middle(k), at = y(reading.trace.probs[column.t]);
    const ring = svg("circle", { class: "turn", cx: x, cy: at, r: 7 });
    const words = `changes its mind ${reading.steps[column.t].pad ? "in the padding" : `at ${quoted(short(label(reading, column)))}`}`;
    // After the last change every point lies on one side of 0.5, so to the right the other side is free.
    const early = x < place.width * 0.62, now = reading.trace.probs[column.t] > 0.5;
    const row = place.width < 420 ? 20 : 0; // on a telephone the note would run into "positive" or "negative" at the left
    const beside = early ? (now ? y(0.5) + 18 : y(0.5) - 9) : now ? y(1) + 14 + row : y(0) - 6 - row;
    return [ring, svg("text", { class: "note", x: x + (early ? 10 : -10), y: beside, "text-anchor": early ? "start" : "end" }, words)];
  }

  function spoken(reading) {
    const { trace, columns } = reading;
    return `Probability of positive after each step: ${columns.map(column => `${label(reading, column)} ${write(trace.probs[column.t], 2)}`).join(", ")}.`;
  }

  /* ------------------------------------------------------------------------------------------------------------------------ states */

  function rowHeight(H) {
    return Math.max(3, Math.min(20, Math.floor(208 / H)));
  }

  function states(reading, view, choose) {
    const layer = reading.trace.layers[view.layer];
    heat(byId("states"), reading, view, layer, choose, reading.untrained ? "trained" : "");
    byId("states-untrained").hidden = !reading.untrained;
    if (reading.untrained) heat(byId("states-untrained"), reading, view, reading.untrained.layers[view.layer], choose, "untrained");
    const s = reading.places[view.layer].get(view.step), H = layer.units;
    const range = scaleOf(layer);
    const full = layer.activation === "tanh" ? Array.from(layer.h.subarray(s * H, s * H + H)).filter(h => Math.abs(h) > 0.9).length : null;
    fill(byId("states-detail"), el("span", { class: "scale", "aria-hidden": "true" }), ` −${write(range, range === 1 ? 0 : 2)} to ${write(range, range === 1 ? 0 : 2)}. `,
      `Unit ${view.unit} holds `, number(layer.h[s * H + view.unit], 4), ` after this step.`,
      full === null ? null : ` ${full} of ${H} units are saturated, |h| > 0.9.`,
      H > 16 ? " Above the line are the units that push the answer to positive when they rise, below it those that push it to negative; in each group they are sorted by their mean state." : null);
  }

  function scaleOf(layer) {
    if (layer.activation === "tanh" || layer.activation === "sigmoid") return 1;
    let largest = 1e-12;
    for (const h of layer.h) largest = Math.max(largest, Math.abs(h));
    return isFinite(largest) ? largest : 1;
  }

  function heat(node, reading, view, layer, choose, name) {
    const columns = reading.columnsOf[view.layer], place = layout(node, columns), H = layer.units;
    const row = rowHeight(H), room = name === "trained" ? 6 : tickRoom(reading, columns), top = name ? 18 : 4, height = top + row * H + room;
    const order = reading.orders[view.layer], scale = scaleOf(layer), colour = View.diverging();
    const canvas = el("canvas", { width: columns.length, height: H, "aria-hidden": "true" });
    const context = canvas.getContext("2d"), image = context.createImageData(columns.length, H);
    order.forEach((j, n) => columns.forEach((column, k) => {
      const [r, g, b] = colour(layer.h[column.s * H + j] / scale);
      image.data.set([r, g, b, 255], 4 * (n * columns.length + k));
    }));
    context.putImageData(image, 0, 0);
    canvas.style.left = `${LEFT}px`;
    canvas.style.top = `${top}px`;
    canvas.style.width = `${place.width - LEFT - RIGHT}px`;
    canvas.style.height = `${row * H}px`;
    const chosen = columns.findIndex(column => column.t === view.step), n = order.indexOf(view.unit);
    const every = Math.ceil(11 / row);
    const over = svg("svg", { width: place.width, height, viewBox: `0 0 ${place.width} ${height}`, role: "img", "aria-label": `States of ${H} units of ${layer.name}${name ? `, ${name}` : ""} at each step; the numbers of one step are in the table of units.` },
      name ? svg("text", { class: "axis", x: LEFT, y: 12 }, name) : null,
      order.map((j, k) => (k % every === 0 && H <= 64) ? svg("text", { class: `axis${j === view.unit ? " chosen" : ""}`, x: LEFT - 6, y: top + (k + 0.5) * row + 4, "text-anchor": "end" }, j) : null),
      columns.length <= 60 ? columns.slice(1).map((_, k) => svg("line", { class: "seam", x1: LEFT + (k + 1) * place.size, x2: LEFT + (k + 1) * place.size, y1: top, y2: top + row * H })) : null,
      chosen >= 0 ? svg("rect", { class: "frame", x: LEFT + chosen * place.size, y: top, width: place.size, height: row * H }) : null,
      divider(reading, view, layer, place, top, row),
      svg("rect", { class: "frame unit-frame", x: LEFT, y: top + n * row, width: place.width - LEFT - RIGHT, height: row }),
      name === "trained" ? null : ticks(reading, columns, place, chosen, top + row * H + 14));
    over.addEventListener("click", event => {
      const box = over.getBoundingClientRect(), k = place.columnAt(event.clientX - box.left);
      const line = Math.floor((event.clientY - box.top - top) / row);
      choose(columns[k].t, line >= 0 && line < H ? order[line] : null);
    });
    fill(node, canvas, over);
  }

  /* Many units are in two groups: above the line those that push the answer to positive. */
  function divider(reading, view, layer, place, top, row) {
    const groups = reading.groups[view.layer], H = layer.units;
    if (groups === null) return null;
    const y = top + groups * row, turned = (text, from, to) => {
      const middle = top + ((from + to) / 2) * row;
      return (to - from) * row > 96 ? svg("text", { class: "axis", x: 14, y: middle, "text-anchor": "middle", transform: `rotate(-90 14 ${middle})` }, text) : null;
    };
    return [
      svg("line", { class: "divider", x1: H > 64 ? 4 : LEFT, x2: place.width - RIGHT, y1: y, y2: y }),
      H > 64 ? [turned("push to positive", 0, groups), turned("push to negative", groups, H)] : null,
    ];
  }

  return { probability, states, label };
})();
