/* Words to ids, exactly as minirnn.datasets.imdb.encode does it, with the place of each word in the text kept.

   A word that the index does not know is dropped; one that V cuts becomes id 2, <oov>. Only ASCII letters are made lower case. */
"use strict";

const Words = (() => {
  const SEPARATORS = new Set(' !"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n');
  const START = 1, OOV = 2, DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz";

  /* word -> its id, or OOV for a word that V cuts */
  function vocabulary(list) {
    const ids = new Map(), words = [];
    let before = "";
    for (const entry of list.words === "" ? [] : list.words.split(" ")) {
      before = before.slice(0, DIGITS.indexOf(entry[0])) + entry.slice(1);
      words.push(before);
      ids.set(before, OOV);
    }
    list.known.forEach((place, n) => ids.set(words[place], list.ids ? list.ids[n] : list.first + n));
    return ids;
  }

  /* The pieces of a text, in order: { text, word: false } between words, else { text, word: true, id } with id null for a dropped word. */
  function pieces(text, vocabulary) {
    const found = [];
    let from = 0;
    while (from < text.length) {
      const separator = SEPARATORS.has(text[from]);
      let to = from + 1;
      while (to < text.length && SEPARATORS.has(text[to]) === separator) to++;
      const part = text.slice(from, to);
      if (separator) found.push({ text: part, word: false });
      else {
        const key = part.replace(/[A-Z]/g, letter => letter.toLowerCase());
        found.push({ text: part, word: true, id: vocabulary.has(key) ? vocabulary.get(key) : null });
      }
      from = to;
    }
    return found;
  }

  /* The input of a network that reads T ids (null: as many as there are). Long texts keep their end; short ones get zeros before or after.

     Gives ids, and per step the piece it stands for: { pad: true }, { start: true } or { piece }; and the ids that were cut off in front. */
  function encode(parts, T, padding, rowOf) {
    const steps = [{ start: true, id: START }];
    for (const piece of parts) {
      if (!piece.word || piece.id === null) continue;
      const missing = rowOf(piece.id) < 0;
      steps.push({ piece, id: missing ? OOV : piece.id, missing });
    }
    const cut = T === null ? 0 : Math.max(0, steps.length - T);
    const kept = steps.slice(cut);
    const pads = Array.from({ length: T === null ? 0 : T - kept.length }, () => ({ pad: true, id: 0 }));
    const all = padding === "post" ? [...kept, ...pads] : [...pads, ...kept];
    return { ids: all.map(step => step.id), steps: all, cut: steps.slice(0, cut) };
  }

  return { vocabulary, pieces, encode, OOV };
})();
