"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const cards = [...document.querySelectorAll(".remark")];
  const show = byId("f-show"), decision = byId("f-decision"), search = byId("f-q"), status = byId("status");
  const storageKey = "biobench-augment " + data.digest;
  const decisions = data.items.map((item) => item.decision);
  let current = -1, unsaved = false;
  document.documentElement.classList.add("js");

  // A page from disk may have no storage; then decisions live until it is closed, and closing asks first.
  function store() {
    try { localStorage.setItem(storageKey, JSON.stringify(decisions)); } catch { unsaved = true; }
  }
  function restore() {
    let kept = null;
    try { kept = JSON.parse(localStorage.getItem(storageKey)); } catch { return; }
    if (!Array.isArray(kept) || kept.length !== decisions.length) return;
    kept.forEach((value, k) => { if (data.items[k].rewritten && (value === "yes" || value === "no" || value === "")) decisions[k] = value; });
  }

  function paint(k) {
    const card = cards[k];
    card.classList.toggle("yes", decisions[k] === "yes");
    card.classList.toggle("no", decisions[k] === "no");
    for (const button of card.querySelectorAll("[data-set]")) button.setAttribute("aria-pressed", String(button.dataset.set === decisions[k]));
  }
  function count() {
    const of = (value) => data.items.filter((item, k) => item.rewritten && decisions[k] === value).length;
    const yes = of("yes"), no = of("no"), all = yes + no + of("");
    const shown = cards.filter((card) => !card.hidden).length;
    status.textContent = `${yes + no} of ${all} decided: ${yes} accepted, ${no} rejected; ${shown} shown`;
    byId("none").hidden = shown > 0;
  }
  function decide(k, value) {
    if (!data.items[k].rewritten) return;
    decisions[k] = decisions[k] === value ? "" : value;
    paint(k);
    store();
    count();
  }
  function filter() {
    const words = search.value.trim().toLowerCase();
    cards.forEach((card, k) => {
      const kind = show.value === "all" || (show.value === "rewritten") === data.items[k].rewritten;
      const state = decision.value === "" || (data.items[k].rewritten && (decision.value === "open" ? decisions[k] === "" : decisions[k] === decision.value));
      card.hidden = !(kind && state && (words === "" || card.textContent.toLowerCase().includes(words)));
    });
    if (current >= 0 && cards[current].hidden) mark(-1);
    count();
  }
  function mark(k) {
    if (current >= 0) cards[current].classList.remove("current");
    current = k;
    if (k >= 0) cards[k].classList.add("current");
  }
  function go(step) {
    let k = current;
    do { k += step; } while (k >= 0 && k < cards.length && cards[k].hidden);
    if (k < 0 || k >= cards.length) return;
    mark(k);
    draw(cards[k]);
    cards[k].focus({ preventScroll: true });
    cards[k].scrollIntoView({ block: "nearest" });
  }

  function draw(card) {
    const place = card.querySelector("[data-picture]");
    if (place === null || place.firstChild !== null) return;
    const item = data.items[Number(card.dataset.k)], image = document.createElement("img");
    image.alt = item.alt;
    image.width = item.width;
    image.height = item.height;
    image.src = "data:image/svg+xml," + encodeURIComponent(item.picture);
    place.append(image);
  }
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { draw(entry.target); near.unobserve(entry.target); }
  }, { rootMargin: "600px" });

  cards.forEach((card, k) => {
    near.observe(card);
    card.addEventListener("focusin", () => mark(k));
    for (const button of card.querySelectorAll("[data-set]")) button.addEventListener("click", () => decide(k, button.dataset.set));
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    if (event.key === "j") go(1);
    else if (event.key === "k") go(-1);
    else if (current >= 0 && event.key === "a") { if (decisions[current] !== "yes") decide(current, "yes"); go(1); }
    else if (current >= 0 && event.key === "r") { if (decisions[current] !== "no") decide(current, "no"); go(1); }
    else if (current >= 0 && event.key === "u") { if (decisions[current] !== "") decide(current, decisions[current]); }
    else return;
    event.preventDefault();
  });
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  for (const control of [show, decision]) control.addEventListener("change", filter);
  search.addEventListener("input", filter);
  byId("save").addEventListener("click", () => {
    const rows = data.items.flatMap((item, k) => (item.rewritten && decisions[k] !== "" ? [{ record: item.record, event: item.event, after: item.after, accepted: decisions[k] === "yes" }] : []));
    const text = JSON.stringify({ schema: data.schema, source_sha256: data.source, decisions: rows }, null, 1) + "\n";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = "decisions.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    unsaved = false;
  });
  addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });

  restore();
  cards.forEach((_, k) => paint(k));
  filter();
})();
