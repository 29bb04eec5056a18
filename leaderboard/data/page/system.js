// Shows one segment at a time: a timeline drawn from the page's own data, and the same as a table.
(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  if (!data.segments.length) return;
  document.documentElement.classList.add("js");
  const space = "http://www.w3.org/2000/svg";
  const order = document.getElementById("t-order"), chooser = document.getElementById("t-segment");
  const picture = document.getElementById("timeline"), events = document.getElementById("events");
  const segments = data.segments.map((segment) => ({
    ...segment,
    hits: segment.pairs.length,
    wrong: segment.references.length + segment.predictions.length + segment.cut - 2 * segment.pairs.length,
  }));

  function told(s) {
    return s.id + " " + s.exercise + ": " + s.hits + " of " + s.references.length + " matched, " +
      (s.predictions.length + s.cut - s.hits) + " false alarms";
  }

  function list(keep) {
    const by = { worst: (a, b) => b.wrong - a.wrong || b.hits - a.hits, best: (a, b) => a.wrong - b.wrong || b.hits - a.hits, id: () => 0 };
    const sorted = segments.slice().sort(by[order.value]);
    chooser.replaceChildren(...sorted.map((s) => new Option(told(s), s.id)));
    chooser.value = keep && segments.some((s) => s.id === keep) ? keep : sorted[0].id;
    show();
  }

  function draw(name, attributes, parent, title) {
    const node = document.createElementNS(space, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (title) {
      const text = document.createElementNS(space, "title");
      text.textContent = title;
      node.append(text);
    }
    parent.append(node);
    return node;
  }

  function cell(row, text, kind, marks) {
    const td = row.insertCell();
    const inner = document.createElement("bdi");
    if (marks) underline(inner, Array.from(text), marks);
    else inner.textContent = text;
    td.append(inner);
    if (kind) td.className = kind;
  }

  // Claims, underlined by what became of them; Python counts code points.
  function underline(parent, text, marks) {
    let done = 0;
    for (const [start, end, state, title] of marks) {
      const mark = document.createElement("mark");
      mark.className = ["against", "agreed", "alone"][state];
      mark.title = data.claims.titles[title];
      mark.textContent = text.slice(start, end).join("");
      parent.append(text.slice(done, start).join(""), mark);
      done = end;
    }
    parent.append(text.slice(done).join(""));
  }

  // The pose at the chosen moment, where the data have poses.
  const parents = [-1, 0, 1, 2, 3, 4, 0, 6, 7, 8, 9, 0, 11, 12, 12, 14, 15, 16, 17, 12, 19, 20, 21, 22];
  const right = new Set([1, 2, 3, 4, 5, 14, 15, 16, 17, 18]), left = new Set([6, 7, 8, 9, 10, 19, 20, 21, 22, 23]);
  const box = document.getElementById("figure"), canvas = document.getElementById("figure-canvas");
  const slider = document.getElementById("figure-time"), play = document.getElementById("figure-play");
  const toldFigure = document.getElementById("figure-told");
  let figure = null, points = null, timer = null;

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "play";
  }

  function pose(frame) {
    const at = Math.max(0, Math.min(figure.right.length - 1, frame));
    slider.value = String(at);
    const pen = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    const place = (joint) => [points[(at * 24 + joint) * 2], points[(at * 24 + joint) * 2 + 1]];
    const seconds = (figure.from + at / figure.hz).toFixed(1) + " s";
    if (figure.right[at] === null) {
      toldFigure.textContent = seconds + ": no pose";
      return;
    }
    pen.lineWidth = 5;
    pen.lineCap = "round";
    const on = ([x, y]) => [160 + x * 2.2, 150 + y * 2.2];
    for (let joint = 1; joint < 24; joint += 1) {
      pen.strokeStyle = style.getPropertyValue(right.has(joint) ? "--c0" : left.has(joint) ? "--c1" : "--dim");
      pen.beginPath();
      pen.moveTo(...on(place(parents[joint])));
      pen.lineTo(...on(place(joint)));
      pen.stroke();
    }
    pen.fillStyle = style.getPropertyValue("--dim");
    pen.beginPath();
    pen.arc(...on(place(13)), 12, 0, 7);
    pen.fill();
    toldFigure.textContent = seconds + ": " + figure.angle + " right " + figure.right[at] + "°, left " + figure.left[at] + "°";
  }

  function goTo(seconds) {
    if (figure) pose(Math.round((seconds - figure.from) * figure.hz));
  }

  function showFigure(id) {
    stop();
    figure = data.figures[id] || null;
    box.hidden = !figure;
    if (!figure) return;
    points = Int8Array.from(atob(figure.points), (c) => c.charCodeAt(0));
    slider.max = String(figure.right.length - 1);
    pose(0);
  }

  play.addEventListener("click", () => {
    if (timer) return stop();
    play.textContent = "pause";
    timer = setInterval(() => {
      if (Number(slider.value) >= figure.right.length - 1) stop();
      else pose(Number(slider.value) + 1);
    }, 1000 / figure.hz);
  });
  slider.addEventListener("input", () => pose(Number(slider.value)));

  function show() {
    const s = segments.find((one) => one.id === chooser.value);
    const width = Math.max(300, picture.clientWidth), height = 130, left = 16, right = width - 16;
    const seconds = Math.max(s.seconds, ...s.predictions.map((p) => p[0]), 1);
    const early = Math.min(0, ...s.predictions.map((p) => p[0]));
    const x = (t) => left + ((t - early) / (seconds - early)) * (right - left);
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("viewBox", "0 0 " + width + " " + height);
    svg.setAttribute("height", String(height));
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", told(s) + "; the table below says the same in words");
    draw("line", { x1: left, x2: right, y1: 65, y2: 65, class: "axis" }, svg);
    const step = seconds > 90 ? 30 : seconds > 45 ? 10 : 5;
    for (let t = 0; t <= seconds; t += step) {
      draw("line", { x1: x(t), x2: x(t), y1: 61, y2: 69, class: "axis" }, svg);
      draw("text", { x: x(t), y: 124, class: "t dim", "text-anchor": "middle" }, svg).textContent = t + " s";
    }
    const ofReference = new Map(s.pairs), ofPrediction = new Map(s.pairs.map(([i, j]) => [j, i]));
    for (const [i, j] of s.pairs) draw("line", { x1: x(s.references[i][0]), x2: x(s.predictions[j][0]), y1: 34, y2: 96, class: "match" }, svg);
    s.references.forEach(([t, text], i) => draw("circle", { cx: x(t), cy: 34, r: 6, class: ofReference.has(i) ? "ref" : "miss" }, svg, t.toFixed(1) + " s: " + text));
    s.predictions.forEach(([t, text], j) => {
      const at = x(t), name = t.toFixed(1) + " s: " + text;
      if (ofPrediction.has(j)) draw("circle", { cx: at, cy: 96, r: 6, class: "hit" }, svg, name);
      else draw("path", { d: "M" + (at - 5) + " 91l10 10m0 -10l-10 10", class: "alarm" }, svg, name);
    });
    picture.replaceChildren(svg);

    const table = document.createElement("table");
    table.className = "events";
    table.createCaption().textContent = told(s) + (s.cut ? "; " + s.cut + " more remarks are not shown" : "");
    const head = table.createTHead().insertRow();
    for (const name of ["wanted", "what", "said", "what"]) {
      const th = document.createElement("th");
      th.scope = "col";
      th.textContent = name;
      head.append(th);
    }
    const [wanting, saying] = data.claims.segments[s.id] || [{}, {}];
    const lines = s.references.map(([t, text], i) => {
      const j = ofReference.get(i);
      return j === undefined ? [t, t.toFixed(1), text, "", "missed", "miss", wanting[i]] : [t, t.toFixed(1), text, s.predictions[j][0].toFixed(1), s.predictions[j][1], "hit", wanting[i], saying[j]];
    });
    s.predictions.forEach(([t, text], j) => { if (!ofPrediction.has(j)) lines.push([t, "", "", t.toFixed(1), text, "alarm", null, saying[j]]); });
    lines.sort((a, b) => a[0] - b[0]);
    const body = table.createTBody();
    for (const [seconds, wanted, what, said, text, kind, wantedMarks, saidMarks] of lines) {
      const row = body.insertRow();
      row.addEventListener("click", () => goTo(seconds));
      cell(row, wanted);
      cell(row, what, "", wantedMarks);
      cell(row, said, kind);
      cell(row, text, kind, saidMarks);
    }
    events.replaceChildren(table);
    showFigure(s.id);
  }

  function move(by) {
    const next = chooser.selectedIndex + by;
    if (next >= 0 && next < chooser.length) {
      chooser.selectedIndex = next;
      show();
    }
  }

  document.getElementById("controls").addEventListener("submit", (event) => event.preventDefault());
  order.addEventListener("change", () => list());
  chooser.addEventListener("change", show);
  document.getElementById("t-previous").addEventListener("click", () => move(-1));
  document.getElementById("t-next").addEventListener("click", () => move(1));
  let last = picture.clientWidth;
  window.addEventListener("resize", () => { if (picture.clientWidth !== last) { last = picture.clientWidth; show(); } });
  list();
})();
