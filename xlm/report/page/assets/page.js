"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const coarse = matchMedia("(pointer: coarse)").matches;

function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function layoutOf(own) {
  const ink = colour("--ink");
  const axis = {
    automargin: true,
    gridcolor: colour("--line"),
    zerolinecolor: colour("--line"),
    linecolor: colour("--line"),
    color: ink,
    fixedrange: coarse,
  };
  return {
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    font: { color: ink, family: getComputedStyle(document.body).fontFamily, size: 13 },
    margin: { l: 8, r: 16, t: 24, b: 8 },
    legend: { orientation: "h", x: 0, xanchor: "left", y: 1, yanchor: "bottom" },
    hoverlabel: { namelength: -1 },
    dragmode: coarse ? false : "zoom",
    ...own,
    xaxis: { ...axis, ...own.xaxis },
    yaxis: { ...axis, ...own.yaxis },
    shapes: (own.shapes || []).map((one) => ({ ...one, line: { color: ink, ...one.line } })),
  };
}

function draw(plot) {
  const { data, layout } = JSON.parse(plot.parentElement.querySelector("script").textContent);
  const ink = colour("--ink");
  for (const trace of data) {
    if (trace.error_x) trace.error_x.color = ink;
    if (trace.mode === "markers") trace.marker.line.color = ink;
  }
  plot.dataset.drawn = "yes";
  Plotly.react(plot, data, layoutOf(layout), {
    responsive: true,
    displaylogo: false,
    modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"],
    displayModeBar: coarse ? false : "hover",
  });
}

const plots = [...document.querySelectorAll(".plot")];
const nearby = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) {
        nearby.unobserve(entry.target);
        draw(entry.target);
      }
    }
  },
  { rootMargin: "600px" },
);
plots.forEach((plot) => nearby.observe(plot));
dark.addEventListener("change", () => plots.filter((plot) => plot.dataset.drawn).forEach(draw));
addEventListener("beforeprint", () => plots.filter((plot) => !plot.dataset.drawn).forEach(draw));
