// The session's clock: warns before the end, lets one stay, and says when it is over. Also the alarm of break-glass.
(() => {
  "use strict";

  const ADDRESS = "/admin/session/";
  let clock, dialog;

  const token = () => document.querySelector("input[name=csrfmiddlewaretoken]")?.value ?? "";
  const spell = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

  async function ask() {
    const answer = await fetch(ADDRESS, { headers: { Accept: "application/json" } });
    if (answer.status === 401) return null;
    if (!answer.ok) throw new Error(String(answer.status));
    const said = await answer.json();
    const now = performance.now() / 1000;
    return { ...said, idleAt: now + said.seconds_idle, leftAt: now + said.seconds_left };
  }

  function make(name, text, properties = {}) {
    return Object.assign(document.createElement(name), { textContent: text, ...properties });
  }

  function open() {
    if (dialog) return;
    dialog = make("dialog", "", { className: "pms-dialog" });
    dialog.setAttribute("aria-labelledby", "pms-session-title");
    const row = make("div", "", { className: "pms-row" });
    const stay = make("button", "Stay logged in", { type: "button", className: "pms-button" });
    stay.dataset.kind = "primary";
    stay.addEventListener("click", keep);
    row.append(stay);
    dialog.append(
      make("h2", "", { id: "pms-session-title" }),
      make("p", "", { className: "pms-session-words" }),
      row,
    );
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    document.body.append(dialog);
    dialog.showModal();
  }

  function say(title, words, canStay) {
    open();
    dialog.querySelector("h2").textContent = title;
    dialog.querySelector("p").textContent = words;
    dialog.querySelector("button").hidden = !canStay;
  }

  function close() {
    dialog?.remove();
    dialog = undefined;
  }

  async function keep() {
    await fetch(`${ADDRESS}stay/`, { method: "POST", headers: { "X-CSRFToken": token() } });
    close();
    await start();
  }

  function over() {
    document.dispatchEvent(new CustomEvent("pms:session-over"));
    say("You are logged out", "What you had typed is kept and comes back when you have logged in again.", false);
    const row = dialog.querySelector(".pms-row");
    if (row.querySelector("a")) return;
    const link = make("a", "Log in again", {
      className: "pms-button",
      href: `/admin/login/?next=${encodeURIComponent(location.pathname + location.search)}`,
    });
    link.dataset.kind = "primary";
    row.append(link);
    link.focus();
  }

  async function tick() {
    const now = performance.now() / 1000;
    const idle = clock.idleAt - now;
    const left = clock.leftAt - now;
    const rest = Math.min(idle, left);
    if (rest > clock.warning_seconds) return next(rest - clock.warning_seconds);
    // Another window may have kept the session awake, or ended it.
    if (!dialog || rest <= 0) {
      try {
        const fresh = await ask();
        if (!fresh) return over();
        clock = fresh;
      } catch {
        return next(5);
      }
      const again = Math.min(clock.idleAt, clock.leftAt) - performance.now() / 1000;
      if (again > clock.warning_seconds) {
        close();
        return next(again - clock.warning_seconds);
      }
      if (again <= 0) return next(1);
    }
    if (left <= idle) say(`Your session ends in ${spell(rest)}`, "It has lasted its time. Save your work; what you type is kept.", false);
    else say(`You will be logged out in ${spell(rest)}`, "Nothing has happened for a while. Are you still there?", true);
    next(1);
  }

  let timer;
  function next(seconds) {
    clearTimeout(timer);
    timer = setTimeout(tick, Math.max(0.2, Math.min(seconds, 3600)) * 1000);
  }

  function alarm(alarms) {
    document.querySelector(".pms-alarm")?.remove();
    if (!alarms.length) return;
    const words = alarms.map((one) => `${one.login} from ${one.ip}`).join(", ");
    const bar = make("div", `The break-glass account is in use: ${words}.`, { className: "pms-alarm" });
    bar.setAttribute("role", "alert");
    (document.querySelector("#main") ?? document.body).prepend(bar);
  }

  async function start() {
    clock = await ask().catch(() => undefined);
    if (clock === undefined) return setTimeout(start, 5000);
    if (clock === null) return; // a page for strangers
    document.dispatchEvent(new CustomEvent("pms:session", { detail: clock }));
    document.documentElement.dataset.session = "known";
    alarm(clock.alarms);
    next(0);
  }

  // A laptop that slept, or another window: what this page believes of the time is stale.
  document.addEventListener("visibilitychange", async () => {
    if (!clock || document.visibilityState !== "visible") return;
    const fresh = await ask().catch(() => undefined);
    if (fresh === null) return over();
    if (fresh) clock = fresh;
    next(0);
  });

  document.addEventListener("DOMContentLoaded", () => {
    if (!document.querySelector("[data-login]")) start();
  });
})();
