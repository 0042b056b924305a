import type { Call } from './call.ts';
import type { AcceptedInstruction, CallEvent } from './machine.ts';
import type { TargetFailure } from './ports.ts';

/** Writes into the record that a final called number is tried now. */
export function noteAttempt(call: Call, attempt: number, { to, by, mode }: AcceptedInstruction): void {
  const { record, tools } = call;
  const now = tools.clock.now();
  if (record.instructedAt === undefined) tools.metrics.step('decide', now - (record.notifiedAt ?? record.arrivedAt));
  record.instructedAt ??= now; // the first; each attempt has its own times
  record.instructedBy = by;
  record.finalCalled = to;
  record.mode = mode;
  record.attempts.push({ attempt, to, by, mode, startedAt: now });
  call.keeper.update(call.id, {
    instructedAt: record.instructedAt,
    instructedBy: by,
    finalCalled: to,
    mode,
    attempts: record.attempts,
  });
  call.log.info({ attempt, to, terminal: by, mode }, 'an instruction is accepted');
}

/** Writes into the record why an attempt failed. */
export function noteFailure(call: Call, attempt: number, failure: TargetFailure): void {
  const noted = call.attemptRecord(attempt);
  if (!noted) return;
  noted.endedAt = call.tools.clock.now();
  noted.cause = failure;
  call.keeper.update(call.id, { attempts: call.record.attempts });
  call.log.info({ attempt, ...failure }, `${noted.to} could not be reached`);
}

/** Writes the times of ringing and answer, when an event brings them. */
export function noteProgress(call: Call, event: CallEvent): void {
  if (!('attempt' in event) || call.over) return;
  const noted = call.attemptRecord(event.attempt);
  if (!noted) return;
  const { record, tools } = call;
  if (event.is === 'target-rings' && noted.ringingAt === undefined) {
    noted.ringingAt = event.now;
    record.ringingAt ??= event.now;
    tools.metrics.step('ring', event.now - noted.startedAt);
    call.keeper.update(call.id, { ringingAt: record.ringingAt, attempts: record.attempts });
  } else if (event.is === 'target-answered' && call.state.at === 'answering') {
    noted.answeredAt = event.now;
    tools.metrics.step('answer', event.now - noted.startedAt);
  } else if (event.is === 'caller-connected' && record.answeredAt === undefined) {
    record.answeredAt = event.now;
    call.keeper.update(call.id, { answeredAt: event.now, attempts: record.attempts, media: record.media });
    call.log.info({ attempt: event.attempt, to: noted.to }, 'the call is connected');
  }
}
