import type { Cause, InDialogAnswer, InDialogRequest, StandingLegEvents } from '../call/ports.ts';
import { parseReason } from './reason.ts';
import { ReceivedRequests } from './received-requests.ts';
import { SentRequests, type DialogAddress } from './sent-requests.ts';
import type { SrfRequest, SrfResponse } from './srf.ts';
import { respond, type Tools } from './tools.ts';

/** How a dialog ended that we did not end. */
export interface Ended {
  cause: Cause;
  lost: boolean;
}

/** A confirmed dialog, of either leg: requests both ways, and its one end. */
export class StandingDialog {
  readonly #tools: Tools;
  readonly #sent: SentRequests;
  readonly #received: ReceivedRequests;
  readonly #onEnded: (how: Ended) => void;
  #over = false;
  #hangUp: Promise<void> | undefined;

  /**
   * `onEnded` is called at most once, and never after `hangUp`. `refreshed` is told of each re-INVITE and UPDATE of the
   * far side that gets a 200, and returns what that 200 says besides.
   */
  constructor(
    tools: Tools,
    dialog: DialogAddress,
    pass: StandingLegEvents['request'],
    onEnded: (how: Ended) => void,
    refreshed?: (request: SrfRequest) => Record<string, string>,
  ) {
    this.#tools = tools;
    this.#sent = new SentRequests(tools, dialog, () => this.unreachable());
    this.#received = new ReceivedRequests(tools, pass, () => this.#sent.inviting, refreshed);
    this.#onEnded = onEnded;
  }

  received(request: SrfRequest, response: SrfResponse): void {
    if (request.method === 'BYE') {
      respond(this.#tools, response, 200);
      this.end({ cause: parseReason(request.get('reason')), lost: false });
    } else if (this.#over) respond(this.#tools, response, 481);
    else this.#received.received(request, response);
  }

  acknowledged(ack: SrfRequest): void {
    if (!this.#over) this.#received.acknowledged(ack);
  }

  request(request: InDialogRequest): Promise<InDialogAnswer> {
    return this.#over ? Promise.resolve({ status: 481 }) : this.#sent.send(request);
  }

  /** BYE; resolves when it was answered or 32 s passed. Nothing is reported after it. */
  hangUp(cause?: Cause): Promise<void> {
    if (this.#hangUp) return this.#hangUp;
    if (this.#over) return Promise.resolve();
    this.#close(487);
    return (this.#hangUp = this.#sent.sendBye(cause));
  }

  /** The dialog is over without our doing. */
  end(how: Ended): void {
    if (this.#over) return;
    this.#close(how.lost ? 408 : 487);
    if (how.lost) this.#tools.counters.lostLegs += 1;
    this.#onEnded(how);
  }

  /** Nothing can be sent or will come any more, not even the answer to our BYE. */
  connectionLost(): void {
    this.end({ cause: {}, lost: true });
    this.#sent.settleAll(503);
  }

  /**
   * The far side seems gone: a request of ours got 408 or 481, or its refresh did not come. It is told all the same, in
   * case it is there (RFC 3261 12.2.1.2, RFC 4028 10).
   */
  unreachable(): void {
    if (this.#over) return;
    this.end({ cause: {}, lost: true });
    void this.#tools.legs.ending(this.#sent.sendBye());
  }

  #close(status: number): void {
    this.#over = true;
    this.#received.finish();
    this.#sent.settleAll(status);
  }
}
