import { parseNameAddress } from '../message/address.ts';
import { detached } from '../message/detached.ts';
import { Draft } from '../message/draft.ts';
import type { Request, Response } from '../message/message.ts';
import { isSipUri, parseUri } from '../message/uri.ts';

export type DialogState = 'early' | 'confirmed' | 'terminated';

/** Methods whose request and 2xx move the remote target (RFC 3261 12.2, RFC 3311 5.1, RFC 6665 4.4.1, RFC 3515). */
const targetRefresh = new Set(['INVITE', 'UPDATE', 'SUBSCRIBE', 'NOTIFY', 'REFER']);

interface DialogParts {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** Our From (or To) value, tag included. */
  readonly local: string;
  readonly remote: string;
  readonly remoteTarget: string;
  readonly routeSet: readonly string[];
  readonly localSequence: number;
  readonly remoteSequence: number | undefined;
  readonly state: DialogState;
}

/** The state of one dialog, RFC 3261 12: what our requests within it are made of, and what the peer's are checked against. */
export class Dialog {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  readonly #local: string;
  readonly #remote: string;
  #remoteTarget: string;
  #routeSet: readonly string[];
  #localSequence: number;
  #remoteSequence: number | undefined;
  #state: DialogState;

  private constructor(parts: DialogParts) {
    // A dialog lives longer than the messages that it came from.
    this.callId = detached(parts.callId);
    this.localTag = detached(parts.localTag);
    this.remoteTag = detached(parts.remoteTag);
    this.#local = detached(parts.local);
    this.#remote = detached(parts.remote);
    this.#remoteTarget = detached(parts.remoteTarget);
    this.#routeSet = keptRoutes(parts.routeSet);
    this.#localSequence = parts.localSequence;
    this.#remoteSequence = parts.remoteSequence;
    this.#state = parts.state;
  }

  /** The UAS's side, out of the request and the tag of our response (12.1.1). */
  static asServer(request: Request, localTag: string, state: 'early' | 'confirmed'): Dialog {
    return new Dialog({
      callId: request.callId,
      localTag,
      remoteTag: request.from.parameters.get('tag') ?? '',
      local: `${request.get('To') ?? ''};tag=${localTag}`,
      remote: request.get('From') ?? '',
      remoteTarget: contactUri(request) ?? request.from.uri,
      routeSet: request.list('Record-Route'),
      localSequence: 0,
      remoteSequence: request.cseq.sequence,
      state,
    });
  }

  /** The UAC's side, out of our request and a response with a To tag (12.1.2). */
  static asClient(request: Draft, response: Response): Dialog {
    return new Dialog({
      callId: response.callId,
      localTag: response.from.parameters.get('tag') ?? '',
      remoteTag: response.to.parameters.get('tag') ?? '',
      local: request.get('From') ?? '',
      remote: response.get('To') ?? '',
      remoteTarget: contactUri(response) ?? requestUriOf(request),
      routeSet: response.list('Record-Route').reverse(),
      localSequence: response.cseq.sequence,
      remoteSequence: undefined,
      state: response.status < 200 ? 'early' : 'confirmed',
    });
  }

  /** The subscriber's side, out of our SUBSCRIBE and a NOTIFY that came before its 2xx (RFC 6665 4.4.1). */
  static asSubscriber(request: Draft, notify: Request): Dialog {
    return new Dialog({
      callId: notify.callId,
      localTag: notify.to.parameters.get('tag') ?? '',
      remoteTag: notify.from.parameters.get('tag') ?? '',
      local: request.get('From') ?? '',
      remote: notify.get('From') ?? '',
      remoteTarget: contactUri(notify) ?? requestUriOf(request),
      routeSet: notify.list('Record-Route'),
      localSequence: Number.parseInt(request.get('CSeq') ?? '0', 10),
      remoteSequence: undefined,
      state: 'confirmed',
    });
  }

  get state(): DialogState {
    return this.#state;
  }

  get remoteTarget(): string {
    return this.#remoteTarget;
  }

  /** The URI that requests within the dialog are sent to first (12.2.1.1): the first router, strict or loose, or else the target. */
  get nextHop(): string {
    const first = this.#routeSet[0];
    return (first === undefined ? undefined : parseNameAddress(first)?.uri) ?? this.#remoteTarget;
  }

  /** The UAS sent a 2xx. */
  confirm(): void {
    if (this.#state === 'early') this.#state = 'confirmed';
  }

  /** The UAC received a 2xx for the dialog: its route set and remote target are computed again (13.2.2.4). */
  confirmBy(response: Response): void {
    if (this.#state !== 'early') return;
    this.#state = 'confirmed';
    this.#routeSet = keptRoutes(response.list('Record-Route').reverse());
    this.#moveTo(contactUri(response));
  }

  terminate(): void {
    this.#state = 'terminated';
  }

  /**
   * A request of the peer within the dialog (12.2.2).
   * @returns false when its CSeq number is not above the last one: to be answered 500
   */
  accept(request: Request): boolean {
    const { sequence, method } = request.cseq;
    if (method !== 'ACK') {
      if (this.#remoteSequence !== undefined && sequence <= this.#remoteSequence) return false;
      this.#remoteSequence = sequence;
    }
    if (targetRefresh.has(method)) this.#moveTo(contactUri(request));
    return true;
  }

  #moveTo(target: string | undefined): void {
    if (target !== undefined && target !== this.#remoteTarget) this.#remoteTarget = detached(target);
  }

  /** A 2xx to a target refresh request of ours (12.2.1.2). */
  refreshBy(response: Response): void {
    if (targetRefresh.has(response.cseq.method)) this.#moveTo(contactUri(response));
  }

  /** A new request within the dialog (12.2.1.1), without Via and Contact; counts CSeq up. */
  request(method: string): Draft {
    this.#localSequence++;
    return this.#draft(method, this.#localSequence);
  }

  /** The ACK for a 2xx to the INVITE whose CSeq number is `sequence` (13.2.2.4), without Via. */
  ack(sequence: number): Draft {
    return this.#draft('ACK', sequence);
  }

  #draft(method: string, sequence: number): Draft {
    const { requestUri, route } = this.#routing();
    const draft = Draft.request(method, requestUri);
    draft.add('Max-Forwards', '70');
    for (const value of route) draft.add('Route', value);
    draft.add('From', this.#local);
    draft.add('To', this.#remote);
    draft.add('Call-ID', this.callId);
    draft.add('CSeq', `${sequence} ${method}`);
    return draft;
  }

  /** 12.2.1.1: with a strict router first, it takes the Request-URI and the remote target goes to the end of the route. */
  #routing(): { requestUri: string; route: readonly string[] } {
    const first = this.#routeSet[0];
    if (first === undefined) return { requestUri: this.#remoteTarget, route: [] };
    const uri = parseNameAddress(first)?.uri ?? '';
    if (isLooseRouter(uri)) return { requestUri: this.#remoteTarget, route: this.#routeSet };
    return { requestUri: uri, route: [...this.#routeSet.slice(1), `<${this.#remoteTarget}>`] };
  }
}

function keptRoutes(routes: readonly string[]): readonly string[] {
  return routes.length === 0 ? none : routes.map(detached);
}

const none: readonly string[] = [];

/** Where a request outside of dialogs goes first (8.1.2): its topmost Route, where that is a loose router, or the Request-URI. */
export function nextHop(draft: Draft): string {
  const route = draft.get('Route');
  const uri = route === undefined ? undefined : parseNameAddress(firstOf(route))?.uri;
  return uri !== undefined && isLooseRouter(uri) ? uri : requestUriOf(draft);
}

/** The first value of a Route line that may hold several. */
function firstOf(route: string): string {
  const close = route.indexOf('>');
  return close < 0 ? route : route.slice(0, close + 1);
}

function isLooseRouter(text: string): boolean {
  const uri = parseUri(text);
  return uri !== undefined && isSipUri(uri) && uri.parameters.has('lr');
}

function contactUri(message: Request | Response): string | undefined {
  const contact = message.list('Contact')[0];
  return contact === undefined ? undefined : parseNameAddress(contact)?.uri;
}

export function requestUriOf(draft: Draft): string {
  if (draft.startLine.kind !== 'request') throw new Error('a response has no Request-URI');
  return draft.startLine.requestUri;
}
