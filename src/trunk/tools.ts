import type { Clock } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { Counters } from './counters.ts';
import type { Legs } from './legs.ts';
import type { OwnLegs } from './own-legs.ts';
import type { RequestOptions, SendOptions, Srf, SrfRequest, SrfResponse } from './srf.ts';

/** What every part of the trunk works with. */
export interface Tools {
  readonly srf: Srf;
  readonly clock: Clock;
  readonly log: Logger;
  readonly legs: Legs;
  readonly ownLegs: OwnLegs;
  readonly counters: Counters;
  /** The SIP server that is connected; the built-in one until it tells. */
  readonly server: { isDrachtio: boolean };
}

/** Methods that we understand (RFC 3261 20.5). */
export const allow = 'INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, MESSAGE, NOTIFY';

/** The same where the far side may send REFER. */
export const allowWithRefer = `${allow}, REFER`;

/** 64*T1 (RFC 3261 17.1.2.2 timer F, 13.3.1.4): after this time nobody answers any more. Milliseconds. */
export const transactionTimeout = 32_000;

/** With a 503 of ours: come again in so many seconds (RFC 3261 21.5.4). */
export const retryLater = { 'Retry-After': '30' };

/** A little longer than the server waits by itself, so that its own word comes first. Milliseconds. */
export const serverTimeout = 40_000;

/**
 * `action` with its exceptions logged: drachtio-srf calls its listeners out of a socket's `data` event, where an
 * exception would end the connection or the process.
 */
export function contained<A extends readonly unknown[]>(
  log: Logger,
  what: string,
  action: (...values: A) => void,
): (...values: A) => void {
  return (...values) => {
    try {
      action(...values);
    } catch (error) {
      log.error({ err: error }, `${what} failed, which is a fault of this program`);
    }
  };
}

/** Sends a request; whatever goes wrong, also in the same tick, comes to `callback`. */
export function sendRequest(
  tools: Tools,
  uri: string,
  options: RequestOptions,
  callback: (outcome: { sent: SrfRequest } | { error: unknown }) => void,
): void {
  const done = contained(tools.log, `the confirmation of ${options.method}`, callback);
  try {
    tools.srf.request(uri, options, (error, sent) => {
      done(sent ? { sent } : { error: error ?? new Error('the SIP server confirmed nothing') });
    });
  } catch (error) {
    done({ error });
  }
}

/** Sends a response; a refusal of the server (the transaction is over) comes to `callback`, never as an exception. */
export function respond(
  tools: Tools,
  response: SrfResponse,
  status: number,
  options: SendOptions & { reason?: string } = {},
  callback: (error?: unknown) => void = () => undefined,
): void {
  const done = contained(tools.log, `the confirmation of a ${status}`, callback);
  const { reason, ...rest } = options;
  const send = (code: number): void =>
    response.send(code, reason, rest, (error) => done(...(error === null || error === undefined ? [] : [error])));
  try {
    send(status);
  } catch (error) {
    tools.log.debug(
      { status, reason: messageOf(error) },
      'drachtio-srf does not know this status: that of its class is sent',
    );
    try {
      send(classOf(status)); // RFC 3261 8.1.3.2: an unknown status means what x00 of its class means
    } catch (again) {
      done(again);
    }
  }
}

/**
 * The same, awaited.
 * @throws Error when the server refuses it: the transaction is over, or it confirms nothing in time
 */
export function responded(tools: Tools, response: SrfResponse, status: number, options: SendOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = tools.clock.after(serverTimeout, () => reject(new Error(`the SIP server confirmed no ${status}`)));
    respond(tools, response, status, options, (error) => {
      timer.clear();
      if (error === undefined) resolve();
      else reject(new Error(`the request was over before our ${status}: ${messageOf(error)}`));
    });
  });
}

function classOf(status: number): number {
  const hundreds = Math.floor(status / 100);
  return hundreds === 1 ? 183 : hundreds >= 6 ? 603 : hundreds * 100;
}
