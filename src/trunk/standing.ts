import type { Cause, InDialogAnswer, InDialogRequest, ReferEvents, StandingLegEvents } from '../call/ports.ts';
import { parseReason } from './reason.ts';
import { Referral } from './referral.ts';
import { ReceivedRequests } from './received-requests.ts';
import { SentRequests, type DialogAddress } from './sent-requests.ts';
import type { SrfRequest, SrfResponse } from './srf.ts';
import { contained, respond, type Tools } from './tools.ts';

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
  /** All of this dialog: a subscription may outlive its outcome. */
  readonly #referrals: Referral[] = [];
  /** Answers a BYE that waits for what a REFER came to. */
  #answerBye: (() => void) | undefined;

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
    if (request.method === 'BYE') this.#bye(request, response);
    else if (this.#over) respond(this.#tools, response, 481);
    else if (request.method === 'NOTIFY' && isOfReferral(request)) {
      const known = this.#referrals.some((referral) => referral.notified(request));
      respond(this.#tools, response, known ? 200 : 481);
    } else this.#received.received(request, response);
  }

  acknowledged(ack: SrfRequest): void {
    if (!this.#over) this.#received.acknowledged(ack);
  }

  request(request: InDialogRequest): Promise<InDialogAnswer> {
    return this.#over ? Promise.resolve({ status: 481 }) : this.#sent.send(request);
  }

  /** REFER with these headers; what comes of it is told to `events`, within `longest` milliseconds after its acceptance. */
  refer(headers: Record<string, string>, events: ReferEvents, longest: number): void {
    if (this.#over || this.#referrals.some(({ open }) => open)) {
      queueMicrotask(() => events.refused({}));
      return;
    }
    const referral = new Referral(this.#tools.clock, events, longest);
    this.#referrals.push(referral);
    const request = { method: 'REFER', headers };
    const answered = this.#sent.send(request, (sequence) => referral.sentAs(sequence));
    void answered.then(contained(this.#tools.log, 'the answer to REFER', (answer) => referral.answered(answer)));
  }

  /** BYE; resolves when it was answered or 32 s passed. Nothing is reported after it. */
  hangUp(cause?: Cause): Promise<void> {
    if (this.#hangUp) return this.#hangUp;
    if (this.#over) return Promise.resolve();
    this.#close(487);
    return (this.#hangUp = this.#sent.sendBye(cause));
  }

  /** The dialog is over without our doing. `before` is called when it is, before that is told. */
  end(how: Ended, before: () => void = () => undefined): void {
    if (this.#over) return;
    this.#close(how.lost ? 408 : 487);
    if (how.lost) this.#tools.counters.lostLegs += 1;
    before();
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

  #bye(request: SrfRequest, response: SrfResponse): void {
    const ok = (): void => respond(this.#tools, response, 200);
    const referral = this.#referrals.find(({ open }) => open);
    if (this.#over || !referral) {
      ok();
      this.end({ cause: parseReason(request.get('reason')), lost: false });
      return;
    }
    this.#answerBye = ok;
    referral.hungUp((tell) => this.end({ cause: parseReason(request.get('reason')), lost: false }, tell));
  }

  #close(status: number): void {
    this.#over = true;
    this.#answerBye?.();
    for (const referral of this.#referrals) referral.drop();
    this.#received.finish();
    this.#sent.settleAll(status);
  }
}

/** RFC 3515 2.4.4: the event package that a REFER makes a subscription of. */
function isOfReferral(notify: SrfRequest): boolean {
  return /^\s*refer\s*(?:;|$)/i.test(notify.get('event') ?? '');
}
