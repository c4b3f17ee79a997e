// The published site without a network, after a first visit. `publish` writes VERSION and FILES before this.
// Only what FILES lists is ever answered here: calls below /api, the manager's app and other sites' files never are.
const PREFIX = `lobeda ${registration.scope} `; // of this site alone: others of the same host keep theirs
const NAME = PREFIX + VERSION;
const HASHED = /-[0-9a-f]{12,64}(\.\w+$|\/)/;
const known = new Set(FILES.map((path) => new URL(path, registration.scope).href));

/** Address of the file that answers a request; null: not ours. */
function fileOf(request) {
  if (request.method !== "GET") return null;
  const url = new URL(request.url);
  url.search = url.hash = "";
  if (url.pathname.endsWith("/")) url.pathname += "index.html";
  return known.has(url.href) ? url.href : null;
}

const cached = async (file) => (await caches.open(NAME)).match(file, { ignoreVary: true });

async function pageOf(request, file) {
  try {
    const answer = await fetch(request);
    if (answer.status < 500) return answer;
    return (await cached(file)) ?? answer;
  } catch (error) {
    const kept = await cached(file);
    if (kept) return kept;
    throw error;
  }
}

async function keep() {
  const cache = await caches.open(NAME);
  // What carries a hash may come from the browser's own store, where the first visit put it.
  await cache.addAll([...known].map((file) => new Request(file, { cache: HASHED.test(file) ? "default" : "no-cache" })));
  await skipWaiting();
}

async function replace() {
  const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== NAME);
  await Promise.all(old.map((name) => caches.delete(name)));
  await clients.claim();
}

addEventListener("install", (event) => event.waitUntil(keep()));
addEventListener("activate", (event) => event.waitUntil(replace()));
addEventListener("fetch", (event) => {
  const file = fileOf(event.request);
  if (!file) return;
  event.respondWith(HASHED.test(file) ? cached(file).then((kept) => kept ?? fetch(event.request)) : pageOf(event.request, file));
});
