// Sorts and filters the table of all tensors; without it the table is whole, in the order of the cases.
const table = document.getElementById("tensors"), rows = [...table.tBodies[0].rows];
const [name, backend, word] = ["name", "backend", "word"].map(id => document.getElementById(id));
const shown = document.getElementById("shown");
function filter() {
  let count = 0;
  const text = name.value.toLowerCase();
  for (const row of rows) {
    const cells = row.cells, hide = !(cells[1].textContent + " " + cells[2].textContent).toLowerCase().includes(text)
      || (backend.value && cells[0].textContent !== backend.value) || (word.value && cells[4].textContent !== word.value);
    row.hidden = hide; count += !hide;
  }
  shown.textContent = count + " of " + rows.length + " tensors";
}
[name, backend, word].forEach(field => field.addEventListener("input", filter));
[...table.tHead.rows[0].cells].forEach((head, column) => {
  const button = document.createElement("button");
  button.append(...head.childNodes); head.append(button);
  button.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") !== "descending";
    [...table.tHead.rows[0].cells].forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = row => {
      const text = row.cells[column].textContent;
      return text === "inf" ? Infinity : column > 4 ? parseFloat(text) || 0 : text;
    };
    rows.sort((a, b) => {
      const x = value(a), y = value(b);
      return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
    });
    table.tBodies[0].append(...rows);
  });
});
document.querySelector(".filters").hidden = false; filter();
