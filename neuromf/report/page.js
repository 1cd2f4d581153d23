"use strict";
// What reads without scripts stays as it is; controls appear only where they work.
const all = (selector) => [...document.querySelectorAll(selector)];
all(".controls[hidden]").forEach((controls) => { controls.hidden = false; });
function choose(name, apply) {
  const buttons = all(`button[data-${name}]`);
  buttons.forEach((button) => button.addEventListener("click", () => {
    buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    apply(button.dataset[name]);
  }));
}
choose("scheme", (theme) => {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
});
