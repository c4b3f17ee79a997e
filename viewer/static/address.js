// What is shown, in the page's address: it survives a reload, a change of language, and can be sent to others.

/** `set(name, value)` notes a part of the address; an empty value takes it out. */
export function address() {
  const parts = new URLSearchParams(location.search);
  const show = () => {
    const text = parts.toString();
    history.replaceState(null, "", text ? `?${text}` : location.pathname);
    for (const link of document.querySelectorAll("#languages a")) {
      const other = new URLSearchParams(parts);
      other.delete("lang");
      const rest = other.toString();
      link.setAttribute("href", `?lang=${link.hreflang}${rest ? `&${rest}` : ""}`);
    }
  };
  return {
    get: (name) => parts.get(name) ?? "",
    set: (name, value) => {
      if ((parts.get(name) ?? "") === (value ?? "")) return;
      if (value) parts.set(name, value);
      else parts.delete(name);
      show();
    },
  };
}
