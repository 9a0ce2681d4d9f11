// What a rule would have changed, in words and numbers.

import { h } from '/assets/dom.js';
import { jobLink, table } from '/assets/pieces.js';
import { count, counted, percent } from '/assets/words.js';

// `1.5.2` as a link to its job.
function example(text) {
  const [task, index] = text.split('.');
  return jobLink(task, index, text);
}

// What it was not tried on; null when that is nothing.
function left(result, span) {
  const said = [];
  if (!result.complete) said.push(`Only the newest ${counted(result.looked_at, 'failure')} were looked at: there are more in ${span}.`);
  if (result.archived) said.push(`${counted(result.archived, 'archived task was', 'archived tasks were')} not looked at.`);
  return said.length ? h('p', { class: 'hint', 'data-key': 'left' }, said.join(' ')) : null;
}

// result: of the replay; days: how far back. - Returns: nodes.
export function testResult(result, days) {
  const different = result.changes.reduce((sum, change) => sum + change.count, 0);
  const span = `the last ${counted(days, 'day')}`;
  if (!result.failures) {
    const nothing = result.archived ? 'Nothing that is at hand failed' : 'Nothing failed';
    return [h('p', { class: 'verdict-line', 'data-key': 'line' }, `${nothing} in ${span}: there is nothing to try it on.`), left(result, span)].filter(Boolean);
  }
  const line = [
    `Of the ${result.complete ? '' : 'newest '}${counted(result.failures, 'failure')} of ${span}, this rule decides `, h('b', {}, count(result.decided)), ` (${percent(result.decided / result.failures)}). `,
    different ? [h('b', {}, counted(different, 'verdict')), ` ${different === 1 ? 'is' : 'are'} different with it than without it.`] : 'No verdict is different with it.',
  ];
  return [
    h('p', { class: 'verdict-line', 'data-key': 'line' }, line), left(result, span),
    result.changes.length ? h('div', { 'data-key': 'changes' }, table([
      { name: 'verdicts', n: true, show: row => h('b', {}, count(row.count)) },
      { name: 'without it', wide: true, show: row => row.before }, { name: 'with it', wide: true, show: row => row.after },
      { name: 'for example', show: row => row.examples.map((text, index) => [index ? ', ' : null, example(text)]) },
    ], result.changes, row => `${row.before} > ${row.after}`, true)) : null,
  ].filter(Boolean);
}
