import { DeadlineExceeded } from '../../shared/deadline.ts';
import { Failure, messageOf } from '../../shared/errors.ts';
import type { Call } from '../call.ts';
import { type CallEvent, q850, type WithoutTime } from '../machine.ts';
import type { Branch } from './branch.ts';
import { Pairing, type PairingEvents } from './pairing.ts';
import type { Party } from './party.ts';

/** What joins a party with the target that answered. */
export interface Joining {
  call: Call;
  /** The number that answered first. */
  winner: Branch;
  /** Whom it was called for. */
  first: Party;
  /** @throws Overtaken */
  stillWanted: () => void;
  /** Of media that are opened for the two. */
  events: PairingEvents;
  /** Our 200 to the caller leaves. */
  answering: () => void;
  /** Other media than before are between the two. */
  stands: (pairing: Pairing) => Promise<void>;
}

/** Something else has been decided meanwhile: who was joining gives up without a word. */
export class Overtaken extends Error {}
/** Our 200 got no ACK, or a CANCEL was faster. */
class Unanswerable extends Error {}
/** The caller was answered, and what their ACK says cannot be used. */
class BrokenAnswer extends Error {}

/**
 * Both hear each other when this resolves: the caller is answered, or brought there by re-INVITE.
 * @throws Overtaken, and whatever `whatFailed` tells apart
 */
export async function join(party: Party, joining: Joining): Promise<void> {
  const { call, winner, first, stillWanted } = joining;
  const { pairing, answer } = winner;
  if (!answer || !pairing) throw new Error(`${winner.to} has not answered, or its media are gone`);
  if (party === call.caller) await call.parking?.settled;
  stillWanted();
  if (first !== party) await pairAnew(party, winner.party, joining);
  else if (winner.delayed) await answerWithOffer(answer.sdp, pairing, joining);
  else await answerWithAnswer(answer, pairing, joining);
}

/** What a join that failed is to the call. */
export function whatFailed(error: unknown, attempt: number): WithoutTime<CallEvent> {
  if (error instanceof Unanswerable) return { is: 'caller-unanswerable' };
  if (error instanceof BrokenAnswer) return { is: 'media-failed', attempt };
  const status = error instanceof Failure ? error.sip : error instanceof DeadlineExceeded ? 504 : 500;
  return { is: 'join-failed', attempt, failure: { reason: 'failed', status, q850: q850.temporaryFailure } };
}

/** The target has answered our offer. */
async function answerWithAnswer(
  { sdp, fork }: NonNullable<Branch['answer']>,
  pairing: Pairing,
  joining: Joining,
): Promise<void> {
  const answer = await pairing.answers.final('target', sdp, fork);
  joining.stillWanted();
  if (joining.first.answered) return pairing.bring('caller');
  const { sdp: said } = await answerCaller(answer, pairing, joining);
  if (said !== undefined) await pairing.heardOf('caller', said, answer).catch(broken);
}

/** Delayed offer (RFC 3261 13.2.1): the target's 2xx made one, our 200 hands it on, the caller's ACK answers it. */
async function answerWithOffer(offered: string, pairing: Pairing, joining: Joining): Promise<void> {
  const { call, winner, stillWanted } = joining;
  const offer = await pairing.exchange.offer('target', offered);
  stillWanted();
  const { sdp = '' } = await answerCaller(offer, pairing, joining);
  call.caller.described = sdp;
  const answer = await pairing.answers.final('caller', sdp).catch(broken);
  winner.leg?.acknowledge(winner.party.said(answer));
}

function broken(error: unknown): never {
  throw new BrokenAnswer(messageOf(error));
}

/** The first time that the caller is joined with anybody: our 200. */
async function answerCaller(sdp: string, pairing: Pairing, { call, answering }: Joining): Promise<{ sdp?: string }> {
  answering();
  const acknowledged = await call.answer(sdp).catch((error: unknown) => {
    throw new Unanswerable(messageOf(error));
  });
  pairing.take('caller');
  return acknowledged;
}

/** Two standing legs: new media for them, and the target is brought there first. */
async function pairAnew(party: Party, target: Party, { call, stillWanted, events, stands }: Joining): Promise<void> {
  const pairing = await Pairing.open(call.pairingTools, { caller: party, target }, events);
  try {
    stillWanted();
    await pairing.exchange.offer('caller', party.described ?? '');
    stillWanted();
    await pairing.bring('target');
    stillWanted();
    await pairing.bring('caller');
    stillWanted();
  } catch (error) {
    await pairing.close();
    throw error;
  }
  await stands(pairing);
}
