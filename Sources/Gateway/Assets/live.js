// The live page. It reads the API, listens to the events, and changes only what is different: nothing flickers. What comes from
// the farm is set as text or as an attribute of a fixed name, never as markup.

import { TimeChart } from '/assets/chart.js';

const api = '/api/v1';
const place = id => document.getElementById(id);
const whole = new Intl.NumberFormat('en');
const count = value => value === null || value === undefined ? '–' : whole.format(value);

// ------------------------------------------------------------ building and changing the page

const SVG = 'http://www.w3.org/2000/svg';

function h(name, attributes, ...children) {
  const node = name === 'svg' || name === 'rect' ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value !== undefined && value !== null && value !== false) node.setAttribute(key, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== undefined && child !== null && child !== false) node.append(child);
  }
  return node;
}

const keyOf = node => node.nodeType === 1 ? node.getAttribute('data-key') : null;

// Makes `old` look like `fresh`, touching only what differs.
function morph(old, fresh) {
  if (old.nodeType === 3) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of [...fresh.attributes]) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  fill(old, [...fresh.childNodes]);
}

function fill(parent, fresh) {
  const keyed = new Map([...parent.childNodes].filter(keyOf).map(node => [keyOf(node), node]));
  let at = parent.firstChild;
  for (const node of fresh) {
    const key = keyOf(node);
    const same = key ? keyed.get(key) : at && !keyOf(at) ? at : undefined;
    if (same && same.nodeName === node.nodeName) {
      if (same === at) at = at.nextSibling; else parent.insertBefore(same, at);
      morph(same, node);
    } else {
      parent.insertBefore(node, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

// ------------------------------------------------------------ words

function ago(time) {
  if (!time) return 'never';
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000));
  if (seconds < 5) return 'now';
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} d ago`;
}

function rate(value) {
  if (!value) return '0';
  if (value < 10) return value.toFixed(value < 1 ? 2 : 1);
  return whole.format(Math.round(value));
}

const looks = {
  new: ['calm', '○'], approved: ['calm', '◔'], running: ['run', '▶'], finished: ['good', '✓'], failed: ['bad', '▲'],
  cancelled: ['calm', '✕'], held: ['warn', '‖'], rejected: ['calm', '✕'], waiting: ['calm', '○'], scouting: ['run', '▷'],
  finishing: ['run', '◕'], done: ['good', '✓'], aborted: ['bad', '✕'], paused: ['warn', '‖'], allowed: ['good', '✓'],
  draining: ['warn', '◐'], banned: ['bad', '✕'], resubmit: ['warn', '↻'], abort: ['bad', '✕'], pause: ['warn', '‖'],
};

function badge(word) {
  const [kind, sign] = looks[word] || ['calm', '·'];
  return h('span', { class: `badge ${kind}`, 'data-sign': sign }, word);
}

// parts: [[class, number]] of a whole.
function bar(parts, total, label, thin) {
  let left = 0;
  const pieces = parts.filter(([, value]) => value > 0 && total > 0).map(([kind, value]) => {
    const wide = Math.min(100 - left, value / total * 100);
    const piece = h('rect', { class: `s-${kind}`, x: `${left.toFixed(3)}%`, y: 0, width: `${wide.toFixed(3)}%`, height: '100%' });
    left += wide;
    return piece;
  });
  return h('svg', { class: thin ? 'bar thin' : 'bar', role: 'img', 'aria-label': label }, pieces);
}

const empty = text => h('p', { class: 'empty' }, text);

function table(columns, rows, key) {
  const head = h('tr', {}, columns.map(column => h('th', { class: column.n && 'n' }, column.name)));
  const body = rows.map(row => h('tr', { 'data-key': String(key(row)) },
    columns.map(column => h('td', { class: column.n && 'n' }, column.show(row)))));
  return h('table', {}, h('thead', {}, head), h('tbody', {}, body));
}

// ------------------------------------------------------------ reading

class Refused extends Error {}

async function get(path) {
  const answer = await fetch(api + path, { headers: { Accept: 'application/json' } });
  if (answer.status === 401 || answer.status === 403) throw new Refused(String(answer.status));
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

const list = async path => (await get(path)).items;

// ------------------------------------------------------------ the parts of the page

const states = new TimeChart(place('chart-states'), [
  { key: 'done', label: 'done', colour: 'done' }, { key: 'active', label: 'running', colour: 'active' },
  { key: 'recovering', label: 'recovering', colour: 'recovering' }, { key: 'aborted', label: 'given up', colour: 'aborted' },
  { key: 'waiting', label: 'waiting', colour: 'waiting' },
], 'area');
const minutes = new TimeChart(place('chart-minutes'), [
  { key: 'done', label: 'jobs done', colour: 'done' }, { key: 'failed', label: 'attempts failed', colour: 'aborted' },
], 'bars');

function tile(name, value, small, bad) {
  return h('div', { class: bad ? 'tile bad' : 'tile', 'data-key': name }, h('span', {}, name), h('b', {}, value), h('small', {}, small));
}

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
    const rows = await list('/tracker?limit=200');
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
    const rows = await list('/sites?limit=200');
    place('sites-hint').textContent = rows.length ? `${rows.length}` : '';
    fill(place('sites'), [rows.length ? table([
      { name: 'site', show: row => [row.site, row.access !== 'allowed' && row.reason ? h('div', { class: 'hint' }, row.reason) : null] },
      { name: 'access', show: row => badge(row.access) }, { name: 'agents', n: true, show: row => count(row.agents) },
      { name: 'running', n: true, show: row => count(row.running) }, { name: 'failed 1 h', n: true, show: row => count(row.failed_1h) },
      { name: 'seen', n: true, show: row => ago(row.last_seen) },
    ], rows, row => row.site) : empty('No site is known. Add one with: millrace site add')]);
  },

  async services() {
    const rows = await list('/services?limit=200');
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
  // The events a request asks for are those of its first tasks; later ones read the same events again.
  const first = tasks.filter(task => task.position === 0);
  const expected = first.reduce((sum, task) => sum + (task.events_expected || 0), 0);
  const done = first.reduce((sum, task) => sum + task.events_done, 0);
  const lost = first.reduce((sum, task) => sum + task.events_lost, 0);
  const share = expected ? (done / expected * 100).toFixed(1) : '0.0';
  const title = request.title || request.workflow;
  return h('article', { class: 'request', 'data-key': `r${request.request}` },
    h('div', { class: 'request-head' }, h('span', { class: 'id num' }, `#${request.request}`), h('span', { class: 'title' }, title), badge(request.state),
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
  if (task.jobs_aborted) facts.push(' · ', h('span', { class: 'bad' }, `${count(task.jobs_aborted)} given up`));
  const parts = [['done', task.jobs_done], ['active', task.jobs_active], ['recovering', task.jobs_recovering], ['aborted', task.jobs_aborted]];
  return [
    h('div', { class: 'name', 'data-key': `n${task.task}`, title: task.reason || undefined }, task.name, h('span', { class: 'hint' }, ` ${task.kind}`)),
    h('div', { 'data-key': `s${task.task}` }, badge(task.state)),
    h('div', { 'data-key': `b${task.task}` }, bar(parts, total, `${task.jobs_done} of ${total} jobs done`, true)),
    h('div', { class: 'counts num', 'data-key': `c${task.task}` }, facts),
  ];
}

function verdictRow(row) {
  const where = row.node ? `${row.site}, ${row.node}` : row.site;
  return h('div', { class: 'verdict', 'data-key': `${row.task}.${row.index}.${row.attempt}` }, badge(row.action),
    h('span', { class: 'what' }, h('span', { class: 'mono' }, `${row.task}.${row.index}.${row.attempt}`), ` at ${where} · ${row.blame} · ${row.code}`),
    h('time', { class: 'when num', datetime: row.at, title: row.at }, ago(row.at)),
    h('span', { class: 'text', title: row.diagnostic }, row.diagnostic, h('span', { class: 'hint' }, ` — ${row.reason} (rule ${row.rule})`)));
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
  const url = `${api}/plots/file?lfn=${encodeURIComponent(row.lfn)}`;
  const name = `request ${row.request} · ${row.name} · ${row.stream}`;
  return h('a', { href: url, target: '_blank', rel: 'noopener', 'data-key': row.lfn },
    h('img', { src: url, alt: name, loading: 'lazy' }), h('span', { title: row.lfn }, name));
}

// ------------------------------------------------------------ when to read

// Which parts an event of a kind can change.
const touched = {
  request: ['requests', 'tracker', 'stats'], task: ['requests', 'tracker', 'stats'], attempt: ['stats', 'requests', 'tracker', 'sites'],
  verdict: ['verdicts', 'sites', 'stats'], file: ['plots', 'tracker'], dataset: ['requests'], site: ['sites'], transfer: [],
};

const stale = new Set();
const every = Object.keys(parts);
const slowest = 1000;
let timer, reading = false, last = 0;

function mark(names) {
  for (const name of names) stale.add(name);
  if (!timer && !reading && stale.size && !document.hidden) timer = setTimeout(refresh, Math.max(0, last + slowest - Date.now()));
}

async function refresh() {
  timer = undefined;
  reading = true;
  last = Date.now();
  const names = [...stale];
  stale.clear();
  const results = await Promise.allSettled(names.map(name => parts[name]()));
  reading = false;
  const failed = results.filter(result => result.status === 'rejected').map(result => result.reason);
  if (failed.some(reason => reason instanceof Refused)) {
    notice('This page needs a token: open the address that “millrace env” prints, it carries yours.');
  } else if (failed.length) {
    notice(`The gateway does not answer as it should (${failed[0].message}); what is shown may be old.`);
  } else {
    notice('');
  }
  document.body.dataset.ready = 'true';
  mark([]);
}

function notice(text) {
  const node = place('notice');
  if (node.textContent !== text) node.textContent = text;
  node.hidden = !text;
}

function link(state, text) {
  const node = place('link');
  node.dataset.state = state;
  node.querySelector('b').textContent = text;
}

function listen() {
  const events = new EventSource(`${api}/events`);
  events.onopen = () => { link('live', 'live'); mark(every); };
  events.onerror = () => {
    link('lost', 'reconnecting');
    // The browser comes back by itself after a broken connection, not after a refusal.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  };
  for (const [kind, names] of Object.entries(touched)) events.addEventListener(kind, () => mark(names));
}

function tick() {
  place('clock').textContent = `${new Date().toISOString().slice(11, 19)} UTC`;
}

get('/me').then(me => { place('who').textContent = `${me.who}, ${me.role}`; }, () => {});
mark(every);
listen();
tick();
setInterval(tick, 1000);
setInterval(() => mark(['stats']), 2000);
setInterval(() => mark(every), 10000);
document.addEventListener('visibilitychange', () => mark(every));
