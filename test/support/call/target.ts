import assert from 'node:assert/strict';
import type {
  Cause,
  DialRequest,
  InDialogAnswer,
  InDialogRequest,
  PhoneReferral,
  TargetFailure,
  TargetLeg,
  TargetLegEvents,
} from '../../../src/call/ports.ts';
import { FakePhone } from './phone.ts';

/** A target leg, and the phone behind it. Whatever its port forbids fails the test. */
export class FakeTarget extends FakePhone implements TargetLeg {
  /** How it was called. */
  readonly dialled: DialRequest;
  readonly events: TargetLegEvents;
  leg: 'dialling' | 'standing' | 'over' = 'dialling';
  /** What we hung it up with. */
  hungUp: Cause | undefined;
  acknowledged: string | undefined;
  /** What it was told of each transfer that it asked for: the answer to its REFER, and each NOTIFY. */
  readonly referrals: number[][] = [];
  /** That was heard of last. */
  #fork = 'a';
  /** That has agreed on something else by UPDATE. */
  #updated: string | undefined;

  constructor(request: DialRequest, events: TargetLegEvents, port: number) {
    super(request.to, port);
    this.dialled = request;
    this.events = events;
  }

  rings(status = 180, early?: string, fork = 'a'): boolean {
    if (this.leg !== 'dialling') return false;
    this.#fork = fork;
    this.events.progress({ status, fork, ...(early !== undefined && { sdp: early }) });
    return true;
  }

  answers(sdp = this.describe(), fork = 'a'): boolean {
    if (this.leg !== 'dialling') return false;
    this.leg = 'standing';
    if (this.dialled.sdp !== undefined && fork !== this.#updated) this.heard = this.dialled.sdp;
    this.events.answered({ sdp, fork });
    return true;
  }

  fails(failure: TargetFailure = { reason: 'target-busy', status: 486, q850: 17 }): boolean {
    if (this.leg !== 'dialling') return false;
    this.#over();
    this.events.failed(failure);
    return true;
  }

  /** BYE, or a dialog that is lost. */
  hangsUp(cause: Cause = {}, lost = false): boolean {
    if (this.leg !== 'standing') return false;
    this.#over();
    this.events.ended({ cause, lost });
    return true;
  }

  /** Presses its transfer key; returns what it is told, which goes on. */
  refers(to: string, here = false, replaces?: string): number[] {
    const told: number[] = [];
    this.referrals.push(told);
    if (this.leg !== 'standing' || !this.dialled.mayRefer) told.push(603);
    if (told.length > 0) return told;
    let answered = false;
    const notify = (status: number): void => {
      if (this.leg === 'standing' && told[0] === 202) told.push(status);
    };
    const answer = (...statuses: number[]): void => {
      assert.ok(!answered, 'one answer to a REFER');
      answered = true;
      told.push(...statuses);
    };
    const referral: PhoneReferral = {
      ...{ to, here },
      ...(replaces !== undefined && { replaces }),
      accept: () => answer(202, 100),
      refuse: (status) => answer(status),
      progress: notify,
      done: notify,
    };
    this.events.referred(referral);
    assert.ok(answered, 'a REFER is answered at once');
    return told;
  }

  asks(request: InDialogRequest): Promise<InDialogAnswer> {
    if (this.leg === 'over') return Promise.resolve({ status: 481 });
    const early = this.leg === 'dialling' ? { fork: (this.#updated = this.#fork) } : {};
    return this.asking({ ...request, ...early }, (ask, answer) => this.events.request(ask, answer));
  }

  acknowledge(sdp: string): void {
    assert.equal(this.dialled.sdp, undefined, 'only an INVITE without an offer is acknowledged by the call');
    assert.equal(this.acknowledged, undefined, 'one ACK');
    this.acknowledged = sdp;
    this.heard = sdp;
  }

  hangUp(cause: Cause = {}): Promise<void> {
    if (this.leg === 'over') return Promise.resolve();
    this.hungUp ??= cause;
    this.#over();
    return Promise.resolve();
  }

  async request(request: InDialogRequest): Promise<InDialogAnswer> {
    if (this.leg === 'over') return { status: 481 };
    if (this.leg !== 'dialling') return this.respondTo(request);
    assert.notEqual(request.method, 'INVITE', 'no re-INVITE in an early dialog');
    this.#updated = this.#fork;
    return { ...(await this.respondTo(request)), fork: this.#fork };
  }

  #over(): void {
    this.leg = 'over';
    this.endPending(487);
  }
}
