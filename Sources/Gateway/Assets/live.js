// The live page: what runs now.

import { address, everything, get, list } from '/assets/api.js';
import { TimeChart } from '/assets/chart.js';
import { fill, h, place } from '/assets/dom.js';
import { badge, bar, empty, pageLink, table, taskLink, tile, verdictRow } from '/assets/pieces.js';
import { wanted } from '/assets/progress.js';
import { start } from '/assets/shell.js';
import { ago, count, counted, rate } from '/assets/words.js';

const states = new TimeChart(place('chart-states'), [
  { key: 'done', label: 'done', colour: 'done' }, { key: 'active', label: 'running', colour: 'active' },
  { key: 'recovering', label: 'recovering', colour: 'recovering' }, { key: 'aborted', label: 'given up', colour: 'aborted' },
  { key: 'waiting', label: 'waiting', colour: 'waiting' },
], 'area');
const minutes = new TimeChart(place('chart-minutes'), [
  { key: 'done', label: 'jobs done', colour: 'done' }, { key: 'failed', label: 'attempts failed', colour: 'aborted' },
], 'bars');

const parts = {
  async stats() {
    const stats = await get('/stats');
    const share = stats.events.expected ? stats.events.done / stats.events.expected * 100 : 0;
    const failures = stats.rates.failures_per_second * 60;
    fill(place('tiles'), [
      tile('Running jobs', count(stats.jobs.active), `${count(stats.jobs.recovering)} recovering`),
      tile('Jobs per second', rate(stats.rates.jobs_per_second), `${count(stats.jobs.done)} done`),
      tile('Events per second', rate(stats.rates.events_per_second), `${count(stats.events.done)} accepted, ${share.toFixed(1)} %`),
      tile('Waiting jobs', count(stats.jobs.waiting), `${count(stats.jobs.total)} in all`),
      tile('Failures per minute', rate(failures), `${count(stats.jobs.aborted)} jobs given up`, failures > 0),
      tile('Agents', count(stats.agents.here), stats.agents.silent ? `${stats.agents.silent} silent` : 'all heard of', stats.agents.silent > 0),
    ]);
    showHistory(states, 'states', stats.recent, 60, 600);
    showHistory(minutes, 'minutes', stats.minutes, 900, 3600);
  },

  async requests() {
    const requests = await list('/requests?order=desc&limit=20');
    const ids = requests.map(request => request.request);
    const tasks = ids.length ? await list(`/tasks?request=${ids.join(',')}&limit=1000`) : [];
    place('requests-hint').textContent = requests.length ? `${requests.length} latest` : '';
    fill(place('requests'), requests.length
      ? requests.map(request => requestRow(request, tasks.filter(task => task.request === request.request)))
      : [empty('Nothing is requested yet. Start with: millrace request create')]);
  },

  async tracker() {
    const { items: rows, next } = await get('/tracker?order=desc&limit=200');
    place('tracker-hint').textContent = next === null ? '' : `; only ${counted(rows.length, 'row')}, all: millrace tracker --limit 0`;
    fill(place('tracker'), [rows.length ? table([
      { name: 'gen_id', n: true, show: row => count(row.gen_id) }, { name: 'sample', show: row => row.root_name },
      { name: 'sim_id', n: true, show: row => count(row.sim_id) }, { name: 'username', show: row => row.username },
      { name: 'ssw', show: row => row.ssw }, { name: 'ssw_ver', show: row => row.ssw_ver },
      { name: 'detector_model', show: row => row.detector_model }, { name: 'physics_list', show: row => row.physics_list },
      { name: 'generated', n: true, show: row => count(row.generated) }, { name: 'processed', n: true, show: row => count(row.processed) },
      { name: 'damaged', n: true, show: row => count(row.damaged) },
      { name: '', show: row => bar([['done', row.processed], ['aborted', row.damaged]], row.generated, 'processed of generated', true) },
    ], rows, row => `${row.gen_id}/${row.sim_id}/${row.username}`) : empty('No sample is being produced.')]);
  },

  async verdicts() {
    const rows = await list('/verdicts?order=desc&limit=8');
    fill(place('verdicts'), rows.length ? rows.map(verdictRow) : [empty('No attempt has failed.')]);
  },

  async sites() {
    const rows = await everything('/sites');
    place('sites-hint').textContent = rows.length ? count(rows.length) : '';
    fill(place('sites'), [rows.length ? table([
      { name: 'site', show: row => [row.site, row.access !== 'allowed' && row.reason ? h('div', { class: 'hint' }, row.reason) : null] },
      { name: 'access', show: row => badge(row.access) }, { name: 'agents', n: true, show: row => count(row.agents) },
      { name: 'running', n: true, show: row => count(row.running) }, { name: 'failed 1 h', n: true, show: row => count(row.failed_1h) },
      { name: 'seen', n: true, show: row => ago(row.last_seen) },
    ], rows, row => row.site) : empty('No site is known. Add one with: millrace site add')]);
  },

  async services() {
    const rows = await everything('/services');
    const alive = rows.filter(row => row.alive).length;
    place('services-hint').textContent = rows.length ? `${alive} of ${rows.length} alive` : '';
    fill(place('services'), rows.length ? rows.map(serviceRow) : [empty('No service has reported.')]);
  },

  async plots() {
    const rows = (await list('/plots?order=desc&limit=24')).filter(row => /\.(png|jpe?g|gif)$/i.test(row.lfn));
    place('plots-panel').hidden = rows.length === 0;
    place('plots-hint').textContent = rows.length ? `${rows.length} latest` : '';
    fill(place('plots'), rows.map(plotCard));
  },
};

// As much of the past as there is, within bounds: a young farm is not drawn as a line at the edge.
function showHistory(chart, name, points, least, most) {
  const age = points.length > 1 ? (Date.parse(points[points.length - 1].at) - Date.parse(points[0].at)) / 1000 + (least > 60 ? 60 : 0) : 0;
  const span = Math.min(most, Math.max(least, Math.ceil(age / 60) * 60));
  const minutes = span / 60;
  place(`hint-${name}`).textContent = minutes >= 60 ? 'last hour' : minutes === 1 ? 'last minute' : `last ${minutes} minutes`;
  chart.show(points, span);
}

function requestRow(request, tasks) {
  const { expected, done, lost } = wanted(tasks);
  const share = expected ? (done / expected * 100).toFixed(1) : '0.0';
  const title = request.title || request.workflow;
  return h('article', { class: 'request', 'data-key': `r${request.request}` },
    h('div', { class: 'request-head' }, h('span', { class: 'id num' }, `#${request.request}`), h('span', { class: 'title' }, pageLink('request', request.request, title)), badge(request.state),
      h('span', { class: 'facts num' }, tasks.length
        ? `${count(done)} of ${count(expected)} events · ${share} %`
        : `${request.workflow} by ${request.owner}, ${ago(request.created)}`)),
    request.reason && ['held', 'failed', 'cancelled', 'rejected'].includes(request.state) ? h('div', { class: 'reason' }, request.reason) : null,
    tasks.length ? bar([['done', done], ['aborted', lost]], expected, `${share} % of the events are accepted`) : null,
    tasks.length ? h('div', { class: 'tasks' }, tasks.map(taskCells)) : null);
}

function taskCells(task) {
  const total = task.jobs_total || 0;
  const facts = [h('b', { class: 'num' }, count(task.jobs_done)), ` of ${task.jobs_total === null ? '?' : count(total)} jobs`];
  if (task.jobs_active) facts.push(` · ${count(task.jobs_active)} running`);
  if (task.jobs_recovering) facts.push(` · ${count(task.jobs_recovering)} recovering`);
  if (task.jobs_aborted) facts.push(' · ', h('span', { class: 'bad' }, taskLink(task.task, `${count(task.jobs_aborted)} given up`)));
  const parts = [['done', task.jobs_done], ['active', task.jobs_active], ['recovering', task.jobs_recovering], ['aborted', task.jobs_aborted]];
  return [
    h('div', { class: 'name', 'data-key': `n${task.task}`, title: task.reason || undefined }, pageLink('task', task.task, task.name), h('span', { class: 'hint' }, ` ${task.kind}`)),
    h('div', { 'data-key': `s${task.task}` }, badge(task.state)),
    h('div', { 'data-key': `b${task.task}` }, bar(parts, total, `${task.jobs_done} of ${total} jobs done`, true)),
    h('div', { class: 'counts num', 'data-key': `c${task.task}` }, facts),
  ];
}

function serviceRow(row) {
  return h('div', { class: 'service', 'data-key': `${row.service}/${row.instance}` },
    h('span', { class: row.alive ? (row.trouble ? 'badge warn' : 'badge good') : 'badge bad', 'data-sign': row.alive ? (row.trouble ? '!' : '✓') : '✕' },
      row.alive ? (row.trouble ? 'trouble' : 'alive') : 'gone'),
    h('span', {}, row.service, h('span', { class: 'hint' }, ` ${row.instance}`)),
    h('span', { class: 'hint num' }, ago(row.seen_at)),
    row.trouble ? h('span', { class: 'trouble' }, row.trouble) : null);
}

function plotCard(row) {
  const url = address(`/plots/file?lfn=${encodeURIComponent(row.lfn)}`);
  const name = `request ${row.request} · ${row.name} · ${row.stream}`;
  return h('a', { href: url, target: '_blank', rel: 'noopener', 'data-key': row.lfn },
    h('img', { src: url, alt: name, loading: 'lazy' }), h('span', { title: row.lfn }, name));
}

// Which parts an event of a kind can change.
const touched = {
  request: ['requests', 'tracker', 'stats'], task: ['requests', 'tracker', 'stats'], attempt: ['stats', 'requests', 'tracker', 'sites'],
  verdict: ['verdicts', 'sites', 'stats'], file: ['plots', 'tracker'], dataset: ['requests'], site: ['sites'], transfer: [],
};

start({ parts, touched, periods: { stats: 2 } });
