// Serves the page from the cache that app.js filled, where the network does not answer soon.

const CACHE = `edgehar-${new URL(self.location).searchParams.get("v")}`;
const PATIENCE_MS = 3000;

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("activate", (event) => {
  const drop = async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith("edgehar-") && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(drop());
});

async function answer(request) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
  try {
    return await fetch(request.url, { signal: stop.signal });
  } catch (error) {
    const kept = await (await caches.open(CACHE)).match(request.url, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

self.addEventListener("fetch", (event) => {
  if (event.request.method === "GET") event.respondWith(answer(event.request));
});
