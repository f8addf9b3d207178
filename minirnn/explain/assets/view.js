/* Small tools of drawing: elements, numbers as people read them, scales, colours. Everything from outside becomes text, never markup. */
"use strict";

const View = (() => {
  const SVG = "http" + "://www.w3.org/2000/svg";
  const byId = id => document.getElementById(id);

  /* el("td", { class: "number" }, "text", child): an attribute that is null is left out, a function listens. */
  function make(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (typeof value === "function") node.addEventListener(name, value);
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined));
    return node;
  }
  const el = (tag, attributes, ...children) => make(document.createElement(tag), attributes, children);
  const svg = (tag, attributes, ...children) => make(document.createElementNS(SVG, tag), attributes, children);

  /* A number for people, with the whole of it in data-value. */
  function number(value, digits = 3, attributes = {}) {
    return el("span", { class: "number", "data-value": String(value), ...attributes }, write(value, digits));
  }

  function write(value, digits = 3) {
    if (!isFinite(value)) return isNaN(value) ? "not a number" : value > 0 ? "∞" : "−∞";
    const size = Math.abs(value);
    if (size !== 0 && (size < 0.5 * 10 ** -digits || size >= 1e5)) {
      const power = Math.floor(Math.log10(size));
      const lead = (size / 10 ** power).toFixed(1);
      const [head, exponent] = lead === "10.0" ? ["1.0", power + 1] : [lead, power];
      return `${value < 0 ? "−" : ""}${head}e${exponent < 0 ? "−" : ""}${Math.abs(exponent)}`;
    }
    return (value < 0 ? "−" : "") + size.toFixed(digits);
  }

  const signed = (value, digits = 3) => (value > 0 ? "+" : "") + write(value, digits);
  const quoted = word => `“${word}”`;
  const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

  function css(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function rgb(hex) {
    return [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));
  }

  /* A colour between three: low at -1, middle at 0, high at 1. */
  function diverging() {
    const [low, middle, high] = ["--low", "--middle", "--high"].map(name => rgb(css(name)));
    return share => {
      const s = Math.max(-1, Math.min(1, isFinite(share) ? share : 0)), end = s < 0 ? low : high;
      return middle.map((m, k) => Math.round(m + (end[k] - m) * Math.abs(s)));
    };
  }

  /* What a node holds is replaced. If one of its parts had the focus, the part of the same data-key gets it. */
  function fill(node, ...children) {
    const focused = node.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    node.replaceChildren(...children.flat(Infinity).filter(child => child !== null && child !== undefined));
    const again = focused === undefined ? undefined : [...node.querySelectorAll("[data-key]")].find(part => part.dataset.key === focused);
    if (again) again.focus({ preventScroll: true });
  }

  return { byId, el, svg, number, write, signed, quoted, plural, css, diverging, fill };
})();
