// Two runs side by side: curves in one chart, grids of the nearest steps.
import { CHARTS, Chart, nearest } from "/assets/charts.js";
import { address, stepsOf } from "/assets/samples.js";

const pair = document.getElementById("pair");

async function curves() {
  const runs = await Promise.all(
    [pair.dataset.a, pair.dataset.b].map(async (slug) => {
      const answer = await fetch(`/api/runs/${encodeURIComponent(slug)}/curves`);
      return answer.ok ? answer.json() : { ready: true, series: {} };
    }),
  );
  const names = [pair.dataset.nameA, pair.dataset.nameB];
  for (const figure of document.querySelectorAll("[data-chart]")) {
    const name = figure.dataset.chart;
    figure.chart ??= new Chart(figure.querySelector(".plot"), figure.querySelector("h3").textContent, name === "accuracy" ? 0.5 : undefined);
    const lines = runs.flatMap((run, i) =>
      CHARTS[name].map(([curve, label], j) => ({ label: `${label}, ${names[i]}`, colour: i, dash: j, series: run.series[curve] })),
    );
    figure.chart.set(lines);
  }
  if (!runs.every((run) => run.ready)) setTimeout(curves, 700);
}

function samples() {
  const grids = [...pair.querySelectorAll(".grid")].filter((grid) => stepsOf(grid).length > 0);
  const steps = [...new Set(grids.flatMap(stepsOf))].sort((a, b) => a - b);
  if (steps.length < 2) return;
  const box = pair.querySelector(".slider");
  const [slider, output] = [box.querySelector("input"), box.querySelector("output")];
  box.hidden = false;
  slider.max = String(steps.length - 1);
  slider.value = slider.max;
  const draw = () => {
    const step = steps[Number(slider.value)];
    output.textContent = `Step ${step.toLocaleString("en")}`;
    slider.setAttribute("aria-valuetext", output.textContent);
    for (const grid of grids) {
      const own = stepsOf(grid);
      const near = own[nearest(own, step)];
      const image = grid.querySelector("img");
      image.src = address(grid.dataset.slug, near);
      image.alt = `Sample grid of step ${near}`;
      grid.querySelector("output").textContent = near.toLocaleString("en");
    }
  };
  slider.addEventListener("input", draw);
  draw();
}

if (pair) {
  curves();
  samples();
}
