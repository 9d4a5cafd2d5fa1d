// The builder of offers: shows the fields that mean something for the chosen occasion and kind. Without scripts all are shown.
"use strict";

for (const form of document.querySelectorAll("form[data-builder]")) {
  const kinds = ["trigger__kind", "award__kind"].map((name) => form.elements.namedItem(name));
  const show = () => {
    const chosen = kinds.map((kind) => kind.value);
    for (const field of form.querySelectorAll("[data-shown-for]")) {
      field.hidden = !field.dataset.shownFor.split(" ").some((kind) => chosen.includes(kind)) && !field.querySelector(".errorlist");
    }
  };
  kinds.forEach((kind) => kind.addEventListener("change", show));
  show();
}
