"use strict";
const OPTIONS = { displayModeBar: false, responsive: true, plotlyServerURL: "" };
const plots = [...document.querySelectorAll(".plot")];
const told = (div) => JSON.parse(div.nextElementSibling.textContent);
let library;

// The plotting library lies compressed at the end of the page, and is unpacked when the first figure is near.
const unpacked = () => library ??= (async () => {
  const bytes = Uint8Array.from(atob(document.getElementById("plotly").textContent), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
})();

// On a dark ground greys are turned round and dark hues are lightened; paper is white whatever the screen.
const night = matchMedia("(prefers-color-scheme: dark)");
let printing = false;

function shade(colour) {
  const found = /^#(..)(..)(..)(..)?$/.exec(colour === "white" ? "#ffffff" : colour);
  if (!found || printing || !night.matches) return colour;
  const parts = found.slice(1, 4).map((part) => parseInt(part, 16) / 255);
  const [low, high] = [Math.min(...parts), Math.max(...parts)];
  const light = (low + high) / 2;
  const lift = Math.max(0, (0.62 - light) / (1 - light));
  const turned = high - low < 0.12 ? parts.map(() => 0.09 + 0.83 * (1 - light)) : parts.map((part) => part + (1 - part) * lift);
  return `rgba(${turned.map((part) => Math.round(255 * part))},${found[4] ? parseInt(found[4], 16) / 255 : 1})`;
}

function shaded(value) {
  if (typeof value === "string") return shade(value);
  if (Array.isArray(value)) return value.map(shaded);
  return value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shaded(inner)])) : value;
}

// Where there is little room, letters are smaller, and names beside a figure go.
function fitted(layout, width) {
  if (width >= 480) return layout;
  const beside = layout.margin.r > 60;
  const margin = { ...layout.margin, r: beside ? 8 : layout.margin.r };
  return { ...layout, margin, font: { ...layout.font, size: 10 }, annotations: beside ? [] : layout.annotations };
}

function draw(div) {
  const { data, layout } = shaded(told(div));
  Plotly.react(div, data, fitted(layout, div.clientWidth), OPTIONS);
  div.dataset.drawn = "yes";
  if (!performance.getEntriesByName("first-figure").length) performance.mark("first-figure");
}

// Colours beside figures follow those in them.
function paint() {
  document.querySelectorAll(".swatch").forEach((one) => { one.style.background = shade(one.dataset.colour); });
  document.querySelectorAll(".key svg *").forEach((one) => ["fill", "stroke"].forEach((name) => {
    const colour = one.dataset[name] ??= one.getAttribute(name) ?? "";
    if (colour) one.setAttribute(name, shade(colour));
  }));
  plots.filter((div) => div.dataset.drawn).forEach(draw);
}
paint();
night.addEventListener("change", paint);

function failed(div, why) {
  div.classList.add("failure");
  div.style.height = "auto";
  div.textContent = `This figure could not be drawn (${why}); its numbers are in the tables and files of the run.`;
}

const watcher = new IntersectionObserver((seen) => seen.filter((one) => one.isIntersecting).forEach(async ({ target }) => {
  watcher.unobserve(target);
  try { await unpacked(); if (!target.dataset.drawn) draw(target); } catch (why) { failed(target, why); }
}), { rootMargin: "300px 0px" });
plots.forEach((div) => watcher.observe(div));

function table({ data }) {
  const rows = [["series", "x", "y", "below", "above"]];
  for (const { name = "", x = [], y = [], error_y, error_x } of data) {
    const bars = error_y ?? error_x ?? {};
    y.forEach((value, i) => value === null || rows.push([name, x[i], value, (bars.arrayminus ?? bars.array)?.[i], bars.array?.[i]]));
  }
  const quoted = (cell) => /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
  return rows.map((row) => row.map((cell) => quoted(String(cell ?? ""))).join(",")).join("\n");
}

document.querySelectorAll("button[data-csv]").forEach((button) => button.addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([table(told(button.closest("figure").querySelector(".plot")))], { type: "text/csv" }));
  link.download = `${button.dataset.csv}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}));

function reveal() {
  const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let fold = place?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  place?.scrollIntoView();
}
addEventListener("hashchange", reveal);
document.querySelectorAll('a[href^="#"]').forEach((link) => link.addEventListener("click", () => setTimeout(reveal)));
if (location.hash) reveal();

const fit = (size) => plots.filter((div) => div.dataset.drawn).forEach((div) => Plotly.relayout(div, size(div)));
addEventListener("beforeprint", () => {
  printing = true;
  document.querySelectorAll("details:not(.long)").forEach((fold) => { fold.open = true; });
  if (window.Plotly) plots.filter((div) => div.offsetParent && !div.dataset.drawn).forEach(draw);
  paint();
  fit((div) => ({ width: div.closest(".panels") ? 210 : 660 }));
});
addEventListener("afterprint", () => {
  printing = false;
  paint();
  fit(() => ({ width: null, autosize: true }));
});
