// Drafts: what is typed into a form is kept in this browser, per person and page, until the form has been saved.
// Secrets, hidden fields, files and forms marked data-no-draft are never kept. What an edited row was when its form was
// opened (the hidden field "seen") is: a draft must not pass for an answer to what has changed since.
(() => {
  "use strict";

  const PREFIX = "pms-draft:";
  const DAY_MS = 86_400_000;
  const FIELDS = "input, textarea, select";
  const SECRET = /password|one-time-code|^off$/;
  let user;

  // By the attribute: a field that is called "method" stands in the form's property.
  const forms = () => [
    ...document.querySelectorAll('form[method="post" i]:not([data-no-draft], #logout-form, #changelist-form)'),
  ];
  const key = (form) => `${PREFIX}${user}:${location.pathname}:${forms().indexOf(form)}`;
  const kept = (field) =>
    field.name === "seen" || field.name && !["hidden", "password", "file", "submit", "button"].includes(field.type) && !SECRET.test(field.autocomplete);

  function read(name) {
    try {
      return JSON.parse(localStorage.getItem(name));
    } catch {
      return null;
    }
  }

  const value = (field) =>
    field.type === "checkbox" || field.type === "radio"
      ? field.checked
      : field.multiple
        ? [...field.selectedOptions].map((option) => option.value)
        : field.value;

  function save(form) {
    if (!user) return;
    const values = [...form.querySelectorAll(FIELDS)].filter(kept).map((field) => [field.name, ["radio", "checkbox"].includes(field.type) ? field.value : "", value(field)]);
    localStorage.setItem(key(form), JSON.stringify({ at: Date.now(), values }));
  }

  function fill(form, draft) {
    let changed = false;
    for (const [name, choice, was] of draft.values) {
      if (name === "seen" && draft.sent) continue; // it came back with what is there now
      const fields = [...form.querySelectorAll(FIELDS)].filter((field) => field.name === name && kept(field));
      const field = choice ? fields.find((one) => one.value === choice) : fields[0];
      if (!field || JSON.stringify(value(field)) === JSON.stringify(was)) continue;
      if (typeof was === "boolean") field.checked = was;
      else if (Array.isArray(was)) for (const option of field.options) option.selected = was.includes(option.value);
      else field.value = was;
      field.dispatchEvent(new Event("change", { bubbles: true }));
      changed = true;
    }
    return changed;
  }

  function tell(form, draft) {
    const note = document.createElement("p");
    note.className = "pms-draft";
    note.setAttribute("role", "status");
    const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    note.textContent = `What you had typed at ${time.format(new Date(draft.at))} is here again. `;
    const drop = document.createElement("button");
    Object.assign(drop, { type: "button", className: "pms-button pms-button--small", textContent: "Discard it" });
    drop.addEventListener("click", () => {
      localStorage.removeItem(key(form));
      form.reset();
      note.remove();
    });
    note.append(drop);
    form.prepend(note);
  }

  function restore() {
    for (const form of forms()) {
      const draft = read(key(form));
      if (draft && fill(form, draft)) tell(form, draft);
    }
  }

  // A form that was sent and came back with errors stands on the page with its values; one that led elsewhere is saved.
  function settle() {
    const mine = Object.keys(localStorage).filter((name) => name.startsWith(PREFIX));
    for (const name of mine) {
      const draft = read(name);
      if (!draft || Date.now() - draft.at > DAY_MS) localStorage.removeItem(name);
      else if (draft.sent && name.startsWith(`${PREFIX}${user}:`) && !document.querySelector(".errorlist, .errors")) localStorage.removeItem(name);
    }
  }

  function unsend() {
    for (const name of Object.keys(localStorage).filter((one) => one.startsWith(PREFIX))) {
      const draft = read(name);
      if (draft?.sent) localStorage.setItem(name, JSON.stringify({ ...draft, sent: false }));
    }
  }

  let waiting;
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (!form || !kept(event.target) || !forms().includes(form)) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => save(form), 250);
  });

  document.addEventListener("submit", (event) => {
    clearTimeout(waiting);
    const form = event.target;
    if (form.id === "logout-form") {
      for (const name of Object.keys(localStorage).filter((one) => one.startsWith(`${PREFIX}${user}:`))) localStorage.removeItem(name);
      return;
    }
    if (!user || !forms().includes(form)) return;
    save(form);
    localStorage.setItem(key(form), JSON.stringify({ ...read(key(form)), sent: true }));
  });

  document.addEventListener("pms:session", (event) => {
    if (user) return;
    user = event.detail.user;
    settle();
    restore();
  });

  // The login and the page that asks who is there have interrupted something: it was not saved.
  document.addEventListener("DOMContentLoaded", () => {
    if (document.querySelector("[data-login], [data-interrupts]")) unsend();
  });
})();
