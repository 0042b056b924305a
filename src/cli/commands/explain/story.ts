import type { Settings } from '../../../config.ts';
import type { Explanation, Finding } from '../../../numbers/explanation.ts';
import { explanationOf, type Reading, type ReadingResult } from '../../../numbers/read.ts';
import { table } from '../../context.ts';

/** The reading of one INVITE as a person wants it. */
export function tellReading(result: ReadingResult, calls: Settings['calls']): string {
  return [
    ...tellExplanation(explanationOf(result)),
    'What the service would do',
    ...whatFollows(result, calls).map((line) => `  ${line}`),
  ].join('\n');
}

/** What was read of the numbers and what was left, as lines. */
export function tellExplanation(explanation: Explanation): string[] {
  const used = explanation.filter((finding) => finding.used);
  const ignored = explanation.filter((finding) => !finding.used);
  return [...section('What was read', used), ...section('What was ignored', ignored)];
}

function section(heading: string, findings: Explanation): string[] {
  if (findings.length === 0) return [];
  const rows = table(['WHAT', 'VALUE', 'WHERE', 'WHY', 'RULE'], findings.map(row)).split('\n');
  return [heading, ...rows.map((line) => `  ${line}`), ''];
}

function row({ about, value, where, why, rule }: Finding): string[] {
  return [about, value ?? '-', where, why, rule];
}

/** What becomes of the call, as a JSON value and in words. */
export function whatFollows(result: ReadingResult, calls: Settings['calls']): string[] {
  if (!result.ok) {
    const { status, why, code } = result.error;
    const alarm = code === 'emergency' ? ['Raise an alarm: the network must never route such a call here.'] : [];
    return [status === 0 ? `Drop it without an answer: ${why}.` : `Answer ${status}: ${why}.`, ...alarm];
  }
  const { reading } = result;
  const { firstCalled, firstCalledPrivate, subscriberCandidates } = reading;
  return [
    'Answer 100 and 180, and hold the caller.',
    `The caller is ${callerOf(reading)}.`,
    `The caller dialled ${firstCalled ?? 'a number that nothing tells'}${firstCalledPrivate ? ' (not to be shown)' : ''}.`,
    `Look for the subscriber of, in this order: ${subscriberCandidates.join(', ')}.`,
    `Nobody's number: answer ${calls.whenUnknown}. No terminal logged in: answer ${calls.whenNoTerminal}.`,
    `Otherwise tell the terminals, and await an instruction for ${calls.decideWithin / 1000} s.`,
    ...reading.loop.map((hint) => `A sign of a loop, which does not stop the call: ${hint}.`),
  ];
}

function callerOf({ caller, callerPrivate }: Reading): string {
  if (caller === null) return callerPrivate ? 'withheld' : 'not known';
  return callerPrivate ? `${caller}, withheld: known to the service and never shown` : caller;
}
