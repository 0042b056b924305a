import type { Attempt, Call } from '../call.ts';
import type { AcceptedInstruction } from '../machine.ts';
import type { Cause, TargetFailure } from '../ports.ts';

/** The caller's network was silent for so long that we went on without it, and does what we asked after all. */
export function noteLate(call: Call, attempt: number): void {
  const { sipCallId, peer } = call.incoming;
  call.log.warn(
    { attempt, sipCallId, peer },
    'a REFER that was given up is carried out after all: the number may ring twice',
  );
}

/** Connects by the caller's network: it is asked to call the final number in our place, and our leg is released after that. */
export class Refer implements Attempt {
  readonly #call: Call;
  readonly #number: number;
  #over = false;

  constructor(call: Call, number: number) {
    this.#call = call;
    this.#number = number;
  }

  start({ to }: AcceptedInstruction): void {
    void this.#refer(to);
  }

  /** Only a leg that was answered can be referred: whoever is being parked is waited for. */
  async #refer(to: AcceptedInstruction['to']): Promise<void> {
    const { incoming, parking, caller, record, tools, happened } = this.#call;
    await parking?.settled;
    const { reading } = incoming;
    if (this.#over || !caller.answered || !reading.ok) return; // the parking says why
    const attempt = this.#number;
    const now = () => tools.clock.now();
    tools.metrics.step('dial', now() - (record.attempts.at(-1)?.startedAt ?? record.arrivedAt));
    const once = (tell: () => void) => () => {
      if (!this.#over) tell();
    };
    const handedBack = (failure: TargetFailure) => happened({ is: 'handed-back', attempt, failure, now: now() });
    incoming.leg.refer(
      { to, reading: reading.reading, firstCalled: record.firstCalled ?? '' },
      {
        progress: ({ status }) => {
          if (!this.#over && status >= 180 && status < 200) {
            happened({ is: 'target-rings', attempt, status, now: now() });
          }
        },
        transferred: once(() => happened({ is: 'transferred', attempt, now: now() })),
        refused: ({ status }) =>
          once(() => handedBack({ reason: 'failed', ...(status !== undefined && { status }) }))(),
        failed: (failure) => once(() => happened({ is: 'target-failed', attempt, failure, now: now() }))(),
        late: () => noteLate(this.#call, attempt),
      },
    );
  }

  /** A REFER cannot be taken back: what still comes of it is not heard. */
  stop(_cause: Cause): Promise<void> {
    this.#over = true;
    return Promise.resolve();
  }
}
