import { Socket } from 'node:net';
import type { Clock } from '../../../../src/shared/clock.ts';
import { encodeFrame, FrameReader, type Frame } from '../../../../src/sip/control/framing.ts';
import type { Message } from '../../../../src/sip/message/message.ts';
import { parseMessage } from '../../../../src/sip/message/parse.ts';
import type { CallPlan } from './plan.ts';

/** One end of a connection without a kernel: what is written is read in the same turn of the loop. */
class DirectSocket extends Socket {
  other: DirectSocket | undefined;

  override write(chunk: unknown): boolean {
    queueMicrotask(() => void this.other?.emit('data', chunk));
    return true;
  }
}

export function directPair(): [DirectSocket, DirectSocket] {
  const [one, other] = [new DirectSocket(), new DirectSocket()];
  one.other = other;
  other.other = one;
  return [one, other];
}

/** What the server told the application, in order. */
/** `at`: when, on the clock's monotonic scale. */
export type Heard = { readonly at: number } & Told;

type Told =
  | { kind: 'request'; method: string; transaction: string; dialog: string; callId: string; sequence: number }
  | { kind: 'response'; transaction: string; callId: string; status: number; method: string }
  | { kind: 'unsolicited'; dialog: string; callId: string };

/** What the application asked of the server, and what that said to it. */
export interface Asked {
  readonly what: string;
  readonly callId: string;
  /** The transaction that was answered, or that began. */
  transaction: string;
  status: number | undefined;
  /** `none`, `OK`, or why not. */
  outcome: string;
  /** When, on the clock's monotonic scale. */
  readonly at: number;
  /** A provisional response that waits for its PRACK. */
  reliably: boolean;
}

interface Call {
  readonly plan: CallPlan;
  dialog: string | undefined;
  /** The INVITE that began it. */
  transaction: string | undefined;
  answered: boolean;
  over: boolean;
  /** Answers to the requests that come within the call, in turn. */
  readonly answers: { status: number; answerAfter: number }[];
}

const server = '10.0.0.1';

/** An application of the control protocol that plays the calls of a plan, and writes down all that it hears. */
export class ScriptedApplication {
  readonly heard: Heard[] = [];
  readonly asked: Asked[] = [];
  readonly #socket: DirectSocket;
  readonly #clock: Clock;
  readonly #calls = new Map<string, Call>();
  readonly #waiting = new Map<string, { asked: Asked; then: (fields: readonly string[]) => void }>();
  #count = 0;
  #gone = false;

  constructor(socket: DirectSocket, clock: Clock, calls: ReadonlyMap<string, CallPlan>) {
    this.#socket = socket;
    this.#clock = clock;
    for (const [callId, plan] of calls) {
      const answers = plan.later.filter(({ from }) => from === 'phone').map((later) => ({ ...later }));
      this.#calls.set(callId, {
        plan,
        dialog: undefined,
        transaction: undefined,
        answered: false,
        over: false,
        answers,
      });
    }
    const reader = new FrameReader();
    socket.on('data', (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) this.#receive(frame);
    });
    this.#write(['authenticate', 'secret', '']);
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** The connection is lost. */
  go(): void {
    this.#gone = true;
    this.#socket.other?.emit('close');
    this.#socket.other?.destroy();
  }

  /** Begins a call of the plan. */
  call(callId: string): void {
    const call = this.#calls.get(callId);
    if (!call) return;
    const headers = [`Call-ID: ${callId}`, 'Contact: <sip:app@localhost>', 'Supported: 100rel'];
    this.#ask('INVITE', callId, ['sip', '', '', ''], 'INVITE sip:phone@10.0.0.2 SIP/2.0', headers, (fields) => {
      call.transaction = fields[10];
    });
    const { cancelAfter } = call.plan;
    if (cancelAfter !== undefined) this.#after(cancelAfter, () => this.#cancel(callId, call));
  }

  /** What is left is ended, as it must be by any application. */
  end(): void {
    for (const [callId, call] of this.#calls) {
      if (call.plan.begunBy === 'application' && !call.answered) this.#cancel(callId, call);
      else this.#hangUp(callId, call);
    }
  }

  #receive({ fields, message }: Frame): void {
    if (this.#gone) return;
    if (fields[1] === 'response') {
      const waiting = this.#waiting.get(fields[2] ?? '');
      this.#waiting.delete(fields[2] ?? '');
      if (!waiting) return;
      waiting.asked.outcome = fields[3] === 'OK' ? 'OK' : fields.slice(3).join(' ');
      if (fields[3] !== 'OK') return;
      waiting.asked.transaction = fields[10] ?? '';
      waiting.then(fields);
      return;
    }
    const parsed = parseMessage(message);
    const [transaction = '', dialog = ''] = fields.slice(8, 10);
    const call = this.#calls.get(parsed.callId);
    const { callId } = parsed;
    const at = this.#clock.monotonic();
    if (fields[2] === 'application') {
      this.heard.push({ at, kind: 'unsolicited', dialog, callId });
      if (call) call.over = true;
    } else if (parsed.kind === 'request') {
      const { method, cseq } = parsed;
      this.heard.push({ at, kind: 'request', method, transaction, dialog, callId, sequence: cseq.sequence });
      if (call) this.#answer(callId, call, method, transaction, dialog);
    } else {
      this.heard.push({ at, kind: 'response', transaction, callId, status: parsed.status, method: parsed.cseq.method });
      if (call) this.#hear(callId, call, parsed, transaction, dialog);
    }
  }

  #answer(callId: string, call: Call, method: string, transaction: string, dialog: string): void {
    if (method === 'ACK') return;
    if (method === 'CANCEL') {
      // drachtio-srf, too, answers the INVITE once more, which the server has answered
      call.over = true;
      this.#respond(callId, call, transaction, 487);
      return;
    }
    if (method === 'INVITE' && dialog === '') {
      call.transaction = transaction;
      const { ringing, final } = call.plan;
      for (const { after, status, reliably } of ringing) {
        this.#after(after, () => {
          if (!call.over && !call.answered) this.#respond(callId, call, transaction, status, reliably);
        });
      }
      this.#after(final.after, () => {
        if (call.over) return;
        call.answered = true;
        this.#respond(callId, call, transaction, final.status);
      });
      return;
    }
    if (method === 'BYE') call.over = true;
    const { status, answerAfter } =
      method === 'PRACK' || method === 'BYE'
        ? { status: 200, answerAfter: 0 }
        : (call.answers.shift() ?? { status: 200, answerAfter: 0 });
    this.#after(answerAfter, () => this.#respond(callId, call, transaction, status));
  }

  #hear(callId: string, call: Call, message: Message, transaction: string, dialog: string): void {
    if (message.kind !== 'response' || message.cseq.method !== 'INVITE') return;
    const first = transaction === call.transaction;
    if (message.status < 200) {
      const rseq = message.get('RSeq');
      if (rseq === undefined) return;
      const rack = [`RAck: ${rseq} ${message.cseq.sequence} INVITE`];
      this.#ask('PRACK', callId, ['sip', '', dialog], 'PRACK sip:placeholder SIP/2.0', rack);
      return;
    }
    if (first) call.answered = true;
    if (message.status >= 300) return;
    if (!first || call.plan.acknowledges) {
      this.#ask('ACK', callId, ['sip', '', dialog], 'ACK sip:placeholder SIP/2.0', []);
    }
    if (first) this.#standing(callId, call, dialog);
  }

  #respond(callId: string, call: Call, transaction: string, status: number, reliably = false): void {
    const headers = reliably ? ['Require: 100rel', 'RSeq: 1'] : [];
    const line = `SIP/2.0 ${status} Whatever`;
    const asked = this.#ask('respond', callId, ['sip', transaction, ''], line, headers, (fields) => {
      if (status >= 200 && status < 300 && transaction === call.transaction)
        this.#standing(callId, call, fields[11] ?? '');
    });
    asked.transaction = transaction;
    asked.status = status;
    asked.reliably = reliably;
  }

  /** The call stands: what the plan has for later is set. */
  #standing(callId: string, call: Call, dialog: string): void {
    call.dialog = dialog;
    for (const { from, method, after } of call.plan.later) {
      if (from !== 'application') continue;
      this.#after(after, () => {
        if (!call.over) this.#ask(method, callId, ['sip', '', dialog], `${method} sip:placeholder SIP/2.0`, []);
      });
    }
    const { bye } = call.plan;
    if (bye.from === 'application') this.#after(bye.after, () => this.#hangUp(callId, call));
  }

  #hangUp(callId: string, call: Call): void {
    if (call.over || call.dialog === undefined) return;
    call.over = true;
    this.#ask('BYE', callId, ['sip', '', call.dialog], 'BYE sip:placeholder SIP/2.0', []);
  }

  #cancel(callId: string, call: Call): void {
    if (call.over || call.transaction === undefined) return;
    this.#ask('CANCEL', callId, ['sip', call.transaction, ''], 'CANCEL sip:placeholder SIP/2.0', []);
  }

  #after(milliseconds: number, action: () => void): void {
    this.#clock.after(milliseconds, () => {
      if (!this.#gone) action();
    });
  }

  #ask(
    what: string,
    callId: string,
    fields: readonly string[],
    startLine: string,
    headers: readonly string[],
    then: (fields: readonly string[]) => void = () => undefined,
  ): Asked {
    const at = this.#clock.monotonic();
    const asked: Asked = { what, callId, transaction: '', status: undefined, outcome: 'none', at, reliably: false };
    this.asked.push(asked);
    const id = this.#write(fields, Buffer.from([startLine, ...headers, '', ''].join('\r\n')));
    this.#waiting.set(id, { asked, then });
    return asked;
  }

  #write(fields: readonly string[], message?: Buffer): string {
    const id = `request-${++this.#count}`;
    if (!this.#gone) this.#socket.write(encodeFrame([id, ...fields], message));
    return id;
  }
}

export { server as serverAddress };
