import type { Call, Refused } from './call.ts';
import type { AcceptedInstruction, CallEvent } from './machine.ts';
import type { TargetFailure } from './ports.ts';

/** Writes into the record that final called numbers are tried now. */
export function noteAttempt(call: Call, attempt: number, instruction: AcceptedInstruction): void {
  const { record, tools, state } = call;
  const { by, mode, attended } = instruction;
  const [to, ...others] = instruction.to;
  const now = tools.clock.now();
  if (record.instructedAt === undefined) tools.metrics.step('decide', now - (record.notifiedAt ?? record.arrivedAt));
  record.instructedAt ??= now; // the first; each attempt has its own times
  record.attempts.push({
    ...{ attempt, to, by, mode, startedAt: now },
    ...(others.length > 0 && { among: [to, ...others] }),
    ...(state.at === 'moving' && { move: attended ? 'attended' : 'blind' }),
  });
  call.keeper.update(call.id, { instructedAt: record.instructedAt, attempts: record.attempts });
  if (state.at !== 'moving') noteFinal(call, { to, by, mode });
  call.log.info({ attempt, to: instruction.to, by, mode }, 'an instruction is accepted');
}

/** The final called number of the call: that of the last attempt until one answers, then of whom the caller talks to. */
function noteFinal(call: Call, { to, by, mode }: Pick<AcceptedInstruction, 'by' | 'mode'> & { to: string }): void {
  const { record } = call;
  record.finalCalled = to;
  record.instructedBy = by;
  record.mode = mode;
  call.keeper.update(call.id, { finalCalled: to, instructedBy: by, mode });
}

/** Writes into the record why an attempt failed. */
export function noteFailure(call: Call, attempt: number, failure: TargetFailure): void {
  const noted = call.attemptRecord(attempt);
  if (!noted) return;
  noted.endedAt ??= call.tools.clock.now();
  noted.cause ??= failure;
  call.keeper.update(call.id, { attempts: call.record.attempts });
  call.log.info({ attempt, ...failure }, `${noted.to} could not be reached`);
}

/** Writes into the record why the call is not taken, so that an operator can see why it found nobody. */
export function noteRefusal({ record, incoming }: Call, { status, why }: Refused): void {
  if (!incoming.reading.ok) return; // its explanation ends with that already
  const finding = {
    about: 'refusal',
    where: 'the service',
    value: String(status),
    used: true,
    rule: 'calls',
    why,
  } as const;
  record.explanation = [...(record.explanation ?? []), finding];
}

/** Writes that nothing of an attempt stands any more. */
export function noteAttemptEnd(call: Call, attempt: number): void {
  const noted = call.attemptRecord(attempt);
  if (!noted || noted.endedAt !== undefined) return;
  noted.endedAt = call.tools.clock.now();
  call.keeper.update(call.id, { attempts: call.record.attempts });
}

/** Writes the times of parking, ringing, answer and connection, when an event brings them. */
export function noteProgress(call: Call, event: CallEvent): void {
  if (call.over) return;
  const { record, tools } = call;
  if (event.is === 'caller-parked') {
    record.parkedAt ??= event.now;
    call.keeper.update(call.id, { parkedAt: record.parkedAt });
    return;
  }
  if (!('attempt' in event)) return;
  const noted = call.attemptRecord(event.attempt);
  if (!noted || noted.endedAt !== undefined) return;
  if (event.is === 'target-rings' && noted.ringingAt === undefined && noted.answeredAt === undefined) {
    noted.ringingAt = event.now;
    record.ringingAt ??= event.now;
    tools.metrics.step('ring', event.now - noted.startedAt);
    call.keeper.update(call.id, { ringingAt: record.ringingAt, attempts: record.attempts });
  } else if (event.is === 'target-answered') {
    noted.answeredAt = event.now;
    noted.to = event.to;
    tools.metrics.step('answer', event.now - noted.startedAt);
    call.keeper.update(call.id, { attempts: record.attempts });
  } else if (event.is === 'joined') {
    record.answeredAt ??= event.now;
    noteFinal(call, noted);
    call.keeper.update(call.id, { answeredAt: record.answeredAt, attempts: record.attempts });
    call.log.info({ attempt: event.attempt, to: noted.to }, 'the call is connected');
  }
}
