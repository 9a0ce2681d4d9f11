// The page of failures: what fails, where, what it costs, who is kept from work; and what is behind a task, a request or a job.

import { get, list, Refusal } from '/assets/api.js';
import { debugView } from '/assets/debug.js';
import { fill, h, place } from '/assets/dom.js';
import { efficiencyTable, errorTable, excludedPlaces } from '/assets/errors.js';
import { matrixTable } from '/assets/matrix.js';
import { choice, crumbs, empty, tile, verdictRow } from '/assets/pieces.js';
import { start } from '/assets/shell.js';
import { whyView } from '/assets/why.js';
import { count, counted, hours, percent } from '/assets/words.js';

const chosen = { since: '24h', by: 'class', rows: 'task', whose: 'site' };
const since = () => `since=${chosen.since}`;
const spans = { '1h': 'the last hour', '24h': 'the last 24 hours', '7d': 'the last 7 days' };

// `#task/3`, `#request/1`, `#job/3.51`; anything else is the overview.
function route() {
  const [, kind, id] = location.hash.match(/^#(task|request)\/(\d+)$/) || location.hash.match(/^#(job)\/(\d+\.\d+)$/) || [];
  return kind ? { kind, id } : null;
}

// What is read only for the overview.
const overview = read => async () => route() ? null : read();

// What the Monitor keeps from work, and the sites that people closed.
async function places() {
  const [rows, sites] = await Promise.all([list('/excluded?limit=1000'), list('/sites?access=draining,banned&limit=1000')]);
  return { rows, closed: sites.filter(site => !rows.some(row => row.site === site.site && !row.node)) };
}

// All of the page leaves the same tasks out: those whose rows are in the archive, or on their way there or back.
function showArchived(tasks) {
  place('archived').textContent = tasks ? `${counted(tasks, 'archived task is', 'archived tasks are')} not counted: millrace report counts ${tasks === 1 ? 'it' : 'them'}` : '';
  place('archived').hidden = !tasks;
}

const parts = {
  errors: overview(async () => {
    const answer = await get(`/errors?${since()}&by=${chosen.by}`);
    return () => fill(place('errors'), answer.items.length ? errorTable(answer, chosen.by)
      : [empty(`Nothing failed in ${spans[chosen.since]}.`)]);
  }),

  matrix: overview(async () => {
    const answer = await get(`/errors/matrix?${since()}&by=${chosen.rows}`);
    return () => fill(place('matrix'), answer.items.length ? matrixTable(answer, chosen.rows)
      : [empty(`Nothing ended in ${spans[chosen.since]}.`)]);
  }),

  efficiency: overview(async () => {
    const answer = await get(`/efficiency?${since()}&by=${chosen.whose}`);
    return () => fill(place('efficiency'), answer.items.length ? efficiencyTable(answer, chosen.whose)
      : [empty(`Nothing ended in ${spans[chosen.since]}.`)]);
  }),

  tiles: overview(async () => {
    const [errors, efficiency, { rows, closed }] = await Promise.all([
      get(`/errors?${since()}&by=class`), get(`/efficiency?${since()}&by=site`), places()]);
    const { failures, jobs, lost_core_hours: lost } = errors.total;
    const { job_efficiency: ofJobs, wall_efficiency: ofTime, finished, failed } = efficiency.total || {};
    const nodes = rows.filter(row => row.node).length;
    const sites = rows.length - nodes + closed.length;
    const worst = errors.items[0];
    return () => {
      showArchived(efficiency.archived);
      fill(place('tiles'), [
        tile('Failures', count(failures), `of ${counted(jobs, 'job')} in ${spans[chosen.since]}`, failures > 0),
        tile('Lost core hours', hours(lost), worst ? `most often: ${worst.class || 'no verdict yet'}` : 'nothing failed'),
        tile('Job efficiency', percent(ofJobs), finished + failed ? `${count(finished)} finished, ${count(failed)} failed` : 'nothing ended'),
        tile('Wall-time efficiency', percent(ofTime), 'of the time that was run'),
        tile('Excluded', count(sites + nodes), sites + nodes ? `${counted(sites, 'site')}, ${counted(nodes, 'node')}` : 'every place gets work', sites + nodes > 0),
      ]);
    };
  }),

  excluded: overview(async () => {
    const { rows, closed } = await places();
    return () => fill(place('excluded'), rows.length + closed.length ? excludedPlaces(rows, closed) : [empty('Every site and node gets work.')]);
  }),

  verdicts: overview(async () => {
    const rows = await list('/verdicts?order=desc&limit=20');
    return () => fill(place('verdicts'), rows.length ? rows.map(verdictRow) : [empty('No attempt has failed.')]);
  }),

  async detail() {
    const shown = route();
    place('overview').hidden = Boolean(shown);
    place('detail').hidden = !shown;
    if (!shown) { fill(place('detail'), []); return; }
    const view = await (shown.kind === 'job' ? whyView(...shown.id.split('.')) : debugView(shown.kind, shown.id)).catch(error => {
      if (!(error instanceof Refusal) || error.status !== 404) throw error;
      return [crumbs(['Failures', '#'], [`${shown.kind} ${shown.id}`]), h('section', { class: 'panel', 'data-key': 'missing' }, empty(`${error.message}.`))];
    });
    // Somebody may have gone on meanwhile.
    const now = route();
    if (now && now.kind === shown.kind && now.id === shown.id) fill(place('detail'), view);
  },
};

const mark = start({
  parts,
  touched: { verdict: ['verdicts', 'detail'], site: ['excluded', 'tiles'], place: ['excluded', 'tiles'], attempt: ['detail'], task: ['detail'], request: ['detail'] },
  // What counts over a long time is not counted again at every failure.
  periods: { errors: 30, matrix: 30, efficiency: 30, tiles: 30, excluded: 30, detail: 15 },
});

choice(place('since'), value => { chosen.since = value; mark(['tiles', 'errors', 'matrix', 'efficiency'], true); });
choice(place('by'), value => { chosen.by = value; mark(['errors'], true); });
choice(place('rows'), value => { chosen.rows = value; mark(['matrix'], true); });
choice(place('whose'), value => { chosen.whose = value; mark(['efficiency'], true); });
addEventListener('hashchange', () => {
  fill(place('detail'), []);
  scrollTo(0, 0);
  mark(Object.keys(parts), true);
});
