import { Failure, messageOf } from '../../shared/errors.ts';
import type { InDialogAnswer, InDialogRequest, Side } from '../ports.ts';
import { Answers } from './answers.ts';
import { asHold, heldBy, leavesAsKnown, withDirection } from './descriptions.ts';
import { Exchange, opposite, type PairingTools, type Sounds } from './exchange.ts';
import { Hearing } from './hearing.ts';
import { passOn } from './keys.ts';
import type { Carrier, Party } from './party.ts';
import { Silence } from './silence.ts';

const sides = ['caller', 'target'] as const;

/** What comes of a pairing by itself. */
export interface PairingEvents {
  /** A side put the other one on hold by re-INVITE, or took it back. */
  holds(by: Side, held: boolean): void;
  /** No voice comes any more, or no engine carries it. */
  failed(why: string): void;
}

/**
 * Two parties and the media between them, or one that is parked: brings each where it belongs by re-INVITE, carries what
 * one asks to the other, and sees to it that nobody hears what is not meant for them.
 */
export class Pairing implements Carrier {
  /** What they say of their media, through the media session. */
  readonly exchange: Exchange;
  /** What a dialog answers before it stands, and as it does. */
  readonly answers: Answers;
  readonly #tools: PairingTools;
  readonly #parties: Partial<Record<Side, Party>>;
  #events: PairingEvents;
  /** Offers that are under way; another one meets 491 (RFC 3261 14.2). */
  #negotiating = 0;
  readonly #hearing: Hearing;
  readonly #silence: Silence;
  /** Whether a side holds by its own phone, as it said last, while nobody is told yet. */
  readonly #untold = new Map<Side, boolean>();

  /** @throws Failure `no-media`, DeadlineExceeded */
  static async open(
    tools: PairingTools,
    parties: Partial<Record<Side, Party>>,
    events: PairingEvents,
  ): Promise<Pairing> {
    const trunks: Partial<Record<Side, string>> = {};
    for (const side of sides) {
      const trunk = parties[side]?.trunk;
      if (trunk !== undefined) trunks[side] = trunk;
    }
    const opened: { pairing?: Pairing } = {};
    const exchange = await Exchange.open(tools, trunks, {
      silent: (side) => opened.pairing?.onSilence(side),
      lost: () => opened.pairing?.onLoss(),
      digit: (from, digit, milliseconds) => opened.pairing?.onDigit(from, digit, milliseconds),
    });
    return (opened.pairing = new Pairing(tools, exchange, parties, events));
  }

  private constructor(
    tools: PairingTools,
    exchange: Exchange,
    parties: Partial<Record<Side, Party>>,
    events: PairingEvents,
  ) {
    this.#tools = tools;
    this.exchange = exchange;
    this.#parties = { ...parties };
    this.answers = new Answers(exchange, this.#parties);
    const whereIs = (side: Side) => (!parties[side] ? 'nobody' : this.#present(side) ? 'here' : 'elsewhere');
    this.#hearing = new Hearing(exchange, whereIs);
    this.#silence = new Silence(exchange, (side, sdp) => this.#alone(async () => this.#present(side)?.renew(sdp)));
    this.#events = events;
  }

  /** The party at a side takes part in this pairing from now on; its last description stands here already. */
  take(side: Side): void {
    const party = this.#parties[side];
    if (!party || party.gone || party.at === this) return;
    party.moveTo(this);
    this.#sound(side);
  }

  /** Its phone hears another pairing now, and nothing of this one beside it. */
  left(party: Party): void {
    this.#sound(this.#sideOf(party));
  }

  /**
   * The party at a side is brought here by re-INVITE, if it is elsewhere; when its media are others than the other side
   * knows, that one is told.
   * @throws Failure `media-refused`, `no-media`, DeadlineExceeded
   */
  async bring(side: Side): Promise<void> {
    const party = this.#parties[side];
    const sent = this.exchange.sent[side];
    if (!party || party.gone || sent === undefined) {
      throw new Failure('media-refused', `there is no ${side} to be joined`);
    }
    if (party.at === this) return;
    await this.#alone(async () => {
      const answer = await party.renew(sent);
      this.take(side);
      if (!heldBy(sent)) this.#untold.set(side, heldBy(answer));
      await this.heardOf(side, answer, sent);
    });
  }

  /**
   * Once the two are joined: a phone that holds stays so wherever it is brought, and may hold or resume while it is alone or
   * rings. Of several that rang, another one may have answered.
   */
  tellHolds(): void {
    for (const [side, held] of this.#untold) this.#events.holds(side, held && heldBy(this.exchange.known[side] ?? ''));
    this.#untold.clear();
  }

  /** What a side answered to an offer of ours: the first that is heard of it here, or perhaps something new. */
  async heardOf(side: Side, answer: string, offered: string): Promise<void> {
    const { known } = this.exchange;
    const other = opposite(side);
    if (known[side] === undefined) {
      await this.exchange.answer(side, answer);
    } else if (!leavesAsKnown(answer, offered, known[side])) {
      const offer = await this.exchange.offer(side, answer);
      const said = (await this.#present(other)?.renew(offer)) ?? known[other];
      if (said !== undefined) await this.exchange.answer(other, said);
    }
  }

  carry(from: Party, request: InDialogRequest): Promise<InDialogAnswer> {
    const side = this.#sideOf(from);
    if (request.method === 'INVITE' || request.method === 'UPDATE') return this.#renegotiate(from, side, request);
    // INFO, MESSAGE and the like; who is alone here is heard by nobody.
    const other = this.#present(opposite(side));
    return other ? passOn(request, side, other, this.exchange) : Promise.resolve({ status: 200 });
  }

  /** re-INVITE and UPDATE: hold, resume, a new address or codec, T.38. */
  async #renegotiate(from: Party, side: Side, request: InDialogRequest): Promise<InDialogAnswer> {
    const { body, fork: by } = request;
    if (body === undefined || body === '') return this.#offerAgain(from, side, request);
    const other = opposite(side);
    const party = this.#present(other);
    if (this.#negotiating > 0 || party?.inviting) return { status: 491 };
    return this.#alone(async () => {
      if (!party) {
        this.#untold.set(side, heldBy(body));
        return withSdp(from.said(await this.#answerFor(other, from, side, body)));
      }
      const before = { ...this.exchange.known };
      const hold = this.#isDirect ? undefined : asHold(body);
      const offer = await this.exchange.offer(side, hold?.offer ?? body);
      const method = party.answered ? 'INVITE' : 'UPDATE'; // RFC 3311 5.1: in an early dialog
      const asked = { method, contentType: 'application/sdp', body: party.said(offer) };
      const { status, body: accepted = '', fork = by } = await party.ask(asked);
      if (status >= 300 || accepted === '') {
        await this.exchange.restore(side, before);
        return { status };
      }
      party.answers(offer, accepted);
      from.described = body;
      const heard = await this.exchange.answer(other, accepted);
      const answer = from.said(hold?.answer(heard) ?? heard);
      if (fork !== undefined) this.answers.updated(fork);
      if (!heldBy(offer)) this.#untold.set(other, heldBy(accepted)); // a phone on hold stays so
      const apart = this.#noteHold(side, body);
      return withSdp(apart ? withDirection(answer, 'inactive') : answer);
    });
  }

  /** Nobody is at the other side: the engine answers, as it did before. */
  async #answerFor(absent: Side, from: Party, side: Side, offer: string): Promise<string> {
    from.described = offer;
    if (!this.#parties[absent]) return this.exchange.park(offer);
    await this.exchange.offer(side, offer);
    return this.exchange.answer(absent, this.exchange.known[absent] ?? offer);
  }

  /** An INVITE without an offer (RFC 3261 14.1) asks what we would use: that which stands. An UPDATE without one refreshes. */
  #offerAgain(from: Party, side: Side, { method }: InDialogRequest): InDialogAnswer {
    const standing = this.exchange.sent[side];
    return method === 'UPDATE' || standing === undefined ? { status: 200 } : withSdp(from.said(standing));
  }

  /**
   * Before both have answered nobody talks, and a direction is still one of early media. Resolves with whether the side is to be
   * answered that the two do not hear each other all the same.
   */
  #noteHold(side: Side, offer: string): boolean {
    const note = () => {
      this.#untold.set(side, heldBy(offer));
      if (sides.every((each) => this.#parties[each]?.answered === true)) this.tellHolds();
    };
    if (this.#isDirect) {
      return this.#silence.whileAnswering(side, note, (error) => {
        this.#tools.log.warn(`who is on hold may be heard: ${messageOf(error)}`);
      });
    }
    note();
    return false;
  }

  /** Plays to a side, or nothing: neither then hears the other. */
  async play(to: Side, sounds: Sounds | undefined): Promise<void> {
    if (this.#isDirect) await this.#silence.begin(to);
    else await this.#hearing.play(to, sounds);
  }

  async stopPlaying(to: Side): Promise<void> {
    if (this.#isDirect) await this.#silence.end(to);
    else await this.#hearing.stop(to);
  }

  #sound(side: Side): void {
    this.#hearing.follow(side, (error) => {
      this.#tools.log.warn(`what the ${side} hears could not be changed: ${messageOf(error)}`);
    });
  }

  get #isDirect(): boolean {
    return this.#tools.media.mode === 'direct';
  }

  /** From now on somebody else is told what happens here. */
  reportTo(events: PairingEvents): void {
    this.#events = events;
  }

  /** Idempotent, never rejects. */
  close(): Promise<void> {
    for (const side of sides) {
      const party = this.#present(side);
      if (party) party.at = undefined;
    }
    return this.exchange.close();
  }

  /** While somebody has not answered yet, silence says nothing. */
  private onSilence(side: Side): void {
    const all = sides.flatMap((each) => this.#present(each) ?? []);
    if (!this.#present(side) || !all.every((party) => party.answered)) return;
    this.#fail(`nothing is heard of the ${side} any more`);
  }

  /** Only those who talk to each other get each other's digits. */
  private onDigit(from: Side, digit: string, milliseconds: number): void {
    const [party, other] = [this.#present(from), this.#present(opposite(from))];
    if (!party?.answered || !other?.answered) return;
    other.press(digit, milliseconds).catch((error: unknown) => {
      if (!other.gone) this.#tools.log.warn(`${other.name} did not get a digit: ${messageOf(error)}`);
    });
  }

  /**
   * The engine died: the media are brought to another one, and who stands here is told where, once nobody is being joined. A
   * target that still rings could not be told; its answer brings them there.
   */
  private onLoss(): void {
    if (this.#parties.target?.answered === false) {
      this.answers.lost();
      this.#fail('the engine of its media is gone');
      return;
    }
    void this.#alone(async () => {
      await this.exchange.relocate();
      await this.#tools.inTurn(() => this.#tellWhere());
    }).catch((error: unknown) => this.#fail(`its media are lost: ${messageOf(error)}`));
  }

  async #tellWhere(): Promise<void> {
    for (const side of sides) {
      const [party, offer] = [this.#present(side), this.exchange.sent[side]];
      // Whoever is elsewhere is told when they come back.
      const answer =
        party?.answered === true && offer !== undefined ? await party.renew(offer) : this.exchange.known[side];
      if (answer !== undefined) await this.exchange.relocated(side, answer);
    }
  }

  #fail(why: string): void {
    if (!this.exchange.closed) this.#events.failed(why);
  }

  #sideOf(party: Party): Side {
    return party === this.#parties.caller ? 'caller' : 'target';
  }

  /** Who is at a side and has their media here. */
  #present(side: Side): Party | undefined {
    const party = this.#parties[side];
    return party?.at === this ? party : undefined;
  }

  async #alone<T>(negotiate: () => Promise<T>): Promise<T> {
    this.#negotiating++;
    try {
      return await negotiate();
    } finally {
      this.#negotiating--;
    }
  }
}

function withSdp(body: string): InDialogAnswer {
  return { status: 200, contentType: 'application/sdp', body };
}
