// Keys for queues. A page declares them: data-key on what a key presses, data-key-rows on the table that j and k walk
// through (each row: data-open and, where it may be done, data-claim, data-approve, data-reject), and a dialog
// #pms-keys that lists them. Whoever does not want single keys switches them off there.
(() => {
  "use strict";

  const OFF = "pms-keys-off";
  const dialog = () => document.getElementById("pms-keys");
  const rows = () => [...document.querySelectorAll("[data-key-rows] tbody tr[data-open]")];
  const current = () => document.activeElement?.closest("tr[data-open]");

  function walk(step) {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(current());
    const to = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
    to.querySelector("[data-key-focus]").focus();
    to.scrollIntoView({ block: "nearest" });
  }

  function post(action) {
    const form = document.getElementById("pms-keys-form");
    form.action = action;
    form.requestSubmit();
  }

  function onRow(row, key) {
    if (key === "o") location.assign(row.dataset.open);
    else if (key === "x") row.querySelector("input[type=checkbox]")?.click();
    else if (key === "c" && row.dataset.claim) post(row.dataset.claim);
    else if (key === "a" && row.dataset.approve) location.assign(row.dataset.approve);
    else if (key === "r" && row.dataset.reject) location.assign(row.dataset.reject);
    else return false;
    return true;
  }

  function press(key) {
    if (key === "?") return dialog().showModal(), true;
    if (localStorage.getItem(OFF)) return false;
    if (key === "j") return walk(1), true;
    if (key === "k") return walk(-1), true;
    const row = current();
    if (row && onRow(row, key)) return true;
    const target = document.querySelector(`[data-key="${CSS.escape(key)}"]:not([disabled])`);
    if (target?.matches("input")) target.focus();
    else target?.click();
    return Boolean(target);
  }

  document.addEventListener("keydown", (event) => {
    if (!dialog() || dialog().open || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target.closest("input:not([type=checkbox]):not([type=submit]), textarea, select, [contenteditable]");
    if (!typing && press(event.key)) event.preventDefault();
  });

  document.addEventListener("DOMContentLoaded", () => {
    const off = document.getElementById("pms-keys-off");
    if (!off) return;
    off.checked = Boolean(localStorage.getItem(OFF));
    off.addEventListener("change", () => (off.checked ? localStorage.setItem(OFF, "1") : localStorage.removeItem(OFF)));
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys-show]")) dialog().showModal();
    if (event.target.closest("[data-keys-close]")) dialog().close();
  });
})();
