import type { Clock } from '../shared/clock.ts';
import { Emitter } from '../shared/emitter.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { answerSdp, offerSdp, readAnswer, type Agreed, type OwnMedia } from './rtp/sdp.ts';
import { RtpSession } from './rtp/session.ts';
import { tone } from './rtp/sources.ts';
import type { Endpoint } from './sip/endpoint.ts';
import type { Session, SessionEvents } from './sip/session.ts';

/** What a phone does when it is called. Times in milliseconds. */
export type Behaviour =
  | { does: 'rings' } // and nobody answers, unless somebody picks it up
  | { does: 'answers'; after: number }
  | { does: 'is-busy' };

export interface PhoneEvents {
  ringing: [];
  /** It stopped ringing without being answered; `reason` is the Reason header of the CANCEL. */
  stopped: [reason: string | undefined];
  standing: [];
  ended: [reason: string | undefined];
  refused: [status: number];
}

export interface PhoneOptions {
  number: string;
  /** `address:port` of the switch. */
  network: () => string;
  /** Hz: the tone that it says, so that it can be told from the others. */
  voice: number;
  /** Hz: the tones that it listens for. */
  hears: readonly number[];
  behaviour: Behaviour;
  clock: Clock;
  log: Logger;
}

/** A telephone with a number and a voice: places one call or takes one. */
export class Phone {
  readonly number: string;
  readonly events: Emitter<PhoneEvents>;
  readonly rtp: RtpSession;
  behaviour: Behaviour;
  readonly #endpoint: Endpoint;
  readonly #options: PhoneOptions;
  readonly #media: OwnMedia;
  #session: Session | undefined;
  #agreed: Agreed | undefined;
  /** Of our description (RFC 8866 5.2); higher each time that we answer anew. */
  #version = 1;

  private constructor(endpoint: Endpoint, rtp: RtpSession, options: PhoneOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.rtp = rtp;
    this.number = options.number;
    this.behaviour = options.behaviour;
    this.#media = { address: rtp.address, port: rtp.port };
    this.events = new Emitter<PhoneEvents>((error) => options.log.error({ err: error }, 'a witness of a phone failed'));
    endpoint.answerWith((session) => this.#called(session));
  }

  static async open(endpoint: Endpoint, options: PhoneOptions): Promise<Phone> {
    const { clock, hears } = options;
    const rtp = await RtpSession.open({ clock, address: endpoint.address, expect: hears });
    return new Phone(endpoint, rtp, options);
  }

  get address(): string {
    return this.#endpoint.hostPort;
  }

  /** Places a call. */
  call(number: string): void {
    const network = this.#options.network();
    const from = `<sip:${this.number}@${network};user=phone>`;
    const to = `<sip:${number}@${network};user=phone>`;
    this.#session = this.#endpoint.call(`sip:${number}@${network};user=phone`, from, to, offerSdp(this.#media), [], {
      ...this.#standing((sdp) => readAnswer(sdp, this.#media)),
      progress: () => this.events.emit('ringing'),
      refused: (status) => this.events.emit('refused', status),
    });
  }

  /** Answers the call that rings. */
  pickUp(): void {
    const session = this.#session;
    if (session?.state !== 'invited') return;
    try {
      const answer = answerSdp(session.offer, this.#media);
      this.#agreed = answer.agreed;
      session.accept(answer.sdp);
    } catch (error) {
      this.#options.log.warn(`a simulated phone refuses the call: ${messageOf(error)}`);
      session.refuse(488);
    }
  }

  /** Ends the call in whatever state it is. */
  hangUp(): void {
    this.#session?.hangUp('Q.850;cause=16;text="Normal call clearing"');
    this.rtp.say(undefined);
  }

  /** The number of the caller as this phone would show it; for calls that came in. */
  get shows(): string {
    return this.#session?.invite?.from.uri.replace(/^sips?:([^@;]*).*$/, '$1') ?? '';
  }

  close(): void {
    this.rtp.close();
  }

  #called(session: Session): SessionEvents {
    this.#session = session;
    const { behaviour } = this;
    const { clock } = this.#options;
    if (behaviour.does === 'is-busy') {
      queueMicrotask(() => session.refuse(486, 'Q.850;cause=17;text="User busy"'));
      return {};
    }
    queueMicrotask(() => session.ring());
    this.events.emit('ringing');
    if (behaviour.does === 'answers') {
      clock.after(behaviour.after, () => {
        if (this.#session === session) this.pickUp();
      });
    }
    return {
      ...this.#standing(() => this.#agreed),
      cancelled: (reason) => this.events.emit('stopped', reason),
    };
  }

  /** What every call does when it stands and when it ends. */
  #standing(agree: (sdp: string) => Agreed | undefined): SessionEvents {
    return {
      standing: (sdp) => {
        this.rtp.sendTo(agree(sdp)?.destination);
        this.rtp.say(tone(this.#options.voice));
        this.events.emit('standing');
      },
      offered: (sdp) => {
        const { sdp: answer, agreed } = answerSdp(sdp, { ...this.#media, version: ++this.#version });
        this.rtp.sendTo(agreed.destination);
        return answer;
      },
      ended: (reason) => {
        this.rtp.say(undefined);
        this.events.emit('ended', reason);
      },
    };
  }
}
