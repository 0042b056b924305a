// What the machine says is to be done is done here, command by command.
import type { Attempt, Call } from './call.ts';
import { close } from './close.ts';
import { Bridge } from './connect/bridge.ts';
import { Parking } from './connect/parking.ts';
import { Redirect } from './connect/redirect.ts';
import { Refer } from './connect/refer.ts';
import type { AcceptedInstruction, CallEvent, Command, TimerName } from './machine.ts';
import { noteAttempt, noteAttemptEnd, noteFailure } from './notes.ts';
import { notify, tellChange } from './notify.ts';
import type { Cause } from './ports.ts';

type Carry<Name extends Command['do']> = (call: Call, command: Extract<Command, { do: Name }>) => void;

const how: { readonly [Name in Command['do']]: Carry<Name> } = {
  'set-timer': (call, { timer, milliseconds }) => setTimer(call, timer, milliseconds),
  'clear-timer': (call, { timer }) => clearTimer(call, timer),
  'notify-terminals': (call) => notify(call),
  'tell-terminals': (call) => tellChange(call),
  'park-caller': (call) => void (call.parking = Parking.of(call)),
  'unpark-caller': (call) => unpark(call),
  'announce-busy': (call) => call.parking?.announceBusy(),
  'start-attempt': (call, { attempt, instruction }) => startAttempt(call, attempt, instruction),
  'ring-caller': (call, { attempt, status }) => bridgeOf(call, attempt)?.ringCaller(status),
  'join-caller': (call, { attempt }) => bridgeOf(call, attempt)?.joinCaller(),
  introduce: (call, { attempt, party }) => introduce(call, attempt, party),
  'hand-over': (call, { attempt }) => bridgeOf(call, attempt)?.handOver(),
  return: (call, { party }) => bridgeOf(call, party)?.comeBack(),
  'keep-caller': (call, { party }) => keepCaller(call, party),
  'play-music': (call, { party, to }) => bridgeOf(call, party)?.play(to),
  'stop-music': (call, { party, to }) => bridgeOf(call, party)?.stopPlaying(to),
  'note-failure': (call, { attempt, failure }) => noteFailure(call, attempt, failure),
  'stop-attempt': (call, { attempt, cause }) => stopAttempt(call, attempt, cause),
  'reject-caller': (call, { status, cause }) => call.incoming.leg.reject(status, cause),
  'hang-up-caller': (call, { cause }) => void call.closing.push(call.incoming.leg.hangUp(cause)),
  end: (call, { end }) => close(call, end),
};

export function carryOut(call: Call, command: Command): void {
  (how[command.do] as Carry<Command['do']>)(call, command);
}

function setTimer(call: Call, timer: TimerName, milliseconds: number): void {
  const { clock } = call.tools;
  const is = ({ decision: 'undecided', hold: 'held-too-long', duration: 'too-long' } as const)[timer];
  clearTimer(call, timer);
  call.timers[timer] = clock.after(milliseconds, () => call.happened({ is, now: clock.now() } satisfies CallEvent));
}

function clearTimer(call: Call, timer: TimerName): void {
  call.timers[timer]?.clear();
  call.timers[timer] = undefined;
}

function startAttempt(call: Call, number: number, instruction: AcceptedInstruction): void {
  noteAttempt(call, number, instruction);
  const attempt = newAttempt(call, number, instruction);
  call.attempts = [...call.attempts, { number, attempt }];
  attempt.start(instruction);
}

function stopAttempt(call: Call, number: number, cause: Cause): void {
  const attempt = attemptOf(call, number);
  forgetAttempt(call, number);
  if (attempt) call.closing.push(attempt.stop(cause));
}

function attemptOf(call: Call, wanted: number): Attempt | undefined {
  return call.attempts.find(({ number }) => number === wanted)?.attempt;
}

function forgetAttempt(call: Call, over: number): void {
  call.attempts = call.attempts.filter(({ number }) => number !== over);
  noteAttemptEnd(call, over);
}

function newAttempt(call: Call, number: number, { mode, attended }: AcceptedInstruction): Attempt {
  const { state, caller } = call;
  // Whoever moves a call talks to the new party first: it is called for them, and stands in the caller's place.
  const mover = attended && state.at === 'moving' ? bridgeOf(call, state.party)?.target : undefined;
  if (mover) return new Bridge(call, number, mover);
  switch (mode) {
    case 'bridge':
      return new Bridge(call, number, caller);
    case 'refer':
      return new Refer(call, number);
    case 'redirect':
      return new Redirect(call, number);
  }
}

function introduce(call: Call, attempt: number, party: number): void {
  const mover = bridgeOf(call, party)?.target;
  if (mover) bridgeOf(call, attempt)?.introduce(mover);
}

/** What the caller was connected by goes on as their own media. */
function keepCaller(call: Call, party: number): void {
  const pairing = bridgeOf(call, party)?.leaveMedia();
  forgetAttempt(call, party);
  if (pairing) call.parking = Parking.in(call, pairing);
}

function unpark(call: Call): void {
  if (call.parking) call.closing.push(call.parking.close());
  call.parking = undefined;
}

/** Only bridges have a leg of ours to a target. */
function bridgeOf(call: Call, number: number): Bridge | undefined {
  const attempt = attemptOf(call, number);
  return attempt instanceof Bridge ? attempt : undefined;
}

/** The attempt whose target the caller talks to. */
export function standingBridge(call: Call): Bridge | undefined {
  return 'party' in call.state ? bridgeOf(call, call.state.party) : undefined;
}
