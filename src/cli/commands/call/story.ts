import type { CallEnd, EndReason } from '../../../call/end.ts';
import type { AttemptRecord, CallRecord } from '../../../call/record.ts';
import { localTime, span } from '../../time.ts';
import { tellExplanation } from '../explain/story.ts';

interface Happening {
  at: number;
  text: string;
}

const endWords: Record<EndReason, string> = {
  completed: 'one side hung up after talking',
  'caller-hung-up': 'the caller gave up',
  'answered-elsewhere': 'the first phone was answered',
  withdrawn: 'the network took the call back',
  declined: 'a terminal declined it',
  'not-instructed': 'no terminal said in time where to',
  'no-terminal': 'nobody was logged in',
  interrupted: 'the service stopped or died',
  'target-busy': 'the final number was busy',
  'target-refused': 'the final number refused',
  'target-no-answer': 'the final number did not answer',
  'target-unreachable': 'the final number could not be reached',
  transferred: 'handed over to the network, which goes on without us',
  'limit-reached': 'the longest permitted time was reached',
  rejected: 'not a call for this service',
  failed: 'a fault of the service or its media',
};

/** A record as a person reads it: who called whom, then what happened, in order, with times. */
export function tellStory(record: CallRecord): string {
  const { sipCallId, node, trunk, account } = record;
  const happenings = [
    { at: record.arrivedAt, text: arrival(record) },
    ...record.notified.flatMap(({ terminalId, sentAt, receivedAt }) => [
      { at: sentAt, text: `terminal ${terminalId} was told` },
      ...when(receivedAt, `terminal ${terminalId} confirmed that it knows`),
    ]),
    ...instruction(record),
    ...record.attempts.flatMap(attempt),
    ...when(record.parkedAt, 'the caller was answered, to wait with music'),
    ...when(record.answeredAt, 'the caller was connected'),
    ...(record.end ? [{ at: record.end.at, text: ending(record, record.end) }] : []),
  ].toSorted((one, other) => one.at - other.at);
  return [
    `Call ${record.id}`,
    `Account ${account ?? '-'}, trunk ${trunk}, node ${node}, SIP Call-ID ${sipCallId}`,
    '',
    ...happenings.map(({ at, text }) => `${localTime(at)}  +${span(at - record.arrivedAt).padEnd(9)}  ${text}`),
    ...(record.end
      ? []
      : ['', 'It has no end yet: the call still stands, or its process died and was not started again.']),
    '',
    ...tellExplanation(record.explanation ?? []),
  ]
    .join('\n')
    .trimEnd();
}

function arrival(record: CallRecord): string {
  const caller = record.caller ?? 'an unknown caller';
  const source = record.firstCalledSource === null ? '' : ` (by ${record.firstCalledSource})`;
  const second = record.secondCalled === null ? '' : `, ringing ${record.secondCalled}`;
  const called = record.firstCalled ?? 'an unknown number';
  return `${caller}${record.callerWithheld ? ' (withheld)' : ''} called ${called}${source}${second}`;
}

/** Later instructions show as attempts. */
function instruction({ instructedAt, instructedBy, finalCalled, attempts }: CallRecord): Happening[] {
  const [first] = attempts;
  const to = first?.among?.join(', ') ?? first?.to ?? finalCalled ?? 'a number';
  return when(instructedAt, `terminal ${first?.by ?? instructedBy ?? '-'} said: to ${to}`);
}

const moves = { blind: ', moving the call', attended: ', who is asked first while the caller waits' };

function attempt(tried: AttemptRecord, _at: number, all: readonly AttemptRecord[]): Happening[] {
  const { to, among = [to], by, mode, move, startedAt, ringingAt, answeredAt, endedAt, cause } = tried;
  const which = `attempt ${tried.attempt}`;
  const who = all.some((earlier) => earlier.to === by) ? 'the phone at' : 'terminal'; // by its own transfer key
  const failed = cause ? `${which} failed: ${cause.reason}${codesOf(cause)}` : '';
  return [
    {
      at: startedAt,
      text: `${which}: calling ${among.join(', ')} by ${mode}, for ${who} ${by}${move ? moves[move] : ''}`,
    },
    ...when(ringingAt, `${among.length > 1 ? 'one of them' : to} rang`),
    ...when(answeredAt, `${to} answered`),
    ...when(endedAt, cause ? failed : `${which} was over`),
  ];
}

function ending({ answeredAt }: CallRecord, end: CallEnd): string {
  const talked = answeredAt === undefined ? '' : `, ${span(end.at - answeredAt)} after it was connected`;
  return `ended by the ${end.by}: ${end.reason} (${endWords[end.reason]})${codesOf(end)}${talked}`;
}

function codesOf({ status, q850 }: { status?: number; q850?: number }): string {
  const codes = [
    ...(status === undefined ? [] : [`SIP ${status}`]),
    ...(q850 === undefined ? [] : [`Q.850 cause ${q850}`]),
  ];
  return codes.length > 0 ? ` [${codes.join(', ')}]` : '';
}

function when(at: number | undefined, text: string): Happening[] {
  return at === undefined ? [] : [{ at, text }];
}
