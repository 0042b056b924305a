import { Failure } from '../shared/errors.ts';

// What the store refuses, in the same words whichever implementation it is.

export function accountExists(account: string): Failure {
  return new Failure('account-exists', `account ${account} exists already: choose another name, or change that one`);
}

/** `holder`: the account that has it, where known. */
export function numberTaken(number: string, holder: string | undefined): Failure {
  const by = holder === undefined ? 'already' : `by account ${holder}`;
  return new Failure('number-taken', `number ${number} is taken ${by}: remove it there first, or choose another`);
}

export function unknownAccount(account: string): Failure {
  return new Failure('unknown-account', `there is no account ${account}`);
}

export function unknownNumber(account: string, number: string): Failure {
  return new Failure('unknown-number', `account ${account} has no number ${number}`);
}

export function lastNumber(account: string, number: string): Failure {
  return new Failure(
    'last-number',
    `${number} is the only number of account ${account}: add another one first, or remove the account`,
  );
}

export function unknownCall(id: string): Failure {
  return new Failure('unknown-call', `there is no record of a call ${id}`);
}

export function storeClosed(): Failure {
  return new Failure('store-unavailable', 'the store is closed: the process is ending');
}
