/* Comforts only: every page works without this script. */

/* Filters are open in the markup, so that they work without script; a narrow screen folds them, a wide one never. */
const narrow = window.matchMedia("(max-width: 40.0525em)");
const fold = () => {
  for (const filter of document.querySelectorAll(".gs-filter")) {
    filter.open = !narrow.matches;
  }
};
fold();
narrow.addEventListener("change", fold);

/* A button that prints the page is shown only where it can. */
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

/* The decision stays in view beside the evidence where all of it fits into the window. */
const SPARE = 24; // pixels above and below it
const side = document.querySelector(".gs-decide__side");
if (side) {
  const stay = () => side.classList.toggle("gs-decide__side--stays", side.offsetHeight + SPARE <= window.innerHeight);
  new ResizeObserver(stay).observe(side);
  window.addEventListener("resize", stay);
}
