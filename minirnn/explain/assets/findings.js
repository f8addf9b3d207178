/* What the numbers say, in words: the answer, where it turned, what moved it, how far back the gradient reaches. */
"use strict";

const Findings = (() => {
  const { quoted, plural, write, number, fill, byId, el } = View;

  const named = step => (step.pad ? "the padding" : step.start ? "<start>" : quoted(step.piece.text));

  /* Steps of reading at which the answer changed; the first step has none before it. */
  function turns(reading) {
    const { probs, positions } = reading.trace, found = [];
    for (let r = 1; r < positions.length; r++) {
      const before = probs[positions[r - 1]], now = probs[positions[r]];
      if (!isNaN(before) && !isNaN(now) && now > 0.5 !== before > 0.5) found.push(r);
    }
    return found;
  }

  /* Where an exploding network has no probability any more: the first such step of reading. */
  function lost({ trace, steps }) {
    const t = trace.positions.find(position => isNaN(trace.probs[position]));
    return steps[t].pad ? "in the padding" : `at ${named(steps[t])}`;
  }

  /* Two probabilities, with as many digits as it takes to tell them apart. */
  function apart(before, after) {
    let digits = 2;
    while (digits < 6 && write(before, digits) === write(after, digits)) digits++;
    return [write(before, digits), write(after, digits)];
  }

  /* The words by how far the probability moved as each was read, the largest first. */
  function moves(reading) {
    const { probs, positions } = reading.trace, found = [];
    for (let r = 1; r < positions.length; r++) {
      const t = positions[r];
      if (reading.steps[t].piece) found.push({ t, change: probs[t] - probs[positions[r - 1]] });
    }
    return found.sort((a, b) => Math.abs(b.change) - Math.abs(a.change));
  }

  /* How many steps before the end of reading |dL/dh_t| is last at 1 % of its value at the end or more. */
  function reach(layer) {
    const { T, units: H, logitDh } = layer;
    const sizes = Float64Array.from({ length: T }, (_, s) => Network.norm(logitDh, s * H, H));
    const last = sizes[T - 1], at = sizes.findIndex(size => size >= 0.01 * last);
    const first = at < 0 ? T - 1 : at; // none where the last is not a number, of which no reach is told
    return { sizes, first, distance: T - 1 - first, zero: last === 0 };
  }

  function show(reading, settings) {
    const { trace, steps } = reading, p = trace.p;
    const answer = isNaN(p) ? "no answer" : p > 0.5 ? "positive" : "negative";
    byId("answer").className = answer;
    fill(byId("answer"), el("span", { class: "answer-word" }, answer), " ", el("span", { class: "answer-p" }, "P(positive) = ", number(p, 3, { id: "shown-p" })));

    const changes = turns(reading), order = trace.positions;
    const known = steps.some(step => step.piece && step.id !== Words.OOV);
    let sentence;
    if (isNaN(p)) sentence = `The states grew beyond what a number can hold, ${lost(reading)}: there is no answer.`;
    else if (!changes.length) sentence = `It never changed its mind: it said ${answer} from the first step on.`;
    else {
      const r = changes[changes.length - 1], t = order[r], before = order[r - 1];
      const others = changes.slice(0, -1), inPads = others.filter(n => steps[order[n]].pad).length, inWords = others.length - inPads;
      const earlier = [inWords ? plural(inWords, "earlier change") : null, inPads ? `${inWords ? "" : "earlier changes: "}${inPads} in the padding` : null];
      const where = steps[t].pad ? "in the padding" : `at ${named(steps[t])}`;
      sentence = [
        el("b", {}, `It changed its mind for good ${where}`),
        `, from ${apart(trace.probs[before], trace.probs[t]).join(" to ")}`,
        others.length ? ` (${earlier.filter(Boolean).join(" and ")}).` : ".",
      ];
    }
    fill(byId("finding-turn"), sentence);

    const moved = moves(reading).slice(0, 3).filter(move => move.change !== 0 && !isNaN(p));
    fill(
      byId("finding-words"),
      moved.length === 0 ? "No word moved the answer." : null,
      moved.map((move, k) => [k ? ", " : "", el("b", {}, quoted(steps[move.t].piece.text)), ` ${View.signed(move.change, 2)}`]),
      moved.length ? " as they were read." : null,
      moved.length && known ? weighsMost(reading) : null,
      moved.length && !known ? " All of them are outside the vocabulary: it tells none of these words from another." : null
    );

    const layer = trace.layers[0], found = reach(layer);
    fill(byId("finding-reach"), reachSentence(reading, layer, found, settings));
  }

  function weighsMost(reading) {
    const { leaning } = reading.trace, words = reading.steps.map((step, t) => t).filter(t => reading.steps[t].piece);
    const heaviest = words.reduce((best, t) => (Math.abs(leaning[t]) > Math.abs(leaning[best]) ? t : best), words[0]);
    if (leaning[heaviest] === 0) return " In the end none pushes: no gradient comes back to a word.";
    return [" In the end ", el("b", {}, quoted(reading.steps[heaviest].piece.text)), ` pushes most, ${View.signed(leaning[heaviest], 2)} of the logit.`];
  }

  function reachSentence(reading, layer, found, settings) {
    const { steps } = reading, t = layer.positions[found.first];
    if (!found.sizes.every(Number.isFinite)) return "It grows beyond what a number can hold.";
    if (found.zero) return "Nothing comes back: the gradient is 0 at the last step already.";
    const cut = settings.bptt !== null && found.distance >= settings.bptt - 1;
    if (cut) return [el("b", {}, plural(found.distance, "step")), `: there backpropagation was cut, at ${named(steps[t])}.`];
    if (found.first === 0) {
      const share = found.sizes[0] / found.sizes[layer.T - 1];
      const size = share >= 1 ? `${write(share, 1)} times` : `still ${write(100 * share, 0)} % of`;
      return [el("b", {}, `All the way, ${plural(found.distance, "step")}`), `: at the first step it is ${size} its last value.`];
    }
    const where = steps[t].pad ? "past every word, into the padding" : `to ${named(steps[t])}`;
    return [el("b", {}, `${plural(found.distance, "step")} back, ${where}`), ". Before that, |dL/dh| is under 1 % of its last value."];
  }

  return { show, turns, reach, named };
})();
