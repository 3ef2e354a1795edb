"use strict";
// Plots of a report, as SVG: drawn when they come into view, drawn anew when the width changes.
const NS = "http://www.w3.org/2000/svg";
const colour = (n) => `var(--c${n % 8})`;

function make(name, attributes, parent, text) {
  const node = document.createElementNS(NS, name);
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  if (text !== undefined) node.textContent = text;
  if (parent) parent.appendChild(node);
  return node;
}

function seconds(v) {
  if (v === 0) return "0";
  if (v < 1e-3) return (v * 1e6).toPrecision(3) / 1 + " µs";
  if (v < 1) return (v * 1e3).toPrecision(3) / 1 + " ms";
  return (v < 100 ? v.toPrecision(3) / 1 : Math.round(v)) + " s";
}
const plain = (v) => (Math.abs(v) >= 1000 ? Math.round(v).toLocaleString("en") : +v.toPrecision(3) + "");

function ticks(least, most, count) {
  const span = most - least || 1;
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
  const found = [];
  for (let v = Math.ceil(least / step) * step; v <= most + step * 1e-6; v += step) found.push(v);
  return found;
}

/* One plot. `o`: title, x (numbers), series [{name, y, kind: line|area|bar|stack, colour}],
   fx and fy (words for values), marks [{x, label}], ticksX [[value, label]]. */
function plot(holder, o) {
  const box = document.createElement("div");
  box.className = "plot";
  const title = document.createElement("h3");
  title.textContent = o.title;
  box.appendChild(title);
  const svg = make("svg", {}, box);
  const legend = document.createElement("div");
  legend.className = "legend";
  for (const s of o.series) {
    const item = document.createElement("span");
    const dot = document.createElement("i");
    dot.style.background = s.colour;
    item.append(dot, s.name);
    legend.appendChild(item);
  }
  box.appendChild(legend);
  holder.appendChild(box);
  const draw = () => drawInto(box, svg, o);
  new ResizeObserver(draw).observe(svg);
}

function stacked(o) {
  const sums = o.x.map(() => 0);
  for (const s of o.series) {
    if (s.kind !== "stack") continue;
    s.base = sums.slice();
    s.y.forEach((v, n) => { sums[n] += v; });
    s.top = sums.slice();
  }
}

function drawInto(box, svg, o) {
  const width = svg.clientWidth, height = svg.clientHeight;
  if (!width) return;
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  stacked(o);
  const left = 54, right = 8, top = 8, bottom = 22;
  let most = 0;
  for (const s of o.series) for (const v of s.top || s.y) if (v > most) most = v;
  most = most * 1.05 || 1;
  const x0 = o.x[0] ?? 0, x1 = o.x[o.x.length - 1] ?? 1;
  const px = (v) => left + ((v - x0) / (x1 - x0 || 1)) * (width - left - right);
  const py = (v) => height - bottom - (v / most) * (height - top - bottom);
  for (const v of ticks(0, most, 4)) {
    make("line", { class: "grid", x1: left, x2: width - right, y1: py(v), y2: py(v) }, svg);
    make("text", { x: left - 6, y: py(v) + 4, "text-anchor": "end" }, svg, o.fy(v));
  }
  const labels = o.ticksX || ticks(x0, x1, Math.max(2, Math.floor(width / 110))).map((v) => [v, o.fx(v)]);
  for (const [v, words] of labels) {
    const at = px(v);
    make("text", { x: Math.min(width - right, at), y: height - 6,
      "text-anchor": at > width - 40 ? "end" : at < left + 20 ? "start" : "middle" }, svg, words);
  }
  for (const s of o.series) shape(svg, o, s, px, py, (width - left - right) / Math.max(1, o.x.length));
  for (const mark of o.marks || []) {
    if (mark.x < x0 || mark.x > x1) continue;
    const line = make("line", { class: "mark", x1: px(mark.x), x2: px(mark.x), y1: top, y2: height - bottom }, svg);
    make("title", {}, line, mark.label);
    make("text", { x: px(mark.x) + 4, y: top + 10 }, svg, mark.label);
  }
  hover(box, svg, o, px, { left, right, top, bottom, width, height });
}

function shape(svg, o, s, px, py, step) {
  const n = o.x.length;
  if (s.kind === "bar") {
    s.y.forEach((v, i) => {
      if (v) make("rect", { x: px(o.x[i]) - step / 2 + 0.5, width: Math.max(1, step - 1), y: py(v),
        height: Math.max(0, py(0) - py(v)), fill: s.colour }, svg);
    });
    return;
  }
  if (s.kind === "dots") {
    s.y.forEach((v, i) => { if (v !== null) make("circle", { cx: px(o.x[i]), cy: py(v), r: 3, fill: s.colour }, svg); });
    return;
  }
  const upper = s.top || s.y;
  if (n === 1) {
    const y = py(upper[0]);
    if (s.kind === "line") make("circle", { cx: px(o.x[0]), cy: y, r: 3, fill: s.colour }, svg);
    else make("rect", { x: px(o.x[0]), width: 24, y, height: py(s.base ? s.base[0] : 0) - y, fill: s.colour }, svg);
    return;
  }
  let path = "";
  for (let i = 0; i < n; i++) path += `${i ? "L" : "M"}${px(o.x[i]).toFixed(1)} ${py(upper[i]).toFixed(1)}`;
  if (s.kind === "line") {
    make("path", { d: path, fill: "none", stroke: s.colour, "stroke-width": 1.8, "stroke-linejoin": "round" }, svg);
    return;
  }
  for (let i = n - 1; i >= 0; i--) path += `L${px(o.x[i]).toFixed(1)} ${py(s.base ? s.base[i] : 0).toFixed(1)}`;
  make("path", { d: path + "Z", fill: s.colour, "fill-opacity": s.kind === "stack" ? 0.85 : 0.25,
    stroke: s.colour, "stroke-width": s.kind === "stack" ? 0 : 1.4 }, svg);
}

function hover(box, svg, o, px, g) {
  let tip = box.querySelector(".tip");
  const cursor = make("line", { class: "cursor", y1: g.top, y2: g.height - g.bottom, visibility: "hidden" }, svg);
  const move = (event) => {
    const at = event.clientX - svg.getBoundingClientRect().left;
    let best = 0, near = Infinity;
    o.x.forEach((v, n) => { const d = Math.abs(px(v) - at); if (d < near) { near = d; best = n; } });
    if (!tip) { tip = document.createElement("div"); tip.className = "tip"; box.appendChild(tip); }
    const lines = [o.head ? o.head(o.x[best], best) : o.fx(o.x[best])];
    for (const s of o.series) if (s.y[best] !== null) lines.push(`${s.name}: ${(s.f || o.fy)(s.y[best])}`);
    tip.textContent = "";
    for (const line of lines) { const row = document.createElement("div"); row.textContent = line; tip.appendChild(row); }
    const place = px(o.x[best]);
    cursor.setAttribute("x1", place);
    cursor.setAttribute("x2", place);
    cursor.setAttribute("visibility", "visible");
    tip.hidden = false;
    tip.style.left = place > g.width / 2 ? "" : `${place + 10}px`;
    tip.style.right = place > g.width / 2 ? `${g.width - place + 10}px` : "";
  };
  const leave = () => { if (tip) tip.hidden = true; cursor.setAttribute("visibility", "hidden"); };
  svg.onpointermove = move;
  svg.onpointerdown = move;
  svg.onpointerleave = leave;
}

function workload(section) {
  const d = JSON.parse(section.querySelector("script.series").textContent);
  const holder = section.querySelector(".plots");
  const it = d.iterations;
  if (!it.x.length) return;
  const some = it.size > 1;
  const number = (v) => (some ? `iterations ${v}–${v + it.size - 1}` : `iteration ${v}`);
  plot(holder, {
    title: some ? `Durations (mean and longest of ${it.size} iterations)` : "Duration of each iteration",
    x: it.x, fx: plain, fy: seconds, head: number,
    series: [
      ...(some ? [{ name: "longest", y: it.max, kind: "line", colour: colour(7) }] : []),
      { name: some ? "mean" : "duration", y: it.mean, kind: "area", colour: colour(0) },
      ...(it.failed.some((v) => v) ? [{ name: "failed", kind: "dots", colour: "var(--bad)",
        y: it.failed.map((v, n) => (v ? it.mean[n] : null)), f: seconds }] : []),
    ],
  });
  const marks = d.hooks.map((h) => ({ x: h.at, label: h.label }));
  const top = Math.max(...d.load.running);
  plot(holder, {
    title: `Load: iterations at once (most ${plain(top)})`, x: d.load.t, fx: seconds, fy: plain, marks,
    series: [{ name: "running", y: d.load.running, kind: "area", colour: colour(2) }],
  });
  plot(holder, {
    title: "Iterations ended per second", x: d.load.tr, fx: seconds, fy: plain, marks,
    series: [
      { name: "all", y: d.load.rate, kind: "area", colour: colour(0) },
      ...(d.load.lost.some((v) => v) ? [{ name: "failed", y: d.load.lost, kind: "area", colour: "var(--bad)" }] : []),
    ],
  });
  if (d.actions.names.length) plot(holder, {
    title: "Where the time goes: actions, stacked", x: it.x, fx: plain, fy: seconds, head: number,
    series: d.actions.names.map((name, n) => ({ name, y: d.actions.values[n], kind: "stack",
      colour: name === "other" ? colour(7) : colour(n) })),
  });
  if (d.percentiles.length) {
    // Each further nine has the same room.
    const far = (p) => -Math.log10(1 - Math.min(p, 99.999) / 100);
    plot(holder, {
      title: "So many iterations took at most …", x: d.percentiles.map((p) => far(p[0])), fx: plain, fy: seconds,
      ticksX: [[far(0), "0"], [far(50), "50 %"], [far(90), "90 %"], [far(99), "99 %"], [far(99.9), "99.9 %"], [far(99.99), "99.99 %"]],
      head: (_, n) => `${d.percentiles[n][0]} % of the iterations`,
      series: [{ name: "at most", y: d.percentiles.map((p) => p[1]), kind: "line", colour: colour(3) }],
    });
    const h = d.histogram, step = (h.most - h.least) / h.counts.length;
    if (step > 0) plot(holder, {
      title: "How often which duration", x: h.counts.map((_, n) => h.least + (n + 0.5) * step), fx: seconds, fy: plain,
      head: (_, n) => `${seconds(h.least + n * step)} – ${seconds(h.least + (n + 1) * step)}`,
      series: [{ name: "iterations", y: h.counts, kind: "bar", colour: colour(5) }],
    });
  }
  for (const chart of d.outputs.additive) {
    if (chart.kind !== "Lines" && chart.kind !== "StackedArea") continue;
    plot(holder, {
      title: chart.title, x: chart.rows.map((_, n) => n + 1), fx: plain, fy: plain,
      head: (v) => `iteration ${v}`,
      series: chart.names.map((name, n) => ({ name, y: chart.rows.map((row) => row[n] ?? 0),
        kind: chart.kind === "Lines" ? "line" : "stack", colour: colour(n) })),
    });
  }
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); workload(entry.target); }
}, { rootMargin: "600px" });
document.querySelectorAll("section.workload").forEach((section) => seen.observe(section));
addEventListener("beforeprint", () => document.querySelectorAll("section.workload").forEach((section) => {
  if (!section.querySelector(".plot")) { seen.unobserve(section); workload(section); }
}));

/* Trends: the same workload in several runs. */
document.querySelectorAll("section.trend").forEach((section) => {
  const d = JSON.parse(section.querySelector("script.series").textContent);
  const x = d.labels.map((_, n) => n + 1);
  if (x.length < 2) return;
  const holder = section.querySelector(".plots");
  const head = (v, n) => d.labels[n] + (d.verdicts[n] ? ` (${d.verdicts[n]})` : "");
  const known = (values) => values.map((v) => v ?? 0);
  plot(holder, {
    title: "Durations", x, fx: plain, fy: seconds, head,
    series: [
      { name: "95 % within", y: known(d.p95), kind: "line", colour: colour(7) },
      { name: "mean", y: known(d.mean), kind: "line", colour: colour(0) },
      { name: "median", y: known(d.median), kind: "line", colour: colour(2) },
      { name: "slower", y: d.verdicts.map((v, n) => (v === "slower" ? d.mean[n] : null)), kind: "dots", colour: "var(--bad)" },
      { name: "faster", y: d.verdicts.map((v, n) => (v === "faster" ? d.mean[n] : null)), kind: "dots", colour: "var(--good)" },
    ],
  });
  plot(holder, {
    title: "Failed iterations in percent", x, fx: plain, fy: (v) => plain(v) + " %", head,
    series: [{ name: "failed", y: d.failed, kind: "area", colour: "var(--bad)" }],
  });
});
