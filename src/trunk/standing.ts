import { randomInt } from 'node:crypto';
import type {
  Cause,
  InDialogAnswer,
  InDialogRequest,
  PhoneReferral,
  ReferEvents,
  StandingLegEvents,
} from '../call/ports.ts';
import { contactOf } from './dialog-headers.ts';
import { PhoneReferrals } from './phone-referrals.ts';
import { parseReason } from './reason.ts';
import { Referral } from './referral.ts';
import { ReceivedRequests } from './received-requests.ts';
import { SentRequests, type DialogAddress } from './sent-requests.ts';
import type { SrfRequest, SrfResponse } from './srf.ts';
import { allowWithRefer, contained, respond, type Tools } from './tools.ts';

/** So often an offer is made that is crossed by others. */
const offerTries = 4;

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
  #target: string | undefined;
  #over = false;
  #hangUp: Promise<void> | undefined;
  /** All of this dialog: a subscription may outlive its outcome. */
  readonly #referrals: Referral[] = [];
  /** What the far side asks by REFER, where it may. */
  readonly #asked: PhoneReferrals | undefined;
  /** Answers a BYE that waits for what a REFER came to. */
  #answerBye: (() => void) | undefined;

  /**
   * `onEnded` is called at most once, and never after `hangUp`. `refreshed` is told of each re-INVITE and UPDATE of the
   * far side that gets a 200, and returns what that 200 says besides. `referred`: where the far side may send REFER.
   */
  constructor(
    tools: Tools,
    dialog: Omit<DialogAddress, 'target'> & { target: string | undefined },
    pass: StandingLegEvents['request'],
    onEnded: (how: Ended) => void,
    refreshed: (request: SrfRequest) => Record<string, string>,
    referred?: (referral: PhoneReferral) => void,
  ) {
    this.#tools = tools;
    this.#target = dialog.target;
    const allowed = referred && allowWithRefer;
    const address: DialogAddress = { ...dialog, target: () => this.#target, ...(allowed && { allow: allowed }) };
    this.#sent = new SentRequests(tools, address, {
      lost: () => this.unreachable(),
      update: (request, response) => this.received(request, response),
    });
    this.#received = new ReceivedRequests(tools, pass, () => this.#sent.offering, refreshed, allowed);
    this.#asked = referred && new PhoneReferrals(tools, referred, (notify) => this.#sent.send(notify));
    this.#onEnded = onEnded;
  }

  received(request: SrfRequest, response: SrfResponse): void {
    // RFC 3261 12.2.2, RFC 3311 5.2: a target refresh
    if (request.method === 'INVITE' || request.method === 'UPDATE') this.movedTo(contactOf(request));
    if (request.method === 'BYE') this.#bye(request, response);
    else if (this.#over || this.#hangUp) respond(this.#tools, response, 481);
    else if (request.method === 'NOTIFY' && isOfReferral(request)) {
      const known = this.#referrals.some((referral) => referral.notified(request));
      respond(this.#tools, response, known ? 200 : 481);
    } else if (request.method === 'REFER' && this.#asked) this.#asked.received(request, response);
    else this.#received.received(request, response);
  }

  acknowledged(ack: SrfRequest): void {
    if (!this.#over) this.#received.acknowledged(ack);
  }

  /** The far side is reached at this Contact from now on. */
  movedTo(target: string | undefined): void {
    this.#target = target ?? this.#target;
  }

  request(request: InDialogRequest): Promise<InDialogAnswer> {
    if (this.#over || this.#hangUp) return Promise.resolve({ status: 481 });
    const offers = request.method === 'INVITE' || (request.method === 'UPDATE' && request.body !== undefined);
    if (offers && this.#received.offered) return Promise.resolve({ status: 491 }); // RFC 3261 14.1, RFC 3311 5.1
    return this.#sent.send(request);
  }

  /** Offers a description by re-INVITE until no offer of the far side crosses it (RFC 3261 14.1); resolves with the answer. */
  async offer(sdp: string): Promise<InDialogAnswer> {
    for (let tries = 1; ; tries++) {
      const answer = await this.request({ method: 'INVITE', contentType: 'application/sdp', body: sdp });
      if (answer.status !== 491 || tries === offerTries) return answer;
      // 14.1: who did not make the Call-ID waits up to 2 s, in steps of 10 ms
      await new Promise<void>((resolve) => void this.#tools.clock.after(10 * randomInt(201), resolve));
    }
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

  /** BYE; resolves when it was answered or 32 s passed. Nothing is reported after it. What a phone asked for is told first. */
  hangUp(cause?: Cause): Promise<void> {
    if (this.#hangUp) return this.#hangUp;
    if (this.#over) return Promise.resolve();
    const told = this.#asked?.farewell();
    return (this.#hangUp = told ? told.then(() => this.#sayBye(cause)) : this.#sayBye(cause));
  }

  #sayBye(cause: Cause | undefined): Promise<void> {
    if (this.#over) return Promise.resolve(); // theirs was faster
    this.#close(487);
    return this.#sent.sendBye(cause);
  }

  /** The dialog is over without our doing. `before` is called when it is, before that is told. */
  end(how: Ended, before: () => void = () => undefined): void {
    if (this.#over) return;
    this.#close(how.lost ? 408 : 487);
    if (how.lost) this.#tools.counters.lostLegs += 1;
    before();
    if (!this.#hangUp) this.#onEnded(how);
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
    this.#asked?.drop();
    this.#received.finish();
    this.#sent.settleAll(status);
  }
}

/** RFC 3515 2.4.4: the event package that a REFER makes a subscription of. */
function isOfReferral(notify: SrfRequest): boolean {
  return /^\s*refer\s*(?:;|$)/i.test(notify.get('event') ?? '');
}
