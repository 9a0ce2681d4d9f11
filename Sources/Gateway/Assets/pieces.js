// The small pieces every page is made of.

import { h } from '/assets/dom.js';
import { ago, count, moment, where } from '/assets/words.js';

// Colour and sign of a word: colour is never the only mark.
const looks = new Map(Object.entries({
  new: ['calm', '○'], approved: ['calm', '◔'], running: ['run', '▶'], finished: ['good', '✓'], failed: ['bad', '▲'],
  cancelled: ['calm', '✕'], held: ['warn', '‖'], rejected: ['calm', '✕'], waiting: ['calm', '○'], scouting: ['run', '▷'],
  finishing: ['run', '◕'], done: ['good', '✓'], aborted: ['bad', '✕'], paused: ['warn', '‖'], allowed: ['good', '✓'],
  draining: ['warn', '◐'], banned: ['bad', '✕'], resubmit: ['warn', '↻'], abort: ['bad', '✕'], pause: ['warn', '‖'],
  active: ['run', '▶'], recovering: ['warn', '↻'], lost: ['bad', '?'], leased: ['calm', '◔'], replaced: ['calm', '⇥'],
  resting: ['bad', '◷'], probing: ['warn', '◑'], deciding: ['good', '✓'], 'only observed': ['calm', '◌'],
  expired: ['calm', '✕'], added: ['good', '+'], changed: ['warn', '↻'], removed: ['bad', '✕'],
  here: ['good', '✓'], open: ['run', '▶'], closed: ['good', '✓'], stopped: ['calm', '‖'], silent: ['warn', '?'], gone: ['bad', '✕'],
}));

export function badge(word) {
  const [kind, sign] = looks.get(word) || ['calm', '·'];
  return h('span', { class: `badge ${kind}`, 'data-sign': sign }, word);
}

// parts: [[class, number]] of a whole.
export function bar(parts, total, label, thin) {
  let left = 0;
  const pieces = parts.filter(([, value]) => value > 0 && total > 0).map(([kind, value]) => {
    const wide = Math.min(100 - left, value / total * 100);
    const piece = h('rect', { class: `s-${kind}`, x: `${left.toFixed(3)}%`, y: 0, width: `${wide.toFixed(3)}%`, height: '100%' });
    left += wide;
    return piece;
  });
  return h('svg', { class: thin ? 'bar thin' : 'bar', role: 'img', 'aria-label': label }, pieces);
}

export const empty = text => h('p', { class: 'empty' }, text);

// Below a list that does not show all there is: which of how many it shows.
export const cut = (shown, all, which = 'the first') => all > shown ? h('p', { class: 'hint', 'data-key': 'more' }, `${which} ${count(shown)} of ${count(all)}`) : null;

// columns: [{ name, show, n: a number, wide: may be long, extra: not on a narrow screen }]. `cards`: on a narrow screen each row stands by itself.
export function table(columns, rows, key, cards) {
  const kind = column => [column.n && 'n', column.wide && 'wide', column.extra && 'extra'].filter(Boolean).join(' ') || undefined;
  const cell = (column, row) => cards
    ? h('td', { class: kind(column), 'data-label': column.name }, h('div', {}, column.show(row)))
    : h('td', { class: kind(column) }, column.show(row));
  const head = h('tr', {}, columns.map(column => h('th', { class: kind(column) }, column.name)));
  const body = rows.map(row => h('tr', { 'data-key': String(key(row)) },
    columns.map(column => cell(column, row))));
  return h('table', { class: cards ? 'cards' : undefined }, h('thead', {}, head), h('tbody', {}, body));
}

// pairs: [[name, what]]; what there is none of is left out.
export function facts(pairs) {
  const there = pairs.filter(([, what]) => what !== null && what !== undefined && what !== '' && what !== false);
  return h('dl', { class: 'facts' }, there.map(([name, what]) => [
    h('dt', { 'data-key': `n-${name}` }, name), h('dd', { 'data-key': `w-${name}` }, what)]));
}

export function tile(name, value, small, bad) {
  return h('div', { class: bad ? 'tile bad' : 'tile', 'data-key': name }, h('span', {}, name), h('b', {}, value), h('small', {}, small));
}

export const since = time => h('time', { class: 'num', datetime: time, title: time }, ago(time));
export const at = time => h('time', { class: 'num', datetime: time, title: time }, moment(time));

export const jobLink = (task, index, text) => h('a', { class: 'mono', href: `/failures#job/${task}.${index}` }, text || `${task}.${index}`);
export const taskLink = (task, text) => h('a', { href: `/failures#task/${task}` }, text || `task ${task}`);
// The page of a request or a task: its progress, its submissions, and what can be done with it.
export const pageLink = (kind, id, text) => h('a', { href: `/requests#${kind}/${id}` }, text || `${kind} ${id}`);
export const ruleLink = rule => h('a', { href: `/rules#rule/${encodeURIComponent(rule)}` }, rule);

export function verdictRow(row) {
  return h('div', { class: 'verdict', 'data-key': `${row.task}.${row.index}.${row.attempt}` }, badge(row.action),
    h('span', { class: 'what' }, jobLink(row.task, row.index, `${row.task}.${row.index}.${row.attempt}`),
      ` at ${where(row.site, row.node)} · ${row.blame} · ${row.code}`),
    h('time', { class: 'when num', datetime: row.at, title: row.at }, ago(row.at)),
    h('span', { class: 'text', title: row.diagnostic }, row.diagnostic,
      h('span', { class: 'hint' }, ` — ${row.reason} (rule `, ruleLink(row.rule), row.forgiven ? '; forgiven: its place was at fault)' : ')')));
}

// A row of buttons of which one is pressed; `changed` gets its value.
export function choice(node, changed) {
  node.addEventListener('click', event => {
    const pressed = event.target.closest('button[data-value]');
    if (!pressed) return;
    for (const button of node.querySelectorAll('button')) button.setAttribute('aria-pressed', String(button === pressed));
    changed(pressed.dataset.value);
  });
}

// The way back: [[text, address]]; the last is where one is.
export function crumbs(...steps) {
  return h('nav', { class: 'crumbs', 'aria-label': 'Where this is', 'data-key': 'crumbs' }, steps.map(([text, href], index) => [
    index ? h('i', { 'data-key': `i${index}` }, '›') : null,
    href ? h('a', { href, 'data-key': `a${index}` }, text) : h('span', { 'data-key': `s${index}` }, text)]));
}
