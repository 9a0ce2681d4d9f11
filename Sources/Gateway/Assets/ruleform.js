// The form for a new rule. What is wrong with it the gateway says, in one line above the buttons.

import { post } from '/assets/api.js';
import { fill, h } from '/assets/dom.js';
import { crumbs, empty } from '/assets/pieces.js';
import { tellAdded } from '/assets/ruledetail.js';
import { testResult } from '/assets/ruletest.js';
import { may } from '/assets/shell.js';

const blames = ['payload', 'definition', 'site', 'data', 'network', 'infrastructure', 'operator'];
const actions = [['resubmit', 'resubmit: try the job again'], ['abort', 'abort: give the job up'], ['pause', 'pause: stop the task until somebody looks']];

// Each: the key in the body, what people read, and how it is asked. `only`: a rule of that table alone has it.
const matching = [
  { key: 'code_first', label: 'Code', hint: 'such as 1001', number: true },
  { key: 'code_last', label: 'to code', hint: 'empty: only that one', number: true },
  { key: 'pattern', label: 'Pattern', hint: 'a regular expression, searched in the diagnostic', long: true },
  { key: 'site', label: 'Site', group: 'scope' }, { key: 'node', label: 'Node', group: 'scope' },
  { key: 'workflow', label: 'Workflow', group: 'scope' },
  { key: 'taskKind', label: 'Kind of task', hint: 'such as merge', group: 'scope' },
  { key: 'software', label: 'Software', hint: 'such as geant4/11.2', group: 'scope' },
  { key: 'blame', label: 'Blamed on', group: 'scope', options: [['', 'anybody'], ...blames], only: 'action' },
  { key: 'attempt_first', label: 'Attempt', hint: 'from 1', number: true },
  { key: 'attempt_last', label: 'to attempt', hint: 'empty: and later', number: true },
];
const measures = [
  { key: 'pauseSeconds', label: 'Pause', hint: 'seconds before the retry', number: true },
  { key: 'pauseGrowth', label: 'The pause grows', options: [['', 'usual: exponential'], 'fixed', 'exponential', 'squared'] },
  { key: 'pauseJitter', label: 'The pause, give or take', hint: 'a share from 0 to 1', number: true },
  { key: 'pauseLimitSeconds', label: 'The pause at most', hint: 'seconds', number: true },
  { key: 'limit', label: 'Give up after', hint: 'so many failures of a job', number: true },
  { key: 'split', label: 'Split into', hint: 'so many jobs', number: true },
  { key: 'memoryFactor', label: 'Memory ×', hint: '1.05 to 4', number: true },
  { key: 'moreTime', label: 'Wall time ×', hint: '1.05 to 4', number: true },
  { key: 'taskShare', label: 'For the task above', hint: 'a share of its jobs, 0 to 1', number: true },
  { key: 'task', label: 'The task', options: [['', 'goes on'], 'pause', 'abort', 'pauseSiblings'] },
  { key: 'strike', label: 'Counts against', options: [['', 'nobody'], 'node', 'site'] },
  { key: 'elsewhere', label: 'at another site', flag: true }, { key: 'otherNode', label: 'on another node', flag: true },
  { key: 'moreMemory', label: 'with more memory', flag: true }, { key: 'reportInput', label: 'report the input file', flag: true },
].map(field => ({ ...field, group: 'parameters' }));

const nameOf = field => field.group ? `${field.group}.${field.key}` : field.key;

function select(name, options) {
  return h('select', { name }, options.map(option => {
    const [value, text] = Array.isArray(option) ? option : [option, option];
    return h('option', { value }, text);
  }));
}

function input(field) {
  const only = field.only && { 'data-only': field.only };
  if (field.flag) return h('label', { class: 'check', ...only }, h('input', { type: 'checkbox', name: nameOf(field) }), ` ${field.label}`);
  const asked = field.options ? select(nameOf(field), field.options)
    : h('input', { type: 'text', name: nameOf(field), placeholder: field.hint, inputmode: field.number && 'decimal', autocomplete: 'off', spellcheck: 'false', class: field.number ? 'num' : undefined });
  return h('label', { class: field.long ? 'field long' : 'field', ...only }, h('span', {}, field.label), asked);
}

const radio = (name, value, text, hint, checked) => h('label', { class: 'card' },
  h('input', { type: 'radio', name, value, checked }), h('span', {}, h('b', {}, text), h('small', {}, hint)));

const part = (title, attributes, ...children) => h('fieldset', attributes, h('legend', {}, title), children);

function build() {
  const named = (key, label, attributes, long) => h('label', { class: long ? 'field long' : 'field' }, h('span', {}, label), h('input', { type: 'text', name: key, autocomplete: 'off', spellcheck: 'false', ...attributes }));
  return h('form', { id: 'rule-form', class: 'panel', novalidate: 'true' },
    h('h1', {}, 'Add a rule'),
    part('What it says', {}, h('div', { class: 'cards-row' },
      radio('kind', 'blame', 'Whose fault it is', 'the first rule of blame that fits decides', true),
      radio('kind', 'action', 'What is done about it', 'the first rule of action that fits decides'))),
    part('Name and place', { class: 'fields' }, named('rule', 'Name', { placeholder: 'lower-case letters, digits and -' }),
      named('priority', 'Order', { value: '100', inputmode: 'numeric', class: 'num' }), named('why', 'Why', { placeholder: 'one sentence for those who come after' }, true)),
    part('Which failures', { class: 'fields' }, matching.map(input)),
    part('Whose fault', { class: 'fields', 'data-only': 'blame' }, h('label', { class: 'field' }, h('span', {}, 'Blame'), select('blame', blames))),
    part('What is done', { class: 'fields', 'data-only': 'action' }, h('label', { class: 'field long' }, h('span', {}, 'Action'), select('action', actions)), measures.map(input)),
    part('When', {}, h('div', { class: 'cards-row' },
      radio('active', 'false', 'Only observe first', 'it is noted where it would have decided', true),
      radio('active', 'true', 'Let it decide at once', 'every Monitor uses it from now on')),
    h('div', { class: 'fields' }, h('label', { class: 'field' }, h('span', {}, 'Expires (UTC)'), h('input', { type: 'datetime-local', name: 'expires' })))),
    h('p', { id: 'form-said', class: 'refusal', role: 'alert', hidden: 'true' }),
    h('div', { class: 'tools' },
      h('button', { type: 'submit', class: 'button main', id: 'form-add' }, 'Add the rule'),
      h('span', { class: 'test-tool' }, h('button', { type: 'button', class: 'button', id: 'form-test' }, 'Test it first'),
        h('label', {}, ' on the last ', h('input', { name: 'days', type: 'number', min: '1', max: '365', value: '7' }), ' days')),
      h('a', { class: 'button', href: '#' }, 'Cancel')),
    h('div', { id: 'form-tested' }));
}

// A number if it is one; else as it was typed, for the gateway to say what is wrong.
function typed(field, text) {
  return field.number && Number.isFinite(Number(text)) ? Number(text) : text;
}

function bodyOf(form) {
  const values = form.elements;
  const kind = values.kind.value;
  const body = { rule: values.rule.value.trim(), kind, priority: typed({ number: true }, values.priority.value.trim() || '100'), why: values.why.value.trim(), active: values.active.value === 'true' };
  body[kind] = values[kind].value;
  if (values.expires.value) body.expires = `${values.expires.value}:00Z`;
  for (const field of kind === 'action' ? [...matching, ...measures] : matching) {
    if (field.only && field.only !== kind) continue;
    const asked = values[nameOf(field)];
    // A pattern is searched as it was written, blanks and all.
    const text = field.key === 'pattern' ? asked.value : asked.value.trim();
    const value = field.flag ? asked.checked || undefined : text === '' ? undefined : typed(field, text);
    if (value === undefined) continue;
    if (field.group) (body[field.group] ||= {})[field.key] = value; else body[field.key] = value;
  }
  return body;
}

function say(form, text) {
  const node = form.querySelector('#form-said');
  node.textContent = text;
  node.hidden = !text;
}

function showKind(form) {
  for (const node of form.querySelectorAll('[data-only]')) node.hidden = node.dataset.only !== form.elements.kind.value;
}

async function send(form, path, extra, done) {
  say(form, '');
  const buttons = form.querySelectorAll('button');
  for (const button of buttons) button.disabled = true;
  try {
    done(await post(path, { ...bodyOf(form), ...extra }));
  } catch (error) {
    say(form, `Refused: ${error.message}.`);
  }
  for (const button of buttons) button.disabled = false;
}

// Shows the form in `node`, once: what is typed is not lost when the page is read again.
export async function openForm(node) {
  if (!await may('operator')) { fill(node, [crumbs(['Rules', '#'], ['a new rule']), h('section', { class: 'panel' }, empty('Only an operator may add a rule.'))]); return; }
  if (node.querySelector('form')) return;
  const form = build();
  node.replaceChildren(crumbs(['Rules', '#'], ['a new rule']), form);
  showKind(form);
  form.addEventListener('change', () => showKind(form));
  form.addEventListener('submit', event => {
    event.preventDefault();
    send(form, '/rules', {}, answer => {
      const name = answer.result.rule;
      tellAdded(name, `${answer.lines[0]}.`);
      node.replaceChildren();
      location.hash = `#rule/${encodeURIComponent(name)}`;
    });
  });
  form.querySelector('#form-test').addEventListener('click', () => {
    const days = Number(form.elements.days.value);
    fill(form.querySelector('#form-tested'), []);
    send(form, '/rules/test', { since: `${days}d` }, answer => fill(form.querySelector('#form-tested'), testResult(answer.result, days)));
  });
}
