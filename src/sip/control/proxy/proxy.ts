import { randomUUID } from 'node:crypto';
import { Draft } from '../../message/draft.ts';
import { parseUri } from '../../message/uri.ts';
import type { Application } from '../application.ts';
import { readApplicationMessage } from '../application-message.ts';
import type { Exchange } from '../exchange.ts';
import { forApplication } from '../for-application.ts';
import type { Frame } from '../framing.ts';
import { branchResponse } from '../leaders.ts';
import { mergeKey } from '../merge-key.ts';
import { hasTravelledEnough } from './pass-on.ts';
import { ProxiedRequest } from './proxied-request.ts';

/** What a proxy leaves as it came (RFC 3261 16.6), whatever the application writes. */
const untouched = new Set([
  ...['via', 'from', 'to', 'call-id', 'cseq', 'max-forwards', 'content-length', 'record-route', 'route', 'contact'],
]);

/**
 * `<id>|proxy|<transaction id>|remainInDialog|fullResponse|followRedirects|serial or simultaneous|<time-out>|<time-out>|<uri>…`
 * and a request whose headers are set in what leaves. The answer comes in pieces: a frame ending in `continue` for each final
 * response of a target (with fullResponse), then `done`.
 */
export function proxy(exchange: Exchange, application: Application, frame: Frame): void {
  const [id = '', , transactionId = '', remain, full, follow, launch, provisional, final, ...destinations] =
    frame.fields;
  const pending = exchange.answerable.get(transactionId);
  if (!pending || pending.application !== application || pending.entry) {
    application.notOk(id, `Unknown transaction id: ${transactionId}`);
    return;
  }
  const wrong = destinations.find((uri) => !parseUri(uri));
  if (wrong !== undefined || destinations.length === 0) {
    application.notOk(id, `invalid request-uri: ${wrong ?? ''}`);
    return;
  }
  const { transaction } = pending;
  exchange.answerable.delete(transactionId);
  exchange.arrived.delete(transaction);
  exchange.unmerged.delete(mergeKey(transaction.request)); // it may come by again on its way, as a spiral (16.3 step 4)
  const done = (): void => application.ok(id, ['done']);
  if (hasTravelledEnough(transaction.request)) {
    transaction.respond(Draft.answering(transaction.request, 483)); // 16.3 step 3
    done();
    return;
  }
  const headers = readApplicationMessage(frame.message)?.headers ?? [];
  const options = {
    recordRoute: remain === 'remainInDialog',
    followRedirects: follow === 'followRedirects',
    simultaneous: launch === 'simultaneous',
    provisionalTimeout: readMilliseconds(provisional),
    finalTimeout: readMilliseconds(final),
    destinations,
    adorn: (draft: Draft): void => {
      for (const { name, value } of headers) if (!untouched.has(name.toLowerCase())) draft.set(name, value);
    },
  };
  new ProxiedRequest(exchange, transaction, options, {
    response: (response, flow) => {
      if (full !== 'fullResponse') return;
      const leader = branchResponse(exchange.clock, response.raw.length, flow);
      application.send([randomUUID(), 'response', id, 'OK', ...leader], forApplication(response));
    },
    done,
  }).start();
}

/** `2s` or `1500ms`; undefined for anything else, as drachtio-srf sends nothing where nothing was asked. */
export function readMilliseconds(text: string | undefined): number | undefined {
  const match = /^(\d{1,7})(ms|s)$/.exec(text ?? '');
  return match ? Number(match[1]) * (match[2] === 's' ? 1000 : 1) : undefined;
}
