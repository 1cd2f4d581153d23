choose("scale", (scale) => {
  all("figure.log, figure.linear").forEach((figure) => { figure.hidden = !figure.classList.contains(scale); });
});
function hideUnticked() {
  const off = all("input[data-hides]").filter((box) => !box.checked).map((box) => box.dataset.hides);
  all(".series").forEach((part) => {
    part.classList.toggle("off", off.some((name) => part.classList.contains(name)));
  });
}
all("input[data-hides]").forEach((box) => box.addEventListener("change", hideUnticked));
const search = document.querySelector("#search");
const levels = all("button[data-level]");
function filterEvents() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const pressed = levels.filter((button) => button.getAttribute("aria-pressed") === "true");
  const wanted = pressed.map((button) => button.dataset.level);
  const events = all("[data-event]");
  events.forEach((event) => {
    const text = event.textContent.toLowerCase();
    event.hidden = !wanted.includes(event.dataset.event) || !words.every((word) => text.includes(word));
  });
  const shown = events.filter((event) => !event.hidden).length;
  document.querySelector("#shown").textContent = `${shown} of ${events.length} shown`;
}
if (search) {
  search.addEventListener("input", filterEvents);
  levels.forEach((button) => button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    filterEvents();
  }));
  filterEvents();
}
