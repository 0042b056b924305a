import type { Subscriber, SubscriberNumber, TerminalLogin } from '../../../call/subscriber.ts';
import { localTime } from '../../time.ts';

const proofWords = {
  session: 'the login alone',
  pin: 'the PIN',
  password: 'the password',
};

/** `+86… (service number +86…)`. */
export function describeNumber({ number, secondCalled }: SubscriberNumber): string {
  return secondCalled === undefined ? number : `${number} (rings as ${secondCalled})`;
}

/** An account as lines for people. */
export function describeSubscriber(subscriber: Subscriber, logins: readonly TerminalLogin[] = []): string {
  const [first, ...others] = subscriber.numbers.map(describeNumber);
  return [
    `Account       ${subscriber.account}`,
    `Owner         ${subscriber.ownerName ?? '-'}`,
    `Address       ${subscriber.ownerAddress ?? '-'}`,
    `Numbers       ${first ?? '-'}`,
    ...others.map((number) => `              ${number}`),
    `Instructions  need ${proofWords[subscriber.proof]}`,
    ...(subscriber.music === undefined ? [] : [`Music         ${subscriber.music}`]),
    ...(subscriber.connect === undefined ? [] : [`Connected by  ${subscriber.connect.join(', else ')}`]),
    `Added         ${localTime(subscriber.createdAt)}`,
    `Changed       ${localTime(subscriber.updatedAt)}`,
    ...logins.map((login, index) => `${(index === 0 ? 'Terminals' : '').padEnd(14)}${describeLogin(login)}`),
  ].join('\n');
}

function describeLogin(login: TerminalLogin): string {
  const { ip, port } = login.publicAddress;
  const address = ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
  const name = [login.name ?? login.terminalId, login.platform].filter((part) => part !== undefined).join(', ');
  const until =
    login.loggedOutAt === undefined
      ? `last seen ${localTime(login.lastSeenAt)}`
      : `logged out ${localTime(login.loggedOutAt)}`;
  return `${name}: at ${address}, logged in ${localTime(login.loggedInAt)}, ${until}`;
}
