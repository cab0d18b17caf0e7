// Asks a phone, a computer or a security key for a passkey, and sends its answer with the form. Where browsers know of none, the forms stay hidden.

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

for (const form of document.querySelectorAll("[data-passkey]")) {
  if (!globalThis.PublicKeyCredential) continue;
  form.hidden = false;
  document.querySelector("#passkey-none")?.remove();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.ariaBusy !== "true") answer(form);
  });
}

async function answer(form) {
  const said = form.querySelector("[data-passkey-said]");
  form.ariaBusy = "true";
  said.hidden = true;
  try {
    const reply = await fetch(form.dataset.challenge, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    const { id, options, problem } = await reply.json();
    if (problem) throw new Error(problem);
    form.elements.challenge.value = id;
    form.elements.credential.value = JSON.stringify(await (form.dataset.passkey === "create" ? create : get)(options.publicKey));
    // Whatever stands in the form, this one has an answer to send.
    HTMLFormElement.prototype.submit.call(form);
  } catch (error) {
    form.ariaBusy = "false";
    // What the browser says itself is in its own language, and seldom for people.
    said.textContent = error instanceof DOMException || error instanceof TypeError || error instanceof SyntaxError ? said.dataset.otherwise : error.message;
    said.hidden = false;
    said.focus();
  }
}

async function create(options) {
  const known = (options.excludeCredentials ?? []).map((key) => ({ ...key, id: bytes(key.id) }));
  const made = await navigator.credentials.create({
    publicKey: { ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) }, excludeCredentials: known },
  });
  const { attestationObject, clientDataJSON } = made.response;
  const response = { attestationObject: text(attestationObject), clientDataJSON: text(clientDataJSON), transports: made.response.getTransports?.() ?? [] };
  return { id: made.id, rawId: text(made.rawId), type: made.type, response };
}

async function get(options) {
  const allowed = (options.allowCredentials ?? []).map((key) => ({ ...key, id: bytes(key.id) }));
  const shown = await navigator.credentials.get({ publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: allowed } });
  const { authenticatorData, clientDataJSON, signature, userHandle } = shown.response;
  const response = { authenticatorData: text(authenticatorData), clientDataJSON: text(clientDataJSON), signature: text(signature), userHandle: userHandle && text(userHandle) };
  return { id: shown.id, rawId: text(shown.rawId), type: shown.type, response };
}
