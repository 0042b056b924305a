import type { Clock } from '../../../../src/shared/clock.ts';
import { silentLog } from '../../../../src/shared/log.ts';
import { Dialog } from '../../../../src/sip/dialog/dialog.ts';
import { Draft } from '../../../../src/sip/message/draft.ts';
import type { Request, Response } from '../../../../src/sip/message/message.ts';
import type { ClientTransaction } from '../../../../src/sip/transaction/client-transaction.ts';
import { TransactionLayer } from '../../../../src/sip/transaction/layer.ts';
import type { ServerTransaction } from '../../../../src/sip/transaction/server-transaction.ts';
import type { Target, Wire } from '../../../../src/sip/transaction/wire.ts';
import type { CallPlan } from './plan.ts';

/** A request that the phone sent, and what came of it. */
export interface Sent {
  readonly callId: string;
  readonly method: string;
  readonly sequence: number;
  outcome: number | 'none' | 'timeout';
}

interface Call {
  readonly plan: CallPlan;
  dialog: Dialog | undefined;
  invite: ClientTransaction | undefined;
  over: boolean;
  readonly answers: { status: number; answerAfter: number }[];
  /** The application's INVITE, once it has its 2xx. */
  answered: ServerTransaction | undefined;
  readonly acknowledged: Set<string>;
  /** INVITEs within the call. */
  readonly reinvites: ClientTransaction[];
}

const contact = '<sip:phone@10.0.0.2>';

/** The far side of the calls of a plan: a phone with transactions and dialogs of its own. */
export class Phone {
  readonly layer: TransactionLayer;
  readonly sent: Sent[] = [];
  /** Requests of the server that came: each once, as the transactions see to it. */
  readonly got: { callId: string; method: string; sequence: number }[] = [];
  /** Calls whose 2xx the application did not acknowledge in time. */
  readonly unacknowledged: string[] = [];
  readonly #clock: Clock;
  readonly #server: Target;
  readonly #calls = new Map<string, Call>();

  constructor(wire: Wire, server: Target, clock: Clock, calls: ReadonlyMap<string, CallPlan>) {
    this.#clock = clock;
    this.#server = server;
    this.layer = new TransactionLayer(wire, { clock, log: silentLog });
    for (const [callId, plan] of calls) {
      const answers = plan.later.filter(({ from }) => from === 'application').map((later) => ({ ...later }));
      const call = {
        plan,
        dialog: undefined,
        invite: undefined,
        over: false,
        answers,
        answered: undefined,
        acknowledged: new Set<string>(),
        reinvites: [],
      };
      this.#calls.set(callId, call);
    }
    this.layer.on('request', (transaction) => this.#receive(transaction));
    this.layer.on('ack', (_ack, _flow, invite) => {
      const { callId } = invite.request;
      const call = this.#calls.get(callId);
      if (call?.answered === invite) this.#standing(callId, call); // RFC 3261 15: no BYE before it
    });
  }

  call(callId: string): void {
    const call = this.#calls.get(callId);
    if (!call) return;
    const draft = Draft.request('INVITE', 'sip:service@10.0.0.1')
      .add('From', `<sip:phone@10.0.0.2>;tag=${callId}`)
      .add('To', '<sip:service@10.0.0.1>')
      .add('Call-ID', callId)
      .add('CSeq', '1 INVITE')
      .add('Supported', '100rel')
      .add('Contact', contact);
    call.invite = this.#send(callId, draft, (response) => this.#heard(callId, call, response));
    const { cancelAfter } = call.plan;
    if (cancelAfter !== undefined) this.#clock.after(cancelAfter, () => this.#cancel(call));
  }

  /** What is left is ended, as it must be by any caller. */
  end(): void {
    for (const [callId, call] of this.#calls) {
      this.#cancel(call);
      for (const invite of call.reinvites) this.layer.cancel(invite);
      this.#hangUp(callId, call);
    }
  }

  #cancel({ invite }: Call): void {
    if (invite) this.layer.cancel(invite);
  }

  #heard(callId: string, call: Call, response: Response): void {
    const { status } = response;
    if (status >= 300 || !call.invite) return;
    const rseq = response.get('RSeq');
    if (status < 200) {
      if (rseq === undefined || call.acknowledged.has(rseq)) return;
      call.acknowledged.add(rseq);
      call.dialog ??= Dialog.asClient(call.invite.request, response);
      const prack = call.dialog.request('PRACK').add('RAck', `${rseq} ${response.cseq.sequence} INVITE`);
      this.#send(callId, prack);
      return;
    }
    call.dialog ??= Dialog.asClient(call.invite.request, response);
    call.dialog.confirmBy(response);
    if (!call.plan.acknowledges) return;
    this.layer.acknowledge(call.invite, call.dialog.remoteTag, call.dialog.ack(response.cseq.sequence), this.#server);
    this.#standing(callId, call);
  }

  #receive(transaction: ServerTransaction): void {
    const { request, method } = transaction;
    const { callId } = request;
    this.got.push({ callId, method, sequence: request.cseq.sequence });
    const call = this.#calls.get(callId);
    const respond = (status: number): void => {
      if (!transaction.answered) transaction.respond(Draft.answering(request, status).add('Contact', contact));
    };
    if (!call) {
      respond(404);
      return;
    }
    if (!request.to.parameters.has('tag')) {
      this.#ring(callId, call, transaction, respond);
      return;
    }
    const refusal = this.#refusal(call, request);
    if (refusal !== undefined) {
      respond(refusal);
      return;
    }
    if (method === 'BYE') {
      call.over = true;
      respond(200);
      return;
    }
    const { status, answerAfter } =
      method === 'PRACK' ? { status: 200, answerAfter: 0 } : (call.answers.shift() ?? { status: 200, answerAfter: 0 });
    this.#clock.after(answerAfter, () => respond(status));
  }

  #refusal({ dialog, over }: Call, request: Request): number | undefined {
    if (!dialog || over || dialog.state === 'terminated') return 481;
    return dialog.accept(request) ? undefined : 500;
  }

  /** A call of the application. */
  #ring(callId: string, call: Call, transaction: ServerTransaction, respond: (status: number) => void): void {
    const { request, localTag } = transaction;
    const { ringing, final } = call.plan;
    transaction.handle({
      cancelled: () => {
        call.over = true;
        respond(487);
      },
      unacknowledged: () => {
        this.unacknowledged.push(callId);
        this.#hangUp(callId, call);
      },
    });
    for (const { after, status, reliably } of ringing) {
      this.#clock.after(after, () => {
        if (transaction.answered) return;
        call.dialog ??= Dialog.asServer(request, localTag, 'early');
        const response = Draft.answering(request, status).add('Contact', contact);
        if (reliably)
          response.add('Require', '100rel').add('RSeq', String(1 + ringing.findIndex((r) => r.after === after)));
        transaction.respond(response);
      });
    }
    this.#clock.after(final.after, () => {
      if (transaction.answered) return;
      if (final.status < 300) {
        call.dialog ??= Dialog.asServer(request, localTag, 'early');
        call.dialog.confirm();
      }
      respond(final.status);
      if (final.status < 300) call.answered = transaction;
    });
  }

  #standing(callId: string, call: Call): void {
    for (const { from, method, after } of call.plan.later) {
      if (from !== 'phone') continue;
      this.#clock.after(after, () => {
        const { dialog } = call;
        if (call.over || !dialog) return;
        const draft = dialog.request(method).add('Contact', contact);
        const client: ClientTransaction = this.#send(callId, draft, (response) => {
          const { sequence } = response.cseq;
          if (method === 'INVITE' && response.status >= 200 && response.status < 300) {
            this.layer.acknowledge(client, dialog.remoteTag, dialog.ack(sequence), this.#server);
          }
        });
        if (method === 'INVITE') call.reinvites.push(client);
      });
    }
    const { bye } = call.plan;
    if (bye.from === 'phone') this.#clock.after(bye.after, () => this.#hangUp(callId, call));
  }

  #hangUp(callId: string, call: Call): void {
    if (call.over || call.dialog?.state !== 'confirmed') return;
    call.over = true;
    this.#send(callId, call.dialog.request('BYE'));
  }

  #send(callId: string, draft: Draft, hear: (response: Response) => void = () => undefined): ClientTransaction {
    const { startLine } = draft;
    const method = startLine.kind === 'request' ? startLine.method : '';
    const sent: Sent = {
      callId,
      method,
      sequence: Number.parseInt(draft.get('CSeq') ?? '', 10),
      outcome: 'none',
    };
    this.sent.push(sent);
    return this.layer.request(draft, this.#server, {
      response: (response) => {
        if (response.status >= 200) sent.outcome = response.status;
        hear(response);
      },
      timeout: () => void (sent.outcome = 'timeout'),
    });
  }
}
