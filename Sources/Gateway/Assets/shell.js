// What all pages have in common: who looks, the clock, whether the page is live, and when its parts are read again.

import { get, Refusal, address } from '/assets/api.js';
import { place } from '/assets/dom.js';

const ranks = ['viewer', 'physicist', 'operator', 'administrator'];
// Who cannot be known may only look.
const me = get('/me').catch(() => ({ who: '', role: 'viewer' }));

// Whether the one who looks has this role or a greater one.
export async function may(role) {
  return ranks.indexOf((await me).role) >= ranks.indexOf(role);
}

function notice(text) {
  const node = place('notice');
  if (node.textContent !== text) node.textContent = text;
  node.hidden = !text;
}

function link(state, text) {
  const node = place('link');
  node.dataset.state = state;
  node.querySelector('b').textContent = text;
}

function tick() {
  place('clock').textContent = `${new Date().toISOString().slice(11, 19)} UTC`;
}

// Nothing is read more often than that, in milliseconds.
const slowest = 1000;
const usual = 10;

// parts: { name: reads and shows it, or reads and returns what shows it: then only what was asked for last is shown };
// touched: { kind of event: the parts it can change }; periods: { name: seconds between two readings without an event }.
// - Returns: a function that has parts read again.
export function start({ parts, touched = {}, periods = {} }) {
  const every = Object.keys(parts);
  const stale = new Set();
  const turns = {};
  let timer, reading = 0, last = 0;

  function mark(names = every, now = false) {
    for (const name of names) stale.add(name);
    // What somebody asked for does not wait for a slow answer to something else.
    if (now) { clearTimeout(timer); refresh(); return; }
    if (!timer && !reading && stale.size && !document.hidden) timer = setTimeout(refresh, Math.max(0, last + slowest - Date.now()));
  }

  async function read(name) {
    const mine = turns[name] = (turns[name] || 0) + 1;
    const show = await parts[name]();
    if (show && turns[name] === mine) show();
  }

  async function refresh() {
    timer = undefined;
    reading += 1;
    last = Date.now();
    const names = [...stale];
    stale.clear();
    const results = await Promise.allSettled(names.map(read));
    reading -= 1;
    const failed = results.filter(result => result.status === 'rejected').map(result => result.reason);
    if (failed.some(reason => reason instanceof Refusal && reason.needsToken)) {
      notice('This page needs a token: open the address that “millrace env” prints, it carries yours.');
    } else if (failed.length) {
      notice(`The gateway does not answer as it should (${failed[0].message}); what is shown may be old.`);
    } else {
      notice('');
    }
    document.body.dataset.ready = 'true';
    mark([]);
  }

  function listen() {
    const events = new EventSource(address('/events'));
    events.onopen = () => { link('live', 'live'); mark(); };
    events.onerror = () => {
      link('lost', 'reconnecting');
      // The browser comes back by itself after a broken connection, not after a refusal.
      if (events.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
    };
    for (const [kind, names] of Object.entries(touched)) events.addEventListener(kind, () => mark(names));
  }

  me.then(({ who, role }) => { place('who').textContent = who && `${who}, ${role}`; });
  mark();
  listen();
  tick();
  setInterval(tick, 1000);
  for (const name of every) setInterval(() => mark([name]), (periods[name] || usual) * 1000);
  document.addEventListener('visibilitychange', () => mark());
  return mark;
}
