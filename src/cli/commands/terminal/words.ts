// What happens, in words for a person.
import type { Answer, Call, SessionEndReason } from '../../../terminals/events.ts';
import type { Happening } from './happenings.ts';

type CallEndReason = NonNullable<Call['end']>['reason'];

const ends: Record<CallEndReason, string> = {
  completed: 'the call is over',
  'caller-hung-up': 'the caller hung up',
  'answered-elsewhere': 'answered on the first phone',
  withdrawn: 'the network took the call back',
  declined: 'declined',
  'not-instructed': 'nobody gave a number in time',
  'no-terminal': 'no terminal was logged in',
  interrupted: 'the service was interrupted',
  'target-busy': 'the number called is busy',
  'target-refused': 'the number called refused the call',
  'target-no-answer': 'the number called did not answer',
  'target-unreachable': 'the number called cannot be reached',
  transferred: 'handed over to the network',
  'limit-reached': 'the longest permitted time was reached',
  rejected: 'the call was rejected',
  failed: 'the call failed through a fault of the service',
};

const sessionEnds: Record<SessionEndReason, string> = {
  'logged-out': 'logged out',
  replaced: 'another connection with the same terminal id took over; choose another --id if both should stay',
  'account-removed': 'the account was removed; ask the operator',
  'password-changed': "the account's password was changed; log in with the new one",
  'too-many-terminals': 'the account has too many terminals connected; log one of them out',
  flooding: 'too many requests were sent; log in again and send fewer',
  'service-down': 'the service is going down; this terminal comes back by itself',
};

/** A call's end for a person. */
export function endInWords(reason: CallEndReason): string {
  return ends[reason];
}

export function sessionEndInWords(reason: SessionEndReason): string {
  return sessionEnds[reason];
}

/** Who calls. */
export function callerOf(call: Call): string {
  return call.callerWithheld ? 'a withheld number' : (call.caller ?? 'an unknown number');
}

/** The state of a call for a person. */
export function stateInWords({ state, target, move, end }: Call): string {
  const to = target?.to ?? '';
  switch (state) {
    case 'waiting':
      return target?.cause ? `${to}: ${ends[target.cause]}; waiting for another number` : 'waiting for a number';
    case 'connecting':
      return target ? calling(target) : 'calling';
    case 'ringing':
      return `${target ? several(target) : ''} ${target && oneOf(target) ? 'ring' : 'rings'}`;
    case 'connected':
    case 'held': {
      const stands = state === 'held' ? `held; connected with ${to}` : `connected with ${to}`;
      return move?.cause ? `${stands}; not moved to ${move.to}: ${ends[move.cause]}` : stands;
    }
    case 'moving':
      return move ? moving(to, move) : `moving on from ${to}`;
    case 'ended':
      return end ? ends[end.reason] : 'ended';
  }
}

type Target = NonNullable<Call['target']>;

const oneOf = ({ among = [] }: Target): boolean => among.length > 1;

/** The number, or all of several. */
function several(target: Target): string {
  const { among = [], to } = target;
  return oneOf(target) ? `${among.slice(0, -1).join(', ')} and ${among.at(-1)}` : to;
}

function calling(target: Target): string {
  if (target.mode === 'bridge') return `calling ${several(target)}`;
  return `asking the network to connect ${several(target)} (${target.mode})`;
}

function moving(from: string, move: NonNullable<Call['move']>): string {
  switch (move.state) {
    case 'connecting':
      return `moving: ${calling(move)}; ${move.attended ? 'the caller hears music' : `still connected with ${from}`}`;
    case 'ringing':
      return `moving: ${several(move)} ${oneOf(move) ? 'ring' : 'rings'}; ${move.attended ? 'the caller hears music' : `still connected with ${from}`}`;
    case 'connected':
      return move.attended
        ? `${from} talks to ${move.to}, and the caller hears music: c = connect them, resume = back`
        : `moving: ${move.to} answered`;
    case 'failed':
      return `moving: ${move.to} not reached`;
  }
}

/** Whole seconds, not below 0, until the call's instruction must have come; `now` in milliseconds since 1970. */
export function secondsLeft(call: Call, now: number): number {
  return Math.max(0, Math.ceil((Date.parse(call.decideBefore) - now) / 1000));
}

/** One line about what happened; undefined when a person need not read of it. */
export function inWords(happening: Happening, number: number | undefined, now: number): string | undefined {
  const which = number === undefined ? '' : `#${number} `;
  switch (happening.event) {
    case 'session': {
      const { account, numbers, calls } = happening.session;
      const standing = calls.length > 0 ? `; calls standing: ${calls.length}` : '';
      return `logged in as ${account} (${numbers.join(', ')})${standing}; waiting for calls`;
    }
    case 'call:incoming': {
      const { call } = happening;
      return `${which}call from ${callerOf(call)} to ${call.firstCalled}: type a number within ${secondsLeft(call, now)} s`;
    }
    case 'call:changed':
    case 'call:ended':
      return `${which}${stateInWords(happening.call)}`;
    case 'answer':
      return answerInWords(happening.request, happening.answer, which);
    case 'history':
      return happening.calls.length === 0
        ? 'no calls yet'
        : ['calls, newest first:', ...happening.calls.map(historyLine)].join('\n  ');
    case 'session:ended':
      return sessionEnds[happening.reason];
    case 'refused':
      return happening.refusal.message;
    case 'unreachable':
      return `the service is not reached (${happening.reason}); trying again`;
    case 'disconnected':
      return happening.reason === 'io client disconnect' ? undefined : 'the connection broke; coming back';
    case 'mistake':
    case 'help':
      return happening.message;
  }
}

function answerInWords(request: string, answer: Answer, which: string): string | undefined {
  if (answer.ok) return request === 'call:digits' ? `${which}digits sent` : undefined;
  const { message, by, retryAfter } = answer.error;
  const winner = by === undefined || message.includes(by) ? '' : ` (${by})`;
  const wait = retryAfter === undefined || message.includes(`${retryAfter} s`) ? '' : ` Try again in ${retryAfter} s.`;
  return `${which}${message}${winner}${wait}`;
}

function historyLine(call: Call): string {
  const to = call.target ? ` → ${call.target.to}` : '';
  return `${localTime(call.arrivedAt)}  ${callerOf(call)} → ${call.firstCalled}${to}  ${stateInWords(call)}`;
}

/** A time of the protocol as the clock on the wall shows it. */
function localTime(iso: string): string {
  const time = new Date(iso);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${two(time.getHours())}:${two(time.getMinutes())}`;
}
