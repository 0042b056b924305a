import { messageOf } from '../../shared/errors.ts';
import type { Attempt, Call } from '../call.ts';
import type { AcceptedInstruction, CallEvent, WithoutTime } from '../machine.ts';
import type { Cause, Side, TargetFailure } from '../ports.ts';
import { referred } from '../referred.ts';
import { bestFailure } from './best-failure.ts';
import { Branch } from './branch.ts';
import { join, Overtaken, whatFailed } from './join.ts';
import type { Pairing, PairingEvents } from './pairing.ts';
import { music } from './parking.ts';
import type { Party } from './party.ts';
import { noteLate } from './refer.ts';

/** What the phones are told that did not win (RFC 3326 3.1): they show no missed call then. */
const elsewhere: Cause = { sip: 200, text: 'Call completed elsewhere' };

/**
 * Connects by two legs of our own: calls the final numbers with the first party's description (the caller's, or of whoever
 * moves a call), brings ringing, early media and answer back. The first number that answers wins.
 */
export class Bridge implements Attempt {
  readonly #call: Call;
  readonly #number: number;
  /** Who the numbers are called for. */
  readonly #first: Party;
  readonly #branches: Branch[] = [];
  readonly #failures: TargetFailure[] = [];
  #waiting: string[] = [];
  #winner: Branch | undefined;
  /** What stands between the winner and the caller (or, in a consultation, the first party). */
  #pairing: Pairing | undefined;
  /** The branch whose early media the caller hears. */
  #heard: Branch | undefined;
  #joins = 0;
  #stopped: Promise<void> | undefined;

  constructor(call: Call, number: number, first: Party) {
    this.#call = call;
    this.#number = number;
    this.#first = first;
  }

  start({ to, order, replaces }: AcceptedInstruction): void {
    this.#waiting = [...to];
    const now = order === 'together' ? this.#waiting.splice(0) : this.#waiting.splice(0, 1);
    for (const number of now) this.#dial(number, replaces);
  }

  #dial(to: string, replaces?: string): void {
    const branch: Branch = new Branch(this.#call, to, this.#first, {
      rings: (_from, status) => this.#rings(status),
      answered: (from) => this.#answered(from),
      failed: (from, failure) => this.#failed(from, failure),
      ended: (from, { cause, lost }) => {
        if (from === this.#winner) this.#tell({ is: 'target-hung-up', attempt: this.#number, cause, lost });
      },
      referred: (from, referral) => referred(this.#call, { attempt: this.#number, to: from.to }, referral),
    });
    this.#branches.push(branch);
    branch.dial(this.#pairingEvents(), replaces);
  }

  #rings(status: number): void {
    if (this.#winner) return;
    // Of several phones the first one with early media is heard, as long as it has some; then the next one
    if (this.#heard?.early === undefined) this.#heard = this.#branches.find(({ early }) => early !== undefined);
    this.#tell({ is: 'target-rings', attempt: this.#number, status });
  }

  #answered(branch: Branch): void {
    if (this.#stopped) return;
    if (this.#winner) return void branch.hangUp(elsewhere);
    this.#winner = branch;
    this.#pairing = branch.pairing;
    this.#waiting = [];
    for (const other of this.#branches) {
      if (other !== branch) this.#call.closing.push(other.hangUp(elsewhere));
    }
    this.#tell({ is: 'target-answered', attempt: this.#number, to: branch.to });
  }

  #failed(branch: Branch, failure: TargetFailure): void {
    if (this.#stopped || this.#winner) return;
    this.#call.closing.push(branch.hangUp({}));
    this.#failures.push(failure);
    if (this.#failures.length < this.#branches.length) {
      if (this.#heard === branch) this.#rings(180); // the others have been ringing
      return;
    }
    const next = this.#call.mayWaitLonger ? this.#waiting.shift() : undefined;
    if (next !== undefined) this.#dial(next);
    else this.#tell({ is: 'target-failed', attempt: this.#number, failure: bestFailure(this.#failures) });
  }

  /** A provisional response goes to the caller, early media with it. */
  ringCaller(status: number): void {
    const { caller, incoming } = this.#call;
    const { early, pairing } = this.#heard ?? {};
    if (early !== undefined) {
      pairing?.take('caller');
      incoming.leg.progress(183, caller.said(early));
    } else incoming.leg.progress(status === 181 ? 181 : 180);
  }

  /** Joins the caller with the target that answered; comes back as `joined`, `join-failed` or `caller-unanswerable`. */
  joinCaller(): void {
    this.#join(this.#call.caller, 'joined');
  }

  /** Joins whoever moves the call with the target that answered. */
  introduce(party: Party): void {
    this.#join(party, 'introduced');
  }

  #join(party: Party, is: 'joined' | 'introduced'): void {
    const attempt = this.#number;
    const joining = ++this.#joins;
    const wanted = () => !this.#stopped && joining === this.#joins;
    const stillWanted = () => {
      if (!wanted()) throw new Overtaken();
    };
    void this.#call
      .inTurn(async () => {
        stillWanted();
        const winner = this.#winner;
        if (!winner) throw new Error('nobody has answered whom the caller could be joined with');
        await join(party, {
          ...{ call: this.#call, winner, first: this.#first, stillWanted },
          events: this.#pairingEvents(),
          answering: () => this.#tell({ is: 'caller-answering', attempt }),
          stands: (pairing) => this.#stands(pairing),
        });
        stillWanted();
      })
      .then(
        () => {
          this.#tell({ is, attempt });
          this.#pairing?.tellHolds();
        },
        async (error: unknown) => {
          if (!wanted()) return;
          this.#call.log.warn({ attempt }, `the two could not be joined: ${messageOf(error)}`);
          await this.#backToMusic(party);
          this.#tell(whatFailed(error, attempt));
        },
      );
  }

  /** These media are between the two from now on. */
  async #stands(pairing: Pairing): Promise<void> {
    const before = this.#pairing;
    this.#pairing = pairing;
    await before?.close();
  }

  /** A caller who was taken away from their music for nothing gets it back. */
  async #backToMusic(party: Party): Promise<void> {
    const { caller, parking, happened, tools } = this.#call;
    if (party !== caller || !parking) return;
    await this.#call
      .inTurn(() => parking.bring())
      .catch(() => happened({ is: 'media-failed', attempt: 0, now: tools.clock.now() }));
  }

  /** The caller and the target are taken back from wherever a move had brought them. */
  comeBack(): void {
    const attempt = this.#number;
    const pairing = this.#pairing;
    void this.#call
      .inTurn(async () => {
        await pairing?.bring('target');
        await pairing?.bring('caller');
      })
      .then(
        () => {
          this.#tell({ is: 'returned', attempt });
          pairing?.tellHolds();
        },
        (error: unknown) => {
          this.#call.log.warn({ attempt }, `the standing call could not be taken up again: ${messageOf(error)}`);
          this.#tell({ is: 'return-failed', attempt });
        },
      );
  }

  /** REFER with Replaces: the caller's network is to take our place in the call with the target. */
  handOver(): void {
    const attempt = this.#number;
    const { incoming, record } = this.#call;
    const winner = this.#winner;
    if (!winner?.leg || !incoming.reading.ok) return;
    const { reading } = incoming.reading;
    incoming.leg.refer(
      { to: [winner.to], reading, firstCalled: record.firstCalled ?? '', replaces: winner.leg },
      {
        progress: () => undefined,
        transferred: () => this.#tell({ is: 'transferred', attempt }),
        refused: ({ status }) =>
          this.#tell({
            is: 'handed-back',
            attempt,
            failure: { reason: 'failed', ...(status !== undefined && { status }) },
          }),
        failed: (failure) => this.#tell({ is: 'handed-back', attempt, failure }),
        late: () => noteLate(this.#call, attempt),
      },
    );
  }

  play(to: Side): void {
    const [sound] = music(this.#call);
    void this.#pairing
      ?.play(to, sound && [sound])
      .catch((error: unknown) => this.#call.log.warn(`the ${to} is held without music: ${messageOf(error)}`));
  }

  stopPlaying(to: Side): void {
    void this.#pairing
      ?.stopPlaying(to)
      .catch((error: unknown) => this.#call.log.warn(`the music of the ${to} could not be ended: ${messageOf(error)}`));
  }

  /** The target that answered, once it did. */
  get target(): Party | undefined {
    return this.#winner?.party;
  }

  /** Digits towards the target, in its voice's path. @throws Failure `no-media` where that cannot be */
  async digits(digits: string): Promise<void> {
    await this.#pairing?.exchange.digits('target', digits);
  }

  /** The target has left: its media go on without this attempt, which is over with that. */
  leaveMedia(): Pairing | undefined {
    const pairing = this.#pairing;
    this.#pairing = undefined;
    if (this.#winner?.pairing === pairing && this.#winner) this.#winner.pairing = undefined;
    void this.stop({});
    return pairing;
  }

  stop(cause: Cause): Promise<void> {
    return (this.#stopped ??= Promise.allSettled([
      ...this.#branches.map((branch) => branch.hangUp(cause)),
      this.#pairing?.close(),
    ]).then(() => undefined));
  }

  #pairingEvents(): PairingEvents {
    const attempt = this.#number;
    return {
      holds: (by, held) => this.#tell({ is: held ? 'held' : 'resumed', attempt, by }),
      failed: (why) => {
        this.#call.log.warn({ attempt }, why);
        this.#tell({ is: 'media-failed', attempt });
      },
    };
  }

  #tell(event: WithoutTime<CallEvent>): void {
    if (this.#stopped) return;
    this.#call.happened({ ...event, now: this.#call.tools.clock.now() });
  }
}
