// Tells the tests of a file, each with the name of what it belongs to; suites are no tests.
import type { TestEvent } from 'node:test/reporters';
import type { Outcome } from './settings.ts';

export default async function* tell(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (data.details.type === 'suite' || data.nesting === 0) continue;
    const ok = type === 'test:pass';
    const outcome: Outcome = { ok, name: data.name, ...(ok ? {} : { detail: String(data.details.error.cause) }) };
    yield `\n@@outcome ${JSON.stringify(outcome)}\n`;
  }
}
