// Takes an image that is dropped, and says what goes on while it is refined.
const form = document.getElementById("drop");
const said = document.getElementById("said");

function send() {
  const [image] = form.elements.image.files;
  if (image && image.size > Number(form.dataset.max) * 2 ** 20) {
    said.textContent = `${image.name} is larger than ${form.dataset.max} MB.`;
    return false;
  }
  said.textContent = "Refining …";
  form.querySelector("button").disabled = true;
  return true;
}

if (form) {
  form.addEventListener("submit", (event) => {
    if (!send()) event.preventDefault();
  });
  for (const name of ["dragenter", "dragover"]) {
    form.addEventListener(name, (event) => {
      event.preventDefault();
      form.classList.add("over");
    });
  }
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    if (event.dataTransfer.files.length === 0) return;
    form.elements.image.files = event.dataTransfer.files;
    form.requestSubmit();
  });
  // Back from the result's page, the form can be used again.
  addEventListener("pageshow", () => {
    form.querySelector("button").disabled = false;
    said.textContent = "";
  });
}
