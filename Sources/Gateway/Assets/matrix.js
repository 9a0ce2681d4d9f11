// Tasks or requests by site: how much of what ended succeeded. Each cell says it in figures; the shade only helps the eye.

import { h } from '/assets/dom.js';
import { badge, cut } from '/assets/pieces.js';
import { count } from '/assets/words.js';

const most = 40;
const levels = [['q0', 'under 50 %', 50], ['q1', '50 to 80 %', 80], ['q2', '80 to 95 %', 95], ['q3', '95 % and more', 100], ['q4', 'all', Infinity]];
const level = share => levels.find(([, , under]) => share < under)[0];

// All and nothing are only said when they are true.
function shown(cell) {
  if (!cell.failed) return '100 %';
  if (!cell.finished) return '0 %';
  return `${Math.min(99, Math.max(1, Math.round(cell.success_percent)))} %`;
}

function figures(cell, key) {
  if (!cell) return h('td', { class: 'none', 'data-key': key, title: 'nothing ended there' }, '·');
  const all = cell.finished + cell.failed;
  return h('td', { class: level(cell.success_percent), 'data-key': key, title: `${count(cell.finished)} finished, ${count(cell.failed)} failed` },
    h('b', {}, shown(cell)), h('small', {}, cell.failed ? `${count(cell.failed)} of ${count(all)} failed` : `${count(all)} finished`));
}

function head(row, by) {
  const [id, name, note] = by === 'task' ? [row.task, row.name, `request ${row.request}`] : [row.request, row.title || 'no title', ''];
  return h('th', { scope: 'row', 'data-key': 'head' },
    h('a', { href: `#${by}/${id}` }, `${id} ${name}`), h('small', {}, badge(row.state), note && ` ${note}`));
}

export function matrixTable(answer, by) {
  const sites = answer.sites.map(site => site.site);
  const rows = answer.items.slice(0, most);
  const line = (first, all, cells, key) => h('tr', { 'data-key': key }, first, figures(all, 'all'),
    sites.map(site => figures(cells.find(cell => cell.site === site), `at ${site}`)));
  const legend = h('p', { class: 'heat-legend', 'data-key': 'legend' }, 'finished: ', levels.map(([kind, text]) => h('span', {}, h('i', { class: kind }), text)));
  return [
    h('div', { class: 'scroll', 'data-key': 'scroll' }, h('table', { class: 'heat' },
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, by), h('th', { scope: 'col' }, 'all sites'), sites.map(site => h('th', { scope: 'col' }, site)))),
      h('tbody', {}, rows.map(row => line(head(row, by), row, row.cells || [], `${by} ${by === 'task' ? row.task : row.request}`)),
        line(h('th', { scope: 'row', 'data-key': 'head' }, `all ${by}s`), answer.total, answer.sites, 'total')))),
    legend,
    cut(rows.length, answer.items_total, 'the worst'),
  ];
}
