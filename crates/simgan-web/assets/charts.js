// Line charts as SVG: colours and dashes tell lines apart, a band shows the range that a point stands for.

const NS = "http://www.w3.org/2000/svg";
const DASHES = ["", "7 4", "2 3", "10 3 2 3"];
const [LEFT, RIGHT, TOP, BOTTOM, HEIGHT] = [52, 14, 12, 28, 240];

/** The lines of each chart: name of the curve, and its label. */
export const CHARTS = {
  refiner: [
    ["refiner/loss", "Loss"],
    ["refiner/adversarial", "Adversarial"],
    ["refiner/self_regularization", "Self-regularization"],
  ],
  discriminator: [
    ["discriminator/loss", "Loss"],
    ["discriminator/loss_real", "On real"],
    ["discriminator/loss_refined", "On refined"],
  ],
  accuracy: [
    ["accuracy/real", "On real"],
    ["accuracy/refined", "On refined"],
    ["accuracy/history", "On the history"],
  ],
  change: [["refiner/change", "Mean |R(x) − x|"]],
};

function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function html(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** Round numbers from `low` to `high`, about `n` of them. */
export function ticks(low, high, n) {
  const rough = (high - low) / n || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const found = [];
  for (let at = Math.ceil(low / step); at * step <= high + step * 1e-9; at += 1) found.push(at * step);
  return found;
}

export function short(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return `${+(value / 1e6).toPrecision(3)}M`;
  if (size >= 1e4) return `${+(value / 1e3).toPrecision(3)}k`;
  if (size !== 0 && size < 1e-3) return value.toExponential(1);
  return String(+value.toPrecision(3));
}

/** The range of values shown. A few values far above all others do not flatten the rest. */
function range(lines, chance) {
  const means = lines.flatMap((line) => line.series.mean).sort((a, b) => a - b);
  const at = (share) => means[Math.min(means.length - 1, Math.floor(share * means.length))];
  let [low, high] = [means[0], means[means.length - 1]];
  const usual = at(0.97);
  if (high - low > 3 * (usual - low) && usual > low) high = low + 1.4 * (usual - low);
  if (chance !== undefined) [low, high] = [Math.min(low, 0.4), Math.max(high, 0.6)];
  const room = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
  return chance !== undefined ? [Math.max(0, low - room), Math.min(1, high + room)] : [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}

let n_charts = 0;

/** A chart in `plot`. */
export class Chart {
  /** `chance` is a value that is marked, if there is one. */
  constructor(plot, title, chance) {
    Object.assign(this, { plot, title, chance, lines: [], phases: [], cursor: null });
    this.id = `clip-${(n_charts += 1)}`;
    this.keys = html("ul", "keys");
    this.said = html("p", "note readout");
    this.said.setAttribute("aria-live", "polite");
    this.svg = element("svg", { role: "img", tabindex: "0" });
    this.empty = html("div", "empty", "Reading …");
    plot.replaceChildren(this.keys, this.svg, this.said, this.empty);
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => this.read(null));
    this.svg.addEventListener("blur", () => this.read(null));
    this.svg.addEventListener("keydown", (event) => this.press(event));
    // In the next frame, because drawing changes the height.
    new ResizeObserver(() => requestAnimationFrame(() => this.draw())).observe(plot);
  }

  /** Shows `lines`: `{label, colour, dash, series: {step, mean, min, max}}`; `phases` are `[name, first step]`. */
  set(lines, phases = []) {
    this.lines = lines.filter((line) => line.series && line.series.step.length > 0);
    this.phases = phases;
    this.empty.textContent = "No values yet";
    this.draw();
  }

  draw() {
    const has = this.lines.length > 0;
    this.empty.hidden = has;
    for (const part of [this.svg, this.keys, this.said]) part.toggleAttribute("hidden", !has);
    if (!has) return;
    this.measure();
    this.svg.replaceChildren(this.clip(), ...this.axes(), ...this.marks(), ...this.curves(), this.cursorMark());
    this.drawKeys();
  }

  measure() {
    this.width = Math.max(this.plot.clientWidth, 240);
    const ends = this.lines.map((line) => line.series.step);
    this.first = Math.min(...ends.map((steps) => steps[0]));
    this.last = Math.max(...ends.map((steps) => steps[steps.length - 1]), this.first + 1);
    [this.low, this.high] = range(this.lines, this.chance);
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    const steps = this.last.toLocaleString("en");
    this.svg.setAttribute("aria-label", `${this.title} up to step ${steps}. Arrow keys read values.`);
  }

  x(step) {
    return LEFT + ((step - this.first) / (this.last - this.first)) * (this.width - LEFT - RIGHT);
  }

  y(value) {
    return HEIGHT - BOTTOM - ((value - this.low) / (this.high - this.low)) * (HEIGHT - TOP - BOTTOM);
  }

  clip() {
    const area = { x: LEFT, y: TOP - 4, width: this.width - LEFT - RIGHT + 6, height: HEIGHT - TOP - BOTTOM + 8 };
    return element("clipPath", { id: this.id }, element("rect", area));
  }

  axes() {
    const parts = [];
    for (const value of ticks(this.low, this.high, 5)) {
      const y = this.y(value);
      parts.push(element("line", { class: "gridline", x1: LEFT, x2: this.width - RIGHT, y1: y, y2: y }));
      parts.push(element("text", { x: LEFT - 8, y: y + 4, "text-anchor": "end" }, short(value)));
    }
    for (const step of ticks(this.first, this.last, Math.max(2, Math.floor(this.width / 90)))) {
      const at = { x: this.x(step), y: HEIGHT - 8, "text-anchor": "middle" };
      parts.push(element("text", at, short(step)));
    }
    return parts;
  }

  /** Where a phase begins, and what chance would give. */
  marks() {
    const parts = [];
    for (const [name, step] of this.phases.slice(1)) {
      const x = this.x(Math.max(step, this.first));
      if (x < LEFT || x > this.width - RIGHT) continue;
      parts.push(element("line", { class: "phase", x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM }));
      if (name === "adversarial") parts.push(element("text", { x: x + 5, y: TOP + 8 }, "adversarial →"));
    }
    if (this.chance !== undefined) {
      const y = this.y(this.chance);
      parts.push(element("line", { class: "chance", x1: LEFT, x2: this.width - RIGHT, y1: y, y2: y }));
      parts.push(element("text", { x: this.width - RIGHT, y: y - 5, "text-anchor": "end" }, "chance"));
    }
    return parts;
  }

  /** Bands and lines. A line is cut where its network was not trained for a while. */
  curves() {
    return this.lines.flatMap(({ series, colour, dash }) => {
      const { step, mean, min, max } = series;
      const points = (values, from, to) =>
        values.slice(from, to).map((value, i) => `${this.x(step[from + i]).toFixed(1)},${this.y(value).toFixed(1)}`);
      const inside = { "clip-path": `url(#${this.id})` };
      const look = { class: `curve c${colour}`, "stroke-dasharray": DASHES[dash], ...inside };
      const pieces = unbroken(step);
      return pieces.flatMap(([from, to], i) => {
        const line = points(mean, from, to);
        const isLast = i === pieces.length - 1; // the one that grows
        const drawn = isLast
          ? element("polyline", { points: line.join(" "), ...look })
          : element("path", { d: `M${line.join("L")}`, ...look });
        if (!max.slice(from, to).some((value, j) => value !== min[from + j])) return [drawn];
        const band = [...points(max, from, to), ...points(min, from, to).reverse()].join(" ");
        return [element("polygon", { class: `spread c${colour}`, points: band, ...inside }), drawn];
      });
    });
  }

  drawKeys() {
    const keys = this.lines.map((line) => {
      const stroke = { class: `curve c${line.colour}`, x1: 0, x2: 30, y1: 5, y2: 5, "stroke-dasharray": DASHES[line.dash] };
      const sample = element("svg", { viewBox: "0 0 30 10", "aria-hidden": "true" }, element("line", stroke));
      const at = this.cursor === null ? line.series.step.length - 1 : nearest(line.series.step, this.cursor);
      return html("li", "", sample, html("span", "", line.label), html("b", "", short(line.series.mean[at])));
    });
    this.keys.replaceChildren(...keys);
  }

  cursorMark() {
    if (this.cursor === null) return element("g");
    const x = this.x(this.cursor);
    const dots = this.lines.map(({ series, colour }) => {
      const at = nearest(series.step, this.cursor);
      return element("circle", { class: `dot c${colour}`, r: 4, cx: this.x(series.step[at]), cy: this.y(series.mean[at]) });
    });
    return element("g", {}, element("line", { class: "cursor", x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM }), ...dots);
  }

  point(event) {
    const box = this.svg.getBoundingClientRect();
    const share = ((event.clientX - box.left) * (this.width / box.width) - LEFT) / (this.width - LEFT - RIGHT);
    this.read(this.first + Math.min(1, Math.max(0, share)) * (this.last - this.first));
  }

  press(event) {
    const steps = this.lines[0].series.step;
    const at = this.cursor === null ? steps.length - 1 : nearest(steps, this.cursor);
    const far = Math.max(1, Math.round(steps.length / 10));
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at + far, PageDown: at - far, Home: 0, End: steps.length - 1 }[event.key];
    if (event.key === "Escape") this.read(null);
    if (to === undefined) return;
    event.preventDefault();
    this.read(steps[Math.min(steps.length - 1, Math.max(0, to))]);
  }

  /** Marks the nearest step and says its values; `null` goes back to the newest. */
  read(step) {
    if (this.lines.length === 0 || (step === null && this.cursor === null)) return;
    const steps = this.lines[0].series.step;
    this.cursor = step === null ? null : steps[nearest(steps, step)];
    this.said.textContent = this.cursor === null ? "" : `Step ${this.cursor.toLocaleString("en")}`;
    this.svg.lastChild.replaceWith(this.cursorMark());
    this.drawKeys();
  }
}

/** The pieces of a list of steps without a gap far wider than most: `[from, to)`. */
export function unbroken(steps) {
  const gaps = steps.slice(1).map((step, i) => step - steps[i]);
  const usual = [...gaps].sort((a, b) => a - b)[gaps.length >> 1] ?? 1;
  const ends = gaps.flatMap((gap, i) => (gap > 4 * usual ? [i + 1] : []));
  return [0, ...ends].map((from, i) => [from, ends[i] ?? steps.length]);
}

/** Index of the step nearest to `step` in an ascending list. */
export function nearest(steps, step) {
  let [low, high] = [0, steps.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (steps[middle] <= step) low = middle;
    else high = middle;
  }
  return Math.abs(steps[high] - step) < Math.abs(steps[low] - step) ? high : low;
}
