// What a request or a task lets the one who looks do. Nothing is done before it was said what it would do.

import { post } from '/assets/api.js';
import { h } from '/assets/dom.js';

const reason = { name: 'reason', label: 'why, for the log' };
const title = { name: 'title', label: 'title of the new request' };

// text: of the button; does: of the one that does it; path: where it is posted if not under its name; always: what is posted with it;
// blind: it is not for one version of what is shown. The states and roles in which there is a button are the gateway's to say.
const forms = {
  approve: { text: 'Approve', does: 'Approve it', kind: 'main', fields: [{ name: 'home', label: 'storage element for its files' }, reason] },
  reject: { text: 'Reject', does: 'Reject it', fields: [reason] },
  hold: { text: 'Hold', does: 'Hold it', fields: [reason] },
  release: { text: 'Release', does: 'Release it', kind: 'main', fields: [reason] },
  cancel: { text: 'Cancel …', does: 'Cancel it', kind: 'danger', fields: [{ name: 'delete_outputs', label: 'delete what it made', type: 'checkbox' }, reason] },
  clean: { text: 'Delete its outputs …', does: 'Delete them', kind: 'danger', path: 'cancel', always: { delete_outputs: true }, fields: [reason] },
  extend: { text: 'Extend', does: 'Extend it', fields: [{ name: 'events', label: 'so many more events', type: 'number', min: 1, needed: true }, reason] },
  change: { text: 'Priority', does: 'Change it', fields: [{ name: 'priority', label: 'priority', type: 'number', min: 0, needed: true }, { name: 'share', label: 'share' }, reason] },
  derive: { text: 'Go on with it', does: 'Make the request', fields: [title] },
  clone: { text: 'Clone', does: 'Make the request', fields: [title], blind: true },
  pause: { text: 'Pause', does: 'Pause it', fields: [reason] },
  resume: { text: 'Resume', does: 'Resume it', kind: 'main', fields: [reason] },
  abort: { text: 'Abort …', does: 'Abort it', kind: 'danger', fields: [reason] },
  retry: { text: 'Retry jobs given up', does: 'Retry them', fields: [reason] },
  flush: { text: 'Merge what waits', does: 'Merge it', fields: [reason] },
  recover: { text: 'Recover', does: 'Recover it', fields: [reason] },
};

// The open question, and what was said last. They stay when the page is read again.
const kept = { path: null, act: null, version: null, lines: null, said: null, isRefusal: false };

function keep(changes) {
  Object.assign(kept, { said: null, isRefusal: false }, changes);
}

const button = (path, act, step, text, kind, version) => h('button',
  { type: 'button', class: kind ? `button ${kind}` : 'button', 'data-path': path, 'data-act': act, 'data-step': step, 'data-version': version, 'data-key': `${step} ${act}` }, text);

function field({ name, label, type = 'text', min }) {
  const input = h('input', { name, type, min, autocomplete: 'off', maxlength: type === 'text' ? 400 : null });
  return type === 'checkbox'
    ? h('label', { class: 'check', 'data-key': name }, input, ` ${label}`)
    : h('label', { class: 'field', 'data-key': name }, h('span', {}, label), input);
}

function question(path) {
  const form = forms[kept.act];
  return h('div', { class: 'ask', id: 'ask', 'data-key': `ask ${kept.act}` },
    h('div', { class: 'fields', 'data-key': 'fields' }, form.fields.map(field)),
    kept.lines && h('p', { class: 'would', 'data-key': 'then' }, 'It would mean:'),
    kept.lines && h('ul', { class: 'plain', id: 'would', 'data-key': 'would' }, kept.lines.map(line => h('li', {}, line))),
    h('div', { class: 'tools', 'data-key': 'tools' }, button(path, kept.act, 'check', 'What would it do?'),
      button(path, kept.act, 'do', form.does, form.kind === 'danger' ? 'danger' : 'main'), button(path, kept.act, 'leave', 'Leave it')));
}

// path: `/requests/7`; row: with its `actions` and `version`. - Returns: buttons, the question of the one that was pressed, what was said.
export function actionTools(path, row) {
  if (kept.path !== path) keep({ path, act: null, version: null, lines: null });
  const known = row.actions.filter(act => forms[act]);
  const asked = kept.act && known.includes(kept.act);
  return [
    kept.said && h('p', { class: kept.isRefusal ? 'refusal' : 'said-done', role: kept.isRefusal ? 'alert' : 'status', 'data-key': 'said' }, kept.said),
    asked ? question(path) : known.length
      ? h('div', { class: 'tools', 'data-key': 'tools' }, known.map(act => button(path, act, 'ask', forms[act].text, forms[act].kind, row.version))) : null,
  ];
}

// What stands in the fields of the question.
function written(box, form) {
  const body = { ...form.always };
  if (!form.blind) body.version = Number(kept.version);
  for (const { name, type } of form.fields) {
    const input = box && box.querySelector(`[name="${name}"]`);
    if (!input) continue;
    if (type === 'checkbox') { if (input.checked) body[name] = true; }
    else if (input.value.trim()) body[name] = type === 'number' ? Number(input.value) : input.value.trim();
  }
  return body;
}

const ask = (path, act, body, dry) => post(`${path}/${forms[act].path || act}${dry ? '?dryRun=true' : ''}`, body);

// Does what a button of these says; then `done`, which shows all anew.
export async function press(pressed, done) {
  const { path, act, step, version } = pressed.dataset;
  const form = forms[act];
  const body = step === 'ask' || step === 'leave' ? null : written(pressed.closest('.ask'), form);
  pressed.disabled = true;
  try {
    if (step === 'leave') keep({ act: null, lines: null });
    else if (step === 'ask') {
      keep({ path, act, version, lines: null });
      // What must be written first cannot be asked about yet.
      if (!form.fields.some(one => one.needed)) keep({ lines: (await ask(path, act, written(null, form), true)).lines });
    } else if (step === 'check') keep({ lines: (await ask(path, act, body, true)).lines });
    else {
      const answer = await ask(path, act, body, false);
      keep({ act: null, lines: null, said: `${answer.lines.join('; ')}.` });
    }
  } catch (error) {
    // A refusal of what was only looked at leaves the question open: something may be written into it.
    keep({ said: `Refused: ${error.message}.`, isRefusal: true, lines: null, act: step === 'do' ? null : act });
  }
  pressed.disabled = false;
  done();
}
