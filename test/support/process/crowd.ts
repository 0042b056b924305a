import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { answerSdp, offerSdp } from '../../../src/simulate/rtp/sdp.ts';
import { Endpoint } from '../../../src/simulate/sip/endpoint.ts';
import type { Session } from '../../../src/simulate/sip/session.ts';
import type { Scene } from './scene.ts';

/** Nobody listens there: the crowd has no voices. */
const media = { address: '127.0.0.1', port: 9 };
const accounts = 5;

/** One caller of the crowd. */
export interface Member {
  /** Unique: its call is found by it. */
  readonly caller: string;
  readonly account: string;
  readonly firstCalled: string;
  readonly session: Session;
  /** 180 was seen. */
  ringing: boolean;
}

const two = (index: number) => String(index).padStart(2, '0');
/** Numbers whose phones answer at once, and whose phones ring for ever. */
export const answering = (index: number) => `+86755200011${two(index)}`;
export const ringing = (index: number) => `+86755200022${two(index)}`;

/** Up to 100 callers, and as many phones to be called, on the network of a scene; without voices. */
export class Crowd {
  readonly members: Member[] = [];
  readonly #scene: Scene;
  readonly #callers: Endpoint;
  readonly #phones: Endpoint;

  private constructor(scene: Scene, callers: Endpoint, phones: Endpoint) {
    this.#scene = scene;
    this.#callers = callers;
    this.#phones = phones;
    phones.answerWith((session) => {
      const rings = session.invite?.requestUri.includes('+8675520002') ?? false;
      queueMicrotask(() => {
        session.ring();
        if (!rings) session.accept(answerSdp(session.offer, media).sdp);
      });
      return {};
    });
  }

  /** With the accounts `crowd0` to `crowd4`, each with a number of its own that rings the service `trunk`. */
  static async gather(scene: Scene): Promise<Crowd> {
    const tools = { clock: systemClock, log: silentLog, seen: () => undefined };
    const crowd = new Crowd(
      scene,
      await Endpoint.open('127.0.0.1', 0, tools),
      await Endpoint.open('127.0.0.1', 0, tools),
    );
    scene.stage.network.connectAllOthers(crowd.#phones.hostPort);
    for (let index = 0; index < accounts; index++) {
      const number = firstCalledOf(index);
      await scene.subscribe(`crowd${index}`, number);
      // Nobody is at home: only the service rings
      scene.stage.network.ringBeside(number, { secondCalled: '+8675529990000', service: scene.trunk });
      scene.stage.network.connect(number, '127.0.0.1:9');
    }
    return crowd;
  }

  /** The accounts that are called. */
  get accounts(): string[] {
    return Array.from({ length: accounts }, (_, index) => `crowd${index}`);
  }

  /** One more call; `seen` is called at each sign of life of it. */
  call(seen: (member: Member) => void = () => undefined): Member {
    const index = this.members.length;
    const caller = `+861380013${String(index).padStart(4, '0')}`;
    const firstCalled = firstCalledOf(index % accounts);
    const { address } = this.#scene.stage.network;
    const uri = (number: string) => `sip:${number}@${address};user=phone`;
    const session = this.#callers.call(
      uri(firstCalled),
      `<${uri(caller)}>`,
      `<${uri(firstCalled)}>`,
      offerSdp(media),
      [],
      {
        progress: () => {
          member.ringing = true;
          seen(member);
        },
      },
    );
    const member: Member = { caller, account: `crowd${index % accounts}`, firstCalled, session, ringing: false };
    this.members.push(member);
    return member;
  }

  member(caller: string | null): Member {
    const found = this.members.find((member) => member.caller === caller);
    if (!found) throw new Error(`nobody of the crowd has the number ${String(caller)}`);
    return found;
  }

  async close(): Promise<void> {
    await this.#callers.close();
    await this.#phones.close();
  }
}

function firstCalledOf(index: number): string {
  return `+867552000300${index}`;
}
