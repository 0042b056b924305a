// The terminals' process, from the outside.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What the terminals are; see terminals.ts. */
export interface Role {
  /** `address:port` of the service. */
  readonly http: string;
  /** Names, and where the calls of each are sent. */
  readonly accounts: readonly { readonly account: string; readonly to: string }[];
  /** Terminals of each account; the first one instructs. */
  readonly terminals: number;
  readonly password: string;
  /** Whether each instruction carries the password. */
  readonly proof: boolean;
}

export type Command = 'begin' | 'said' | 'hold' | 'held' | 'decline' | 'stop';

/** What the terminals saw since `begin`; times in milliseconds since 1970. */
export interface Said {
  /** Caller and time of each notification, of each terminal. */
  told: [caller: string, at: number][];
  /** Caller and time of each instruction, when it was given. */
  instructed: [caller: string, at: number][];
  /** Milliseconds until each instruction was acknowledged. */
  acknowledged: number[];
  /** Instructions and declines that were refused, by code. */
  refused: Record<string, number>;
  /** Calls that ended, by reason. */
  ended: Record<string, number>;
}

/** Milliseconds: logins compare passwords, which is slow on purpose; ten thousand declines take their time, too. */
const patience = 180_000;

/** Terminals that are logged in. */
export class Crowd {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Logs all of them in. @throws when one is refused */
  static async gather(role: Role): Promise<Crowd> {
    const child = fork(fileURLToPath(new URL('terminals.ts', import.meta.url)), [JSON.stringify(role)]);
    const crowd = new Crowd(child);
    try {
      await crowd.#hear();
      return crowd;
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  /** Forgets what was seen so far. */
  async begin(): Promise<void> {
    await this.#ask('begin');
  }
  async said(): Promise<Said> {
    return (await this.#ask('said')) as Said; // of terminals.ts
  }
  /** From now on nothing is instructed: calls wait. */
  async hold(): Promise<void> {
    await this.#ask('hold');
  }
  /** Calls that wait, as the terminals know it. */
  async held(): Promise<number> {
    return ((await this.#ask('held')) as { held: number }).held; // of terminals.ts
  }
  /** Declines all calls that wait. */
  async decline(): Promise<void> {
    await this.#ask('decline');
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.send('stop' satisfies Command);
    await ended;
  }

  #ask(command: Command): Promise<unknown> {
    const heard = this.#hear();
    this.#child.send(command);
    return heard;
  }

  async #hear(): Promise<unknown> {
    const given = new AbortController();
    const { signal } = given;
    try {
      const heard: unknown[] = await Promise.race([
        once(this.#child, 'message', { signal }),
        once(this.#child, 'exit', { signal }).then(() => {
          throw new Error('the terminals ended');
        }),
        once(AbortSignal.timeout(patience), 'abort', { signal }).then(() => {
          throw new Error(`the terminals said nothing in ${patience / 1000} s`);
        }),
      ]);
      return heard[0];
    } finally {
      given.abort();
    }
  }
}
