// The sample grid: a slider over the steps, and a view of single rows.

const ROWS = 4;
const GAP = 4; // white pixels around each image of a grid

/** The steps in an element's data-steps, and the address of each one's grid. */
export function stepsOf(element) {
  return element.dataset.steps.split(",").filter(Boolean).map(Number);
}

export function address(slug, step) {
  return `/runs/${encodeURIComponent(slug)}/samples/step-${step}.png`;
}

/** Shows one row of a grid, or all of them. */
function show(crop, image, view) {
  const { naturalWidth: width, naturalHeight: height } = image;
  if (!width) return;
  const row = view === "all" ? null : Number(view);
  crop.classList.toggle("one", row !== null);
  if (row === null) {
    crop.style.aspectRatio = "";
    image.style.transform = "";
    return;
  }
  const high = (height - GAP) / ROWS;
  crop.style.aspectRatio = `${width} / ${high + GAP}`;
  image.style.transform = `translateY(${(-100 * row * high) / height}%)`;
}

/** The grid of a run's page. */
export class Samples {
  constructor(element) {
    this.element = element;
    this.image = element.querySelector("img");
    if (!this.image) return;
    this.crop = element.querySelector(".crop");
    this.slider = element.querySelector("input[type=range]");
    this.output = element.querySelector("output");
    this.views = element.querySelector(".views");
    this.views.hidden = false;
    this.element.querySelector(".slider").hidden = false;
    this.setSteps(stepsOf(element));
    this.slider.value = this.slider.max;
    this.slider.addEventListener("input", () => this.draw());
    this.views.addEventListener("change", () => this.draw());
    this.image.addEventListener("load", () => this.crops());
    this.draw();
  }

  /** Takes the steps there are now; a slider at the newest stays at the newest. */
  setSteps(steps) {
    const isLast = this.steps === undefined || this.slider.value === this.slider.max;
    this.steps = steps;
    this.slider.max = String(steps.length); // 0 is before training
    if (isLast) this.slider.value = this.slider.max;
  }

  update(fresh) {
    const element = fresh.getElementById("samples");
    if (!element || element.dataset.steps === this.element.dataset.steps) return;
    this.element.dataset.steps = element.dataset.steps;
    if (!this.image) {
      location.reload(); // the first grid
      return;
    }
    this.setSteps(stepsOf(element));
    this.draw();
  }

  draw() {
    const at = Number(this.slider.value);
    const step = this.steps[Math.max(at - 1, 0)];
    const label = at === 0 ? "Before training" : `Step ${step.toLocaleString("en")}`;
    this.output.textContent = label;
    this.slider.setAttribute("aria-valuetext", label);
    const source = address(this.element.dataset.slug, step);
    if (this.image.getAttribute("src") !== source) this.image.src = source;
    this.image.alt =
      at === 0
        ? "Synthetic images, as they are before training"
        : `Sample grid of step ${step}: synthetic, refined, difference and real images from top to bottom`;
    this.crops();
    for (const near of [this.steps[at], this.steps[at - 2]]) {
      if (near !== undefined) new Image().src = address(this.element.dataset.slug, near);
    }
  }

  /** Before training there is nothing refined: the synthetic row stands for it. */
  crops() {
    const view = this.views.querySelector(":checked").value;
    const isBefore = Number(this.slider.value) === 0;
    show(this.crop, this.image, isBefore && view !== "3" ? "0" : view);
  }
}
