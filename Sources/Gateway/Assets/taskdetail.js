// One task: why it is as it is, its jobs, what failed, what it makes, what was sent to the grid, and what recovery would do.

import { get, list, Refusal } from '/assets/api.js';
import { h } from '/assets/dom.js';
import { badge, crumbs, empty, facts, pageLink, since, table, taskLink } from '/assets/pieces.js';
import { historyPanel, progressPanel, submissionsPanel } from '/assets/progress.js';
import { count, counted, lasting, setShare, size } from '/assets/words.js';

// The last look at what recovery would do: it stays when the task is read again.
let looked = { task: null, lines: null, isRefusal: false };

export async function showRecovery(task, done) {
  // An answer that comes when somebody has looked again is about what was before.
  const mine = looked = { task, lines: null, isRefusal: false };
  try {
    const { lines } = await get(`/tasks/${task}/recovery`);
    Object.assign(mine, { lines });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    Object.assign(mine, { lines: [error.message], isRefusal: true });
  }
  if (mine === looked) done();
}

// What was done to a task changes what is left to do. node: where its panel is; one that is closed is read when it is opened.
export function showRecoveryAgain(task, node, done) {
  if (node.querySelector(`details[data-recovery="${task}"][open]`)) showRecovery(String(task), done);
}

function recoveryPanel(task) {
  const mine = looked.task === String(task.task) && looked.lines;
  return h('section', { class: 'panel', 'data-key': 'recovery', id: 'recovery' },
    h('details', { 'data-recovery': task.task, 'data-key': 'd' }, h('summary', {}, 'What is lost or missing, and what recovery would do about it'),
      mine ? h('ul', { class: looked.isRefusal ? 'plain refusal' : 'plain told' }, looked.lines.map(line => h('li', {}, line))) : h('p', { class: 'empty' }, 'Looking at every job …')));
}

const needs = need => [counted(need.cores, 'core'), `${count(need.memory_mb)} MB`, `${lasting(need.walltime_s)} of wall time`, `${count(need.disk_mb)} MB of disk`,
  need.platform && need.platform !== 'any' && need.platform, need.tags.length && `tags ${need.tags.join(', ')}`, need.sites.length && `only at ${need.sites.join(', ')}`,
  need.storage.length && `storage ${need.storage.join(', ')}`, need.share && `share ${need.share}`].filter(Boolean).join(', ');

function source(input) {
  if (input.task) return [`stream ${input.stream} of `, pageLink('task', input.task)];
  return input.dataset ? `dataset ${input.dataset}` : input.container ? `container ${input.container}` : `files where ${input.query}`;
}

function head(task, desk) {
  const subject = { kind: 'task', id: task.task, version: task.version, actions: task.actions, row: task };
  return h('section', { class: 'panel subject', 'data-key': 'head' },
    h('h1', {}, `Task ${task.task} `, h('span', { class: 'muted' }, task.name), ' ', badge(task.state)),
    task.reason && h('p', { class: 'because' }, task.state === 'paused' ? 'Paused: ' : null, task.reason),
    facts([
      ['kind', task.kind], ['request', pageLink('request', task.request)],
      ['reads', task.inputs.length ? task.inputs.map((input, index) => [index ? '; ' : null, source(input)]) : null],
      ['needs', needs(task.requirement)],
      ['priority', count(task.priority)],
      ['may lose', task.allowed_loss ? `${setShare(task.allowed_loss)} of its events` : null],
      ['archived', task.archived && [badge(task.archived.state), ` by ${task.archived.who}, `, since(task.archived.since)]],
    ]), desk.said(subject), desk.buttons(subject));
}

// The worst groups in a line each; the rest is on the page of failures.
async function failuresPanel(task) {
  const answer = await get(`/tasks/${task.task}/debug`);
  const groups = answer.items.slice(0, 5);
  return h('section', { class: 'panel', 'data-key': 'failures', id: 'failures' },
    h('div', { class: 'head' }, h('h2', {}, 'Failures'), h('span', { class: 'hint num' }, task.failures ? [`${count(task.failures)} attempts failed or were lost · `, taskLink(task.task, 'all of them, by place and job')] : '')),
    groups.length ? table([
      { name: 'what', wide: true, show: group => [h('b', {}, h('span', { class: 'mono' }, String(group.code)), ` ${group.name || 'not one of ours'}`), h('div', { class: 'hint clamp' }, group.diagnostic)] },
      { name: 'failures', n: true, show: group => count(group.failures) }, { name: 'jobs', n: true, show: group => count(group.jobs) },
      { name: 'lost', n: true, show: group => lasting(group.lost_wall_seconds) },
      { name: 'blame', show: group => group.blame },
      { name: 'decided', show: group => Object.keys(group.actions || {}).map(badge) },
      { name: 'last', n: true, show: group => since(group.last) },
    ], groups, group => group.fingerprint, true) : empty((answer.archived || []).length ? 'What failed is in the archive.' : task.failures ? 'None of its failures has a verdict.' : 'Nothing of it has failed.'));
}

async function outputsPanel(task) {
  const rows = await list(`/datasets?task=${task.task}&limit=100`);
  return h('section', { class: 'panel', 'data-key': 'outputs', id: 'outputs' },
    h('div', { class: 'head' }, h('h2', {}, 'Output datasets'), h('span', { class: 'hint' }, rows.length ? counted(rows.length, 'dataset') : '')),
    rows.length ? table([
      { name: 'dataset', wide: true, show: row => h('span', { class: 'mono' }, row.dataset) }, { name: 'stream', show: row => row.stream },
      { name: 'state', show: row => badge(row.state) }, { name: 'files', n: true, show: row => count(row.files) },
      { name: 'events', n: true, show: row => count(row.events) }, { name: 'size', n: true, show: row => size(row.bytes) }, { name: 'home', show: row => row.home },
    ], rows, row => row.dataset, true) : empty('It fills no dataset.'));
}

export async function taskView(id, desk) {
  const task = await get(`/tasks/${id}`);
  const [failures, outputs, submissions, history] = await Promise.all([failuresPanel(task), outputsPanel(task), submissionsPanel(`task=${id}`, false), historyPanel(`/tasks/${id}`)]);
  return [
    crumbs(['Requests', '#'], [`request ${task.request}`, `#request/${task.request}`], [`task ${id}`]),
    head(task, desk), desk.confirmation(`task/${id}`),
    progressPanel({ expected: task.events_expected, done: task.events_done, lost: task.events_lost }, [task]),
    failures, outputs, submissions, recoveryPanel(task), history,
  ].filter(Boolean);
}
