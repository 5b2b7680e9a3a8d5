// Arrow keys, and the time from the image's appearance to the answer. Without this script the page's form does
// the rest.
"use strict";

const form = document.getElementById("question");
const answers = form.querySelectorAll("button[name=said]");
const images = [...form.querySelectorAll("img")];
let shown = null;
let isSent = false;

// An image counts as shown when the frame that has it is painted. Without it, keys give no answer.
Promise.all(images.map((image) => image.decode()))
  .then(() => requestAnimationFrame(() => { shown = performance.now(); }), () => {});

form.addEventListener("submit", (event) => {
  if (isSent) {
    event.preventDefault();
    return;
  }
  isSent = true;
  if (shown !== null) {
    form.elements.response_ms.value = Math.round(performance.now() - shown);
  }
});

document.addEventListener("keydown", (event) => {
  const place = { ArrowLeft: 0, ArrowRight: 1 }[event.key];
  // Holding a key down, or one pressed before anything was to be seen, is no answer.
  if (place === undefined || event.repeat || event.altKey || event.ctrlKey || event.metaKey || shown === null) {
    return;
  }
  event.preventDefault();
  form.requestSubmit(answers[place]);
});

// A page that comes back from the browser's memory would show an old question.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    location.reload();
  }
});
