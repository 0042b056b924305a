import type { Cause, InDialogAnswer, InDialogRequest } from '../call/ports.ts';
import type { Timer } from '../shared/clock.ts';
import { passableContent } from './bodies.ts';
import type { Connected } from './legs.ts';
import { reasonHeaders } from './reason.ts';
import type { Acknowledge, RequestOptions, Socket, SrfReceivedResponse, SrfRequest, SrfResponse } from './srf.ts';
import { allow, contained, sendRequest, serverTimeout, transactionTimeout, type Tools } from './tools.ts';

/** Where a dialog is: its id at the SIP server that has it. */
export interface DialogAddress {
  dialogId: string;
  socket: Socket;
  /** The far side's Contact, when known: what a digest is reckoned over (RFC 3261 22.4). The server keeps its own. */
  readonly target: () => string | undefined;
  auth?: { username: string; password: string };
  /** What Allow says there. */
  allow?: string;
}

/** Requests whose 408 or 481 is about a usage of its own, and leaves the call alone (RFC 5057 5.1). */
const ofOtherUsages: ReadonlySet<string> = new Set(['REFER', 'NOTIFY']);

interface SentEvents {
  /** A request was answered 408 or 481: the dialog is gone. */
  lost(): void;
  /** An UPDATE of the far side that came while a request of ours was open. */
  update(request: SrfRequest, response: SrfResponse): void;
}

/** How long the answer to an offer that came in a 200 may be outstanding; then the ACK goes without one. */
const lateAnswerTimeout = 10_000;

/** The requests that we send inside one dialog. Each is answered exactly once, at the latest by the deadline. */
export class SentRequests {
  readonly #tools: Tools;
  readonly #dialog: DialogAddress;
  readonly #events: SentEvents;
  /** What settles each request that is open; lists cost a dialog that only waits less than sets. */
  #open: readonly ((answer: InDialogAnswer) => void)[] = [];
  #invites = 0;
  #offers = 0;
  #heldAck: { acknowledge: Acknowledge; timer: Timer } | undefined;

  constructor(tools: Tools, dialog: DialogAddress, events: SentEvents) {
    this.#tools = tools;
    this.#dialog = dialog;
    this.#events = events;
  }

  /** Whether a re-INVITE of ours is under way (RFC 3261 14.1: another one must then not be accepted). */
  get inviting(): boolean {
    return this.#invites > 0;
  }

  /** Whether an offer of ours has no answer: none must then be accepted (RFC 3261 14.2, RFC 3311 5.2). */
  get offering(): boolean {
    return this.inviting || this.#offers > 0;
  }

  /**
   * Sends a request and resolves with its final answer: 408 when none came in time, 481 when the dialog is gone,
   * 491 while a re-INVITE is under way, 503 when it could not be sent.
   *
   * A re-INVITE without a body asks the far side for an offer: its 200 carries one, and the ACK must carry our
   * answer (RFC 3261 14.1, 13.2.2.4). That ACK waits for a following request with the method `ACK`, whose body it
   * carries on; when none follows within 10 s, the ACK goes without a body.
   *
   * `sentAs` is told the CSeq number, and that of a second sending with credentials.
   */
  send(request: InDialogRequest, sentAs?: (sequence: number) => void): Promise<InDialogAnswer> {
    if (request.method === 'ACK') return Promise.resolve({ status: this.#sendHeldAck(request) ? 200 : 481 });
    const isInvite = request.method === 'INVITE';
    const isOffer = isInvite || (request.method === 'UPDATE' && request.body !== undefined);
    if (isOffer && (this.offering || this.#heldAck)) return Promise.resolve({ status: 491 });
    return new Promise((resolve) => {
      if (isInvite) this.#invites += 1;
      if (isOffer) this.#offers += 1;
      let settled = false;
      const settle = (answer: InDialogAnswer): void => {
        if (settled) return;
        settled = true;
        timer.clear();
        this.#close(settle);
        if (isInvite) this.#invites -= 1;
        if (isOffer) this.#offers -= 1;
        resolve(answer);
        const gone = answer.status === 408 || answer.status === 481; // RFC 3261 12.2.1.2
        if (gone && !ofOtherUsages.has(request.method)) this.#events.lost();
      };
      const timer = this.#tools.clock.after(serverTimeout, () => settle({ status: 408 }));
      this.#open = [...this.#open, settle];
      this.#transmit(request, settle, sentAs);
    });
  }

  /** Sends BYE; resolves when it was answered or refused, or after 32 s. Never rejects. */
  sendBye(cause?: Cause): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#tools.clock.after(transactionTimeout, () => settle());
      const settle = (): void => {
        timer.clear();
        this.#close(settle);
        this.#tools.legs.removeWithdrawn(bye);
        resolve();
      };
      const bye: Connected = { socket: this.#dialog.socket, connectionLost: settle };
      this.#open = [...this.#open, settle];
      this.#tools.legs.addWithdrawn(bye);
      const options = this.#options({ method: 'BYE', headers: reasonHeaders(cause) });
      sendRequest(this.#tools, this.#uri, options, (outcome) => {
        if ('error' in outcome) {
          settle();
          return;
        }
        this.#listenForUpdate(outcome.sent);
        outcome.sent.on('response', () => settle());
      });
    });
  }

  /** Answers everything that is open with `status`: the dialog is over. */
  settleAll(status: number): void {
    this.#heldAck?.timer.clear();
    this.#heldAck = undefined;
    for (const settle of this.#open) settle({ status });
    this.#open = [];
  }

  #close(settled: (answer: InDialogAnswer) => void): void {
    this.#open = this.#open.filter((one) => one !== settled);
  }

  /** The server writes its own Request-URI. */
  get #uri(): string {
    return this.#dialog.target() ?? 'sip:placeholder';
  }

  #transmit(
    request: InDialogRequest,
    settle: (answer: InDialogAnswer) => void,
    sentAs: (sequence: number) => void = () => undefined,
  ): void {
    const { log } = this.#tools;
    sendRequest(this.#tools, this.#uri, this.#options(request), (outcome) => {
      if ('error' in outcome) {
        settle({ status: isUnknownDialog(outcome.error) ? 481 : 503 });
        return;
      }
      this.#listenForUpdate(outcome.sent);
      const told = contained(log, `sending ${request.method}`, (sent: SrfRequest) => sentAs(sequenceOf(sent)));
      told(outcome.sent);
      outcome.sent.on('authenticate', (again) => {
        this.#listenForUpdate(again);
        told(again);
      });
      outcome.sent.on(
        'response',
        contained(log, `a response to ${request.method}`, (response, acknowledge) => {
          if (response.status < 200) return;
          if (request.method === 'INVITE' && response.status < 300) this.#acknowledge(request, response, acknowledge);
          settle(answerOf(response));
        }),
      );
    });
  }

  /** drachtio-srf gives an UPDATE to any request of ours that is open in the same call, and swallows it when nobody listens there. */
  #listenForUpdate(sent: SrfRequest): void {
    sent.on(
      'update',
      contained(this.#tools.log, 'an UPDATE', (update, response) => this.#events.update(update, response)),
    );
  }

  #acknowledge(request: InDialogRequest, response: SrfReceivedResponse, acknowledge: Acknowledge): void {
    const offered = request.body === undefined && response.body !== undefined && response.body !== '';
    if (!offered) {
      acknowledge();
      return;
    }
    const timer = this.#tools.clock.after(lateAnswerTimeout, () => void this.#sendHeldAck({ method: 'ACK' }));
    this.#heldAck = { acknowledge, timer };
  }

  #sendHeldAck(ack: InDialogRequest): boolean {
    const held = this.#heldAck;
    if (!held) return false;
    this.#heldAck = undefined;
    held.timer.clear();
    const send = contained(this.#tools.log, 'an ACK', held.acknowledge);
    send(
      ack.body === undefined
        ? {}
        : { body: ack.body, headers: { 'Content-Type': ack.contentType ?? 'application/sdp' } },
    );
    return true;
  }

  #options(request: InDialogRequest): RequestOptions {
    const { dialogId, socket, auth } = this.#dialog;
    const headers: Record<string, string> = { ...request.headers };
    if (request.body !== undefined) headers['Content-Type'] = request.contentType ?? 'application/sdp';
    if (request.method === 'INVITE' || request.method === 'UPDATE') headers['Allow'] = this.#dialog.allow ?? allow;
    return {
      method: request.method,
      headers,
      stackDialogId: dialogId,
      _socket: socket,
      ...(request.body !== undefined && { body: request.body }),
      ...(auth && { auth: { ...auth } }),
    };
  }
}

function answerOf(response: SrfReceivedResponse): InDialogAnswer {
  const { status, reason, body = '' } = response;
  return {
    status,
    ...(reason !== undefined && reason !== '' && { reason }),
    ...passableContent(response.get('content-type') ?? 'application/sdp', body),
  };
}

function sequenceOf(sent: SrfRequest): number {
  return Number.parseInt(sent.get('cseq') ?? '', 10);
}

/** drachtio-srf marks the server's "unable to find dialog" with a code of its own. */
function isUnknownDialog(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENODIALOG';
}
