// How far requests and tasks are: events and jobs, as bars and in words; their submissions and their history.

import { get } from '/assets/api.js';
import { h } from '/assets/dom.js';
import { at, badge, bar, empty, pageLink, table } from '/assets/pieces.js';
import { count, counted, percent } from '/assets/words.js';

const total = (tasks, key) => tasks.reduce((sum, task) => sum + (task[key] || 0), 0);

// The events of all of these tasks.
export const eventsOf = tasks => ({ expected: total(tasks, 'events_expected'), done: total(tasks, 'events_done'), lost: total(tasks, 'events_lost') });

// The events a request asks for are those of its tasks that read nothing its others make; these read the same events again.
export const wanted = tasks => eventsOf(tasks.filter(task => task.is_first));

// events: as of `eventsOf` or `wanted`.
export const eventsBar = ({ expected, done, lost }) => bar([['done', done], ['aborted', lost]], expected, `${count(done)} of ${count(expected)} events are accepted`, true);

const jobStates = [['jobs_done', 'done', 'done'], ['jobs_active', 'active', 'running'], ['jobs_recovering', 'recovering', 'recovering'], ['jobs_aborted', 'aborted', 'given up']];

export function jobsBar(tasks) {
  return bar(jobStates.map(([key, kind]) => [kind, total(tasks, key)]), total(tasks, 'jobs_total'), `${count(total(tasks, 'jobs_done'))} of ${count(total(tasks, 'jobs_total'))} jobs are done`, true);
}

// `1,000 of 2,000 done, 230 running`; what there is none of is left out.
export function jobWords(tasks) {
  const parts = [`${count(total(tasks, 'jobs_done'))} of ${tasks.every(task => task.jobs_total === null) ? '?' : count(total(tasks, 'jobs_total'))} done`];
  for (const [key, , word] of jobStates.slice(1)) if (total(tasks, key)) parts.push(`${count(total(tasks, key))} ${word}`);
  return parts.join(', ');
}

const legendItem = (kind, word, value) => h('span', { 'data-key': word }, h('i', { class: `c-${kind}` }), word, h('b', { class: 'num' }, count(value)));

// The two large bars at the head of a page. events: as of `eventsOf` or `wanted`.
export function progressPanel(events, tasks) {
  const waiting = total(tasks, 'jobs_waiting');
  const hasEnded = tasks.every(task => ['done', 'failed', 'aborted'].includes(task.state));
  const cancelled = total(tasks, 'jobs_cancelled');
  return h('section', { class: 'panel', 'data-key': 'progress', id: 'progress' },
    h('div', { class: 'head' }, h('h2', {}, 'Progress'), h('span', { class: 'hint num' }, events.expected ? `${percent(events.done / events.expected)} of the events are accepted` : '')),
    h('p', { class: 'figures num' }, h('b', {}, count(events.done)), ` of ${count(events.expected)} events accepted`,
      events.lost ? [', ', h('b', { class: 'bad-word' }, count(events.lost)), ' damaged'] : null),
    bar([['done', events.done], ['aborted', events.lost]], events.expected, `${count(events.done)} of ${count(events.expected)} events are accepted`),
    h('p', { class: 'figures num' }, h('b', {}, count(total(tasks, 'jobs_done'))), ` of ${tasks.every(task => task.jobs_total === null) ? 'so far unknown' : count(total(tasks, 'jobs_total'))} jobs done`),
    bar(jobStates.map(([key, kind]) => [kind, total(tasks, key)]), total(tasks, 'jobs_total'), jobWords(tasks)),
    h('div', { class: 'legend' }, jobStates.map(([key, kind, word]) => legendItem(kind, word, total(tasks, key))), legendItem('waiting', hasEnded ? 'never ran' : 'waiting', waiting),
      cancelled ? legendItem('waiting', 'cancelled', cancelled) : null));
}

const latest = 20;

// What agents sent to their batch systems. query: `request=7` or `task=12`.
export async function submissionsPanel(query, ofRequest) {
  const answer = await get(`/submissions?${query}&order=desc&limit=${latest}`);
  const rows = answer.items;
  const ended = row => [row.live ? `${count(row.live)} running` : null, row.done ? `${count(row.done)} done` : null,
    row.failed ? h('span', { class: 'bad-word' }, `${count(row.failed)} failed`) : null].filter(Boolean).flatMap((part, index) => [index ? ', ' : null, part]);
  const columns = [
    { name: 'submission', show: row => [h('b', { class: 'num' }, `#${row.submission}`), ' ', h('span', { class: 'mono' }, row.batch)] },
    { name: 'task', show: row => pageLink('task', row.task) },
    { name: 'site', wide: true, show: row => [row.site, h('span', { class: 'hint' }, ` ${row.agent}`)] },
    { name: 'attempts', n: true, show: row => count(row.attempts) },
    { name: 'input files', n: true, show: row => count(row.input_files) },
    { name: 'how they are', show: row => row.live || row.done || row.failed ? ended(row)
      : h('span', { class: 'muted' }, row.live === null ? 'archived with its task' : 'nothing told yet') },
    { name: 'sent', n: true, show: row => at(row.at) },
  ].filter(column => ofRequest || column.name !== 'task');
  return h('section', { class: 'panel', 'data-key': 'submissions', id: 'submissions' },
    h('div', { class: 'head' }, h('h2', {}, 'Grid submissions'),
      h('span', { class: 'hint' }, rows.length ? `${answer.next === null ? counted(rows.length, 'submission') : `the latest ${rows.length}`}, times in UTC` : 'what agents sent to their batch systems')),
    rows.length ? table(columns, rows, row => row.submission, true) : empty('No agent has sent any of it to a batch system.'));
}

// Who did what, and when. path: of the request or the task.
export async function historyPanel(path) {
  const answer = await get(`${path}/history?order=desc&limit=30`);
  const what = row => row.to === null ? badge('changed') : [row.from ? h('span', { class: 'muted' }, `${row.from} → `) : null, badge(row.to)];
  return h('section', { class: 'panel', 'data-key': 'history', id: 'history' },
    h('div', { class: 'head' }, h('h2', {}, 'History'), h('span', { class: 'hint' }, answer.next === null ? 'the last first, times in UTC' : `the last ${answer.items.length}, times in UTC`)),
    table([
      { name: 'when', show: row => at(row.at) }, { name: 'who', show: row => row.who },
      { name: 'of', show: row => row.entity.replace(':', ' ') }, { name: 'what', show: what },
      { name: 'why', wide: true, show: row => row.cause || h('span', { class: 'muted' }, '–') },
    ], answer.items, row => `${row.entity} ${row.version}`, true));
}
