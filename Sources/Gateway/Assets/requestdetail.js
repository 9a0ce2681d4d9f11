// One request: its progress, its tasks, what was sent to the grid, who did what, and how its clean-up is.

import { get } from '/assets/api.js';
import { h } from '/assets/dom.js';
import { at, badge, bar, crumbs, empty, facts, pageLink, since, table, taskLink } from '/assets/pieces.js';
import { eventsBar, eventsOf, historyPanel, jobsBar, jobWords, progressPanel, submissionsPanel, wanted } from '/assets/progress.js';
import { count, counted, size } from '/assets/words.js';

const taskColumns = [
  { name: 'task', wide: true, show: task => [h('div', { class: 'name-line' }, h('span', { class: 'id num' }, `#${task.task}`), ' ', pageLink('task', task.task, task.name)), h('div', { class: 'hint' }, task.kind)] },
  { name: 'state', wide: true, show: task => [badge(task.state), ['paused', 'failed', 'aborted'].includes(task.state) && task.reason ? h('div', { class: 'hint cause' }, task.reason) : null] },
  { name: 'events', show: task => [eventsBar(eventsOf([task])), h('div', { class: 'hint num' }, `${count(task.events_done)} of ${count(task.events_expected)}`)] },
  { name: 'jobs', show: task => [jobsBar([task]), h('div', { class: 'hint num' }, jobWords([task]))] },
  { name: 'failures', n: true, show: task => task.failures ? taskLink(task.task, count(task.failures)) : h('span', { class: 'muted' }, '0') },
  { name: 'damaged events', n: true, show: task => task.events_lost ? h('span', { class: 'bad-word' }, count(task.events_lost)) : h('span', { class: 'muted' }, '0') },
];

function tasksPanel(request) {
  return h('section', { class: 'panel', 'data-key': 'tasks', id: 'tasks' }, h('div', { class: 'head' }, h('h2', {}, 'Tasks'), h('span', { class: 'hint' }, 'failures: attempts that failed or were lost')),
    request.tasks.length ? table(taskColumns, request.tasks, task => task.task, true)
      : empty(request.state === 'new' ? 'Its tasks are made when it is approved.' : 'It has no tasks.'));
}

const sentence = pairs => Object.entries(pairs || {}).map(([key, value], index) => [index ? ', ' : null, h('span', { class: 'hint' }, `${key} `), String(value)]);

function headFacts(request) {
  const { simulation } = request;
  return facts([
    ['workflow', `${request.workflow} version ${request.workflow_version}`],
    ['owner', [request.owner, h('span', { class: 'hint' }, ` for ${request.group}`)]],
    ['priority', [count(request.priority), h('span', { class: 'hint' }, request.share ? ` in share ${request.share}` : ', of no share')]],
    ['parameters', Object.keys(request.parameters || {}).length ? sentence(request.parameters) : null],
    ['sample', request.sample],
    ['simulation', simulation && `${simulation.ssw} ${simulation.ssw_ver}, ${simulation.detector_model}, ${simulation.physics_list}`],
    ['seed', String(request.seed)],
    ['made', [at(request.created), ' UTC, ', since(request.created), request.origin && !request.continues ? [', like ', pageLink('request', request.origin)] : null]],
    ['goes on with', request.continues && [pageLink('request', request.continues), h('span', { class: 'hint' }, ': it does what that one has not done')]],
    ['continued by', request.continued_by && [pageLink('request', request.continued_by), h('span', { class: 'hint' }, ': what is left is done there')]],
  ]);
}

function cleanupPanel(request, desk) {
  const row = request.cleanup;
  if (!row) return null;
  return h('section', { class: 'panel', 'data-key': 'cleanup', id: 'cleanup' },
    h('div', { class: 'head' }, h('h2', {}, 'Clean-up ', badge(row.state)), h('span', { class: 'hint' }, `asked for by ${row.who}, `, since(row.since))),
    h('p', { class: 'figures num' }, h('b', {}, count(row.files_removed)), ` of ${counted(row.files, 'file')} are out of the books (${size(row.bytes_removed)} of ${size(row.bytes)}), `, h('b', {}, count(row.replicas_left)), ' copies are still to be deleted'),
    bar([['done', row.files_removed]], row.files, `${count(row.files_removed)} of ${count(row.files)} files are out of the books`),
    facts([
      ['why', row.reason], ['waits for', row.waits_for], ['problem', row.problem && h('span', { class: 'bad-word' }, row.problem)],
      ['next deletion', row.next_deletion && [at(row.next_deletion), ' UTC']],
      ['forced by', row.forced_by], ['stopped by', row.stopped_by], ['ended', row.ended && [at(row.ended), ' UTC']],
    ]),
    desk.buttons({ kind: 'cleanup', id: request.request, version: null, actions: request.cleanup_actions, row: request }));
}

export async function requestView(id, desk) {
  const [request, submissions, history] = await Promise.all([get(`/requests/${id}`), submissionsPanel(`request=${id}`, true), historyPanel(`/requests/${id}`)]);
  const subject = { kind: 'request', id: request.request, version: request.version, actions: request.actions, row: request };
  return [
    crumbs(['Requests', '#'], [`request ${id}`]),
    h('section', { class: 'panel subject', 'data-key': 'head' },
      h('h1', {}, `Request ${id} `, h('span', { class: 'muted' }, request.title || request.workflow), ' ', badge(request.state)),
      request.reason && h('p', { class: 'because' }, request.reason),
      headFacts(request), desk.said(subject), desk.buttons(subject)),
    desk.confirmation(`request/${id}`),
    cleanupPanel(request, desk), desk.confirmation(`cleanup/${id}`),
    request.tasks.length ? progressPanel(wanted(request.tasks), request.tasks) : null,
    tasksPanel(request), submissions, history,
  ].filter(Boolean);
}
