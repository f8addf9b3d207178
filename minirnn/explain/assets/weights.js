/* The weights of a model, as payload.py wrote them, and its layers with them. */
"use strict";

const Weights = (() => {
  function decode(array) {
    const text = atob(array.base64);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    const view = new DataView(bytes.buffer);
    const wide = array.dtype === "float64";
    const values = new Float64Array(bytes.length / (wide ? 8 : 4));
    for (let i = 0; i < values.length; i++) values[i] = wide ? view.getFloat64(8 * i, true) : view.getFloat32(4 * i, true);
    return values;
  }

  /* A model: its layers, each with its weights, and how the rows of the first layer's table are found. */
  function build(payload, which) {
    const given = payload[which];
    let next = 0;
    const weighted = layer => {
      const arrays = given.layers[next++];
      const weights = {};
      for (const name of Object.keys(arrays)) weights[name] = decode(arrays[name]);
      const widths = Object.values(arrays).map(array => array.shape[array.shape.length - 1]);
      return { ...layer, weights, width: widths[0] };
    };
    const layers = payload.layers.map(layer =>
      layer.kind === "bidirectional" ? { ...layer, forward: weighted(layer.forward), backward: weighted(layer.backward) } : weighted(layer)
    );
    const others = new Map(payload.rows.others.map((id, place) => [id, payload.rows.count + place]));
    const rowOf = id => (id < payload.rows.count ? id : others.has(id) ? others.get(id) : -1);
    return { layers, rowOf, oneHot: payload.input === "onehot", gram: given.gram ? decode(given.gram) : null };
  }

  return { build };
})();
