/* The network itself: reads ids, forwards and backwards, in float64. It knows nothing of the page.

   Comes in: what payload.py wrote of a model, then ids and a few switches. Goes out: the quantities of minirnn.trace, under the same names.
   Per recurrent layer, in the order of processing, for t = 0 .. T-1, with h_(-1) = 0 in slot 0 of hs:

       z_t  = x_t . Wx + h_(t-1) . Wh + b         h_t = activation(z_t)            where masked, h_t = h_(t-1)
       dz_t = dh_t * activation'(z_t)             dh_(t-1) += dz_t . Wh^T          where masked, dz_t = 0 and dh is handed on

   A matrix is one flat Float64Array, row after row. */
"use strict";

const Network = (() => {
  const { addProduct, addTransposed, norm, spectralNorm } = Algebra;
  const ACTIVATIONS = {
    linear: z => z,
    tanh: Math.tanh,
    relu: z => Math.max(z, 0),
    sigmoid: z => (z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z))),
  };
  const SLOPES = { linear: () => 1, tanh: h => 1 - h * h, relu: h => (h > 0 ? 1 : 0), sigmoid: h => h * (1 - h) };

  /* --------------------------------------------------------------------------------------------------------------------- forward */

  /* input: { T, ids } or { T, x, E }, with positions (the input step that each item stands for) and mask, or null. */
  function forwardRnn(layer, input, options, network) {
    const T = input.T, H = layer.units, E = input.E;
    const Wx = layer.weights.kernel, b = layer.weights.bias || new Float64Array(H);
    const Wh = options.whScale === 1 ? layer.weights.recurrent_kernel : layer.weights.recurrent_kernel.map(w => w * options.whScale);
    const activate = ACTIVATIONS[layer.activation];
    const zInput = new Float64Array(T * H), zRecurrent = new Float64Array(T * H), z = new Float64Array(T * H);
    const hs = new Float64Array((T + 1) * H);
    const positions = new Int32Array(T), mask = input.mask ? new Uint8Array(T) : null, places = new Int32Array(T);
    for (let s = 0; s < T; s++) {
      const at = layer.backwards ? T - 1 - s : s;
      places[s] = at;
      positions[s] = input.positions[at];
      if (input.ids) zInput.set(rowOf(Wx, network.rowOf(input.ids[at]), H), s * H);
      else addProduct(input.x, at * E, Wx, E, H, zInput, s * H);
      addProduct(hs, s * H, Wh, H, H, zRecurrent, s * H);
      const skipped = mask !== null && !(mask[s] = input.mask[at]);
      for (let j = 0; j < H; j++) {
        const k = s * H + j;
        z[k] = zInput[k] + zRecurrent[k] + b[j];
        hs[k + H] = skipped ? hs[k] : activate(z[k]);
      }
    }
    return { layer, name: layer.name, units: H, activation: layer.activation, T, E, input, positions, places, mask, Wx, Wh, b, zInput, zRecurrent, z, hs };
  }

  function rowOf(table, row, width) {
    return table.subarray(row * width, (row + 1) * width);
  }

  /* What the layer above gets: every state, or the last; 0 at masked steps for the layers that say so. */
  function outputOf(record) {
    const { T, units: H, hs, layer, mask } = record;
    if (!layer.sequences) {
      const y = hs.slice(T * H);
      if (layer.zeroWhereMasked && mask && !mask[T - 1]) y.fill(0);
      return { T: 0, x: y, E: H };
    }
    const x = hs.slice(H);
    if (layer.zeroWhereMasked && mask) for (let s = 0; s < T; s++) if (!mask[s]) x.fill(0, s * H, (s + 1) * H);
    return { T, x, E: H, positions: record.positions };
  }

  function merge(layer, ahead, behind) {
    const n = Math.max(ahead.T, 1), H = ahead.E, G = behind.E;
    const turned = s => (ahead.T ? n - 1 - s : 0);
    const E = layer.merge === "concat" ? H + G : H;
    const x = new Float64Array(n * E);
    for (let s = 0; s < n; s++) {
      for (let j = 0; j < H; j++) {
        const y = ahead.x[s * H + j], other = behind.x[turned(s) * G + j];
        x[s * E + j] = layer.merge === "concat" ? y : layer.merge === "mul" ? y * other : layer.merge === "sum" ? y + other : (y + other) / 2;
      }
      if (layer.merge === "concat") for (let j = 0; j < G; j++) x[s * E + H + j] = behind.x[turned(s) * G + j];
    }
    return { ...ahead, x, E };
  }

  /* heard: per input step whether it has been read; the others are masked, in every recurrent layer. Null: all have. */
  function forward(network, ids, mask, options, heard = null) {
    const T = ids.length;
    const hearing = input => (heard === null ? input : { ...input, mask: input.mask ? heard.map((yes, t) => yes && input.mask[t]) : heard });
    let value = { T, ids, positions: Int32Array.from({ length: T }, (_, t) => t), mask };
    const steps = [];
    for (const layer of network.layers) {
      const input = value;
      const step = { layer, input };
      if (layer.kind === "embedding") {
        const E = layer.width, x = new Float64Array(T * E);
        for (let t = 0; t < T; t++) x.set(rowOf(layer.weights.embeddings, network.rowOf(ids[t]), E), t * E);
        value = { T, x, E, positions: input.positions, mask };
      } else if (layer.kind === "rnn") {
        step.record = forwardRnn(layer, hearing(input), options, network);
        value = { ...outputOf(step.record), mask: input.mask };
        if (heard !== null && layer.sequences && layer.backwards) heard = Array.from(heard).reverse();
      } else if (layer.kind === "bidirectional") {
        step.ahead = forwardRnn(layer.forward, hearing(input), options, network);
        step.behind = forwardRnn(layer.backward, hearing(input), options, network);
        step.outputs = [outputOf(step.ahead), outputOf(step.behind)];
        value = merge(layer, ...step.outputs);
        value.mask = input.mask;
        if (heard !== null && layer.sequences && layer.forward.backwards) heard = Array.from(heard).reverse();
      } else if (layer.kind === "dense") {
        const n = Math.max(input.T, 1), O = layer.units;
        step.logits = new Float64Array(n * O);
        for (let s = 0; s < n; s++) {
          if (layer.weights.bias) step.logits.set(layer.weights.bias, s * O);
          addProduct(input.x, s * input.E, layer.weights.kernel, input.E, O, step.logits, s * O);
        }
        value = { ...input, x: step.logits.map(ACTIVATIONS[layer.activation]), E: O };
      }
      step.output = value;
      steps.push(step);
    }
    return steps;
  }

  const logitOf = steps => steps[steps.length - 1].logits[0];

  /* -------------------------------------------------------------------------------------------------------------------- backward */

  /* dy on what outputOf gave -> dh, dz (T,H), and dx (T,E) in the order of the input (with one-hot input, null). */
  function backwardRnn(record, dy, options) {
    const { layer, T, units: H, E, hs, Wh, Wx, mask } = record;
    const slope = SLOPES[layer.activation];
    const dh = new Float64Array(T * H), dz = new Float64Array(T * H), dx = record.input.ids ? null : new Float64Array(T * E);
    const first = options.bptt === null ? 0 : Math.max(0, T - options.bptt);
    const hidden = s => layer.zeroWhereMasked && mask && !mask[s];
    let carried = new Float64Array(H);
    for (let s = T - 1; s >= first; s--) {
      for (let j = 0; j < H; j++) {
        const arrives = hidden(s) ? 0 : layer.sequences ? dy[s * H + j] : s === T - 1 ? dy[j] : 0;
        dh[s * H + j] = carried[j] + arrives;
      }
      if (mask && !mask[s]) {
        carried = dh.slice(s * H, (s + 1) * H);
        continue;
      }
      for (let j = 0; j < H; j++) dz[s * H + j] = dh[s * H + j] * slope(hs[(s + 1) * H + j]);
      carried = new Float64Array(H);
      addTransposed(dz, s * H, Wh, H, H, carried, 0);
      if (dx) addTransposed(dz, s * H, Wx, E, H, dx, record.places[s] * E);
    }
    record.dh = dh;
    record.dz = dz;
    return dx;
  }

  function split(step, dout) {
    const [ahead, behind] = step.outputs, mode = step.layer.merge;
    const n = Math.max(ahead.T, 1), H = ahead.E, G = behind.E, E = mode === "concat" ? H + G : H;
    const d = new Float64Array(n * H), other = new Float64Array(n * G);
    for (let s = 0; s < n; s++) {
      const turned = ahead.T ? n - 1 - s : 0;
      for (let j = 0; j < H; j++) {
        const g = dout[s * E + j];
        d[s * H + j] = mode === "mul" ? g * behind.x[turned * G + j] : mode === "ave" ? g / 2 : g;
        if (mode !== "concat") other[turned * G + j] = mode === "mul" ? g * ahead.x[s * H + j] : mode === "ave" ? g / 2 : g;
      }
      if (mode === "concat") for (let j = 0; j < G; j++) other[turned * G + j] = dout[s * E + H + j];
    }
    return [d, other];
  }

  /* The gradient of the logit on everything; the gradient of the loss is (p - y) times that. Gives the one on the tokens' vectors. */
  function backward(steps, options) {
    let gradient = Float64Array.of(1);
    for (let place = steps.length - 1; place >= 0; place--) {
      const { layer, input, record } = steps[place];
      if (layer.kind === "dense") {
        const n = Math.max(input.T, 1), O = layer.units;
        let dlogits = gradient;
        if (place < steps.length - 1) dlogits = gradient.map((g, k) => g * SLOPES[layer.activation](steps[place].output.x[k]));
        gradient = new Float64Array(n * input.E);
        for (let s = 0; s < n; s++) addTransposed(dlogits, s * O, layer.weights.kernel, input.E, O, gradient, s * input.E);
      } else if (layer.kind === "rnn") {
        gradient = backwardRnn(record, gradient, options);
      } else if (layer.kind === "bidirectional") {
        const [d, other] = split(steps[place], gradient);
        const dx = backwardRnn(steps[place].ahead, d, options), dxOther = backwardRnn(steps[place].behind, other, options);
        gradient = dx && dx.map((g, k) => g + dxOther[k]);
      }
      if (layer.kind === "embedding") break;
    }
    return gradient;
  }

  /* ------------------------------------------------------------------------------------------------------------- whole readings */

  /* Everything about one text.

     ids       the input, padded
     settings  { y: 0 or 1, mask: per step true where it counts, or null; bptt: steps, or null; whScale: factor on every Wh } */
  function read(network, ids, settings) {
    const options = { bptt: null, whScale: 1, mask: null, y: 1, ...settings };
    const T = ids.length;
    const steps = forward(network, ids, options.mask, options);
    const logit = logitOf(steps), p = ACTIVATIONS.sigmoid(logit);
    const dx = backward(steps, options);
    const dlogit = p - options.y;
    const layers = [];
    for (const step of steps) for (const record of [step.record, step.ahead, step.behind]) if (record) layers.push(record);
    const saliency = new Float64Array(T), leaning = new Float64Array(T);
    if (network.oneHot) tokenGradientsOneHot(network, steps[0], saliency, leaning);
    else {
      const { x, E } = steps[0].output;
      for (let t = 0; t < T; t++) {
        saliency[t] = norm(dx, t * E, E);
        for (let i = 0; i < E; i++) leaning[t] += x[t * E + i] * dx[t * E + i];
      }
    }
    for (let t = 0; t < T; t++) saliency[t] *= Math.abs(dlogit);
    for (const record of layers) {
      record.h = record.hs.subarray(record.units);
      record.logitDh = record.dh;
      record.dh = record.dh.map(g => g * dlogit);
      record.dz = record.dz.map(g => g * dlogit);
      Object.assign(record, contributions(record));
    }
    return {
      T, ids, y: options.y, logit, p, dlogit, saliency, leaning, layers,
      mask: options.mask,
      loss: softplus(options.y ? -logit : logit),
      positions: layers[0].positions,
      probs: probabilities(network, ids, options, steps),
    };
  }

  const softplus = v => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));

  /* With one-hot input, dL/dx_t = Wx . dz_t has V numbers; its norm comes from Wx^T Wx, and x_t . dL/dx_t is the row's product with dz_t. */
  function tokenGradientsOneHot(network, step, saliency, leaning) {
    const records = step.record ? [step.record] : [step.ahead, step.behind];
    const width = records.reduce((sum, record) => sum + record.units, 0), T = records[0].T;
    const dz = new Float64Array(T * width);
    let offset = 0;
    for (const record of records) {
      const H = record.units;
      for (let s = 0; s < T; s++) {
        const t = record.positions[s], row = network.rowOf(record.input.ids[t]) * H;
        for (let j = 0; j < H; j++) {
          dz[t * width + offset + j] = record.dz[s * H + j];
          leaning[t] += record.Wx[row + j] * record.dz[s * H + j];
        }
      }
      offset += H;
    }
    for (let t = 0; t < T; t++) {
      let square = 0;
      for (let i = 0; i < width; i++)
        for (let j = 0; j < width; j++) square += dz[t * width + i] * network.gram[i * width + j] * dz[t * width + j];
      saliency[t] = Math.sqrt(Math.max(square, 0));
    }
  }

  /* What each step adds to dWx, dWh and db: matrices of rank one, so their Frobenius norms are products. */
  function contributions(record) {
    const { T, units: H, E, hs, dz, input, places } = record;
    const result = { contributionWx: new Float64Array(T), contributionWh: new Float64Array(T), contributionB: new Float64Array(T) };
    for (let s = 0; s < T; s++) {
      const size = norm(dz, s * H, H);
      result.contributionB[s] = size;
      result.contributionWh[s] = norm(hs, s * H, H) * size;
      result.contributionWx[s] = (input.ids ? 1 : norm(input.x, places[s] * E, E)) * size;
    }
    return result;
  }

  /* The probability if reading stopped after input step t. What the layers say at a step depends on the steps before alone where all of them
     read the same way; else the text is read once for every step, with what comes later masked. */
  function probabilities(network, ids, options, steps) {
    const T = ids.length, probs = new Float64Array(T);
    const recurrent = network.layers.filter(layer => layer.kind === "rnn" || layer.kind === "bidirectional");
    const first = recurrent[0].kind === "rnn" ? recurrent[0] : recurrent[0].forward;
    const oneWay = recurrent.every((layer, place) => layer.kind === "rnn" && (!layer.backwards || (place === 0 && options.mask === null)));
    if (!oneWay) {
      for (let t = 0; t < T; t++) {
        const heard = Array.from({ length: T }, (_, other) => (first.backwards ? other >= t : other <= t));
        probs[t] = ACTIVATIONS.sigmoid(logitOf(forward(network, ids, options.mask, options, heard)));
      }
      return probs;
    }
    const last = steps.map(step => step.layer.kind).lastIndexOf("rnn");
    const { record } = steps[last], H = record.units;
    for (let s = 0; s < T; s++) {
      const hidden = record.layer.zeroWhereMasked && record.mask && !record.mask[s];
      let v = hidden ? new Float64Array(H) : record.hs.slice((s + 1) * H, (s + 2) * H);
      for (const { layer } of steps.slice(last + 1)) {
        if (layer.kind !== "dense") continue;
        const logits = layer.weights.bias ? layer.weights.bias.slice() : new Float64Array(layer.units);
        addProduct(v, 0, layer.weights.kernel, v.length, layer.units, logits, 0);
        v = logits.map(ACTIVATIONS[layer.activation]);
      }
      probs[record.positions[s]] = v[0];
    }
    return probs;
  }

  /* ------------------------------------------------------------------------------------------------------------------- jacobians */

  /* |dh_t/dh_(t-1)| and |dh_T/dh_t|, spectral norms, for every step of a layer. */
  function jacobians(record) {
    const { T, units: H, Wh, hs, mask } = record;
    const slope = SLOPES[record.activation];
    const norms = new Float64Array(T), product = new Float64Array(T);
    let D = new Float64Array(H * H);
    for (let i = 0; i < H; i++) D[i * H + i] = 1;
    for (let s = T - 1; s >= 0; s--) {
      product[s] = s === T - 1 ? 1 : spectralNorm(D, H);
      if (mask && !mask[s]) {
        norms[s] = 1;
        continue;
      }
      const J = new Float64Array(H * H);
      for (let j = 0; j < H; j++) {
        const g = slope(hs[(s + 1) * H + j]);
        for (let i = 0; i < H; i++) J[i * H + j] = Wh[i * H + j] * g;
      }
      norms[s] = spectralNorm(J, H);
      const next = new Float64Array(H * H);
      for (let i = 0; i < H; i++) addProduct(J, i * H, D, H, H, next, i * H);
      D = next;
    }
    return { norms, product };
  }

  return { build: Weights.build, read, jacobians, norm };
})();
