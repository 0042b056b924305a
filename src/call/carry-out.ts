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

export function carryOut(call: Call, command: Command): void {
  switch (command.do) {
    case 'set-timer':
      return setTimer(call, command.timer, command.milliseconds);
    case 'clear-timer':
      return clearTimer(call, command.timer);
    case 'notify-terminals':
      return notify(call);
    case 'tell-terminals':
      return tellChange(call);
    case 'park-caller':
      call.parking = Parking.of(call);
      return;
    case 'unpark-caller':
      return unpark(call);
    case 'announce-busy':
      return call.parking?.announceBusy();
    case 'start-attempt':
      return startAttempt(call, command.attempt, command.instruction);
    case 'ring-caller':
      return bridgeOf(call, command.attempt)?.ringCaller(command.status);
    case 'join-caller':
      return bridgeOf(call, command.attempt)?.joinCaller();
    case 'introduce':
      return introduce(call, command.attempt, command.party);
    case 'hand-over':
      return bridgeOf(call, command.attempt)?.handOver();
    case 'return':
      return bridgeOf(call, command.party)?.comeBack();
    case 'keep-caller':
      return keepCaller(call, command.party);
    case 'play-music':
      return bridgeOf(call, command.party)?.play(command.to);
    case 'stop-music':
      return bridgeOf(call, command.party)?.stopPlaying(command.to);
    case 'note-failure':
      return noteFailure(call, command.attempt, command.failure);
    case 'stop-attempt': {
      const attempt = call.attempts.get(command.attempt);
      call.attempts.delete(command.attempt);
      noteAttemptEnd(call, command.attempt);
      if (attempt) call.closing.push(attempt.stop(command.cause));
      return;
    }
    case 'reject-caller':
      return call.incoming.leg.reject(command.status, command.cause);
    case 'hang-up-caller':
      call.closing.push(call.incoming.leg.hangUp(command.cause));
      return;
    case 'end':
      return close(call, command.end);
  }
}

function setTimer(call: Call, timer: TimerName, milliseconds: number): void {
  const { clock } = call.tools;
  const is = ({ decision: 'undecided', hold: 'held-too-long', duration: 'too-long' } as const)[timer];
  clearTimer(call, timer);
  call.timers.set(
    timer,
    clock.after(milliseconds, () => call.happened({ is, now: clock.now() } satisfies CallEvent)),
  );
}

function clearTimer(call: Call, timer: TimerName): void {
  call.timers.get(timer)?.clear();
  call.timers.delete(timer);
}

function startAttempt(call: Call, number: number, instruction: AcceptedInstruction): void {
  noteAttempt(call, number, instruction);
  const attempt = newAttempt(call, number, instruction);
  call.attempts.set(number, attempt);
  attempt.start(instruction);
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
  call.attempts.delete(party);
  noteAttemptEnd(call, party);
  if (pairing) call.parking = Parking.in(call, pairing);
}

function unpark(call: Call): void {
  if (call.parking) call.closing.push(call.parking.close());
  call.parking = undefined;
}

/** Only bridges have a leg of ours to a target. */
function bridgeOf(call: Call, number: number): Bridge | undefined {
  const attempt = call.attempts.get(number);
  return attempt instanceof Bridge ? attempt : undefined;
}

/** The attempt whose target the caller talks to. */
export function standingBridge(call: Call): Bridge | undefined {
  return 'party' in call.state ? bridgeOf(call, call.state.party) : undefined;
}
