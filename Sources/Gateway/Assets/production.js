// Requests and their tasks as rows, on the live page and on the page of requests.

import { list } from '/assets/api.js';
import { h } from '/assets/dom.js';
import { badge, bar, requestPage, taskLink, taskPage } from '/assets/pieces.js';
import { ago, count, counted } from '/assets/words.js';

// All tasks of these requests.
export async function tasksOf(requests) {
  const ids = requests.map(request => request.request);
  return ids.length ? list(`/tasks?request=${ids.join(',')}&limit=1000`) : [];
}

// The events a request asks for are those of its first tasks; later ones read the same events again.
export function progress(tasks) {
  const first = tasks.filter(task => task.position === 0);
  const sum = key => first.reduce((total, task) => total + (task[key] || 0), 0);
  const [expected, done, lost] = [sum('events_expected'), sum('events_done'), sum('events_lost')];
  return { expected, done, lost, share: expected ? (done / expected * 100).toFixed(1) : '0.0' };
}

export const progressBar = ({ expected, done, lost, share }) => bar([['done', done], ['aborted', lost]], expected, `${share} % of the events are accepted`);

// `all`: tasks, of this and of other requests.
export function requestRow(request, all) {
  const tasks = all.filter(task => task.request === request.request);
  const events = progress(tasks);
  return h('article', { class: 'request', 'data-key': `r${request.request}` },
    h('div', { class: 'request-head' }, h('span', { class: 'id num' }, requestPage(request.request, `#${request.request}`)),
      h('span', { class: 'title' }, request.title || request.workflow), badge(request.state),
      h('span', { class: 'sum num' }, tasks.length
        ? `${count(events.done)} of ${count(events.expected)} events · ${events.share} %`
        : `${request.workflow} by ${request.owner}, ${ago(request.created)}`)),
    request.reason && ['held', 'failed', 'cancelled', 'rejected'].includes(request.state) ? h('div', { class: 'note' }, request.reason) : null,
    tasks.length ? progressBar(events) : null,
    tasks.length ? taskGrid(tasks) : null);
}

export const taskGrid = tasks => h('div', { class: 'tasks', 'data-key': 'tasks' }, tasks.map(taskCells));

export const taskBar = task => bar([['done', task.jobs_done], ['active', task.jobs_active], ['recovering', task.jobs_recovering], ['aborted', task.jobs_aborted]],
  task.jobs_total || 0, `${task.jobs_done} of ${counted(task.jobs_total || 0, 'job')} done`, true);

export function taskJobs(task) {
  const facts = [h('b', { class: 'num' }, count(task.jobs_done)), ` of ${task.jobs_total === null ? '?' : count(task.jobs_total)} jobs`];
  if (task.jobs_active) facts.push(` · ${count(task.jobs_active)} running`);
  if (task.jobs_recovering) facts.push(` · ${count(task.jobs_recovering)} recovering`);
  if (task.jobs_aborted) facts.push(' · ', h('span', { class: 'bad' }, taskLink(task.task, `${count(task.jobs_aborted)} given up`)));
  return facts;
}

function taskCells(task) {
  return [
    h('div', { class: 'name', 'data-key': `n${task.task}`, title: task.reason || undefined }, taskPage(task.task, task.name), h('span', { class: 'hint' }, ` ${task.kind}`)),
    h('div', { 'data-key': `s${task.task}` }, badge(task.state)),
    h('div', { 'data-key': `b${task.task}` }, taskBar(task)),
    h('div', { class: 'counts num', 'data-key': `c${task.task}` }, taskJobs(task)),
  ];
}
