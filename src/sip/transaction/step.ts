/** What a transition function answers: the state to go to and what to do on the way, in order. */
export interface Step<State, Action> {
  readonly state: State;
  readonly actions: readonly Action[];
}

/** An event that the state does not allow: a defect of ours, or a response after the final one. */
export class IllegalEvent extends Error {
  readonly machine: string;
  readonly state: string;
  readonly event: string;

  constructor(machine: string, state: string, event: string) {
    super(`${machine} transaction: "${event}" is not allowed in state "${state}"`);
    this.name = 'IllegalEvent';
    this.machine = machine;
    this.state = state;
    this.event = event;
  }
}
