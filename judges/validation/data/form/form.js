"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const moments = data.moments;
  const storageKey = `biobench-study ${data.events_sha256} ${data.rater}`;
  const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

  // One state an answer shown: score 1 to 5 or null, cannot_say, comment, seconds.
  const keyOf = (event, answer, repeat) => JSON.stringify([event, answer, repeat]);
  const states = new Map();
  for (const moment of moments)
    for (const answer of moment.answers)
      states.set(keyOf(moment.event, answer.id, moment.repeat), { event: moment.event, answer: answer.id, repeat: moment.repeat, score: null, cannot_say: false, comment: "", seconds: 0 });
  const statesOf = (moment) => moment.answers.map((answer) => states.get(keyOf(moment.event, answer.id, moment.repeat)));
  const rated = (state) => state.score !== null || state.cannot_say;
  const isOpen = (moment) => !statesOf(moment).every(rated);

  let view = "start", at = 0, current = 0, unsaved = false, kept = true;

  // What is saved, in the browser and in a file.
  function record() {
    const all = [...states.values()];
    return {
      schema: data.schema,
      events_sha256: data.events_sha256,
      rater: data.rater,
      form_seed: data.form_seed,
      ratings: all.filter((state) => rated(state) || state.comment !== "").map((state) => ({ ...state, comment: whole(state.comment), seconds: Math.round(state.seconds * 10) / 10 })),
      complete: all.every(rated),
    };
  }
  const whole = (text) => text.replace(/[\ud800-\udfff]/gu, "\ufffd"); // half a character can't be written as UTF-8

  function save(changed = true) {
    unsaved ||= changed;
    try {
      localStorage.setItem(storageKey, JSON.stringify({ ...record(), at }));
      kept = true;
    } catch {
      kept = false;
    }
    byId("unkept").hidden = kept;
  }
  function restore() {
    let text = null;
    try {
      text = localStorage.getItem(storageKey);
      localStorage.setItem(storageKey + " probe", "1");
      localStorage.removeItem(storageKey + " probe");
    } catch {
      kept = false;
    }
    byId("unkept").hidden = kept;
    const found = text === null ? {} : takeText(text);
    if (found.reason !== undefined) say(`What this browser kept for this page can't be read: ${found.reason}. A saved file can still be opened.`);
  }

  // Takes what an earlier record holds; gives the reason why not, or the counts.
  function takeText(text) {
    let found = null;
    try { found = JSON.parse(text); } catch { return { reason: "it is no JSON file" }; }
    if (found === null || typeof found !== "object" || found.schema !== data.schema || !Array.isArray(found.ratings)) return { reason: "it holds no ratings" };
    if (found.events_sha256 !== data.events_sha256) return { reason: "its ratings are of other events" };
    if (found.rater !== data.rater) return { reason: `its ratings are by ${String(found.rater).slice(0, 80)}, and this page is for ${data.rater}` };
    let taken = 0, foreign = 0;
    for (const row of found.ratings) {
      const state = row !== null && typeof row === "object" ? states.get(keyOf(row.event, row.answer, row.repeat)) : undefined;
      const score = Number.isInteger(row?.score) && row.score >= 1 && row.score <= 5 ? row.score : null;
      if (state === undefined || (row.score !== null && score === null) || (score !== null && row.cannot_say !== false)) { foreign += 1; continue; }
      state.comment = typeof row.comment === "string" ? row.comment.slice(0, data.longest_comment) : "";
      state.seconds = Number.isFinite(row.seconds) && row.seconds >= 0 ? row.seconds : 0;
      if (score !== null || row.cannot_say === true) {
        state.score = score;
        state.cannot_say = row.cannot_say === true;
      }
      taken += 1;
    }
    if (Number.isInteger(found.at) && found.at >= 0 && found.at < moments.length) at = found.at;
    return { taken, foreign };
  }

  // Seconds that a moment was on the screen since the last rating belong to the next one.
  let since = null, spent = 0;
  function clock(running) {
    if (since !== null) spent += (performance.now() - since) / 1000;
    since = running ? performance.now() : null;
  }
  const visible = () => view === "moment" && document.visibilityState === "visible";
  document.addEventListener("visibilitychange", () => clock(visible()));

  function rate(k, value) {
    const state = statesOf(moments[at])[k];
    clock(visible());
    state.seconds += spent;
    spent = 0;
    state.score = value === 0 ? null : value;
    state.cannot_say = value === 0;
    paintAnswer(k);
    count();
    save();
  }

  // Painting.
  const cards = () => [...byId("answers").children];
  function paintMoment() {
    const moment = moments[at];
    byId("number").textContent = `Moment ${at + 1} of ${moments.length}: `;
    byId("exercise").textContent = moment.exercise;
    byId("time").textContent = `at ${moment.time}`;
    byId("reference").textContent = moment.reference;
    byId("answers").replaceChildren(...moment.answers.map((answer, k) => {
      const card = byId("answer").content.firstElementChild.cloneNode(true);
      const name = `Answer ${LETTERS[k % 26]}${k >= 26 ? Math.floor(k / 26) + 1 : ""}`;
      card.querySelector(".label").textContent = name;
      card.querySelector(".said").textContent = answer.text;
      for (const radio of card.querySelectorAll("input")) {
        radio.name = `answer-${k}`;
        radio.addEventListener("change", () => rate(k, Number(radio.value)));
      }
      const area = card.querySelector("textarea");
      area.setAttribute("aria-label", `Comment on ${name}`);
      area.addEventListener("input", () => { statesOf(moment)[k].comment = area.value; save(); });
      card.addEventListener("focusin", () => mark(k));
      return card;
    }));
    moment.answers.forEach((_, k) => paintAnswer(k));
    const open = statesOf(moment).findIndex((state) => !rated(state));
    mark(Math.max(open, 0));
    byId("back").textContent = at === 0 ? "Instructions" : "Back";
    byId("next").textContent = at === moments.length - 1 ? "Finish" : "Next";
  }
  function paintAnswer(k) {
    const state = statesOf(moments[at])[k], card = cards()[k], value = state.cannot_say ? 0 : state.score;
    for (const radio of card.querySelectorAll("input")) radio.checked = value !== null && Number(radio.value) === value;
    const area = card.querySelector("textarea");
    if (document.activeElement !== area) area.value = state.comment;
    if (state.comment !== "") card.querySelector(".remark").open = true;
  }
  function mark(k) {
    current = k;
    cards().forEach((card, n) => card.classList.toggle("current", n === k));
  }
  function count() {
    const all = [...states.values()], cannot = all.filter((state) => state.cannot_say).length, open = all.filter((state) => !rated(state)).length;
    byId("progress").max = all.length;
    byId("progress").value = all.length - open;
    byId("done").textContent = `${all.length - open} of ${all.length} answers rated`;
    byId("now").textContent = view === "moment" ? `Moment ${at + 1} of ${moments.length}` : view === "start" ? "Instructions" : "Save to a file";
    byId("n-rated").textContent = String(all.length - open - cannot);
    byId("n-cannot").textContent = String(cannot);
    byId("n-open").textContent = String(open);
    byId("verdict").textContent = open === 0 ? "All answers are rated. Thank you. Download the file and send it to those who gave you this page." : `${open} ${open === 1 ? "answer is" : "answers are"} still unrated, in ${moments.filter(isOpen).length} of ${moments.length} moments. You can save what there is and go on later.`;
    byId("first-open").hidden = open === 0;
    byId("begin").textContent = open === all.length ? "Start" : open === 0 ? "Look at the ratings" : "Go on";
  }
  function show(where, k = at) {
    clock(false);
    spent = 0;
    view = where;
    at = k;
    for (const name of ["start", "moment", "finish"]) byId(name).hidden = name !== where;
    if (where === "moment") paintMoment();
    count();
    say("");
    clock(visible());
    scrollTo(0, 0);
    byId(where + "-title").focus({ preventScroll: true });
  }
  function say(text) { byId("status").textContent = text; }

  // Going about.
  function next() {
    if (at + 1 < moments.length) show("moment", at + 1);
    else show("finish");
    save(false);
  }
  function back() {
    if (at > 0) show("moment", at - 1);
    else show("start");
  }
  function firstOpen() {
    const k = moments.findIndex(isOpen);
    show("moment", k < 0 ? 0 : k);
  }
  function markAndFocus(k) {
    const all = cards();
    if (k < 0 || k >= all.length) return;
    all[k].focus({ preventScroll: true });
    all[k].scrollIntoView({ block: "nearest" });
  }
  document.addEventListener("keydown", (event) => {
    if (view !== "moment" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const target = event.target instanceof Element ? event.target : document.body;
    if (target.closest("textarea, input[type=file]")) return;
    if (/^[0-5]$/.test(event.key)) {
      if (event.repeat) return;
      const k = current;
      rate(k, Number(event.key));
      const all = statesOf(moments[at]), later = all.findIndex((state, n) => n > k && !rated(state)), open = later >= 0 ? later : all.findIndex((state) => !rated(state));
      if (open >= 0) markAndFocus(open);
      else byId("next").focus();
    } else if (event.key === "ArrowRight" || (event.key === "Enter" && !target.closest("button, summary, a"))) {
      if (!event.repeat) next();
    } else if (event.key === "ArrowLeft") {
      if (!event.repeat) back();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !target.closest("input") && cards().length > 0) {
      markAndFocus(target.closest(".answer") === null ? current : current + (event.key === "ArrowDown" ? 1 : -1));
    } else return;
    event.preventDefault();
  });
  byId("begin").addEventListener("click", () => (moments.some(isOpen) && !isOpen(moments[at]) ? firstOpen() : show("moment", at)));
  byId("next").addEventListener("click", next);
  byId("back").addEventListener("click", back);
  byId("to-start").addEventListener("click", () => show("start"));
  byId("to-finish").addEventListener("click", () => show("finish"));
  byId("first-open").addEventListener("click", firstOpen);
  byId("return").addEventListener("click", () => show("moment"));
  byId("save").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(record(), null, 1) + "\n"], { type: "application/json" }));
    link.download = `ratings-${data.rater.replace(/[^A-Za-z0-9_-]+/g, "_")}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    unsaved = false;
    say(`Saved as ${link.download}.`);
  });
  byId("load").addEventListener("change", async () => {
    const [file] = byId("load").files;
    if (file === undefined) return;
    const found = takeText(await file.text());
    byId("load").value = "";
    if (found.reason !== undefined) { say(`${file.name} was not taken: ${found.reason}.`); return; }
    save();
    count();
    say(`${found.taken} ratings taken from ${file.name}` + (found.foreign ? `; ${found.foreign} are not of this page and were left out.` : "."));
  });
  addEventListener("storage", (event) => { // another tab with this page
    if (event.key !== storageKey || event.newValue === null) return;
    const here = at;
    takeText(event.newValue);
    at = here;
    if (view === "moment") moments[at].answers.forEach((_, k) => paintAnswer(k));
    count();
  });
  addEventListener("beforeunload", (event) => { if (!kept && unsaved) event.preventDefault(); });
  const wide = matchMedia("(min-width: 62rem)");
  const unfold = () => { byId("scale").open = wide.matches; };
  wide.addEventListener("change", unfold);

  restore();
  unfold();
  byId("bar").hidden = false;
  byId("begin").hidden = false;
  count();
})();
