// The page of failure rules: the two tables, one rule with its history, and the form for a new one.

import { everything, get, list } from '/assets/api.js';
import { fill, h, place } from '/assets/dom.js';
import { badge, choice, empty, ruleLink, since, table } from '/assets/pieces.js';
import { actOnRule, ruleView } from '/assets/ruledetail.js';
import { openForm } from '/assets/ruleform.js';
import { changeWords, fits, hasCode, measures, searched, state, tried } from '/assets/rulewords.js';
import { may, start } from '/assets/shell.js';
import { count, counted, moment } from '/assets/words.js';

const chosen = { text: '', kind: '', state: '' };
let rules = null, uses = new Map();

// `#rule/NAME` or `#add`; anything else is the overview.
function route() {
  const [, name] = location.hash.match(/^#rule\/(.+)$/) || [];
  if (location.hash === '#add') return { kind: 'form' };
  try {
    return name ? { kind: 'detail', name: decodeURIComponent(name) } : { kind: 'overview' };
  } catch {
    return { kind: 'overview' };  // not well encoded: no name of a rule
  }
}

function wanted(rule) {
  const words = chosen.text.toLowerCase().split(/\s+/).filter(Boolean);
  const text = searched(rule);
  return words.every(word => text.includes(word) || hasCode(rule, word)) && (!chosen.state || (chosen.state === 'active') === (state(rule) === 'deciding'));
}

// How often it decided in the last week; for one that is only observed, how often it would have.
function used(rule) {
  const use = uses.get(rule.rule);
  const [times, note] = rule.active ? [use ? use.decided + use.blamed : 0, ''] : [use ? use.observed : 0, ' would have'];
  return times ? [count(times), h('span', { class: 'hint' }, note)] : h('span', { class: 'muted' }, '0');
}

const does = rule => h('span', { class: 'does' }, rule.kind === 'blame' ? ['blame ', h('b', {}, rule.blame)] : [badge(rule.action), ' ', measures(rule)]);

const columns = [
  { name: 'rule', show: row => [h('span', { class: 'rule-name' }, ruleLink(row.rule)), row.why ? h('div', { class: 'hint' }, row.why) : null] },
  { name: 'fits', wide: true, show: fits },
  { name: 'does', show: does },
  { name: 'in 7 days', n: true, show: used },
  { name: 'state', show: row => [state(row) === 'deciding' ? h('span', { class: 'muted' }, 'deciding') : badge(state(row)), row.expires && state(row) !== 'expired' ? h('div', { class: 'hint' }, `until ${moment(row.expires)}`) : null] },
  { name: 'changed', extra: true, show: row => [since(row.changed), h('div', { class: 'hint by' }, `by ${row.who}`)] },
  { name: 'order', n: true, extra: true, show: row => count(row.priority) },
];

function showTables() {
  if (!rules) return;
  place('total').textContent = `${counted(rules.length, 'rule')}, tried from top to bottom; the first that fits decides`;
  for (const kind of ['blame', 'action']) {
    const all = rules.filter(rule => rule.kind === kind);
    const shown = all.filter(wanted);
    place(`${kind}-panel`).hidden = Boolean(chosen.kind) && chosen.kind !== kind;
    place(`${kind}-hint`).textContent = shown.length === all.length ? counted(all.length, 'rule') : `${shown.length} of ${counted(all.length, 'rule')}`;
    fill(place(kind), [shown.length ? table(columns, shown, row => row.rule, true) : empty(all.length ? 'No rule is like that.' : 'There is no rule in this table.')]);
  }
}

const changeRow = row => h('div', { class: 'change', 'data-key': `c${row.id}` }, badge(row.change), ruleLink(row.rule),
  h('span', { class: 'words' }, row.words), h('span', { class: 'hint' }, `${row.who}, `, since(row.at)));

async function readUses() {
  const answer = await get('/errors/rules?since=7d');
  uses = new Map(answer.items.map(item => [item.rule, item]));
}

const parts = {
  async rules() {
    if (route().kind !== 'overview') return;
    rules = (await everything('/rules')).sort(tried);
    showTables();
  },

  async uses() {
    await readUses();
    if (route().kind === 'overview') showTables();
  },

  async changes() {
    if (route().kind !== 'overview') return;
    const rows = await list('/rule-changes?order=desc&limit=200');
    // The one before it of the same rule, if it is not too long ago.
    const before = (row, index) => rows.slice(index + 1).find(other => other.rule === row.rule);
    // The rules a farm begins with are no news.
    const shown = rows.map((row, index) => ({ ...row, words: changeWords(row, before(row, index)) }))
      .filter(row => row.who !== 'millrace').slice(0, 5);
    place('changes-panel').hidden = !shown.length;
    fill(place('changes'), shown.map(changeRow));
  },

  async role() {
    place('new').hidden = !await may('operator');
  },

  async view() {
    const shown = route();
    for (const kind of ['overview', 'detail', 'form']) place(kind).hidden = kind !== shown.kind;
    if (shown.kind === 'detail') {
      const view = await ruleView(shown.name, uses.get(shown.name));
      // Somebody may have gone on meanwhile.
      if (route().name === shown.name) fill(place('detail'), view);
    }
    if (shown.kind === 'form') await openForm(place('form'));
  },
};

const mark = start({ parts, periods: { uses: 60, role: 600 } });

choice(place('kind'), value => { chosen.kind = value; showTables(); });
choice(place('state'), value => { chosen.state = value; showTables(); });
place('text').addEventListener('input', event => { chosen.text = event.target.value; showTables(); });
addEventListener('hashchange', () => {
  fill(place('detail'), []);
  scrollTo(0, 0);
  mark(Object.keys(parts), true);
});
place('detail').addEventListener('click', event => {
  const button = event.target.closest('button[data-act]');
  if (button) actOnRule(button, () => mark(['view', 'rules', 'changes'], true));
});
