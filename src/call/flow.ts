// ONE CALL, IN ORDER. Read this first.
//
//   identify → admit → open the record → locate → recall → note whose it is → ring → notify → await an instruction → connect →
//   end
//
// What follows from which order of events is decided by machine.ts, a pure function; carry-out.ts does what it says.
import { randomUUID } from 'node:crypto';
import { Failure, messageOf } from '../shared/errors.ts';
import { admit } from './admit.ts';
import { Call, type CallFlow, type CallTools, type Step } from './call.ts';
import { carryOut } from './carry-out.ts';
import { EarlyOffer } from './connect/early-offer.ts';
import { identify } from './identify.ts';
import { locate } from './locate.ts';
import { type CallEvent, transition } from './machine.ts';
import { noteProgress, noteRefusal } from './notes.ts';
import { recall } from './recall.ts';
import type { CallerLegEvents, Cause, InDialogAnswer, InDialogRequest, IncomingCall } from './ports.ts';
import { tellOfMove } from './tell-of-move.ts';
import { viewState } from './view-state.ts';

/** How long the store may hold a notification up, in milliseconds. */
const writtenWithin = 1_000;

/**
 * That there is a call stands in the record while it is being looked up, so that a crash then loses none. It costs no time: whose it
 * is follows. What is refused at the door has its record written as it ends.
 */
const openRecord: Step = (call) => {
  call.keeper.open(call.record);
  return undefined;
};

/** Whose it is stands there before any terminal hears of it: for this the disk is awaited, once. */
const noteSubscriber: Step = async ({ id, record, keeper }) => {
  const { account, firstCalled, firstCalledSource } = record;
  keeper.update(id, { ...(account !== undefined && { account }), firstCalled, firstCalledSource });
  await keeper.safe(writtenWithin);
  return undefined;
};

/** A caller who hears nothing before we make an offer gets one; nobody waits for its answer. */
const ring: Step = (call) => {
  if (call.incoming.awaitsOffer && !call.tools.settings.answerEarly) call.early = new EarlyOffer(call);
  return undefined;
};

const steps: readonly Step[] = [admit, openRecord, locate, recall, noteSubscriber, ring];

/**
 * Takes an INVITE that the trunk holds with 180. The caller leg's events are ready when this returns, in the tick in
 * which the INVITE came; only then does anything asynchronous start.
 */
export function arrive(
  incoming: IncomingCall,
  tools: CallTools,
  flow: CallFlow,
): { call: Call; events: CallerLegEvents } {
  const call = new Call(incoming, identify(randomUUID(), incoming, tools), tools, flow);
  tools.metrics.callState(undefined, 'arriving');
  call.log.info({ trunk: incoming.trunk, peer: incoming.peer, sipCallId: incoming.sipCallId }, 'a call arrives');
  queueMicrotask(() => void takeSteps(call));
  return { call, events: new FromCaller(call) };
}

async function takeSteps(call: Call): Promise<void> {
  const now = () => call.tools.clock.now();
  try {
    for (const step of steps) {
      const refused = await step(call);
      if (call.over) return;
      if (refused) {
        call.log.info({ reason: refused.reason, status: refused.status }, `the call is not taken: ${refused.why}`);
        noteRefusal(call, refused);
        call.happened({ is: 'refused', reason: refused.reason, status: refused.status, now: now() });
        return;
      }
    }
    call.happened({ is: 'located', now: now() });
  } catch (error) {
    call.log.error({ err: error }, `the call could not be taken: ${messageOf(error)}`);
    if (!call.over) call.happened({ is: 'refused', reason: 'failed', status: 500, now: now() });
  }
}

/** The only way in which a call changes its state: one event after the other, each carried out to its end. */
export function happened(call: Call, event: CallEvent): void {
  call.events.push(event);
  if (call.events.length > 1) return; // it came while another is being carried out
  for (let next: CallEvent | undefined = event; next; next = call.events[0]) {
    try {
      follow(call, next);
    } catch (error) {
      // A fault of ours: the call is not left to itself.
      call.log.error({ err: error, event: next.is }, messageOf(error));
      if (!call.over) call.events.push({ is: 'interrupted', now: call.tools.clock.now() });
    }
    call.events.shift();
  }
}

function follow(call: Call, event: CallEvent): void {
  const before = viewState(call.state);
  const { state, commands } = transition(call.state, event, call.tools.settings);
  call.state = state;
  const after = viewState(state);
  if (before !== after) {
    call.tools.metrics.callState(before, after);
    call.log.debug({ event: event.is }, `${before} → ${after}`);
  }
  noteProgress(call, event);
  if (call.referral && tellOfMove(call.referral, event, state)) call.referral = undefined;
  for (const command of commands) carryOut(call, command);
}

/** What the caller's side tells. A class, and not closures: of the calls that wait there may be thousands. */
class FromCaller implements CallerLegEvents {
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  cancelled(cause: Cause): void {
    this.#call.happened({ is: 'caller-cancelled', cause, now: this.#call.tools.clock.now() });
  }

  ended({ cause, lost }: { cause: Cause; lost: boolean }): void {
    this.#call.happened({ is: 'caller-hung-up', cause, lost, now: this.#call.tools.clock.now() });
  }

  request(request: InDialogRequest, answer: (answer: InDialogAnswer) => void): void {
    const { caller, log } = this.#call;
    caller.carry(request).then(answer, (error: unknown) => {
      log.warn({ method: request.method }, `a request of the caller fails: ${messageOf(error)}`);
      answer({ status: error instanceof Failure ? error.sip : 500 });
    });
  }
}
