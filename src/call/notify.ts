import type { Call } from './call.ts';
import { viewOf } from './view-of.ts';

/** Tells every terminal of the subscriber that a call has come, and notes who acknowledges it. */
export function notify(call: Call): void {
  const { account } = call.record;
  if (account === undefined) return;
  const { terminals, clock, metrics } = call.tools;
  const told = terminals.incoming(account, viewOf(call), (terminalId) => noteReceipt(call, terminalId));
  const now = clock.now();
  call.record.notifiedAt = now;
  for (const terminalId of told) noteTold(call, terminalId, now);
  metrics.step('notify', now - call.record.arrivedAt);
  call.keeper.update(call.id, { notifiedAt: now, notified: call.record.notified });
  call.log.info({ account, terminals: told.length }, 'the terminals are told');
}

/** Tells them what has changed. */
export function tellChange(call: Call): void {
  const { account } = call.record;
  if (account !== undefined) call.tools.terminals.changed(account, viewOf(call));
}

/** A terminal that logged in while the call waits: the gateway has shown it the call. */
export function noteTold(call: Call, terminalId: string, at: number): void {
  if (call.record.notified.some((known) => known.terminalId === terminalId)) return;
  call.record.notified.push({ terminalId, sentAt: at });
}

/** A terminal said that it has the notification. */
export function noteReceipt(call: Call, terminalId: string): void {
  const now = call.tools.clock.now();
  noteTold(call, terminalId, now);
  const told = call.record.notified.find((known) => known.terminalId === terminalId);
  if (!told || told.receivedAt !== undefined) return;
  told.receivedAt = now;
  call.log.debug({ terminal: terminalId }, 'a terminal has the notification');
  call.keeper.update(call.id, { notified: call.record.notified });
}
