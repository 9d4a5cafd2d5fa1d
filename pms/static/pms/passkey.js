// Passkeys: a button asks the server for a question, the browser for the key's answer, and hands the answer in.
(() => {
  "use strict";

  const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  // The fields of WebAuthn that are bytes; everything else travels as it is.
  function opened(options) {
    const key = { ...options.publicKey, challenge: toBytes(options.publicKey.challenge) };
    if (key.user) key.user = { ...key.user, id: toBytes(key.user.id) };
    for (const list of ["allowCredentials", "excludeCredentials"])
      if (key[list]) key[list] = key[list].map((one) => ({ ...one, id: toBytes(one.id) }));
    return { publicKey: key };
  }

  function packed(credential) {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
      if (credential.response[name]) response[name] = toText(credential.response[name]);
    return { id: credential.id, rawId: toText(credential.rawId), type: credential.type, response };
  }

  async function post(address, token, content) {
    const headers = { "X-CSRFToken": token, "Content-Type": "application/json" };
    const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(content) });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.error);
    return said;
  }

  async function use(button) {
    const { passkey, begin, finish, token, next } = button.dataset;
    const options = await post(begin, token, {});
    if (options.next) return location.assign(options.next);
    let credential;
    try {
      credential = await navigator.credentials[passkey](opened(options));
    } catch {
      throw new Error(button.dataset.failed);
    }
    const said = await post(finish, token, { credential: packed(credential), next });
    location.assign(said.next);
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-passkey]");
    if (!button) return;
    const words = button.parentElement.querySelector("[role=alert]");
    words.hidden = true;
    button.disabled = true;
    try {
      if (/^[\d.]+$|:/.test(location.hostname)) throw new Error(button.dataset.host);
      if (!window.PublicKeyCredential) throw new Error(button.dataset.none);
      await use(button);
    } catch (error) {
      words.textContent = error.message || button.dataset.failed;
      words.hidden = false;
    }
    button.disabled = false;
  });
})();
