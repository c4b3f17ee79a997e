// Keeps the published site for visits without a network, where the browser can (secure addresses only).

/** `root`: the address at which the site lies. Call it once the page is there: it loads what remains of the site. */
export async function keepOffline(root) {
  if (!("serviceWorker" in navigator) || !location.protocol.startsWith("http")) return;
  try {
    await navigator.serviceWorker.register(new URL("sw.js", root), { updateViaCache: "none" });
  } catch {
    // Private windows and some settings refuse; the page works all the same.
  }
}
