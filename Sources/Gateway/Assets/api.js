// The HTTP API as the pages use it.

const api = '/api/v1';

// What the gateway did not do, in its own words.
export class Refusal extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }

  get needsToken() { return this.status === 401 || this.status === 403; }
}

async function answer(path, response) {
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new Refusal(response.status, body && body.error || `${path}: ${response.status}`);
  if (body === null) throw new Refusal(response.status, `${path}: the answer cannot be read`);
  return body;
}

export async function get(path) {
  return answer(path, await fetch(api + path, { headers: { Accept: 'application/json' } }));
}

export const list = async path => (await get(path)).items;

// Every item of a listing, page by page.
export async function everything(path) {
  const items = [];
  let next = null;
  do {
    const page = await get(`${path}${path.includes('?') ? '&' : '?'}limit=1000${next === null ? '' : `&after=${encodeURIComponent(next)}`}`);
    items.push(...page.items);
    next = page.next;
  } while (next !== null);
  return items;
}

// A change. The header shows the gateway that our own page asks, and not another one with our cookie.
export async function post(path, body = {}) {
  const headers = { Accept: 'application/json', 'Content-Type': 'application/json', 'X-Millrace': '1' };
  return answer(path, await fetch(api + path, { method: 'POST', headers, body: JSON.stringify(body) }));
}

export const address = path => api + path;
