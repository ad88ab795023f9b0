--- What stands in every page: its looks, and the few lines that show values and turn frames.
--
-- Nothing is loaded from elsewhere, which the page itself forbids (Content-Security-Policy), and no
-- text of the data is ever read as markup: it is put in as text.
local parts = {}

parts.policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
  .. "script-src 'unsafe-inline'"

parts.style = [[
body { font-family: sans-serif; color: #202020; background: #ffffff; margin: 16px; }
h1 { font-size: 18px; font-weight: normal; }
#controls { display: flex; align-items: center; gap: 12px; max-width: 100%; }
#controls[hidden] { display: none; }
#step { flex: 1; }
#label { min-width: 8em; }
#figure { position: relative; max-width: 100%; touch-action: pan-y; }
#picture { display: block; width: 100%; }
#cells { position: absolute; image-rendering: pixelated; pointer-events: none; }
#cursor { position: absolute; width: 0; border-left: 1px solid #404040; pointer-events: none; }
#tip { position: absolute; background: #ffffff; border: 1px solid #404040; padding: 4px 8px;
  font-size: 13px; white-space: pre; pointer-events: none; z-index: 1; }
#tip i { display: inline-block; width: 10px; height: 10px; margin-right: 6px; }
[hidden] { display: none; }
]]

parts.script = [[
"use strict";
const page = JSON.parse(document.getElementById("data").textContent);
const [figure, picture, cells, cursor, tip, step, label, play] =
  ["figure", "picture", "cells", "cursor", "tip", "step", "label", "play"]
    .map(id => document.getElementById(id));
let panels = [], turning = null;

const number = value => value === null ? "no number" : String(Number(value.toPrecision(6)));
const scale = () => picture.clientWidth / page.width;

// Where a value stands between the ends of an axis, from 0 to 1.
function share(axis, value) {
  const measure = axis.log ? Math.log : x => x;
  return (measure(value) - measure(axis.low)) / (measure(axis.high) - measure(axis.low));
}
const across = (panel, x) => panel.box[0] + share(panel.x, x) * (panel.box[2] - panel.box[0]);
const down = (panel, y) => panel.box[3] - share(panel.y, y) * (panel.box[3] - panel.box[1]);

// The colour of a value: as between neighbours in the palette's list.
function colour(paint, value) {
  if (value === null) return paint.missing;
  const last = paint.palette.length - 1;
  const part = Math.min(1, Math.max(0, (value - paint.low) / (paint.high - paint.low)));
  const first = Math.min(Math.floor(part * last), last - 1), rest = part * last - first;
  return paint.palette[first].map((low, i) =>
    Math.floor(low + rest * (paint.palette[first + 1][i] - low) + 0.5));
}

// Paints the cells of a map, one pixel each, which the page enlarges.
function paintCells(panel) {
  const [left, top, right, bottom] = panel.box, rows = panel.matrix;
  cells.width = rows[0].length;
  cells.height = rows.length;
  Object.assign(cells.style, {
    left: 100 * left / page.width + "%", width: 100 * (right - left) / page.width + "%",
    top: 100 * top / page.height + "%", height: 100 * (bottom - top) / page.height + "%",
  });
  const context = cells.getContext("2d");
  const image = context.createImageData(cells.width, cells.height);
  rows.flat().forEach((value, i) => image.data.set([...colour(page.paint, value), 255], 4 * i));
  context.putImageData(image, 0, 0);
}

// Shows one frame.
function show(index) {
  const frame = page.frames[index];
  panels = frame.panels || [Object.assign({}, page.panel, { matrix: frame.matrix })];
  const source = "data:image/svg+xml;charset=utf-8,"
    + encodeURIComponent(frame.picture || page.picture);
  if (picture.src !== source) picture.src = source;
  cells.hidden = !frame.matrix;
  if (frame.matrix) paintCells(panels[0]);
  label.textContent = frame.label || "";
  step.value = index;
  hideValues();
}

function hideValues() {
  tip.hidden = cursor.hidden = true;
}

// Writes lines beside the pointer, each a text or a colour and a text.
function showLines(lines, left, top) {
  tip.replaceChildren(...lines.map(line => {
    const row = document.createElement("div");
    if (line.colour) {
      const sample = document.createElement("i");
      sample.style.background = line.colour;
      row.append(sample);
    }
    row.append(line.text);
    return row;
  }));
  tip.hidden = false;
  const room = figure.clientWidth - tip.offsetWidth;
  tip.style.left = Math.max(0, Math.min(left + 14, room)) + "px";
  tip.style.top = top + 14 + "px";
}

// The curves' values at the place that is nearest to the pointer.
function curveLines(panel, x) {
  const distance = value => Math.abs(across(panel, value) - x);
  const has = value => value !== null && (!panel.x.log || value > 0);
  const places = panel.series.flatMap(series => series.x).filter(has);
  if (places.length === 0) return [];
  const place = places.reduce((a, b) => distance(b) < distance(a) ? b : a);
  cursor.hidden = false;
  Object.assign(cursor.style, {
    left: across(panel, place) * scale() + "px", top: panel.box[1] * scale() + "px",
    height: (panel.box[3] - panel.box[1]) * scale() + "px",
  });
  const lines = [{ text: (panel.xlabel || "x") + " " + number(place) }];
  for (const series of panel.series) {
    series.x.forEach((value, i) => {
      if (value !== place) return;
      const band = series.low && series.low[i] !== null
        ? " (" + number(series.low[i]) + " to " + number(series.high[i]) + ")" : "";
      lines.push({ colour: series.colour, text: series.name + ": " + number(series.y[i]) + band });
    });
  }
  return lines;
}

// The values of the point that is nearest to the pointer, if one is near.
function pointLines(panel, x, y) {
  let best = null, least = 20;
  for (const series of panel.series) {
    series.x.forEach((value, i) => {
      if (value === null || series.y[i] === null) return;
      const away = Math.hypot(across(panel, value) - x, down(panel, series.y[i]) - y);
      if (away < least) [best, least] = [{ series, i }, away];
    });
  }
  if (!best) return [];
  const { series, i } = best, lines = [{ colour: series.colour, text: series.name }];
  if (series.labels) lines.push({ text: series.labels[i] });
  const add = (list, name) => list && lines.push({ text: name + " " + number(list[i]) });
  add(series.x, panel.xlabel || "x");
  add(series.y, panel.ylabel || "y");
  add(series.values, panel.zlabel || "colour");
  add(series.size, panel.sizelabel || "size");
  return lines;
}

// The value of the cell under the pointer.
function cellLines(panel, x, y) {
  const rows = panel.matrix, [left, top, right, bottom] = panel.box;
  const row = Math.min(rows.length - 1, Math.floor((y - top) / (bottom - top) * rows.length));
  const column =
    Math.min(rows[0].length - 1, Math.floor((x - left) / (right - left) * rows[0].length));
  const name = (labels, first, index) =>
    (first + index) + (labels ? ": " + labels[index] : "");
  return [
    { text: (panel.ylabel || "row") + " " + name(panel.ylabels, panel.firstRow, row) },
    { text: (panel.xlabel || "column") + " " + name(panel.xlabels, panel.firstColumn, column) },
    { text: (panel.zlabel || "value") + " " + number(rows[row][column]) },
  ];
}

// The value at the place of a contour's grid that is nearest to the pointer.
function placeLines(panel, x, y) {
  const nearest = (places, away) => places.reduce(
    (best, _, i) => away(places[i]) < away(places[best]) ? i : best, 0);
  const column = nearest(panel.places.x, value => Math.abs(across(panel, value) - x));
  const row = nearest(panel.places.y, value => Math.abs(down(panel, value) - y));
  return [
    { text: (panel.xlabel || "x") + " " + number(panel.places.x[column]) },
    { text: (panel.ylabel || "y") + " " + number(panel.places.y[row]) },
    { text: (panel.zlabel || "z") + " " + number(panel.z[row][column]) },
  ];
}

const kinds =
  { lines: curveLines, scatter: pointLines, heatmap: cellLines, contour: placeLines };

figure.addEventListener("pointermove", event => {
  const place = picture.getBoundingClientRect();
  const [left, top] = [event.clientX - place.left, event.clientY - place.top];
  const [x, y] = [left / scale(), top / scale()];
  hideValues();
  const panel = panels.find(({ box }) =>
    x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3]);
  const lines = panel ? kinds[panel.kind](panel, x, y) : [];
  if (lines.length > 0) showLines(lines, left, top);
});
figure.addEventListener("pointerleave", hideValues);
step.addEventListener("input", () => show(Number(step.value)));
play.addEventListener("click", () => {
  if (turning) {
    clearInterval(turning);
    turning = null;
  } else {
    turning = setInterval(() => show((Number(step.value) + 1) % page.frames.length), 400);
  }
  play.textContent = turning ? "pause" : "play";
});
show(0);
]]

return parts
