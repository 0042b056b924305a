import { Draft } from '../../message/draft.ts';
import type { Request, Response } from '../../message/message.ts';

/** The Max-Forwards that a request has where it says none (RFC 3261 16.6 step 3). */
const defaultForwards = 70;

/** Whether a request may travel no further (16.3 step 3): to be answered 483. */
export function hasTravelledEnough(request: Request): boolean {
  return forwardsLeft(request) <= 0;
}

function forwardsLeft(request: Request): number {
  const given = Number.parseInt(request.get('Max-Forwards') ?? '', 10);
  return Number.isNaN(given) ? defaultForwards : Math.min(given, 255);
}

/** A copy of a request for the next hop (16.6 steps 1 to 3), still without our Via. */
export function onward(request: Request, requestUri: string, routes: readonly string[]): Draft {
  const draft = Draft.from(request);
  draft.startLine = { kind: 'request', method: request.method, requestUri };
  draft.set('Max-Forwards', String(forwardsLeft(request) - 1));
  draft.remove('Route');
  for (const route of routes) draft.add('Route', route);
  return draft;
}

/**
 * A response of a branch for the hop before (16.7 steps 3 and 9). Its Via values are those of the request, whatever the branch
 * made of them.
 */
export function upstream(request: Request, response: Response): Draft {
  const draft = Draft.from(response);
  draft.remove('Via');
  for (const via of request.all('Via').reverse()) draft.prepend('Via', via);
  return draft;
}
