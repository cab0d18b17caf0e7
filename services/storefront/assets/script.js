// The shop works without this file. With it: suggestions while searching, prices that follow the chosen variant, more
// products in place, a cart that is filled and changed without leaving the page. One module, no dependency.

document.documentElement.classList.add("is-enhanced");

const live = document.createElement("p");
live.className = "quiet";
live.setAttribute("role", "status");
document.body.append(live);

const input = document.querySelector("[data-suggest]");
if (input) suggest(input);
const variants = document.querySelector("[data-variants]");
if (variants) followVariant(variants);
const doors = document.querySelector("[data-doors]");
// Pages are the same for everyone; what is this shopper's own is asked for only when there is something.
if (doors && /(^|; |-)known=/.test(document.cookie)) fillDoors();
document.querySelector("#mistakes")?.focus();
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[data-add]")) add(form, event);
  else if (form.matches("[data-quantity]")) changeCart(form, event);
  else if (form.matches("[data-once]")) sendOnce(form, event);
});
let isPressed = false;
document.addEventListener("pointerdown", () => { isPressed = true; }, true);
for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => { isPressed = false; }, true);
document.addEventListener("focusout", ({ target }) => {
  if (!target.closest?.("[data-form]") || !target.matches("input, select")) return;
  // A sentence that comes or goes moves what is below; under a finger, the button would be missed.
  if (isPressed) document.addEventListener("pointerup", () => setTimeout(() => judge(target), 50), { once: true });
  else judge(target);
});
document.addEventListener("click", (event) => {
  const more = event.target.closest?.("#more");
  if (more && !event.metaKey && !event.ctrlKey && !event.shiftKey) showMore(more, event);
});

// A combobox with a list of options (WAI-ARIA: editable, list autocomplete, manual selection).
function suggest(input) {
  const list = document.createElement("ul");
  list.className = "suggest";
  list.id = "suggest";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", input.dataset.suggestLabel);
  input.form.append(list);
  for (const [name, value] of [["role", "combobox"], ["aria-expanded", "false"], ["aria-controls", "suggest"], ["aria-autocomplete", "list"]]) {
    input.setAttribute(name, value);
  }
  let typed = input.value;
  let timer;
  let request;
  let chosen = -1;

  const close = () => {
    clearTimeout(timer);
    request?.abort();
    list.hidden = true;
    chosen = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const choose = (index) => {
    const options = list.children;
    options[chosen]?.setAttribute("aria-selected", "false");
    chosen = index < -1 ? options.length - 1 : index >= options.length ? -1 : index;
    const option = options[chosen];
    if (option) {
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", option.id);
    } else {
      input.removeAttribute("aria-activedescendant");
    }
    input.value = option?.dataset.text ?? typed;
  };
  const look = async () => {
    request?.abort();
    request = new AbortController();
    const { signal } = request;
    try {
      const answer = await fetch(`${input.dataset.suggest}?q=${encodeURIComponent(typed.trim())}`, { signal });
      const options = answer.ok ? await answer.text() : "";
      if (signal.aborted || document.activeElement !== input) return;
      list.innerHTML = options;
      for (const option of list.children) option.setAttribute("aria-selected", "false");
      chosen = -1;
      list.hidden = list.childElementCount === 0;
      input.setAttribute("aria-expanded", String(!list.hidden));
      live.textContent = list.hidden ? "" : input.dataset.suggestCount.replace("#", list.childElementCount);
    } catch {
      // A newer request took its place, or there is no network: the box still searches.
    }
  };

  input.addEventListener("input", () => {
    typed = input.value;
    clearTimeout(timer);
    if (typed.trim().length < 2) return close();
    timer = setTimeout(look, 120);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" && list.hidden && typed.trim().length > 1) {
      look();
    } else if (list.hidden) {
      return;
    } else if (event.key === "ArrowDown") {
      choose(chosen + 1);
    } else if (event.key === "ArrowUp") {
      choose(chosen - 1);
    } else if (event.key === "Escape") {
      input.value = typed;
      close();
    } else if (event.key === "Enter" && chosen >= 0) {
      location.assign(list.children[chosen].dataset.href);
    } else {
      return;
    }
    event.preventDefault();
  });
  input.addEventListener("blur", close);
  // Before the box loses focus, or the list would be gone by the time the click arrives.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[data-href]");
    if (option) location.assign(option.dataset.href);
  });
}

// The page of the chosen variant is asked for, and its price and details take the place of these.
function followVariant(form) {
  let request;
  form.addEventListener("change", async () => {
    const url = `${form.action}?${new URLSearchParams(new FormData(form))}`;
    request?.abort();
    request = new AbortController();
    const { signal } = request;
    try {
      const page = await read(url, signal);
      for (const part of ["#price", "#buy", "#details"]) {
        document.querySelector(part)?.replaceChildren(...(page.querySelector(part)?.childNodes ?? []));
      }
      for (const link of document.querySelectorAll("a[hreflang]")) {
        link.href = page.querySelector(`a[hreflang="${link.hreflang}"]`)?.getAttribute("href") ?? link.href;
      }
      history.replaceState(null, "", url);
    } catch {
      if (!signal.aborted) location.assign(url);
    }
  });
}

async function showMore(link, event) {
  event.preventDefault();
  if (link.ariaBusy === "true") return;
  link.ariaBusy = "true";
  try {
    const page = await read(link.href);
    const cards = [...page.querySelectorAll("#cards > li")];
    if (cards.length === 0) throw new Error("no products");
    document.querySelector("#cards").append(...cards);
    const pager = page.querySelector(".pager");
    const shown = pager.querySelector("p");
    if (!new URLSearchParams(location.search).has("cursor")) {
      // All pages so far are on this one.
      shown.textContent = shown.dataset.all;
      pager.querySelector("#first")?.remove();
    }
    link.closest(".pager").replaceWith(pager);
    live.textContent = shown.textContent;
    // Where reading goes on, for keyboards and readers alike.
    cards[0].querySelector("a").focus({ preventScroll: true });
  } catch {
    location.assign(link.href);
  }
}

async function read(url, signal) {
  const answer = await fetch(url, { signal });
  if (!answer.ok) throw new Error(answer.statusText);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function fillDoors() {
  try {
    const page = await read(doors.dataset.doors);
    for (const door of page.querySelectorAll("[data-door]")) {
      doors.querySelector(`[data-door="${door.dataset.door}"]`)?.replaceWith(door);
    }
  } catch {
    // The links are there all the same.
  }
}

async function add(form, event) {
  event.preventDefault();
  const button = form.querySelector("button");
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { accept: "text/x-fragment" },
      body: new URLSearchParams(new FormData(form)),
    });
    if (!answer.ok && answer.status !== 422) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const said = page.querySelector("[data-added]");
    if (!said) throw new Error("no answer");
    toast(said);
    fillDoors();
  } catch {
    form.submit();
  } finally {
    button.ariaBusy = "false";
  }
}

let hide;
function toast(content) {
  document.querySelector(".toast")?.remove();
  const box = document.createElement("div");
  box.className = "toast";
  const close = document.querySelector("#menu .close").cloneNode(true);
  close.removeAttribute("popovertarget");
  close.removeAttribute("popovertargetaction");
  close.addEventListener("click", () => box.remove());
  box.append(content, close);
  document.querySelector("main").append(box);
  live.textContent = content.textContent;
  // It stays while it is read or used.
  clearTimeout(hide);
  const later = () => { clearTimeout(hide); hide = setTimeout(() => { if (!box.matches(":hover, :focus-within")) box.remove(); else later(); }, 8000); };
  later();
}

// The cart's page as it is after the change takes the place of this one; focus stays where it was.
async function changeCart(form, event) {
  event.preventDefault();
  const { submitter } = event;
  const place = [...document.querySelectorAll("#cart button, #cart input")].indexOf(document.activeElement);
  const cart = document.querySelector("#cart");
  if (cart.ariaBusy === "true") return;
  cart.ariaBusy = "true";
  try {
    const body = new URLSearchParams(new FormData(form));
    if (submitter?.name) body.set(submitter.name, submitter.value);
    const answer = await fetch(form.action, { method: "POST", body });
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("#cart");
    if (!fresh) throw new Error("no cart");
    cart.replaceWith(fresh);
    live.textContent = fresh.querySelector("[data-said]")?.textContent ?? "";
    const targets = [...fresh.querySelectorAll("button, input")].filter((one) => one.type !== "hidden");
    const all = [...fresh.querySelectorAll("button, input")];
    (all[place] ?? targets.at(-1) ?? fresh.querySelector("a"))?.focus({ preventScroll: true });
    fillDoors();
  } catch {
    cart.ariaBusy = "false";
    HTMLFormElement.prototype.submit.call(form);
  }
}

// The server places one order for two clicks; this only says that the first was heard.
function sendOnce(form, event) {
  if (form.ariaBusy === "true") return event.preventDefault();
  form.ariaBusy = "true";
  const button = event.submitter ?? form.querySelector("button");
  button.ariaBusy = "true";
  addEventListener("pageshow", () => { form.ariaBusy = "false"; button.ariaBusy = "false"; }, { once: true });
}

// What the browser itself finds wrong is said when one leaves the field, and taken back when it is mended.
function judge(field) {
  const box = field.closest(".field");
  if (!box) return;
  const id = `${field.id}-error`;
  let said = box.querySelector(".error");
  const isWrong = !field.validity.valid && (field.value !== "" || said);
  box.classList.toggle("is-wrong", isWrong);
  field.toggleAttribute("aria-invalid", isWrong);
  if (isWrong) field.setAttribute("aria-invalid", "true");
  if (!isWrong) {
    said?.remove();
    return;
  }
  if (!said) {
    said = document.createElement("p");
    said.className = "error";
    said.id = id;
    box.insertBefore(said, field);
    field.setAttribute("aria-describedby", `${field.getAttribute("aria-describedby") ?? ""} ${id}`.trim());
  }
  if (said.textContent === "") said.textContent = field.validationMessage;
}
