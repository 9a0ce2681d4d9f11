// The page of requests: all of them, one with what it made and who did what, one of its tasks.

import { get } from '/assets/api.js';
import { press } from '/assets/actions.js';
import { fill, place } from '/assets/dom.js';
import { choice, empty } from '/assets/pieces.js';
import { requestRow, tasksOf } from '/assets/production.js';
import { requestView, taskView } from '/assets/requestview.js';
import { myName, start } from '/assets/shell.js';
import { counted } from '/assets/words.js';

const page = 20;
const chosen = { state: 'open', whose: '', size: page };
const states = { open: 'new,approved,running,held', ended: 'finished,failed,cancelled,rejected' };

// `#request/7`, `#task/12`; anything else is the overview.
function route() {
  const [, kind, id] = location.hash.match(/^#(request|task)\/(\d+)$/) || [];
  return kind ? { kind, id } : { kind: 'overview' };
}

const views = { request: requestView, task: taskView };

async function showList() {
  const filters = [`limit=${chosen.size}`, 'order=desc'];
  if (states[chosen.state]) filters.push(`state=${states[chosen.state]}`);
  if (chosen.whose) filters.push(`owner=${encodeURIComponent(await myName())}`);
  const answer = await get(`/requests?${filters.join('&')}`);
  const tasks = await tasksOf(answer.items);
  return () => {
    place('total').textContent = answer.items.length ? `${answer.next ? 'the latest ' : ''}${counted(answer.items.length, 'request')}` : '';
    place('older').hidden = !answer.next;
    fill(place('requests'), answer.items.length ? answer.items.map(request => requestRow(request, tasks))
      : [empty(chosen.state || chosen.whose ? 'No request is like that.' : 'Nothing is requested yet. Start with: millrace request create')]);
  };
}

const parts = {
  async requests() {
    return route().kind === 'overview' ? showList() : null;
  },

  async view() {
    const shown = route();
    place('overview').hidden = shown.kind !== 'overview';
    place('detail').hidden = shown.kind === 'overview';
    if (shown.kind === 'overview') return;
    const view = await views[shown.kind](shown.id);
    // Somebody may have gone on meanwhile.
    if (route().kind === shown.kind && route().id === shown.id) fill(place('detail'), view);
  },
};

// Which parts an event of a kind can change.
const touched = { request: ['requests', 'view'], task: ['requests', 'view'], attempt: ['requests', 'view'], dataset: ['view'] };
const mark = start({ parts, touched, periods: { view: 30 } });

choice(place('state'), value => { Object.assign(chosen, { state: value, size: page }); mark(['requests'], true); });
choice(place('whose'), value => { Object.assign(chosen, { whose: value, size: page }); mark(['requests'], true); });
place('older').addEventListener('click', () => { chosen.size += page; mark(['requests'], true); });
addEventListener('hashchange', () => {
  fill(place('detail'), []);
  scrollTo(0, 0);
  mark(Object.keys(parts), true);
});
place('detail').addEventListener('click', event => {
  const pressed = event.target.closest('button[data-act]');
  if (pressed) press(pressed, () => mark(['view'], true));
});
