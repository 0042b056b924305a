import type { InDialogAnswer, InDialogRequest, StandingLegEvents } from '../call/ports.ts';
import { passableContent, type Content } from './bodies.ts';
import { capabilities } from './options.ts';
import type { SrfRequest, SrfResponse } from './srf.ts';
import { allow, contained, respond, type Tools } from './tools.ts';

/** How long the other side of the call may take to answer a request that was passed to it. Milliseconds. */
const answerTimeout = 30_000;

/** Headers that mean something between the ends, and go across with the body. */
const carried = ['Info-Package', 'Content-Disposition', 'Event', 'Subscription-State', 'Recv-Info', 'Priority'];

/** The requests (other than BYE and ACK) that the far side sends inside one dialog. */
export class ReceivedRequests {
  readonly #tools: Tools;
  readonly #pass: StandingLegEvents['request'];
  readonly #offering: () => boolean;
  readonly #refreshed: (request: SrfRequest) => Record<string, string>;
  readonly #allow: string;
  #open: readonly { readonly method: string; readonly answer: (answer: InDialogAnswer) => void }[] = [];
  /** A 200 with our offer has left: the ACK brings the answer. */
  #answerExpected = false;

  /**
   * `offering`: whether an offer of ours is under way. `pass`: hands a request to the call. `refreshed`: told of a
   * re-INVITE or UPDATE that gets 200 now; returns headers for it. `allowed`: what Allow says.
   */
  constructor(
    tools: Tools,
    pass: StandingLegEvents['request'],
    offering: () => boolean,
    refreshed: (request: SrfRequest) => Record<string, string>,
    allowed: string = allow,
  ) {
    this.#tools = tools;
    this.#pass = pass;
    this.#offering = offering;
    this.#refreshed = refreshed;
    this.#allow = allowed;
  }

  /** Whether an offer of the far side has no answer: none must then be made (RFC 3261 14.1, RFC 3311 5.1). */
  get offered(): boolean {
    return this.#open.some(({ method }) => method === 'INVITE' || method === 'UPDATE');
  }

  received(request: SrfRequest, response: SrfResponse): void {
    const refuse = (status: number, headers: Record<string, string> = {}): void =>
      respond(this.#tools, response, status, { headers });
    switch (request.method) {
      case 'INVITE':
      case 'UPDATE': {
        if (request.method === 'UPDATE' && bodyOf(request) === undefined) {
          refuse(200, { Allow: this.#allow, ...this.#refreshed(request) }); // a refresh of this leg only
        } else if (this.offered)
          refuse(500, { 'Retry-After': '2' }); // RFC 3261 14.2, RFC 3311 5.2
        else if (this.#offering())
          refuse(491); // the same
        else this.#passOn(request, response);
        return;
      }
      case 'INFO':
      case 'MESSAGE':
      case 'NOTIFY': {
        if (bodyOf(request) !== undefined && contentOf(request) === undefined) {
          refuse(200); // ISUP of this hop only (suspend, resume ...): it ends here, understood or not
          return;
        }
        this.#passOn(request, response);
        return;
      }
      case 'OPTIONS': {
        refuse(200, { ...capabilities, Allow: this.#allow });
        return;
      }
      case 'REFER': {
        refuse(603); // whoever may ask for a transfer is heard elsewhere (phone-referrals.ts)
        return;
      }
      case 'PRACK': {
        // a dialog of ours, or one whose INVITE required no reliable responses (RFC 3262 3)
        refuse(481);
        return;
      }
      default: {
        refuse(405, { Allow: this.#allow });
        return;
      }
    }
  }

  /**
   * The ACK of a 200 that we sent to a re-INVITE. After a re-INVITE without an offer it brings the far side's answer,
   * which is handed to the call as a request with the method `ACK`; nothing is answered to it.
   */
  acknowledged(ack: SrfRequest): void {
    if (!this.#answerExpected) return;
    this.#answerExpected = false;
    const content = contentOf(ack);
    if (content) this.#hand({ method: 'ACK', ...content }, () => undefined);
  }

  /** The dialog is over: what is open is answered (RFC 3261 15.1.2: 487). */
  finish(): void {
    for (const { answer } of this.#open) answer({ status: 487 });
  }

  #passOn(request: SrfRequest, response: SrfResponse): void {
    const { method } = request;
    const offers = (method === 'INVITE' || method === 'UPDATE') && bodyOf(request) !== undefined;
    const answer = (answered: InDialogAnswer): void => {
      if (!this.#open.includes(opened)) return;
      this.#open = this.#open.filter((one) => one !== opened);
      timer.clear();
      // An offer that is accepted without an answer would leave the far side without a session (RFC 3264 5).
      const given = offers && answered.status === 200 && answered.body === undefined ? { status: 488 } : answered;
      if (method === 'INVITE' && given.status === 200) this.#answerExpected = bodyOf(request) === undefined;
      const headers: Record<string, string> = {};
      if (given.body !== undefined) headers['Content-Type'] = given.contentType ?? 'application/sdp';
      if (method === 'INVITE') headers['Allow'] = this.#allow;
      if ((method === 'INVITE' || method === 'UPDATE') && given.status === 200) {
        Object.assign(headers, this.#refreshed(request));
      }
      respond(this.#tools, response, given.status, {
        headers,
        ...(given.reason !== undefined && { reason: given.reason.replace(/[\p{Cc}]/gu, ' ') }),
        ...(given.body !== undefined && { body: given.body }),
      });
    };
    const timer = this.#tools.clock.after(answerTimeout, () => answer({ status: 504 }));
    const opened = { method, answer };
    this.#open = [...this.#open, opened];
    this.#hand(passable(request), answer);
  }

  #hand(request: InDialogRequest, answer: (answer: InDialogAnswer) => void): void {
    try {
      this.#pass(request, contained(this.#tools.log, `the answer to ${request.method}`, answer));
    } catch (error) {
      this.#tools.log.error({ err: error }, `${request.method} inside a call failed, which is a fault of this program`);
      answer({ status: 500 });
    }
  }
}

function passable(request: SrfRequest): InDialogRequest {
  const headers: Record<string, string> = {};
  for (const name of carried) {
    const value = request.get(name);
    if (value !== undefined) headers[name] = value;
  }
  return {
    method: request.method,
    ...contentOf(request),
    ...(Object.keys(headers).length > 0 && { headers }),
  };
}

function bodyOf(message: SrfRequest): string | undefined {
  return message.body === '' ? undefined : message.body;
}

/** What of its body the other side may get. */
function contentOf(message: SrfRequest): Content | undefined {
  return passableContent(message.get('content-type') ?? 'application/sdp', message.body ?? '');
}
