// A rule in words: what it fits and what it does, as the documentation says it.

import { h } from '/assets/dom.js';
import { lasting } from '/assets/words.js';

// Attempts up to this one are “and later”.
const endless = 1000000;
const present = value => value !== null && value !== undefined;
const range = (first, last) => first === last ? String(first) : `${first}–${last}`;

export const codes = rule => present(rule.code_first) ? range(rule.code_first, rule.code_last) : '';

// [[name, text]] of everything that must fit.
function conditions(rule) {
  const scope = rule.scope || {};
  const names = [['site', 'site'], ['node', 'node'], ['workflow', 'workflow'], ['taskKind', 'kind'], ['software', 'software']];
  const pairs = names.filter(([key]) => present(scope[key])).map(([key, name]) => [name, scope[key]]);
  if (Array.isArray(scope.attempts)) {
    const [first, last] = scope.attempts;
    pairs.push(['attempt', last >= endless ? `${first} and later` : range(first, last)]);
  }
  if (present(scope.blame)) pairs.push(['blame', scope.blame]);
  return pairs;
}

export function fits(rule) {
  const parts = [];
  if (codes(rule)) parts.push(h('span', { class: 'mono' }, codes(rule)));
  if (present(rule.pattern)) parts.push(h('code', { class: 'pattern' }, rule.pattern));
  for (const [name, text] of conditions(rule)) parts.push(h('span', { class: 'condition' }, h('span', { class: 'hint' }, `${name} `), text));
  if (!parts.length) return h('span', { class: 'muted' }, 'every failure');
  return h('span', { class: 'fits' }, parts);
}

// What an action does besides, such as `pause 60 s exponential, elsewhere, limit 10`.
export function measures(rule) {
  const set = rule.parameters || {};
  const parts = [];
  if (set.pauseSeconds > 0) {
    const jitter = present(set.pauseJitter) ? ` ± ${Math.round(set.pauseJitter * 100)} %` : '';
    const most = present(set.pauseLimitSeconds) ? ` up to ${lasting(set.pauseLimitSeconds)}` : '';
    parts.push(`pause ${lasting(set.pauseSeconds)} ${set.pauseGrowth || 'exponential'}${jitter}${most}`);
  }
  if (set.elsewhere) parts.push('elsewhere');
  if (set.otherNode) parts.push('other node');
  if (set.moreMemory || present(set.memoryFactor)) parts.push(`more memory${present(set.memoryFactor) ? ` × ${set.memoryFactor}` : ''}`);
  if (present(set.taskShare)) parts.push(`for the task above ${Math.round(set.taskShare * 100)} %`);
  if (present(set.moreTime)) parts.push(`time × ${set.moreTime}`);
  if (present(set.split)) parts.push(`split into ${set.split}`);
  if (present(set.task)) parts.push(`task: ${set.task}`);
  if (present(set.strike)) parts.push(`strike the ${set.strike}`);
  if (set.reportInput) parts.push('report the input');
  // What rules that are stored already call the limit.
  const limit = present(set.limit) ? set.limit : set.uncountedLimit;
  if (present(limit)) parts.push(`limit ${limit}`);
  return parts.join(', ');
}

// The order in which rules are tried: by priority, then those that are about less.
export function tried(one, other) {
  const key = rule => [rule.priority, -conditions(rule).length, present(rule.pattern) ? 0 : 1, present(rule.code_first) ? rule.code_last - rule.code_first : Infinity];
  const [first, second] = [key(one), key(other)];
  const different = first.findIndex((value, index) => value !== second[index]);
  return different < 0 ? (one.rule < other.rule ? -1 : 1) : first[different] - second[different];
}

export const expired = rule => Boolean(rule.expires) && Date.parse(rule.expires) <= Date.now();
export const state = rule => expired(rule) ? 'expired' : rule.active ? 'deciding' : 'only observed';

// Everything a search looks at.
export function searched(rule) {
  return [rule.rule, codes(rule), rule.pattern, rule.blame, rule.action, measures(rule), rule.why, rule.who,
    ...conditions(rule).flat()].filter(Boolean).join(' ').toLowerCase();
}

// Whether a number that was typed is one of the rule's codes.
export const hasCode = (rule, text) => /^\d{4}$/.test(text) && present(rule.code_first) && rule.code_first <= Number(text) && Number(text) <= rule.code_last;

const told = { active: value => value ? 'decides' : 'only observed', why: value => `reason “${value}”`, expires: value => value ? `expires ${value}` : 'never expires' };

// What a change of a rule was, from what the rule was before it (the row of the change before; undefined: not known).
export function changeWords(change, before) {
  if (change.change === 'added') return change.row.active ? 'it decides' : 'only observed';
  if (change.change === 'removed') return change.row.active ? 'it had decided' : 'it had only observed';
  const quiet = new Set(['changed', 'who', 'id']);
  const different = Object.keys(change.row).filter(key => !quiet.has(key) && (!before || JSON.stringify(before.row[key]) !== JSON.stringify(change.row[key])));
  if (!before) return change.row.active ? 'it decides' : 'only observed';
  return different.map(key => Object.hasOwn(told, key) ? told[key](change.row[key]) : `${key}: ${JSON.stringify(change.row[key])}`).join(', ');
}
