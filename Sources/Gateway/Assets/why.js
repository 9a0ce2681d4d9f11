// Why a job does not run, or why it failed: in one sentence, then with everything that says so.

import { get } from '/assets/api.js';
import { h } from '/assets/dom.js';
import { at, badge, crumbs, empty, facts, ruleLink, table } from '/assets/pieces.js';
import { count, counted, lasting, where } from '/assets/words.js';

const present = value => value !== null && value !== undefined;

// What was changed for the next attempt. What this page does not know yet is shown as it is.
const told = {
  memoryMB: value => `${count(value)} MB of memory`, walltimeSeconds: value => `${lasting(value)} of wall time`,
  events: value => `split into jobs of ${count(value)} events`, excludedSites: value => `not at ${value.join(', ')}`,
  excludedNodes: value => `not on ${value.join(', ')}`, raisesTask: value => value && 'the whole task gets the memory',
  task: value => `the task: ${value}`,
};

function changes(group) {
  if (!group) return null;
  return Object.entries(group).filter(([, value]) => present(value) && value.length !== 0)
    .map(([key, value]) => Object.hasOwn(told, key) ? told[key](value) : `${key}: ${JSON.stringify(value)}`).filter(Boolean).join('; ');
}

function verdict(attempt, isForgiven) {
  if (!attempt.action) return attempt.code ? h('span', { class: 'muted' }, 'its verdict is on its way') : null;
  return [badge(attempt.action), ' by rule ', ruleLink(attempt.rule), `: ${attempt.reason}`,
    attempt.not_before ? [', not before ', at(attempt.not_before), ' UTC'] : null,
    h('span', { class: 'hint' }, attempt.carried_out_at ? [', carried out ', at(attempt.carried_out_at), ' UTC'] : ', not yet carried out'),
    isForgiven ? ', forgiven: its place was at fault' : null];
}

const evidence = failures => (failures || []).length > 1
  ? h('ul', { class: 'plain' }, failures.map(failure => h('li', {}, h('span', { class: 'mono' }, String(failure.code)), ` ${failure.diagnostic || ''}`))) : null;

function attemptCard(attempt, isForgiven, log) {
  const said = attempt.code ? [h('b', {}, h('span', { class: 'mono' }, String(attempt.code)), ` ${attempt.name || 'not one of ours'}`),
    attempt.blame ? [h('span', { class: 'hint' }, ' blamed on '), attempt.blame] : null] : null;
  return h('article', { class: 'attempt', 'data-key': `a${attempt.attempt}` },
    h('div', { class: 'place-head' }, h('b', { class: 'num' }, `attempt ${attempt.attempt}`), badge(attempt.state), h('span', {}, `at ${where(attempt.site, attempt.node)}`),
      h('span', { class: 'hint num' }, attempt.ended_at ? ['ended ', at(attempt.ended_at)] : attempt.started_at ? ['started ', at(attempt.started_at)] : ['leased ', at(attempt.leased_at)], ' UTC')),
    facts([
      ['failure', said],
      ['diagnostic', attempt.diagnostic && h('code', { class: 'said' }, attempt.diagnostic)],
      ['evidence', evidence(attempt.failures)],
      ['last log line', attempt.log_line && h('code', { class: 'said' }, attempt.log_line)],
      ['verdict', verdict(attempt, isForgiven)],
      ['tried then', changes(attempt.changes)],
      ['came back', attempt.late_code && [at(attempt.late_at), ' UTC: ', h('b', { class: 'mono' }, String(attempt.late_code)), ' ', h('code', { class: 'said' }, attempt.late_diagnostic)]],
      ['batch job', attempt.batch_id && h('span', { class: 'mono' }, attempt.batch_id)],
      ['used', [present(attempt.wall_seconds) ? `${lasting(attempt.wall_seconds)} of wall time` : null, present(attempt.cpu_seconds) ? `, ${lasting(attempt.cpu_seconds)} of CPU` : null,
        attempt.step ? `, step ${attempt.step}` : null].filter(Boolean).join('').replace(/^, /, '')],
    ]),
    log ? h('details', { 'data-key': 'log' }, h('summary', {}, 'the end of its log'), h('pre', { class: 'log' }, log)) : null);
}

function waitingPanel(why) {
  const need = why.class || {};
  const needs = [present(need.cores) && counted(need.cores, 'core'), present(need.memoryMB) && `${count(need.memoryMB)} MB`,
    present(need.walltimeSeconds) && `${lasting(need.walltimeSeconds)} of wall time`, present(need.diskMB) && `${count(need.diskMB)} MB of disk`,
    need.platform && need.platform !== 'any' && need.platform, (need.tags || []).length && `tags ${need.tags.join(', ')}`,
    (need.sites || []).length && `only at ${need.sites.join(', ')}`, (need.storage || []).length && `storage ${need.storage.join(', ')}`].filter(Boolean);
  const waiting = why.waiting || {};
  return h('section', { class: 'panel', 'data-key': 'waiting' },
    h('div', { class: 'head' }, h('h2', {}, 'What it waits for'), h('span', { class: 'hint num' }, `${count(why.agents_fitting)} of ${counted(why.agents_total, 'agent')} could take it now`)),
    facts([
      ['needs', needs.join(', ')], ['ahead of it', present(why.ahead) && counted(why.ahead, 'job')],
      ['not before', waiting.not_before && [at(waiting.not_before), ' UTC']], ['not at', (waiting.excluded || []).join(', ')],
      ['held', waiting.held && 'yes'],
    ]),
    why.reasons.length ? table([
      { name: 'reason', show: row => h('b', { class: 'reason' }, row.reason) }, { name: 'agents', n: true, show: row => count(row.agents) },
      { name: 'sites', show: row => row.sites.join(', ') }, { name: 'for example', wide: true, show: row => row.example },
      { name: 'what changes it', wide: true, show: row => row.changes },
    ], why.reasons, row => row.reason, true) : empty('Every agent could take it.'));
}

// The tail of the log of the last attempt that ended.
async function lastLog(why) {
  const last = why.attempts.filter(attempt => attempt.ended_at && attempt.code).at(-1);
  if (!last) return [];
  const { log } = await get(`/jobs/${why.task}/${why.index}/log?attempt=${last.attempt}`);
  return [last.attempt, log];
}

export async function whyView(task, index) {
  const why = await get(`/jobs/${task}/${index}/why`);
  const [logOf, log] = await lastLog(why);
  const attempts = [...why.attempts].reverse();
  const forgiven = new Set(why.verdicts.filter(row => row.forgiven).map(row => row.attempt));
  return [
    crumbs(['Failures', '#'], [`task ${task}`, `#task/${task}`], [`job ${task}.${index}`]),
    h('section', { class: 'panel subject', 'data-key': 'head' },
      h('h1', {}, `Job ${task}.${index} `, badge(why.state)),
      h('p', { class: 'because' }, why.summary),
      why.changes && h('p', {}, h('span', { class: 'hint' }, 'what may change that: '), why.changes)),
    why.waiting ? waitingPanel(why) : null,
    attempts.length ? h('section', { class: 'panel', 'data-key': 'attempts' },
      h('div', { class: 'head' }, h('h2', {}, 'Attempts'), h('span', { class: 'hint' }, `${attempts.length > 1 ? `${attempts.length}, the last first` : ''}`)),
      attempts.map(attempt => attemptCard(attempt, forgiven.has(attempt.attempt), attempt.attempt === logOf ? log : null))) : null,
  ].filter(Boolean);
}
