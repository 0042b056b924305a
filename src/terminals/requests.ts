import type { z } from 'zod';
import type { CallAnswer, CallControl, Instruction, Refusal, Store } from '../call/ports.ts';
import type { Clock } from '../shared/clock.ts';
import type { Answer, RefusedRequest, RequestName } from './events.ts';
import { FirstAnswers } from './first-answers.ts';
import type { Guard } from './guard.ts';
import { historyPage } from './history.ts';
import { checkProof } from './proof.ts';
import { callRequest, digitsRequest, explain, historyRequest, logoutRequest, transferRequest } from './schemas.ts';
import type { ParsedTransfer } from './schemas.ts';

/** The session that a request comes from. */
export interface Sender {
  account: string;
  terminalId: string;
  ip: string;
}

export interface RequestParts {
  store: Pick<Store, 'subscribers' | 'records'>;
  clock: Clock;
  calls: () => CallControl;
  /** Counts wrong passwords and PINs of instructions. */
  guard: Guard;
  decideWithin: number;
  /** Marks the terminal as logged out, so that its tokens die; its session is ended after the answer. */
  logOut: (from: Sender) => Promise<void>;
}

/** Parses a payload and does what it asks. Rejects only through a fault of ours. */
export type RequestHandler = (from: Sender, payload: unknown) => Promise<Answer>;

const tenMinutes = 600_000;
const mostAnswers = 10_000;

/** Each request of the protocol by its name. */
export function requestHandlers(
  parts: RequestParts,
): ReadonlyMap<string, { name: RequestName; handle: RequestHandler }> {
  const { calls } = parts;
  const firstAnswers = new FirstAnswers<Answer>(parts.clock, tenMinutes, mostAnswers);

  const handlers: Record<RequestName, RequestHandler> = {
    'call:transfer': parsed(transferRequest, (from, wanted) => {
      const work = () => transfer(parts, from, wanted);
      if (wanted.key === undefined) return work();
      return firstAnswers.once(JSON.stringify([from.account, wanted.callId, wanted.key]), work);
    }),
    'call:decline': onCall((from, { callId }) => calls().decline(from.account, callId, from.terminalId)),
    'call:hangup': onCall((from, { callId }) => calls().hangUp(from.account, callId, from.terminalId)),
    'call:hold': onCall((from, { callId }) => calls().hold(from.account, callId, from.terminalId)),
    'call:resume': onCall((from, { callId }) => calls().resume(from.account, callId, from.terminalId)),
    'call:complete': onCall((from, { callId }) => calls().complete(from.account, callId, from.terminalId)),
    'call:digits': parsed(digitsRequest, (from, { callId, digits }) =>
      calls().digits(from.account, callId, from.terminalId, digits.toUpperCase()),
    ),
    'history:list': parsed(historyRequest, async (from, { limit, before }) => {
      const wanted = { limit, ...(before !== undefined && { before }) };
      const page = await historyPage(parts, from.account, calls().callsOf(from.account), wanted);
      return { ok: true, ...page };
    }),
    'session:logout': parsed(logoutRequest, async (from) => {
      await parts.logOut(from);
      return { ok: true };
    }),
  };
  return new Map(names.map((name) => [name, { name, handle: handlers[name] }]));
}

const names: readonly RequestName[] = [
  'call:transfer',
  'call:decline',
  'call:hangup',
  'call:hold',
  'call:resume',
  'call:complete',
  'call:digits',
  'history:list',
  'session:logout',
];

async function transfer(parts: RequestParts, from: Sender, wanted: ParsedTransfer): Promise<Answer> {
  const [first, ...more] = wanted.to;
  if (first === undefined) return refused('malformed', 'to: at least one number is needed.');
  const party = parts.calls().partyOf(from.account, wanted.callId);
  const refusal = await checkProof(parts, from, {
    ...(wanted.password !== undefined && { password: wanted.password }),
    ...(wanted.pin !== undefined && { pin: wanted.pin }),
  });
  if (refusal) return { ok: false, error: refusal };
  const { callId, order, mode, attended, key } = wanted;
  const instruction: Instruction = {
    ...{ callId, terminalId: from.terminalId, to: [first, ...more], order, mode, attended },
    ...(key !== undefined && { key }),
    ...(party !== undefined && { party }),
  };
  return parts.calls().transfer(from.account, instruction);
}

function onCall(work: (from: Sender, request: z.infer<typeof callRequest>) => Promise<CallAnswer>): RequestHandler {
  return parsed(callRequest, work);
}

function parsed<T>(schema: z.ZodType<T>, work: (from: Sender, request: T) => Promise<Answer>): RequestHandler {
  return async (from, payload) => {
    const request = schema.safeParse(payload);
    if (!request.success) return refused('malformed', `The request was not understood: ${explain(request.error)}.`);
    return work(from, request.data);
  };
}

export function refused(code: Refusal['code'], message: string, retryAfter?: number): RefusedRequest {
  return { ok: false, error: { code, message, ...(retryAfter !== undefined && { retryAfter }) } };
}
