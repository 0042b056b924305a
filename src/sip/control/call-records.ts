import { randomUUID } from 'node:crypto';
import type { Clock } from '../../shared/clock.ts';
import type { Applications } from './applications.ts';
import { timeOfDay } from './leaders.ts';

/** Whose message it is: one that came, or one that an application (or the server in its name) sent. */
export type RecordSource = 'network' | 'application';

export type RecordRole = 'uac' | 'uas' | 'proxy-uac' | 'proxy-uas';

/** The words of drachtio-server; it says `system-initiated-termination` when no ACK came. */
export type StopReason =
  'call-rejected' | 'call-canceled' | 'normal-release' | 'session-expired' | 'system-initiated-termination';

/**
 * The records of calls that drachtio-server sends where its settings ask for it: `cdr:attempt`, `cdr:start`, `cdr:stop`, each
 * with the message that it is about, to one of the applications that named it as a route, in turn.
 */
export class CallRecords {
  readonly #applications: Applications;
  readonly #clock: Clock;
  readonly #wanted: boolean;

  constructor(applications: Applications, clock: Clock, wanted: boolean) {
    this.#applications = applications;
    this.#clock = clock;
    this.#wanted = wanted;
  }

  attempt(source: RecordSource, message: Buffer): void {
    this.#send('cdr:attempt', source, message);
  }

  start(source: RecordSource, role: RecordRole, message: Buffer): void {
    this.#send('cdr:start', source, message, role);
  }

  stop(source: RecordSource, reason: StopReason, message: Buffer): void {
    this.#send('cdr:stop', source, message, reason);
  }

  /** A final response to the INVITE that began a call. */
  outcome(source: RecordSource, role: RecordRole, status: number, message: Buffer): void {
    if (status < 300) this.start(source, role, message);
    else this.stop(source, status === 487 ? 'call-canceled' : 'call-rejected', message);
  }

  #send(event: string, source: RecordSource, message: Buffer, ...more: string[]): void {
    if (!this.#wanted) return;
    const fields = [randomUUID(), event, source, timeOfDay(this.#clock), ...more];
    this.#applications.choose(event)?.send(fields, message);
  }
}
