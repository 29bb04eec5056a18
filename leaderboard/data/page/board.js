// Sorts and filters the board's rows. It never computes a place: those are what the page came with.
(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const table = document.getElementById("board");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const names = rows.map((row) => row.querySelector(".name").textContent.toLowerCase());
  const headings = Array.from(table.tHead.rows[0].cells);
  const field = (name) => document.getElementById("f-" + name);
  const filters = ["causal", "exercise", "poses", "seen", "weights"];
  const status = document.getElementById("status");
  const first = { sort: data.order, dir: "asc", q: "", baselines: "yes", causal: "", exercise: "", poses: "", seen: "", weights: "" };
  let state = { ...first };
  let own = null; // the address that this page gave itself

  document.documentElement.classList.add("js");
  for (const heading of headings) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.textContent = "";
    heading.append(button);
    button.addEventListener("click", () => {
      const key = heading.dataset.k;
      choose({ sort: key, dir: state.sort === key ? (state.dir === "asc" ? "desc" : "asc") : data.keys[key].first });
    });
    field("sort").add(new Option((heading.dataset.g ? heading.dataset.g + " " : "") + button.textContent, heading.dataset.k));
  }

  function read() {
    const found = { ...first };
    for (const [key, value] of new URLSearchParams(location.hash.slice(1))) {
      if (Object.hasOwn(found, key)) found[key] = value;
    }
    if (!Object.hasOwn(data.keys, found.sort)) found.sort = first.sort;
    if (found.dir !== "asc" && found.dir !== "desc") found.dir = first.dir;
    state = found;
    show();
  }

  function choose(change) {
    state = { ...state, ...change };
    const kept = new URLSearchParams();
    for (const key of Object.keys(first)) if (state[key] !== first[key]) kept.set(key, state[key]);
    const hash = "#" + kept.toString();
    show(); // now: the address follows, and its event comes later
    if (hash !== (location.hash || "#")) location.replace(own = hash);
  }

  function show() {
    const { values } = data.keys[state.sort];
    const sign = state.dir === "asc" ? 1 : -1;
    const order = rows.map((_, k) => k);
    order.sort((a, b) => {
      const x = values[a], y = values[b];
      if (x === y) return a - b;
      if (x === null) return 1; // what has no value stands last, whichever way
      if (y === null) return -1;
      return (x < y ? -1 : 1) * sign;
    });
    const q = state.q.toLowerCase();
    let shown = 0;
    const sorted = document.createDocumentFragment();
    for (const k of order) {
      const flags = data.flags[k];
      const hidden = filters.some((name) => state[name] && flags[name] !== state[name]) ||
        (state.baselines === "no" && flags.baseline) || (q !== "" && !names[k].includes(q));
      if (rows[k].hidden !== hidden) rows[k].hidden = hidden;
      shown += !hidden;
      sorted.append(rows[k]);
    }
    body.append(sorted);
    for (const heading of headings) {
      if (heading.dataset.k === state.sort) heading.setAttribute("aria-sort", state.dir === "asc" ? "ascending" : "descending");
      else heading.removeAttribute("aria-sort");
    }
    for (const name of filters) field(name).value = state[name];
    if (field("q").value !== state.q) field("q").value = state.q;
    field("baselines").checked = state.baselines !== "no";
    field("sort").value = state.sort;
    field("dir").textContent = state.dir === "asc" ? "ascending" : "descending";
    const by = field("sort").selectedOptions[0];
    status.textContent = shown + " of " + rows.length + " systems, sorted by " + (by ? by.textContent : state.sort) + ", " + field("dir").textContent;
  }

  document.getElementById("controls").addEventListener("submit", (event) => event.preventDefault());
  for (const name of filters) field(name).addEventListener("change", () => choose({ [name]: field(name).value }));
  field("q").addEventListener("input", () => choose({ q: field("q").value }));
  field("baselines").addEventListener("change", () => choose({ baselines: field("baselines").checked ? "yes" : "no" }));
  field("sort").addEventListener("change", () => choose({ sort: field("sort").value, dir: data.keys[field("sort").value].first }));
  field("dir").addEventListener("click", () => choose({ dir: state.dir === "asc" ? "desc" : "asc" }));
  field("reset").addEventListener("click", () => choose(first));
  window.addEventListener("hashchange", () => {
    if (own !== (location.hash || "#")) read();
    own = null;
  });
  read();
})();
