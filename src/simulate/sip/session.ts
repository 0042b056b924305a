import { Dialog } from '../../sip/dialog/dialog.ts';
import { Draft } from '../../sip/message/draft.ts';
import type { Request, Response } from '../../sip/message/message.ts';
import type { ClientTransaction } from '../../sip/transaction/client-transaction.ts';
import type { TransactionLayer } from '../../sip/transaction/layer.ts';
import type { ServerTransaction } from '../../sip/transaction/server-transaction.ts';
import type { Target } from '../../sip/transport/transport.ts';

/** What happens to a call; each comes at most once but `progress` and `request`. */
export interface SessionEvents {
  /** A provisional response over 100 to our INVITE. */
  progress?(status: number, sdp: string | undefined): void;
  /** Our INVITE was accepted (its ACK has left), or theirs was and the ACK came. */
  standing?(sdp: string): void;
  /** Our INVITE was refused, or nobody answered it (408). */
  refused?(status: number, reason: string | undefined): void;
  /** Their INVITE was cancelled; `reason` is the value of its Reason header. */
  cancelled?(reason: string | undefined): void;
  /** They hung up. */
  ended?(reason: string | undefined): void;
  /** A new offer within the dialog (re-INVITE): returns our answer. Without this, our last description stands. */
  offered?(sdp: string): string;
  /** Another request within the dialog; without this, it gets 200 (with our last description). */
  request?(transaction: ServerTransaction): void;
}

/** What a session needs of the endpoint that has it. */
export interface SessionOwner {
  readonly layer: TransactionLayer;
  readonly contact: string;
  /** Where a request goes: the address in its Request-URI, or in the first Route. */
  targetOf(draft: Draft): Target;
  /** The session is over. */
  forget(session: Session): void;
}

type State = 'inviting' | 'cancelling' | 'invited' | 'standing' | 'over';

/** One INVITE dialog of a simulated party, on either side of it. */
export class Session {
  readonly #endpoint: SessionOwner;
  #events: SessionEvents = {};
  #state: State;
  #dialog: Dialog | undefined;
  #server: ServerTransaction | undefined;
  /** What it began with, of a call that came in: the transaction itself lets it go. */
  #invite: Request | undefined;
  #client: ClientTransaction | undefined;
  #localSdp = '';

  private constructor(endpoint: SessionOwner, state: State) {
    this.#endpoint = endpoint;
    this.#state = state;
  }

  static incoming(endpoint: SessionOwner, server: ServerTransaction): Session {
    const session = new Session(endpoint, 'invited');
    session.#server = server;
    session.#invite = server.request;
    session.#dialog = Dialog.asServer(server.request, server.localTag, 'early');
    server.handle({
      cancelled: (cancel) => {
        server.respond(Draft.answering(server.request, 487));
        session.#over();
        session.#events.cancelled?.(cancel.get('Reason'));
      },
      unacknowledged: () => session.hangUp(),
    });
    return session;
  }

  static outgoing(endpoint: SessionOwner, invite: Draft, events: SessionEvents): Session {
    const session = new Session(endpoint, 'inviting');
    session.#events = events;
    session.#localSdp = invite.body.toString();
    session.#client = endpoint.layer.request(invite, endpoint.targetOf(invite), {
      response: (response) => session.#response(response),
      timeout: () => session.#refused(408, undefined),
      transportError: () => session.#refused(503, undefined),
    });
    return session;
  }

  /** Who is told of the rest; for calls that came in. */
  tell(events: SessionEvents): void {
    this.#events = events;
  }

  get state(): State {
    return this.#state;
  }

  /** The INVITE of a call that came in. */
  get invite(): Request | undefined {
    return this.#invite;
  }

  /** What they offered. */
  get offer(): string {
    return this.#invite?.body.toString() ?? '';
  }

  began(invite: ServerTransaction): boolean {
    return this.#server === invite;
  }

  /** Whether a request belongs to this dialog (RFC 3261 12.2.2). */
  owns(request: Request): boolean {
    const dialog = this.#dialog;
    return dialog?.callId === request.callId && dialog.localTag === request.to.parameters.get('tag');
  }

  /** 180, or 183 with a description. */
  ring(status = 180, sdp?: string): void {
    if (this.#state === 'invited') this.#respond(status, sdp);
  }

  /** 200 with a description. */
  accept(sdp: string): void {
    if (this.#state !== 'invited') return;
    this.#dialog?.confirm();
    this.#respond(200, sdp);
  }

  /** A final response of 300 or more. */
  refuse(status: number, reason?: string): void {
    if (this.#state !== 'invited' || !this.#server || this.#server.answered) return;
    const response = Draft.answering(this.#server.request, status);
    if (reason !== undefined) response.add('Reason', reason);
    this.#server.respond(response);
    this.#over();
  }

  acknowledged(_ack: Request): void {
    if (this.#state !== 'invited') return;
    this.#state = 'standing';
    this.#events.standing?.(this.offer);
  }

  /** Ends the call in whatever state it is: CANCEL, a refusal, or BYE; `reason` is the value of a Reason header. */
  hangUp(reason?: string): void {
    const adorn = (draft: Draft) => (reason === undefined ? draft : draft.add('Reason', reason));
    if (this.#state === 'inviting' && this.#client) {
      this.#state = 'cancelling';
      this.#endpoint.layer.cancel(this.#client, adorn);
      return; // the 487 that follows ends it
    }
    if (this.#state === 'invited' && this.#server && !this.#server.answered) {
      this.refuse(480, reason);
      return;
    }
    if (this.#state === 'over' || this.#state === 'cancelling' || !this.#dialog) return;
    const bye = adorn(this.#dialog.request('BYE'));
    this.#over();
    this.#endpoint.layer.request(bye, this.#endpoint.targetOf(bye), { response: () => undefined });
  }

  /** Asks something within the dialog; resolves with the final response. A time-out or an unreachable peer rejects. */
  request(
    method: string,
    body?: { contentType: string; text: string },
    headers: readonly (readonly [string, string])[] = [],
  ): Promise<Response> {
    const dialog = this.#dialog;
    if (!dialog || this.#state !== 'standing') return Promise.reject(new Error(`${method} needs a standing call`));
    const draft = dialog.request(method).add('Contact', this.#endpoint.contact);
    for (const [name, value] of headers) draft.add(name, value);
    if (body) {
      draft.add('Content-Type', body.contentType);
      draft.body = Buffer.from(body.text);
      if (method === 'INVITE') this.#localSdp = body.text;
    }
    return new Promise((resolve, reject) => {
      const client = this.#endpoint.layer.request(draft, this.#endpoint.targetOf(draft), {
        response: (response) => {
          if (response.status < 200) return;
          if (method === 'INVITE' && response.status < 300) {
            dialog.refreshBy(response);
            this.#acknowledge(client, response, dialog);
          }
          resolve(response);
        },
        timeout: () => reject(new Error(`${method} was not answered`)),
        transportError: reject,
      });
    });
  }

  /** A request of the peer within the dialog. */
  receive(transaction: ServerTransaction): void {
    const { request } = transaction;
    this.#dialog?.accept(request);
    if (request.method === 'BYE') {
      transaction.respond(Draft.answering(request, 200));
      this.#over();
      this.#events.ended?.(request.get('Reason'));
    } else if (this.#events.request) {
      this.#events.request(transaction);
    } else {
      transaction.respond(this.#accepting(request));
    }
  }

  #accepting(request: Request): Draft {
    const response = Draft.answering(request, 200);
    if (request.method !== 'INVITE') return response;
    const { body } = request;
    try {
      const answer = body.length > 0 ? this.#events.offered?.(body.toString()) : undefined;
      this.#localSdp = answer ?? this.#localSdp;
    } catch {
      // RFC 3261 14.2: the session stays as it was.
      return Draft.answering(request, 488);
    }
    this.#describe(response, this.#localSdp);
    return response;
  }

  #respond(status: number, sdp: string | undefined): void {
    if (!this.#server || this.#server.answered) return;
    const response = Draft.answering(this.#server.request, status);
    if (sdp !== undefined) {
      this.#localSdp = sdp;
      this.#describe(response, sdp);
    } else {
      response.add('Contact', this.#endpoint.contact);
    }
    this.#server.respond(response);
  }

  #describe(response: Draft, sdp: string): void {
    response.add('Contact', this.#endpoint.contact).add('Content-Type', 'application/sdp');
    response.body = Buffer.from(sdp);
  }

  #response(response: Response): void {
    const sdp = response.body.length > 0 ? response.body.toString() : undefined;
    if (response.status < 200) {
      if (response.status > 100) this.#events.progress?.(response.status, sdp);
      return;
    }
    if (response.status >= 300) {
      this.#refused(response.status, response.get('Reason'));
      return;
    }
    const client = this.#client;
    if (!client) return;
    const dialog = Dialog.asClient(client.request, response);
    this.#acknowledge(client, response, dialog);
    if (this.#state !== 'inviting') {
      // A 2xx that crossed our CANCEL, or of another fork (RFC 3261 13.2.2.4, 15): acknowledged, then ended
      const bye = dialog.request('BYE');
      this.#endpoint.layer.request(bye, this.#endpoint.targetOf(bye), { response: () => undefined });
      this.#over();
      return;
    }
    this.#dialog = dialog;
    this.#state = 'standing';
    this.#events.standing?.(sdp ?? '');
  }

  #acknowledge(client: ClientTransaction, response: Response, dialog: Dialog): void {
    const ack = dialog.ack(response.cseq.sequence);
    this.#endpoint.layer.acknowledge(
      client,
      response.to.parameters.get('tag') ?? '',
      ack,
      this.#endpoint.targetOf(ack),
    );
  }

  #refused(status: number, reason: string | undefined): void {
    if (this.#state === 'over') return;
    this.#over();
    this.#events.refused?.(status, reason);
  }

  #over(): void {
    this.#state = 'over';
    this.#endpoint.forget(this);
  }
}
