// What the person says, as requests to the service.
import { randomUUID } from 'node:crypto';
import { messageOf } from '../../../shared/errors.ts';
import type { TerminalClient } from '../../../terminals/client.ts';
import type { Answer, Call, NeededProof, TransferRequest } from '../../../terminals/events.ts';
import type { Calls } from './calls.ts';
import { commandsInFull, parseCommand } from './commands.ts';
import type { TypedCommand, TypedTransfer } from './commands.ts';
import type { Happening } from './happenings.ts';

type OnCall = Exclude<Extract<TypedCommand, { call?: number }>, TypedTransfer>;

/** What requests are made with, and where what comes of them goes. */
export interface RequestTools {
  client: TerminalClient;
  calls: Calls;
  tell: (happening: Happening) => void;
  /** What stands has changed. */
  changed: () => void;
  /** The person has had enough. */
  quit: () => void;
}

/** States of a call that each command is for; without a call's number the first of them that any call is in. */
const talking = ['connected', 'held', 'moving'] as const;
const statesFor = {
  transfer: ['waiting'],
  move: ['connected', 'held'],
  decline: ['waiting'],
  hangup: ['connected', 'held', 'moving', 'ringing', 'connecting', 'waiting'],
  hold: ['connected'],
  // An attended move goes back by it, too.
  resume: ['held', 'moving'],
  complete: ['moving'],
  digits: talking,
} as const satisfies Record<string, readonly Call['state'][]>;

/** Turns lines into requests; knows which transfer waits for its password or PIN. */
export class Requests {
  readonly #tools: RequestTools;
  /** The transfer that waits for its password or PIN. */
  #asked: { transfer: TypedTransfer; callId: string; needs: NeededProof } | undefined;
  #over = false;

  constructor(tools: RequestTools) {
    this.#tools = tools;
  }

  /** What the next line is taken for, when it is no command. */
  get needs(): NeededProof | undefined {
    return this.#asked?.needs;
  }

  /** Takes a line that a person typed or a program wrote. */
  line(text: string): void {
    const asked = this.#asked;
    if (!asked) {
      this.#command(parseCommand(text));
      return;
    }
    this.#asked = undefined;
    this.#tools.changed();
    if (text !== '') this.transfer({ ...asked.transfer, [asked.needs]: text }, asked.callId);
  }

  /** A call is over: its transfer needs no password any more. */
  forget(callId: string): void {
    if (this.#asked?.callId === callId) this.#asked = undefined;
  }

  /** No answer is missed from now on. */
  end(): void {
    this.#over = true;
  }

  transfer(wanted: TypedTransfer, callId: string): void {
    const { client } = this.#tools;
    this.#ask('call:transfer', callId, client.transfer(requestOf(wanted, callId)), (answer) => {
      if (answer.ok || answer.error.needs === undefined) return;
      const { password: _, pin: _pin, ...transfer } = wanted;
      this.#asked = { transfer, callId, needs: answer.error.needs };
    });
  }

  #command(command: TypedCommand): void {
    const { client, tell, quit } = this.#tools;
    switch (command.do) {
      case 'transfer': {
        const { call, move } = command;
        this.#onCall(call, statesFor[move ? 'move' : 'transfer'], (callId) => this.transfer(command, callId));
        return;
      }
      case 'decline':
      case 'hangup':
      case 'hold':
      case 'resume':
      case 'complete':
      case 'digits':
        this.#onCall(command.call, statesFor[command.do], (callId) => this.#instruct(command, callId));
        return;
      case 'history':
        this.#history();
        return;
      case 'logout':
        this.#ask('session:logout', undefined, client.logOut());
        return;
      case 'quit':
        quit();
        return;
      case 'help':
        tell({ event: 'help', message: commandsInFull });
        return;
      case 'mistake':
        tell({ event: 'mistake', message: command.message });
        return;
      case 'nothing':
        return;
    }
  }

  #instruct(command: OnCall, callId: string): void {
    const { client } = this.#tools;
    switch (command.do) {
      case 'decline':
        this.#ask('call:decline', callId, client.decline(callId));
        return;
      case 'hangup':
        this.#ask('call:hangup', callId, client.hangUp(callId));
        return;
      case 'hold':
        this.#ask('call:hold', callId, client.hold(callId));
        return;
      case 'resume':
        this.#ask('call:resume', callId, client.resume(callId));
        return;
      case 'complete':
        this.#ask('call:complete', callId, client.complete(callId));
        return;
      case 'digits':
        this.#ask('call:digits', callId, client.digits({ callId, digits: command.digits }));
        return;
    }
  }

  #onCall(number: number | undefined, states: readonly Call['state'][], work: (callId: string) => void): void {
    const { calls, tell } = this.#tools;
    const call = calls.choose(number, states);
    if (call) work(call.id);
    else {
      const message =
        number === undefined ? `There is no call that is ${states.join(' or ')}.` : `There is no call #${number}.`;
      tell({ event: 'mistake', message });
    }
  }

  #history(): void {
    const { client, tell } = this.#tools;
    client.history().then(
      (answer) => {
        if (answer.ok) tell({ event: 'history', calls: answer.calls });
        else tell({ event: 'answer', request: 'history:list', answer });
      },
      (error: unknown) => this.#noAnswer(error),
    );
  }

  #ask(request: string, callId: string | undefined, answer: Promise<Answer>, then?: (answer: Answer) => void): void {
    const { tell, changed } = this.#tools;
    answer.then(
      (given) => {
        then?.(given);
        tell({ event: 'answer', request, ...(callId !== undefined && { callId }), answer: given });
        changed();
      },
      (error: unknown) => this.#noAnswer(error),
    );
  }

  #noAnswer(error: unknown): void {
    if (this.#over) return;
    this.#tools.tell({ event: 'mistake', message: `No answer came from the service (${messageOf(error)}).` });
  }
}

function requestOf({ to, order, move, mode, password, pin }: TypedTransfer, callId: string): TransferRequest {
  const [first, ...more] = to;
  return {
    callId,
    to: more.length === 0 ? first : to,
    key: randomUUID(),
    ...(order && { order }),
    ...(move === 'attended' && { attended: true }),
    ...(mode && { mode }),
    ...(password !== undefined && { password }),
    ...(pin !== undefined && { pin }),
  };
}
