// What every page of the back office needs: times in the viewer's zone, ids that can be copied, forms sent once.
(() => {
  "use strict";

  const DAY = { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const zoned = new Intl.DateTimeFormat(undefined, DAY);

  function localise(root) {
    for (const time of root.querySelectorAll("time.pms-time:not([data-local])")) {
      time.textContent = zoned.format(new Date(time.dateTime));
      time.dataset.local = "1";
    }
  }

  document.addEventListener("DOMContentLoaded", () => localise(document));
  // The page is hidden until Alpine has looked at it: what asks for the focus could not get it before.
  document.addEventListener("alpine:initialized", () => {
    setTimeout(() => {
      if (document.activeElement === document.body) document.querySelector("[autofocus]")?.focus();
    });
  });
  document.addEventListener("htmx:afterSwap", (event) => localise(event.target));
  document.addEventListener("pms:filled", (event) => localise(event.target));

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    event.preventDefault();
    await navigator.clipboard.writeText(button.dataset.copy);
    button.dataset.done = "1";
    setTimeout(() => delete button.dataset.done, 1500);
  });

  // A second click on a slow page sends nothing; the server refuses a second copy too.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-once]")) return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "1";
    for (const button of form.querySelectorAll("button[type=submit]")) button.disabled = true;
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-once][data-sent]")) {
      delete form.dataset.sent;
      for (const button of form.querySelectorAll("button[type=submit]")) button.disabled = false;
    }
  });
})();
