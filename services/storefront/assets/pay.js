// Mounts the provider's own fields for a card. What is typed in them goes to the provider and never passes here.

const form = document.querySelector("#card");
const without = document.querySelector("#card-without");
const said = document.querySelector("#card-error");

if (form && globalThis.Stripe) {
  const stripe = globalThis.Stripe(form.dataset.key, { locale: form.dataset.locale });
  const theme = matchMedia("(prefers-color-scheme: dark)").matches ? "night" : "stripe";
  const elements = stripe.elements({ clientSecret: form.dataset.secret, appearance: { theme } });
  const fields = elements.create("payment");
  fields.on("ready", () => { without.hidden = true; });
  fields.on("loaderror", () => {
    form.hidden = true;
    without.hidden = false;
  });
  form.hidden = false;
  fields.mount("#card-fields");

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    if (button.disabled) return;
    button.disabled = true;
    said.hidden = true;
    const { error } = await stripe.confirmPayment({ elements, confirmParams: { return_url: form.dataset.return } });
    // Only reached when the shopper has not been sent on.
    button.disabled = false;
    said.textContent = error.message;
    said.hidden = false;
  });
}
