// The parts of the overview of failures: errors in groups, efficiency, excluded places.

import { h } from '/assets/dom.js';
import { at, badge, bar, cut, jobLink, ruleLink, since, table, taskLink } from '/assets/pieces.js';
import { ago, count, hours, lasting, percent, where } from '/assets/words.js';

// A number and how much it is of the largest.
const meter = (text, value, most, kind, label) => h('div', { class: 'meter' }, h('span', { class: 'num' }, text), bar([[kind, value]], most, label, true));

function groupName(row, by) {
  const value = row[by];
  if (value === null) return h('span', { class: 'muted' }, 'no verdict yet');
  if (by === 'code') return [h('span', { class: 'mono' }, String(value)), ` ${row.name || 'not one of ours'}`];
  return by === 'rule' ? ruleLink(value) : String(value);
}

// - Returns: nodes.
export function errorTable(answer, by) {
  const rows = answer.items;
  const most = Math.max(...rows.map(row => row.failures));
  const lost = Math.max(...rows.map(row => row.lost_core_hours || 0));
  return [table([
    { name: by, show: row => h('span', { class: 'group' }, groupName(row, by)) },
    { name: 'failures', show: row => meter(count(row.failures), row.failures, most, 'aborted', `${row.failures} failures`) },
    { name: 'lost core hours', show: row => meter(hours(row.lost_core_hours), row.lost_core_hours || 0, lost, 'recovering', `${hours(row.lost_core_hours)} core hours lost`) },
    { name: 'jobs', n: true, show: row => count(row.jobs) },
    { name: 'most at', show: row => [row.top_site, row.sites > 1 ? h('span', { class: 'hint' }, ` and ${row.sites - 1} more`) : null] },
    { name: 'last', n: true, show: row => since(row.last) },
    { name: 'for example', show: row => jobLink(row.sample.task, row.sample.index, `${row.sample.task}.${row.sample.index}.${row.sample.attempt}`) },
  ], rows, row => row[by], true), cut(rows.length, answer.items_total)];
}

function share(value, label) {
  if (value === null || value === undefined) return h('span', { class: 'muted' }, '–');
  return meter(percent(value), value, 1, 'done', `${label} ${percent(value)}`);
}

// - Returns: nodes.
export function efficiencyTable(answer, by) {
  const rows = answer.items.slice(0, 40);
  const name = row => row.isTotal ? h('b', {}, 'all') : by === 'task' ? [taskLink(row.task), h('span', { class: 'hint' }, ` ${row.name}`)] : row[by];
  return [table([
    { name: by, show: name },
    { name: 'jobs', show: row => share(row.job_efficiency, 'job efficiency') },
    { name: 'wall time', show: row => share(row.wall_efficiency, 'wall-time efficiency') },
    { name: 'CPU', n: true, show: row => percent(row.cpu_efficiency) },
    { name: 'finished', n: true, extra: true, show: row => count(row.finished) },
    { name: 'failed', n: true, extra: true, show: row => count(row.failed) },
  ], [...rows, { ...answer.total, isTotal: true }], row => row.isTotal ? 'total' : `row ${row[by]}`, true), cut(rows.length, answer.items_total)];
}

// How far a place is: it rests, it is probed, it is back.
function wayBack(row) {
  const resting = row.phase === 'resting';
  const rested = (Date.now() - Date.parse(row.since)) / 1000;
  const left = row.pause_seconds - rested;
  const steps = [['rests', resting ? 'now' : 'past'], ['is probed', resting ? 'ahead' : 'now'], ['is back', 'ahead']];
  const words = resting
    ? (left > 0 ? `the first probes in ${lasting(left)} of ${lasting(row.pause_seconds)}` : 'the first probes at any moment')
    : `gets ${row.node ? 'work' : `up to ${row.probes} jobs at once`} as probes; ${count(row.good)} went well so far; one that fails sends it back to rest, for longer`;
  return [
    h('ol', { class: 'steps' }, steps.map(([name, state]) => h('li', { class: state, 'aria-current': state === 'now' ? 'step' : undefined }, name))),
    resting ? bar([['recovering', Math.min(rested, row.pause_seconds)]], Math.max(row.pause_seconds, 1), `rested ${lasting(rested)} of ${lasting(row.pause_seconds)}`, true) : null,
    h('p', { class: 'hint' }, `${words}${row.round > 1 ? `; excluded ${row.round} times in a row` : ''}`),
  ];
}

// rows: what the Monitor excluded; closed: sites that people closed.
export function excludedPlaces(rows, closed) {
  return [
    ...rows.map(row => h('article', { class: 'place', 'data-key': `p ${row.site}/${row.node}` },
      h('div', { class: 'place-head' }, h('b', {}, where(row.site, row.node || 'the whole site')), badge(row.phase), h('span', { class: 'hint' }, `excluded ${ago(row.excluded_at)}`)),
      h('p', {}, row.reason), wayBack(row))),
    ...closed.map(row => h('article', { class: 'place', 'data-key': `c ${row.site}` },
      h('div', { class: 'place-head' }, h('b', {}, where(row.site, 'the whole site')), badge(row.access),
        h('span', { class: 'hint' }, row.who ? `by ${row.who}` : '')),
      h('p', {}, row.reason || 'no reason is given'),
      h('p', { class: 'hint' }, row.until ? ['until ', at(row.until)] : 'until somebody lets it back in'))),
  ];
}
