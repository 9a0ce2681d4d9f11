// What people may do with a request, a task or a clean-up: the gateway says what is allowed, what would happen, and what it refuses.

import { post, Refusal } from '/assets/api.js';
import { h } from '/assets/dom.js';

const reason = { key: 'reason', label: 'Why', hint: 'one line for those who come after', long: true };
const title = { key: 'title', label: 'Title', hint: 'as it is', long: true };
const priority = { key: 'priority', label: 'Priority', hint: 'as it is', number: true };
const share = { key: 'share', label: 'Share', hint: 'as it is' };

// How each thing that the gateway allows is asked for. What this page does not know is not shown. `to`: makes another request;
// `own`: two presses make one; `now`: what it needs besides words is known at once.
const forms = {
  request: {
    approve: { text: 'Approve', yes: 'Yes, approve it', main: true, fields: [{ key: 'home', label: 'Storage', hint: 'of datasets that name none' }, reason] },
    release: { text: 'Release', yes: 'Yes, release it', main: true, fields: [reason] },
    hold: { text: 'Hold', yes: 'Yes, hold it', fields: [reason] },
    extend: { text: 'More events', yes: 'Yes, make more', needs: ['events'], fields: [{ key: 'events', label: 'So many more events', hint: 'such as 10000', number: true }, reason] },
    change: { text: 'Priority, share', yes: 'Yes, change it', needs: ['priority', 'share'], fields: [priority, { ...share, hint: 'as it is', none: 'of no share' }, reason] },
    derive: { text: 'Go on with a new version', yes: 'Yes, make the new version', own: true, isNew: true, fields: [title, priority, share], parameters: true },
    clone: { text: 'Clone', yes: 'Yes, make another one', own: true, unversioned: true, isNew: true, fields: [title, priority, share], parameters: true },
    reject: { text: 'Reject', yes: 'Yes, reject it', danger: true, fields: [reason] },
    cancel: { text: 'Cancel the request', yes: 'Yes, cancel it', danger: true, fields: [reason] },
    clean: { text: 'Cancel and delete its outputs', again: 'Delete its outputs', yes: 'Yes, delete what it made', path: 'cancel', body: { delete_outputs: true }, danger: true, fields: [reason] },
  },
  task: {
    resume: { text: 'Resume', yes: 'Yes, resume it', main: true, fields: [reason] },
    pause: { text: 'Pause', yes: 'Yes, pause it', fields: [reason] },
    retry: { text: 'Try the jobs given up again', yes: 'Yes, try them again', fields: [reason] },
    recover: { text: 'Recover', yes: 'Yes, recover it', fields: [reason] },
    flush: { text: 'Merge what waits', yes: 'Yes, merge it', fields: [reason] },
    abort: { text: 'Give the task up', yes: 'Yes, give it up', danger: true, fields: [reason] },
  },
  cleanup: {
    stop: { text: 'Stop the clean-up', yes: 'Yes, keep what is left', unversioned: true, fields: [] },
    force: { text: 'Delete also what others hold', yes: 'Yes, delete that too', unversioned: true, danger: true, fields: [] },
  },
};
const paths = { request: 'requests', task: 'tasks', cleanup: 'cleanups' };

// A UUID of version 4; `crypto.randomUUID` is not there on a page without TLS.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = bytes[6] & 0x0f | 0x40;
  bytes[8] = bytes[8] & 0x3f | 0x80;
  const hex = [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

const labelOf = (form, subject) => form.again && subject.row.state === 'cancelled' ? form.again : form.text;

function field(one) {
  const hint = one.none ? `${one.hint}; - for none` : one.hint;
  return h('label', { class: one.long ? 'field long' : 'field', 'data-key': one.key }, h('span', {}, one.label),
    h('input', { type: 'text', name: one.key, placeholder: hint, inputmode: one.number && 'numeric', autocomplete: 'off', spellcheck: 'false', class: one.number ? 'num' : undefined }));
}

// Those of the request that was opened, with what they are now.
const parameterFields = row => Object.entries(row.parameters || {}).map(([name, value]) => field({ key: `parameter:${name}`, label: name, hint: String(value) }));

// Only what was typed. A number if it is one; else as it was typed, for the gateway to say what is wrong.
function bodyOf(open, node) {
  const { form } = open;
  const body = { ...form.body };
  if (!form.unversioned) body.version = open.version;
  if (form.own) body.submission = open.submission;
  for (const input of node.querySelectorAll('input')) {
    const text = input.value.trim();
    if (!text) continue;
    const [, parameter] = input.name.match(/^parameter:(.*)$/) || [];
    const known = form.fields.find(one => one.key === input.name);
    if (parameter !== undefined) (body.parameters ||= {})[parameter] = text;
    else body[input.name] = known.none && text === '-' ? '' : known.number && Number.isFinite(Number(text)) ? Number(text) : text;
  }
  return body;
}

// node: where the buttons are; changed: shows everything anew; sent: of what an action was carried out, or may have been.
export function actionDesk(node, changed, sent) {
  // What is being confirmed, and what was last done or refused: they stay when the page is read again.
  let open = null, told = null, subjects = {};
  let turn = 0, timer;

  // What was asked before, or is about to be, is of no interest any more.
  const askNoMore = () => { turn += 1; clearTimeout(timer); };
  const close = () => { open = null; askNoMore(); };
  const key = subject => `${subject.kind}/${subject.id}`;
  const address = () => `/${paths[open.subject.kind]}/${open.subject.id}/${open.form.path || open.act}`;
  const lacks = body => open.form.needs && !open.form.needs.some(name => body[name] !== undefined);

  // What would happen, in the words of the gateway.
  async function dryRun() {
    const mine = open, number = turn += 1;
    const body = bodyOf(open, node.querySelector('#confirm') || document.createElement('form'));
    mine.lines = mine.refusal = null;
    if (lacks(body)) { mine.isReady = false; changed(); return; }
    try {
      const answer = await post(`${address()}?dryRun=true`, body);
      if (number !== turn) return;
      Object.assign(mine, { lines: answer.lines, isReady: answer.changed, refusal: null });
      if (!answer.changed) mine.lines = [...answer.lines, 'nothing would change'];
    } catch (error) {
      if (number !== turn) return;
      Object.assign(mine, { isReady: false, refusal: error.message });
    }
    changed();
  }

  async function carryOut() {
    const mine = open, where = address();
    Object.assign(mine, { isReady: false, isSent: true });
    askNoMore();
    const body = bodyOf(mine, node.querySelector('#confirm'));
    try {
      const answer = await post(where, body);
      told = { key: key(mine.subject), lines: answer.lines, made: mine.form.isNew && answer.result.request, isRefusal: false };
      if (open === mine) close();
    } catch (error) {
      const text = error instanceof Refusal ? error.message : `the gateway did not answer (${error.message}): look whether it was done`;
      if (error instanceof Refusal && error.status === 400) Object.assign(mine, { refusal: text, lines: null, isSent: false });
      else {
        told = { key: key(mine.subject), lines: [text], isRefusal: true };
        if (open === mine) close();
      }
    }
    if (!mine.refusal) sent(mine.subject);
    changed();
  }

  function begin(pressed) {
    const subject = subjects[pressed.dataset.subject];
    const form = subject && forms[subject.kind][pressed.dataset.act];
    if (!form) return;
    told = null;
    askNoMore();
    open = { act: pressed.dataset.act, form, subject, version: subject.version, submission: uuid(), lines: null, refusal: null, isReady: false };
    changed();
    dryRun();
  }

  node.addEventListener('click', event => {
    const pressed = event.target.closest('button[data-act]');
    if (!pressed) return;
    if (pressed.dataset.act === 'leave') { close(); changed(); } else begin(pressed);
  });
  node.addEventListener('submit', event => {
    if (event.target.id !== 'confirm') return;
    event.preventDefault();
    if (open && open.isReady) carryOut();
  });
  // What was typed changes what would happen: an answer that is still on its way is about something else.
  node.addEventListener('input', event => {
    if (!open || open.isSent || !event.target.closest('#confirm')) return;
    open.isReady = false;
    node.querySelector('#confirm-yes').disabled = true;
    askNoMore();
    timer = setTimeout(dryRun, 300);
  });

  function outlook() {
    if (open.refusal) return h('p', { class: 'refusal', role: 'alert', id: 'confirm-said', 'data-key': 'refused' }, h('b', {}, 'Refused: '), open.refusal);
    if (open.lines) return h('ul', { class: 'plain told', id: 'confirm-lines', 'data-key': 'lines' }, open.lines.map(line => h('li', {}, line)));
    return h('p', { class: 'hint', 'data-key': 'asking' }, open.form.needs ? 'Fill in what is to change: what would happen is told here first.' : 'Asking what would happen …');
  }

  return {
    // A button for each thing that is allowed. subject: { kind, id, version, actions, row }.
    buttons(subject) {
      const known = forms[subject.kind];
      subjects[key(subject)] = subject;
      const shown = Object.keys(known).filter(act => (subject.actions || []).includes(act));
      if (!shown.length) return null;
      return h('div', { class: 'tools', 'data-key': 'tools' }, shown.map(act => h('button', {
        type: 'button', class: ['button', known[act].main && 'main', known[act].danger && 'risky'].filter(Boolean).join(' '),
        'data-act': act, 'data-subject': key(subject), 'data-key': act }, `${labelOf(known[act], subject)} …`)));
    },

    // What was last done or refused here.
    said(subject) {
      if (!told || !told.key.endsWith(`/${subject.id}`) || told.key.startsWith('task') !== (subject.kind === 'task')) return null;
      if (told.isRefusal) return h('p', { class: 'refusal', role: 'alert', id: 'said', 'data-key': 'said' }, h('b', {}, 'Refused: '), told.lines[0]);
      return h('div', { class: 'said-done', role: 'status', id: 'said', 'data-key': 'said' }, told.lines.map(line => h('div', {}, line)),
        told.made ? h('a', { href: `#request/${told.made}` }, `to request ${told.made}`) : null);
    },

    // What is being asked, in the words of the gateway; nothing is done before it is confirmed.
    confirmation(of) {
      if (!open || key(open.subject) !== of) return null;
      const { form, subject } = open;
      return h('form', { class: form.danger ? 'panel confirm grave' : 'panel confirm', id: 'confirm', 'data-key': `confirm ${of} ${open.submission}`, novalidate: 'true', 'aria-label': labelOf(form, subject) },
        h('div', { class: 'head', 'data-key': 'head' }, h('h2', {}, `${labelOf(form, subject)}: ${subject.kind === 'cleanup' ? 'request' : subject.kind} ${subject.id}`), h('span', { class: 'hint' }, 'nothing is done yet; this is what would happen')),
        form.fields.length ? h('div', { class: 'fields', 'data-key': 'fields' }, form.fields.map(field), form.parameters ? parameterFields(subject.row) : null) : null,
        outlook(),
        h('div', { class: 'tools', 'data-key': 'tools' },
          h('button', { type: 'submit', class: form.danger ? 'button danger' : 'button main', id: 'confirm-yes', 'data-key': 'yes', disabled: !open.isReady && 'true' }, form.yes),
          h('button', { type: 'button', class: 'button', 'data-act': 'leave', 'data-key': 'leave' }, 'Leave it as it is')));
    },

    // Another page is shown.
    forget() {
      const follows = told && told.made && location.hash === `#request/${told.made}`;
      close();
      told = follows ? { ...told, key: `request/${told.made}`, made: null } : null;
      subjects = {};
    },
  };
}
