// The terminals of the bench, in a process of their own: each account has some, and the first of them instructs. Started by
// crowd.ts with its role as its argument; told what to do by messages, and ends when its parent is gone.
import { TerminalClient } from '../../../src/terminals/client.ts';
import type { Call } from '../../../src/terminals/events.ts';
import type { Command, Role, Said } from './crowd.ts';

const role = JSON.parse(process.argv[2] ?? '') as Role; // of crowd.ts

/** Milliseconds since 1970, with fractions; by the same clock as SIPp's. */
let sinceEpoch = performance.timeOrigin;
const now = (): number => sinceEpoch + performance.now();

/** The monotonic clock may have drifted from the wall's since the process began: sets them together anew. */
function setClock(): void {
  const before = Date.now();
  let tick = Date.now();
  while (tick === before) tick = Date.now(); // less than 1 ms
  sinceEpoch = tick - performance.now();
}

let instructing = true;
let said: Said = empty();
let holding = new Map<string, TerminalClient>();

function empty(): Said {
  return { told: [], instructed: [], acknowledged: [], refused: {}, ended: {} };
}

function count(counts: Record<string, number>, what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
}

function newTerminal({ account, to }: Role['accounts'][number], index: number): TerminalClient {
  const client = new TerminalClient(
    {
      server: `http://${role.http}`,
      login: { account, password: role.password },
      terminal: { id: `${account}-${index}`, platform: 'pc' },
      transports: ['websocket'],
    },
    (error) => {
      throw error;
    },
  );
  client.events.on('incoming', (call) => {
    said.told.push([call.caller ?? '', now()]);
    if (index > 0) return;
    if (instructing) instruct(client, call, to);
    else holding.set(call.id, client);
  });
  client.events.on('ended', ({ id, end }) => {
    if (index > 0) return;
    holding.delete(id);
    count(said.ended, end?.reason ?? '?');
  });
  return client;
}

function instruct(client: TerminalClient, { id, caller }: Call, to: string): void {
  const at = now();
  said.instructed.push([caller ?? '', at]);
  const proof = role.proof ? { password: role.password } : {};
  client.transfer({ callId: id, to, key: id, ...proof }).then(
    (answer) => {
      said.acknowledged.push(now() - at);
      if (!answer.ok) count(said.refused, answer.error.code);
    },
    (error: unknown) => count(said.refused, String(error)),
  );
}

/** Ends the calls that wait, not faster than a terminal may ask (10 a second each). */
async function declineAll(): Promise<void> {
  const byTerminal = Map.groupBy(holding, ([, client]) => client);
  holding = new Map();
  await Promise.all(
    [...byTerminal].map(async ([client, calls]) => {
      for (const [id] of calls) {
        const answer = await client.decline(id);
        if (!answer.ok) count(said.refused, answer.error.code);
        await new Promise((resolve) => setTimeout(resolve, 110));
      }
    }),
  );
}

process.on('message', (command: Command) => {
  if (command === 'stop') process.exit(0);
  if (command === 'begin') {
    setClock();
    said = empty();
    process.send?.('begun');
  } else if (command === 'said') process.send?.(said);
  else if (command === 'hold') {
    instructing = false;
    process.send?.('holding');
  } else if (command === 'held') process.send?.({ held: holding.size });
  else {
    declineAll().then(
      () => process.send?.('declined'),
      (error: unknown) => {
        process.stderr.write(`the terminals could not decline: ${String(error)}\n`);
        process.exit(1);
      },
    );
  }
});
process.once('disconnect', () => process.exit(0));
for (const account of role.accounts) {
  await Promise.all(Array.from({ length: role.terminals }, (_, index) => newTerminal(account, index).connect()));
}
process.send?.('ready');
