// The shop works without this file. With it: suggestions while searching, prices that follow the chosen variant, more
// products in place. One module, no dependency.

document.documentElement.classList.add("is-enhanced");

const live = document.createElement("p");
live.className = "quiet";
live.setAttribute("role", "status");
document.body.append(live);

const input = document.querySelector("[data-suggest]");
if (input) suggest(input);
const variants = document.querySelector("[data-variants]");
if (variants) followVariant(variants);
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
      for (const part of ["#price", "#details"]) {
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
