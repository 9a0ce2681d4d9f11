// The page of requests: the list, one request, one task, and what people may do with them.

import { get, list, Refusal } from '/assets/api.js';
import { actionDesk } from '/assets/actions.js';
import { fill, h, place } from '/assets/dom.js';
import { badge, choice, crumbs, empty, pageLink, since, table } from '/assets/pieces.js';
import { eventsBar, jobsBar, jobWords, wanted } from '/assets/progress.js';
import { requestView } from '/assets/requestdetail.js';
import { start } from '/assets/shell.js';
import { showRecovery, showRecoveryAgain, taskView } from '/assets/taskdetail.js';
import { count, counted } from '/assets/words.js';

// Each with the states it shows; the numbers come from what the live page counts.
const filters = [
  ['', 'all'], ['new,approved,running,held', 'open'], ['new', 'to approve'], ['approved,running', 'running'], ['held', 'held'],
  ['finished', 'finished'], ['failed', 'failed'], ['rejected,cancelled', 'cancelled'],
];
const onePage = 50;
const chosen = { state: '', after: [null] };
let next = null, counts = null;

// `#request/7` or `#task/12`; anything else is the list.
function route() {
  const [, kind, id] = location.hash.match(/^#(request|task)\/(\d+)$/) || [];
  return kind ? { kind, id } : null;
}

const isShown = shown => { const now = route(); return Boolean(now) && now.kind === shown.kind && now.id === shown.id; };

const telling = ['new', 'held', 'failed', 'cancelled', 'rejected'];

function nameCell(row) {
  return [h('div', { class: 'name-line' }, h('span', { class: 'id num' }, `#${row.request}`), ' ', pageLink('request', row.request, row.title || row.workflow)),
    h('div', { class: 'hint' }, `${row.workflow} by ${row.owner}`)];
}

function stateCell(row) {
  const paused = row.tasks.filter(task => task.state === 'paused').length;
  return [badge(row.state), paused ? [' ', badge('paused'), h('span', { class: 'hint' }, ` ${counted(paused, 'task')}`)] : null,
    row.reason && telling.includes(row.state) && row.state !== 'new' ? h('div', { class: 'hint cause' }, row.reason) : null];
}

const columns = [
  { name: 'request', wide: true, show: nameCell },
  { name: 'state', wide: true, show: stateCell },
  { name: 'events', show: row => row.tasks.length ? [eventsBar(wanted(row.tasks)), h('div', { class: 'hint num' }, `${count(wanted(row.tasks).done)} of ${count(wanted(row.tasks).expected)}`)] : h('span', { class: 'muted' }, '–') },
  { name: 'jobs', show: row => row.tasks.length ? [jobsBar(row.tasks), h('div', { class: 'hint num' }, jobWords(row.tasks))] : h('span', { class: 'muted' }, row.state === 'new' ? 'none yet' : 'none') },
  { name: 'priority', n: true, extra: true, show: row => count(row.priority) },
  { name: 'share', extra: true, show: row => row.share || h('span', { class: 'muted' }, 'none') },
  { name: 'age', n: true, show: row => since(row.created) },
];

function showFilters() {
  const sum = states => states ? states.split(',').reduce((total, state) => total + (counts[state] || 0), 0) : Object.values(counts).reduce((total, value) => total + value, 0);
  fill(place('state'), filters.map(([value, text]) => h('button', { type: 'button', 'data-key': text, 'data-value': value, 'aria-pressed': String(value === chosen.state) },
    text, counts ? h('span', { class: 'many num' }, ` ${count(sum(value))}`) : null)));
}

const parts = {
  async counts() {
    if (route()) return;
    counts = (await get('/stats')).requests;
    showFilters();
  },

  async list() {
    if (route()) return null;
    const after = chosen.after.at(-1);
    const answer = await get(`/requests?order=desc&limit=${onePage}${chosen.state ? `&state=${chosen.state}` : ''}${after === null ? '' : `&after=${encodeURIComponent(after)}`}`);
    const ids = answer.items.map(row => row.request);
    const tasks = ids.length ? await list(`/tasks?request=${ids.join(',')}&limit=10000`) : [];
    return () => {
      next = answer.next;
      const rows = answer.items.map(row => ({ ...row, tasks: tasks.filter(task => task.request === row.request) }));
      fill(place('list'), [rows.length ? table(columns, rows, row => row.request, true)
        : empty(chosen.state ? 'No request is in such a state.' : 'Nothing is requested yet. Start with: millrace request create')]);
      place('pager').hidden = next === null && chosen.after.length === 1;
      place('newer').disabled = chosen.after.length === 1;
      place('older').disabled = next === null;
      place('page').textContent = `page ${chosen.after.length}`;
    };
  },

  async view() {
    const shown = route();
    place('overview').hidden = Boolean(shown);
    place('detail').hidden = !shown;
    if (!shown) { fill(place('detail'), []); return; }
    const view = await (shown.kind === 'task' ? taskView(shown.id, desk) : requestView(shown.id, desk)).catch(error => {
      if (!(error instanceof Refusal) || error.status !== 404) throw error;
      return [crumbs(['Requests', '#'], [`${shown.kind} ${shown.id}`]), h('section', { class: 'panel', 'data-key': 'missing' }, empty(`${error.message}.`))];
    });
    // Somebody may have gone on meanwhile.
    if (isShown(shown)) fill(place('detail'), view);
  },
};

const mark = start({
  parts, touched: { request: ['list', 'counts', 'view'], task: ['list', 'view'], dataset: ['view'] },
  // Jobs end all the time: what they change is read now and then.
  periods: { list: 5, view: 5, counts: 10 },
});
const showAgain = () => mark(['view'], true);
const desk = actionDesk(place('detail'), () => mark(['view', 'list', 'counts'], true), subject => { if (subject.kind === 'task') showRecoveryAgain(subject.id, place('detail'), showAgain); });

showFilters();
choice(place('state'), value => { chosen.state = value; chosen.after = [null]; mark(['list'], true); });
place('older').addEventListener('click', () => { if (next !== null) { chosen.after.push(next); next = null; mark(['list'], true); scrollTo(0, 0); } });
place('newer').addEventListener('click', () => { if (chosen.after.length > 1) { chosen.after.pop(); mark(['list'], true); scrollTo(0, 0); } });
place('detail').addEventListener('toggle', event => { if (event.target.open && event.target.dataset.recovery) showRecovery(event.target.dataset.recovery, showAgain); }, true);
addEventListener('hashchange', () => {
  desk.forget();
  fill(place('detail'), []);
  scrollTo(0, 0);
  mark(Object.keys(parts), true);
});
