import type { Cause } from '../call/ports.ts';
import type { Timer } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Connected } from './legs.ts';
import { reasonHeaders } from './reason.ts';
import { contactOf } from './dialog-headers.ts';
import { SentRequests } from './sent-requests.ts';
import type { Acknowledge, RequestOptions, Socket, SrfReceivedResponse, SrfRequest, SrfResponse } from './srf.ts';
import { contained, respond, sendRequest, transactionTimeout, type Tools } from './tools.ts';

/** What becomes of one INVITE; nothing comes after `answered`, `refused`, `notSent` or `withdraw`. */
export interface InviteEvents {
  /** 101 to 199; also a 100 where the server passes it up. */
  provisional(response: SrfReceivedResponse): void;
  /** 2xx. Already acknowledged, unless the INVITE had no offer: then `acknowledge` sends the ACK, with the answer in it. */
  answered(response: SrfReceivedResponse, acknowledge: Acknowledge): void;
  /** 300 to 699; `locally` when the server made it because nobody answered. */
  refused(response: SrfReceivedResponse, locally: boolean): void;
  /** An UPDATE of the target's before its answer (RFC 3311). */
  updated(request: SrfRequest, response: SrfResponse): void;
  notSent(error: unknown): void;
}

type State = 'new' | 'sending' | 'sent' | 'withdrawn' | 'over';

/** One INVITE to one gateway. Once withdrawn, whatever comes of it is brought to its end here. */
export class OutgoingInvite implements Connected {
  readonly #tools: Tools;
  readonly #events: InviteEvents;
  #offers = true;
  #state: State = 'new';
  #sent: SrfRequest | undefined;
  #withdrawal: { cause: Cause | undefined; done: () => void; timer: Timer; promise: Promise<void> } | undefined;

  constructor(tools: Tools, events: InviteEvents) {
    this.#tools = tools;
    this.#events = events;
  }

  get socket(): Socket | undefined {
    return this.#sent?.socket;
  }

  send(uri: string, options: Omit<RequestOptions, 'method'>): void {
    if (this.#state !== 'new') return;
    this.#state = 'sending';
    this.#offers = options.body !== undefined;
    this.#tools.counters.sentInvites += 1;
    sendRequest(this.#tools, uri, { ...options, method: 'INVITE' }, (outcome) => {
      if ('error' in outcome) {
        this.#notSent(outcome.error);
        return;
      }
      this.#sent = outcome.sent;
      this.#listen(outcome.sent);
      if (this.#state === 'sending') this.#state = 'sent';
      else if (this.#state === 'withdrawn') this.#cancel();
    });
  }

  /**
   * Takes the INVITE back: CANCEL, or ACK and BYE when a 2xx is faster (RFC 3261 15). Resolves when its final
   * response came, or after 32 s; a 2xx that comes even later is still ended. RFC 3261 9.1 lets a CANCEL wait for
   * the first provisional response; as 100 does not reach us, it is the SIP server that waits.
   */
  withdraw(cause?: Cause): Promise<void> {
    if (this.#withdrawal) return this.#withdrawal.promise;
    if (this.#state === 'new' || this.#state === 'over') {
      this.#state = 'over';
      return Promise.resolve();
    }
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = this.#tools.clock.after(transactionTimeout, () => this.#settle());
    const sent = this.#state === 'sent';
    this.#state = 'withdrawn';
    this.#withdrawal = { cause, done: () => resolve(undefined), timer, promise };
    this.#tools.legs.addWithdrawn(this);
    if (sent) this.#cancel();
    return this.#tools.legs.ending(promise);
  }

  /** The connection to the SIP server is gone; nothing more comes. */
  connectionLost(): void {
    this.#settle();
  }

  #listen(sent: SrfRequest): void {
    const { log } = this.#tools;
    sent.on(
      'response',
      contained(log, 'a response to INVITE', (response, acknowledge) => this.#received(response, acknowledge)),
    );
    this.#listenForUpdate(sent);
    // drachtio-srf takes the listeners for responses over to the request with credentials, and no others.
    sent.on('authenticate', (again) => this.#listenForUpdate(again));
  }

  /** Without a listener drachtio-srf swallows an UPDATE that comes before our INVITE is answered. */
  #listenForUpdate(sent: SrfRequest): void {
    sent.on(
      'update',
      contained(this.#tools.log, 'an UPDATE', (request, response) => {
        if (this.#state === 'sent') this.#events.updated(request, response);
        else respond(this.#tools, response, 481);
      }),
    );
  }

  #received(response: SrfReceivedResponse, acknowledge: Acknowledge): void {
    if (response.status < 200) {
      if (response.has('rseq')) acknowledge(); // a reliable provisional response: this is its PRACK (RFC 3262 4)
      if (this.#state === 'sent') this.#events.provisional(response);
      return;
    }
    if (response.status >= 300) {
      const live = this.#state === 'sent';
      this.#settle(); // the ACK of these is the server's
      if (live) this.#events.refused(response, response.source_address === '');
      return;
    }
    if (this.#state === 'sent') {
      this.#state = 'over';
      if (this.#offers) acknowledge();
      this.#events.answered(response, acknowledge);
      return;
    }
    acknowledge();
    this.#tools.counters.lateAnswers += 1;
    void this.#tools.legs.ending(this.#endLateAnswer(response));
  }

  async #endLateAnswer(response: SrfReceivedResponse): Promise<void> {
    const { stackDialogId, socket } = response;
    if (stackDialogId !== undefined && stackDialogId !== '') {
      const requests = new SentRequests(
        this.#tools,
        { dialogId: stackDialogId, socket, target: () => contactOf(response) },
        { lost: () => undefined, update: (_, refused) => respond(this.#tools, refused, 481) },
      );
      await requests.sendBye(this.#withdrawal?.cause);
    }
    this.#settle();
  }

  #cancel(): void {
    try {
      this.#sent?.cancel({ headers: reasonHeaders(this.#withdrawal?.cause) }, (error) => {
        // The server knows the transaction no more: its final response is on the way, or has been here.
        if (error) this.#tools.log.debug({ reason: messageOf(error) }, 'CANCEL was not sent');
      });
    } catch (error) {
      this.#tools.log.debug({ reason: messageOf(error) }, 'CANCEL could not be sent');
      this.#settle();
    }
  }

  #notSent(error: unknown): void {
    const live = this.#state === 'sending';
    this.#settle();
    if (live) this.#events.notSent(error);
  }

  #settle(): void {
    if (this.#state !== 'withdrawn') this.#state = 'over'; // what was withdrawn stays so, for a 2xx that is late
    this.#tools.legs.removeWithdrawn(this);
    this.#withdrawal?.timer.clear();
    this.#withdrawal?.done();
  }
}
