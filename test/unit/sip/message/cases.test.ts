import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Draft } from '../../../../src/sip/message/draft.ts';
import { MalformedMessage, parseMessage } from '../../../../src/sip/message/parse.ts';

/** Errors whose cause is the syntax of the message. What is beyond (numbers, bodies, extensions) is not the parser's to refuse. */
const syntaxStatuses = new Set([0, 400, 505, 513]);
/** 400 for what stands in the body: read by whoever reads bodies. */
const bodyFaults = new Set(['ISUP body', 'boundary', 'multipart depth', 'too many parts']);

interface Case {
  id: string;
  title: string;
  octets: Buffer;
  error: { status: number; why: string } | null;
}

const file = fileURLToPath(new URL('../../../../../shared/cases/invites.jsonl', import.meta.url));

function field(from: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(from, name)?.value;
}

function text(from: object, name: string): string {
  const value = field(from, name);
  return typeof value === 'string' ? value : '';
}

function readCase(line: string): Case {
  const read: unknown = JSON.parse(line);
  assert.ok(typeof read === 'object' && read !== null);
  const whole = text(read, 'message_base64');
  const octets =
    whole === ''
      ? Buffer.concat([Buffer.from(text(read, 'message')), Buffer.from(text(read, 'body_base64'), 'base64')])
      : Buffer.from(whole, 'base64');
  const expect = field(read, 'expect');
  const error = typeof expect === 'object' && expect !== null ? field(expect, 'error') : null;
  const failure = typeof error === 'object' && error !== null ? error : undefined;
  return {
    id: text(read, 'id'),
    title: text(read, 'title'),
    octets,
    error: failure ? { status: Number(field(failure, 'status')), why: text(failure, 'why') } : null,
  };
}

if (!existsSync(file)) {
  test('the acceptance cases', { skip: 'NOT TESTED: ../shared/cases is not beside the checkout' });
} else {
  for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
    const { id, title, octets, error } = readCase(line);
    const refused = error && syntaxStatuses.has(error.status) && !bodyFaults.has(error.why) ? error : undefined;
    test(`${id} ${title}: ${refused ? refused.status : 'read'}`, () => {
      if (refused) {
        assert.throws(
          () => parseMessage(octets),
          (thrown) => thrown instanceof MalformedMessage && thrown.status === refused.status,
        );
        return;
      }
      const message = parseMessage(octets);
      const again = parseMessage(Draft.from(message).toBuffer());
      assert.deepEqual(again.body, message.body);
      assert.deepEqual(
        again.headers.filter(({ key }) => key !== 'content-length').map(({ name, value }) => [name, value]),
        message.headers.filter(({ key }) => key !== 'content-length').map(({ name, value }) => [name, value]),
      );
    });
  }
}
