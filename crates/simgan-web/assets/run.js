// A run's page: curves that grow, the sample grid, and words that stay up to date.
import { CHARTS, Chart } from "/assets/charts.js";
import { every, refresh } from "/assets/live.js";
import { Samples } from "/assets/samples.js";

const slug = document.body.dataset.run;
const root = `/api/runs/${encodeURIComponent(slug)}`;
/** Points of a curve from which on the server's thinner curves are fetched again. */
const MANY = 1200;

const charts = new Map();
for (const figure of document.querySelectorAll("[data-chart]")) {
  const name = figure.dataset.chart;
  const title = figure.querySelector("h3").textContent;
  charts.set(name, new Chart(figure.querySelector(".plot"), title, name === "accuracy" ? 0.5 : undefined));
}
const samples = new Samples(document.getElementById("samples"));

let curves = { read: 0, series: {}, phases: [] };

function draw() {
  for (const [name, chart] of charts) {
    const lines = CHARTS[name].map(([curve, label], i) => ({ label, colour: i, dash: i, series: curves.series[curve] }));
    chart.set(lines, curves.phases);
  }
}

let fetching = null;
/** Fetches all curves; calls that come while one is on its way share one more. */
async function load() {
  if (fetching) {
    fetching.again = true;
    return;
  }
  fetching = { again: false };
  const fresh = await fetched();
  const { again } = fetching;
  fetching = null;
  if (fresh) {
    curves = fresh;
    draw();
  }
  if (again) load();
  else if (fresh && !fresh.ready) setTimeout(load, 700); // a long file is being read
}

async function fetched() {
  try {
    const answer = await fetch(`${root}/curves`);
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // the server is away; the stream says when it is back
  }
}

let isStale = false;
/** Appends the points that are new; a gap means that some were missed. */
function append({ read, points }) {
  isStale = true;
  if (read > curves.read) return load();
  let longest = 0;
  for (const { step, values } of points.slice(curves.read - read)) {
    curves.read += 1;
    for (const [name, value] of Object.entries(values)) {
      const series = (curves.series[name] ??= { step: [], mean: [], min: [], max: [] });
      series.step.push(step);
      for (const list of [series.mean, series.min, series.max]) list.push(value);
      longest = Math.max(longest, series.step.length);
    }
  }
  if (longest > MANY) return load();
  requestAnimationFrame(draw);
}

async function words() {
  isStale = false;
  const fresh = await refresh();
  if (fresh) samples.update(fresh);
}

const lost = document.createElement("p");
lost.className = "lost";
lost.setAttribute("role", "status");
lost.textContent = "The server does not answer; trying again.";
lost.hidden = true;
document.querySelector("main").append(lost);

function follow() {
  const news = new EventSource(`${root}/news`);
  news.addEventListener("open", () => {
    lost.hidden = true;
  });
  news.addEventListener("error", () => {
    lost.hidden = false;
    if (news.readyState === EventSource.CLOSED) setTimeout(follow, 5000);
  });
  news.addEventListener("points", (event) => append(JSON.parse(event.data)));
  news.addEventListener("curves", load); // the first comes at once
  news.addEventListener("page", words);
  addEventListener("pagehide", () => news.close());
}

load();
follow();
every(4000, () => {
  if (isStale) words();
});
