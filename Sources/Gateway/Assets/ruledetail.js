// One rule: what it says, how often it decided, who changed it, and what an operator may do with it.

import { everything, get, post, Refusal } from '/assets/api.js';
import { h, place } from '/assets/dom.js';
import { at, badge, crumbs, empty, facts, since, table } from '/assets/pieces.js';
import { testResult } from '/assets/ruletest.js';
import { changeWords, fits, measures, state } from '/assets/rulewords.js';
import { may } from '/assets/shell.js';
import { count, counted } from '/assets/words.js';

// What was last done or refused, and the last test: they stay when the rule is read again.
const kept = { rule: null, said: null, isRefusal: false, test: null, sure: false };

function keep(rule, changes) {
  if (kept.rule !== rule) Object.assign(kept, { rule, said: null, isRefusal: false, test: null, sure: false });
  Object.assign(kept, changes);
}

function usage(rule, use) {
  if (!use) return rule.active ? 'decided nothing' : 'would have decided nothing';
  const parts = [];
  if (use.decided) parts.push(`decided ${counted(use.decided, 'failure')}`);
  if (use.blamed) parts.push(`said whose fault ${counted(use.blamed, 'failure was', 'failures were')}`);
  if (use.observed) parts.push(`only observed, would have decided ${counted(use.observed, 'failure')}`);
  return [parts.join(', '), '; last ', since(use.last)];
}

const button = (act, text, kind, rule) => h('button', { type: 'button', class: kind ? `button ${kind}` : 'button', 'data-act': act, 'data-rule': rule, 'data-key': act }, text);

// Only what the one who looks may do.
async function tools(rule) {
  const [mayChange, mayTest] = await Promise.all([may('operator'), may('physicist')]);
  const buttons = [];
  if (mayChange) {
    buttons.push(rule.active ? button('disable', 'Only observe', '', rule.rule) : button('enable', 'Let it decide', 'main', rule.rule));
    buttons.push(...kept.sure ? [button('remove', 'Yes, remove it', 'danger', rule.rule), button('keep', 'Keep it', '', rule.rule)] : [button('ask', 'Remove …', '', rule.rule)]);
  }
  if (mayTest) {
    buttons.push(h('span', { class: 'test-tool', 'data-key': 'test' }, button('test', 'Test it', '', rule.rule),
      h('label', {}, ' on the last ', h('input', { id: 'days', type: 'number', min: '1', max: '365', value: '7' }), ' days')));
  }
  return buttons.length ? h('div', { class: 'tools', 'data-key': 'tools' }, buttons) : null;
}

function history(changes) {
  const rows = changes.map((change, index) => ({ ...change, words: changeWords(change, changes[index - 1]) })).reverse();
  return h('section', { class: 'panel', 'data-key': 'history' },
    h('div', { class: 'head' }, h('h2', {}, 'History'), h('span', { class: 'hint' }, 'the last change first')),
    rows.length ? h('div', { id: 'history' }, table([
      { name: 'when', show: row => [at(row.at), h('span', { class: 'hint' }, ' UTC')] }, { name: 'who', show: row => row.who },
      { name: 'what', show: row => badge(row.change) }, { name: 'then', wide: true, show: row => row.words },
    ], rows, row => row.id, true)) : empty('Nobody has changed it.'));
}

async function read(name) {
  try {
    return await get(`/rules/${encodeURIComponent(name)}`);
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return null;
    throw error;
  }
}

export async function ruleView(name, use) {
  keep(name, {});
  const [rule, changes] = await Promise.all([read(name), name.includes(',') ? [] : everything(`/rule-changes?rule=${encodeURIComponent(name)}`)]);
  const said = kept.said && h('p', { class: kept.isRefusal ? 'refusal' : 'said-done', role: kept.isRefusal ? 'alert' : 'status', 'data-key': 'said' }, kept.said);
  const head = rule
    ? h('section', { class: 'panel subject', 'data-key': 'head' },
      h('h1', {}, rule.rule, ' ', badge(state(rule))),
      rule.why && h('p', { class: 'because' }, rule.why),
      facts([
        ['fits', fits(rule)],
        [rule.kind === 'blame' ? 'blames' : 'does', rule.kind === 'blame' ? rule.blame : [badge(rule.action), ' ', measures(rule)]],
        ['order', [count(rule.priority), h('span', { class: 'hint' }, ` in the table of ${rule.kind}; lower is tried first`)]],
        ['in 7 days', usage(rule, use)],
        ['expires', rule.expires && [at(rule.expires), ' UTC']],
        ['changed', [since(rule.changed), ` by ${rule.who}`]],
      ]),
      said, await tools(rule))
    : h('section', { class: 'panel subject', 'data-key': 'head' }, h('h1', {}, name), said,
      h('p', {}, changes.length ? 'This rule is gone; its history stays.' : 'There is no such rule.'));
  const test = rule && kept.test && h('section', { class: 'panel', id: 'tested', 'data-key': 'test' },
    h('div', { class: 'head' }, h('h2', {}, 'Test')), testResult(kept.test.result, kept.test.days));
  return [crumbs(['Rules', '#'], [name]), head, test, history(changes)].filter(Boolean);
}

// What a button asks for; then `done`, which shows the rule anew.
export async function actOnRule(pressed, done) {
  const { act, rule } = pressed.dataset;
  pressed.disabled = true;
  try {
    if (act === 'ask' || act === 'keep') keep(rule, { sure: act === 'ask', said: null });
    else if (act === 'test') {
      const days = Number(place('days').value);
      keep(rule, { test: null, said: null });
      const answer = await post('/rules/test', { rule, since: `${days}d` });
      keep(rule, { test: { result: answer.result, days } });
    } else {
      const answer = await post(`/rules/${encodeURIComponent(rule)}/${act}`);
      keep(rule, { said: `${answer.lines[0]}.`, isRefusal: false, sure: false });
    }
  } catch (error) {
    keep(rule, { said: `Refused: ${error.message}.`, isRefusal: true, sure: false });
  }
  pressed.disabled = false;
  done();
}

// Tells of a rule that was just added, on its own page.
export function tellAdded(rule, text) {
  keep(rule, { said: text, isRefusal: false });
}
