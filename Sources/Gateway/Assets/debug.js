// The report on the failures of a task or a request: what failed and where, the most wall time lost first.

import { get } from '/assets/api.js';
import { h } from '/assets/dom.js';
import { at, badge, bar, crumbs, empty, facts, jobLink, pageLink, ruleLink, since, table, taskLink } from '/assets/pieces.js';
import { count, counted, lasting, where } from '/assets/words.js';

// Each action with how often it was decided.
const actions = row => h('span', { class: 'actions' }, Object.entries(row.actions || {}).map(([action, times]) => [badge(action), h('span', { class: 'num hint' }, ` × ${count(times)} `)]));

const samples = group => (group.samples || []).map((job, index) => [
  index ? ', ' : null, jobLink(job.task, job.index, `${job.task}.${job.index}.${job.attempt}`), h('span', { class: 'hint' }, ` at ${where(job.site, job.node)}`)]);

function placesTable(group) {
  const places = group.places || [];
  const more = group.places_total - places.length;
  return [
    h('div', { class: 'places', 'data-key': 'places' }, table([
      { name: 'site', show: row => row.site }, { name: 'node', show: row => row.node || h('span', { class: 'muted' }, 'none named') },
      { name: 'failures', n: true, show: row => count(row.failures) }, { name: 'jobs', n: true, show: row => count(row.jobs) },
      { name: 'wall time lost', n: true, show: row => lasting(row.lost_wall_seconds) },
      { name: 'last', n: true, show: row => since(row.last) }, { name: 'decided', show: actions },
    ], places, row => `${row.site}/${row.node || ''}`, true)),
    more > 0 ? h('p', { class: 'hint', 'data-key': 'more' }, `and ${counted(more, 'more place')}`) : null,
  ];
}

function groupPanel(group, lost) {
  return h('section', { class: 'panel group-panel', 'data-key': `g ${group.fingerprint}` },
    h('div', { class: 'group-head' },
      h('h2', {}, h('span', { class: 'mono' }, String(group.code)), ` ${group.name || 'not one of ours'}`),
      h('p', { class: 'figures num' }, h('b', {}, count(group.failures)), ' failures of ', h('b', {}, count(group.jobs)), ' jobs · ', h('b', {}, lasting(group.lost_wall_seconds)), ' of wall time lost')),
    bar([['recovering', group.lost_wall_seconds || 0]], lost, 'share of the wall time lost', true),
    facts([
      ['diagnostic', group.diagnostic && h('code', { class: 'said' }, group.diagnostic)],
      ['last log line', group.log_line && h('code', { class: 'said' }, group.log_line)],
      ['blame', [group.blame, h('span', { class: 'hint' }, ', most often by rule '), ruleLink(group.rule)]],
      ['decided', actions(group)],
      ['between', [at(group.first), ' and ', at(group.last), ' UTC']],
      ['sample jobs', samples(group)],
      ['fingerprint', h('code', { class: 'quiet' }, group.fingerprint)],
    ]),
    placesTable(group));
}

async function title(kind, id) {
  if (kind === 'request') {
    const request = await get(`/requests/${id}`);
    return [crumbs(['Failures', '#'], [`request ${id}`]), `Request ${id}`, request.title || request.workflow, request,
      (request.tasks || []).flatMap((task, index) => [index ? ', ' : null, taskLink(task.task, `${task.task} ${task.name}`)])];
  }
  const task = await get(`/tasks/${id}`);
  return [crumbs(['Failures', '#'], [`request ${task.request}`, `#request/${task.request}`], [`task ${id}`]), `Task ${id}`, task.name, task, null];
}

// kind: task or request. - Returns: what to show.
export async function debugView(kind, id) {
  const [[way, name, text, row, tasks], answer] = await Promise.all([title(kind, id), get(`/${kind}s/${id}/debug`)]);
  const archived = answer.archived || [];
  const lost = answer.items.reduce((sum, group) => sum + (group.lost_wall_seconds || 0), 0);
  const head = h('section', { class: 'panel subject', 'data-key': 'head' },
    h('h1', {}, `${name} `, h('span', { class: 'muted' }, text), ' ', badge(row.state)),
    row.reason && h('p', { class: 'because' }, row.reason),
    h('p', { class: 'figures num' }, answer.items.length
      ? [h('b', {}, count(answer.failures)), ' failures in ', counted(answer.items.length, 'group'), ' · ', h('b', {}, lasting(lost)), ' of wall time lost']
      : archived.length ? 'its failures are in the archive' : 'no failures'),
    archived.map(row => h('p', { class: 'because', 'data-key': `archived ${row.task}` }, row.line)),
    row.jobs_total ? h('p', { class: 'hint num' }, `${count(row.jobs_done)} of ${count(row.jobs_total)} jobs done, ${count(row.jobs_recovering)} recovering, ${count(row.jobs_aborted)} given up`) : null,
    tasks && tasks.length ? h('p', { class: 'hint' }, 'tasks: ', tasks) : null,
    h('p', { class: 'hint' }, pageLink(kind, id, 'its progress, submissions and history')));
  const groups = answer.items.map(group => groupPanel(group, lost));
  return [way, head, ...(groups.length ? groups : [h('section', { class: 'panel', 'data-key': 'none' }, empty(archived.length ? 'What failed is in the archive.' : 'Nothing of it has failed.'))])];
}
