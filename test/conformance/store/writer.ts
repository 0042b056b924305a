// Opens the store at `argv[3]` and writes records, many at once, until it is killed; each one that was acknowledged
// is a line on standard output. Part of lifetime.ts.
import { writeSync } from 'node:fs';
import { openAt, record } from './place.ts';

const [, , kind, location = ''] = process.argv;
const store = await openAt(kind === 'mongodb' ? 'mongodb' : 'embedded', location);
let last = 0;

async function write(): Promise<never> {
  for (;;) {
    last += 1;
    const id = `theirs-${process.pid}-${last}`;
    await store.records.open(record(id));
    writeSync(1, `${id}\n`);
  }
}
await Promise.all(Array.from({ length: 20 }, write));
