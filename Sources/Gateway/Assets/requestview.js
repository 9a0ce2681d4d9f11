// One request and one task: how far it is, what it waits for, what was sent to batch systems, what was made, and who did what.

import { get, list, Refusal } from '/assets/api.js';
import { actionTools } from '/assets/actions.js';
import { h } from '/assets/dom.js';
import { at, badge, crumbs, empty, facts, requestPage, since, table, taskLink, taskPage } from '/assets/pieces.js';
import { progress, progressBar, taskBar, taskGrid, taskJobs } from '/assets/production.js';
import { count, counted, lasting } from '/assets/words.js';

const latest = 50;

const panel = (key, title, hint, ...content) => h('section', { class: 'panel', id: key, 'data-key': key },
  h('div', { class: 'head' }, h('h2', {}, title), hint && h('span', { class: 'hint' }, hint)), content);

const hint = rows => rows.length ? (rows.length === latest ? `the latest ${latest}` : count(rows.length)) : null;

// What agents sent to their batch systems at once.
function submissions(rows, withTask) {
  const columns = [
    { name: 'batch id', show: row => h('code', {}, row.batch) },
    withTask && { name: 'task', show: row => taskPage(row.task) },
    { name: 'site', show: row => [row.site, h('span', { class: 'hint' }, ` ${row.agent}`)] },
    { name: 'attempts', n: true, show: row => count(row.attempts) }, { name: 'input files', n: true, show: row => count(row.input_files) },
    { name: 'live', n: true, show: row => count(row.live) }, { name: 'done', n: true, show: row => count(row.done) },
    { name: 'failed', n: true, show: row => row.failed ? h('span', { class: 'bad-number' }, count(row.failed)) : '0' },
    { name: 'sent', n: true, show: row => since(row.at) },
  ].filter(Boolean);
  return panel('submissions', 'Grid jobs', hint(rows), rows.length ? table(columns, rows, row => row.submission, true)
    : empty('No agent has sent one to a batch system yet; sites that run jobs themselves send none.'));
}

function history(rows) {
  return panel('history', 'History', rows.length === latest ? `the latest ${latest}` : 'the last first', rows.length ? table([
    { name: 'when', show: row => [at(row.at), h('span', { class: 'hint' }, ' UTC')] }, { name: 'who', show: row => row.who || 'a service' },
    { name: 'state', show: row => badge(row.to) }, { name: 'why', wide: true, show: row => row.cause || '' },
  ], rows, row => row.id, true) : empty('Nothing has happened to it yet.'));
}

const entity = name => list(`/transitions?entity=${encodeURIComponent(name)}&order=desc&limit=${latest}`);

async function found(path) {
  try {
    return await get(path);
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return null;
    throw error;
  }
}

const missing = (what, id) => [crumbs(['Requests', '#'], [`${what} ${id}`]),
  h('section', { class: 'panel subject', 'data-key': 'head' }, h('h1', {}, `There is no ${what} ${id}.`))];

const pairs = object => Object.entries(object || {}).map(([key, value]) => `${key} = ${value}`).join(', ');

function cleanup(row) {
  if (!row) return null;
  return panel('cleanup', 'Clean-up', row.state, facts([
    ['taken out', `${count(row.files_removed)} of ${counted(row.files, 'file')} in ${counted(row.datasets, 'dataset')}`],
    ['to be deleted', row.replicas_left ? `${counted(row.replicas_left, 'replica')}` : 'nothing more'],
    ['waits for', row.waits_for], ['problem', row.problem], ['why', row.reason],
    ['asked for', [since(row.since), ` by ${row.who}`]], ['stopped', row.stopped_by && [since(row.ended), ` by ${row.stopped_by}`]],
  ]));
}

export async function requestView(id) {
  const row = await found(`/requests/${id}`);
  if (!row) return missing('request', id);
  const [grid, moves] = await Promise.all([list(`/submissions?request=${id}&order=desc&limit=${latest}`), entity(`request:${id}`)]);
  const events = progress(row.tasks);
  const head = h('section', { class: 'panel subject', 'data-key': 'head' },
    h('h1', {}, `Request ${id} `, h('span', { class: 'muted' }, row.title || row.workflow), ' ', badge(row.state)),
    row.reason && h('p', { class: 'because' }, row.reason),
    row.tasks.length ? h('p', { class: 'figures num' }, h('b', {}, count(events.done)), ` of ${count(events.expected)} events · ${events.share} %`,
      events.lost ? [' · ', h('b', {}, count(events.lost)), ' given up'] : null) : null,
    row.tasks.length ? progressBar(events) : null,
    facts([
      ['workflow', `${row.workflow}, version ${row.workflow_version}`], ['parameters', pairs(row.parameters)],
      ['sample', row.sample], ['simulation', pairs(row.simulation)],
      ['owner', [row.owner, h('span', { class: 'hint' }, `, group ${row.group}, made `, since(row.created))]],
      ['priority', [count(row.priority), row.share ? h('span', { class: 'hint' }, ` in share ${row.share}`) : null]],
      ['goes on with', row.continues && requestPage(row.continues)], ['continued by', row.continued_by && requestPage(row.continued_by)],
      ['failures', row.tasks.length ? h('a', { href: `/failures#request/${id}` }, 'what failed, and why') : null],
    ]),
    actionTools(`/requests/${id}`, row));
  return [crumbs(['Requests', '#'], [`request ${id}`]), head,
    row.tasks.length ? panel('request-tasks', 'Tasks', count(row.tasks.length), taskGrid(row.tasks)) : null,
    cleanup(row.cleanup), submissions(grid, true), history(moves)].filter(Boolean);
}

function needs(row) {
  const class_ = row.requirement;
  return class_ && [counted(class_.cores, 'core'), `${count(class_.memory_mb)} MB`, lasting(class_.walltime_s),
    class_.sites.length ? `at ${class_.sites.join(', ')}` : null, class_.tags.length ? `with ${class_.tags.join(', ')}` : null].filter(Boolean).join(' · ');
}

const input = row => row.task ? [taskPage(row.task), ` ${row.stream}`] : row.dataset ? `dataset ${row.dataset}`
  : row.container ? `container ${row.container}` : `files with ${row.query}`;

export async function taskView(id) {
  const row = await found(`/tasks/${id}`);
  if (!row) return missing('task', id);
  const [grid, moves, datasets] = await Promise.all([
    list(`/submissions?task=${id}&order=desc&limit=${latest}`), entity(`task:${id}`), list(`/datasets?task=${id}&limit=200`)]);
  const head = h('section', { class: 'panel subject', 'data-key': 'head' },
    h('h1', {}, `Task ${id} `, h('span', { class: 'muted' }, `${row.name}, ${row.kind}`), ' ', badge(row.state)),
    row.reason && h('p', { class: 'because' }, row.reason),
    h('p', { class: 'figures num' }, taskJobs(row)), taskBar(row),
    facts([
      ['events', `${count(row.events_done)} of ${count(row.events_expected)}${row.events_lost ? `, ${count(row.events_lost)} given up` : ''}`],
      ['waiting', row.jobs_waiting ? counted(row.jobs_waiting, 'job') : null],
      ['cancelled', row.jobs_cancelled ? counted(row.jobs_cancelled, 'job') : null],
      ['reads', row.inputs.length ? row.inputs.map((one, index) => [index ? '; ' : null, input(one)]) : null],
      ['a job needs', needs(row)], ['priority', count(row.priority)], ['attempts', `at most ${count(row.max_attempts)} that count`],
      ['archived', row.archived && `${row.archived.state} by ${row.archived.who}`],
      ['failures', taskLink(id, 'what failed, and why')],
    ]),
    actionTools(`/tasks/${id}`, row));
  return [crumbs(['Requests', '#'], [`request ${row.request}`, `#request/${row.request}`], [`task ${id}`]), head,
    panel('outputs', 'Output', null, datasets.length ? table([
      { name: 'dataset', wide: true, show: one => one.dataset }, { name: 'state', show: one => badge(one.state) },
      { name: 'files', n: true, show: one => count(one.files) }, { name: 'events', n: true, show: one => count(one.events) },
    ], datasets, one => one.dataset, true) : empty('It fills no dataset.')),
    submissions(grid, false), history(moves)];
}
