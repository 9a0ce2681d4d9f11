// What a rule would have changed, in words and numbers.

import { h } from '/assets/dom.js';
import { jobLink, table } from '/assets/pieces.js';
import { count, counted, percent } from '/assets/words.js';

// `1.5.2` as a link to its job.
function example(text) {
  const [task, index] = text.split('.');
  return jobLink(task, index, text);
}

// result: of the replay; days: how far back. - Returns: nodes.
export function testResult(result, days) {
  const different = result.changes.reduce((sum, change) => sum + change.count, 0);
  const span = `the last ${counted(days, 'day')}`;
  if (!result.failures) return [h('p', { class: 'verdict-line', 'data-key': 'line' }, `Nothing failed in ${span}: there is nothing to try it on.`)];
  const line = [
    `Of the ${counted(result.failures, 'failure')} of ${span}, this rule decides `, h('b', {}, count(result.decided)), ` (${percent(result.decided / result.failures)}). `,
    different ? [h('b', {}, counted(different, 'verdict')), ` ${different === 1 ? 'is' : 'are'} different with it than without it.`] : 'No verdict is different with it.',
  ];
  return [
    h('p', { class: 'verdict-line', 'data-key': 'line' }, line),
    result.changes.length ? h('div', { 'data-key': 'changes' }, table([
      { name: 'verdicts', n: true, show: row => h('b', {}, count(row.count)) },
      { name: 'without it', wide: true, show: row => row.before }, { name: 'with it', wide: true, show: row => row.after },
      { name: 'for example', show: row => row.examples.map((text, index) => [index ? ', ' : null, example(text)]) },
    ], result.changes, row => `${row.before} > ${row.after}`, true)) : null,
  ].filter(Boolean);
}
