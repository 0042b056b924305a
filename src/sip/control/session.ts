import { randomInt } from 'node:crypto';
import { Draft } from '../message/draft.ts';
import type { Message, Request, Response } from '../message/message.ts';
import {
  knowsTimers,
  readSessionExpires,
  SessionTimer,
  shortestInterval,
  type SessionExpires,
} from '../dialog/session-timer.ts';
import type { ClientTransaction } from '../transaction/client-transaction.ts';
import type { Target } from '../transaction/wire.ts';
import { endDialog, endingSurplus } from './end-dialog.ts';
import { without, type DialogEntry, type Exchange } from './exchange.ts';
import { rewriteContact } from './local-names.ts';

/** Session timers (RFC 4028), which the server keeps by itself as drachtio-server does: applications see nothing of our refreshes. Where an
 * application refreshes by itself, ours come only when it does not. */

/** Requests that agree on a session timer. */
const agreeing = new Set(['INVITE', 'UPDATE']);

/** What a refresh waits while an INVITE of either side is open (RFC 3261 14.1). Milliseconds. */
const busyPause = 2000;

/** The answer to a request whose interval is too short (RFC 4028 9); undefined when it is not. */
export function intervalTooSmall(request: Request): Draft | undefined {
  if (!agreeing.has(request.method)) return undefined;
  const asked = readSessionExpires(request.get('Session-Expires'));
  if (!asked || asked.seconds >= shortestInterval || !knowsTimers(request)) return undefined;
  return Draft.answering(request, 422).add('Min-SE', String(shortestInterval));
}

/**
 * A 2xx of the application is about to leave: what was asked for is agreed in it where the application says nothing itself
 * (RFC 4028 9), and the time starts anew.
 */
export function agreeAsServer(exchange: Exchange, entry: DialogEntry, request: Request, draft: Draft): void {
  if (!agreeing.has(request.method)) return;
  // RFC 4028 9: one that a proxy put in for a caller who knows no timers is left to that proxy
  const asked = knowsTimers(request) ? readSessionExpires(request.get('Session-Expires')) : undefined;
  const written = readSessionExpires(draft.get('Session-Expires'));
  const agreed = written ?? asked;
  const refresher = agreed?.refresher ?? 'uac';
  if (agreed) keepDescription(entry, draft);
  if (written && refresher === 'uas') entry.applicationRefreshes = true;
  if (!written && asked) {
    draft.add('Session-Expires', `${asked.seconds};refresher=${refresher}`);
    if (refresher === 'uac' && !draft.has('Require')) draft.add('Require', 'timer');
  }
  run(exchange, entry, request, agreed, refresher === 'uas');
}

/** A 2xx to a request of ours, or of the application, has come (RFC 4028 7.2). */
export function agreeAsClient(exchange: Exchange, entry: DialogEntry, sent: Draft, response: Response): void {
  if (!agreeing.has(response.cseq.method)) return;
  const agreed = readSessionExpires(response.get('Session-Expires'));
  if (agreed) keepDescription(entry, sent);
  run(exchange, entry, response, agreed, agreed?.refresher !== 'uas');
}

/** A request of the application within the dialog keeps the timer going (RFC 4028 7.4). */
export function offerSession(entry: DialogEntry, draft: Draft): void {
  const { session } = entry;
  if (!session || draft.startLine.kind !== 'request' || !agreeing.has(draft.startLine.method)) return;
  if (draft.has('Session-Expires')) {
    entry.applicationRefreshes = true;
    session.yield();
    return;
  }
  draft.add('Session-Expires', `${session.seconds};refresher=${session.weRefresh ? 'uac' : 'uas'}`);
  if (!/\btimer\b/i.test(draft.all('Supported').join(','))) draft.add('Supported', 'timer');
}

/** The session description that we sent last: what a re-INVITE of the server's own repeats. */
function keepDescription(entry: DialogEntry, draft: Draft): void {
  if (draft.get('Content-Type')?.toLowerCase().startsWith('application/sdp') === true) entry.description = draft.body;
}

function run(
  exchange: Exchange,
  entry: DialogEntry,
  heard: Message,
  agreed: SessionExpires | undefined,
  weRefresh: boolean,
): void {
  entry.session?.stop();
  entry.session = undefined;
  if (!agreed || entry.dialog.state === 'terminated') return;
  if (heard.get('Allow') !== undefined) entry.updates = heard.list('Allow').includes('UPDATE');
  entry.session = new SessionTimer(agreed.seconds, weRefresh, entry.applicationRefreshes === true, exchange.clock, {
    refresh: () => refresh(exchange, entry, agreed.seconds),
    expired: () => endDialog(exchange, entry, 'Session timer expired', 'session-expired'),
  });
}

/** By UPDATE where the peer knows it, as that needs no description; else by INVITE with the description that stands. */
function refresh(exchange: Exchange, entry: DialogEntry, seconds: number): void {
  const { session } = entry;
  if (!session || entry.dialog.state === 'terminated') return;
  if (entry.inviting.length > 0 || entry.unanswered || entry.awaitingAck) {
    session.refreshAfter(busyPause);
    return;
  }
  const method = entry.updates !== true && entry.description ? 'INVITE' : 'UPDATE';
  const open: { transaction: ClientTransaction | undefined } = { transaction: undefined };
  if (method === 'INVITE') entry.inviting = [...entry.inviting, open];
  const settled = (): void => {
    entry.inviting = without(entry.inviting, open);
  };
  exchange.locator.locate(entry.dialog.nextHop).then(
    (target) => {
      if (entry.dialog.state === 'terminated') return;
      const draft = refreshRequest(exchange, entry, method, seconds, target);
      const client: ClientTransaction = exchange.layer.request(draft, target, {
        response: (response) => {
          if (response.status < 200) return;
          settled();
          refreshed(exchange, entry, client, target, response);
        },
        timeout: () => {
          settled();
          endDialog(exchange, entry, 'Session timer expired', 'session-expired'); // RFC 4028 10: as 408
        },
        transportError: settled,
      });
      open.transaction = client;
    },
    (error: unknown) => {
      settled(); // the timer's end is still there
      exchange.log.warn({ err: error, callId: entry.callId }, 'a session was not refreshed');
    },
  );
}

function refreshRequest(
  exchange: Exchange,
  entry: DialogEntry,
  method: string,
  seconds: number,
  target: Target,
): Draft {
  const draft = entry.dialog.request(method);
  draft.add('Contact', rewriteContact(undefined, exchange.localFor(target)));
  draft.add('Supported', 'timer');
  draft.add('Session-Expires', `${seconds};refresher=uac`);
  draft.add('Min-SE', String(shortestInterval));
  if (exchange.userAgent !== undefined) draft.add('User-Agent', exchange.userAgent);
  if (method === 'INVITE' && entry.description) {
    draft.add('Content-Type', 'application/sdp');
    draft.body = entry.description;
  }
  return draft;
}

function refreshed(
  exchange: Exchange,
  entry: DialogEntry,
  client: ClientTransaction,
  target: Target,
  response: Response,
): void {
  const { status } = response;
  const { session } = entry;
  if (status < 300) {
    entry.dialog.refreshBy(response);
    const { method, sequence } = response.cseq;
    const tag = response.to.parameters.get('tag') ?? '';
    if (method === 'INVITE') {
      exchange.layer.acknowledge(client, tag, entry.dialog.ack(sequence), target);
      exchange.layer.leave(client, endingSurplus(exchange));
    }
    const agreed = readSessionExpires(response.get('Session-Expires'));
    // RFC 4028 7.2: a peer that says nothing of it leaves it to us
    if (session)
      run(
        exchange,
        entry,
        response,
        agreed ?? { seconds: session.seconds, refresher: 'uac' },
        agreed?.refresher !== 'uas',
      );
  } else if (status === 408 || status === 481) {
    endDialog(exchange, entry, 'Session timer expired', 'session-expired'); // RFC 4028 10
  } else if (status === 422) {
    // RFC 4028 7.4: again, with the interval that the peer wants at least
    const wanted = Math.max(Number.parseInt(response.get('Min-SE') ?? '', 10) || 0, session?.seconds ?? 0);
    if (session && wanted > session.seconds && wanted <= 86_400) refresh(exchange, entry, wanted);
  } else if (status === 491) {
    session?.refreshAfter(glarePause(entry)); // RFC 3261 14.1
  } else if (response.cseq.method === 'UPDATE' && (status === 405 || status === 501)) {
    entry.updates = false;
    if (entry.description) session?.refreshAfter(0);
  }
}

/** 14.1: who made the Call-ID waits 2.1 to 4 s, the other up to 2 s, in steps of 10 ms. Milliseconds. */
function glarePause(entry: DialogEntry): number {
  return entry.ownsCallId === true ? 10 * randomInt(210, 401) : 10 * randomInt(201);
}
